//! What an allocator is started with.

use std::fmt;
use std::path::PathBuf;

use crate::conf::Conf;

use super::outbox::NoticeFilter;

/// Everything [`super::Allocator::start`] needs: the configuration, and what no configuration holds.
#[derive(Clone)]
pub struct Settings {
    /// The application's configuration.
    pub conf: Conf,
    /// The master URL given to the cluster manager (`k8s://…`); overrides `spark.master`.
    pub master: Option<String>,
    /// Application id: label `spark-app-selector` of everything that is made.
    pub app_id: String,
    /// `SPARK_USER` of the executors.
    pub spark_user: String,
    /// The RPC authentication secret, where `spark.authenticate` is on. Never logged.
    pub auth_secret: Option<String>,
    /// A kubeconfig that takes the place of `$KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The properties file mounted into the driver pod, `$SPARK_CONF_DIR/spark.properties`. The configuration
    /// counts; what the file has otherwise is logged at debug level.
    pub mounted_properties: Option<PathBuf>,
    /// Text of `spark.kubernetes.executor.podTemplateFile`, where it is set: YAML or JSON.
    pub pod_template: Option<String>,
    /// Which notices are wanted.
    pub notices: NoticeFilter,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("master", &self.master)
            .field("app_id", &self.app_id)
            .field("spark_user", &self.spark_user)
            .field("auth_secret", &self.auth_secret.as_ref().map(|_| "<redacted>"))
            .field("kubeconfig", &self.kubeconfig)
            .finish_non_exhaustive()
    }
}
