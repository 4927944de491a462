//! What a pod needs besides the configuration.

use std::fmt;

use serde_json::{Value, json};

use super::PodTemplate;

/// What all executor pods of an application share and the configuration does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppContext {
    /// `spark.app.id`, the label `spark-app-selector`.
    pub app_id: String,
    /// The user that executors act as: the environment variable `SPARK_USER`.
    pub spark_user: String,
    /// What executors authenticate to the driver with, where `spark.authenticate` is on.
    pub auth_secret: Option<Secret>,
    /// What pod names start with; see [`pod_name_prefix`](super::pod_name_prefix).
    pub pod_name_prefix: String,
    /// See [`config_map_name`](super::config_map_name).
    pub config_map_name: String,
    /// Owner of everything; absent where the driver runs outside of Kubernetes.
    pub driver_pod: Option<OwnerPod>,
    /// Names of the files of `SPARK_CONF_DIR` in the `ConfigMap`, which executors see in `/opt/spark/conf`.
    pub conf_files: Vec<String>,
    /// What executor pods are made from, where the user has set `spark.kubernetes.executor.podTemplateFile`.
    pub pod_template: Option<PodTemplate>,
}

/// The driver pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerPod {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
}

impl OwnerPod {
    pub(super) fn reference(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "controller": true,
            "kind": "Pod",
            "name": self.name,
            "uid": self.uid,
        })
    }
}

/// The environment variable that carries the secret of `spark.authenticate` to executors, and to a driver that is
/// given one.
pub const AUTH_SECRET_VARIABLE: &str = "_SPARK_AUTH_SECRET";

/// A text that does not show in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `value` from being shown.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
