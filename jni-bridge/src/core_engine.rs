//! The allocator of `stoker-core` behind the boundary.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

use stoker_core::conf::{Conf, ConfError, Sources, SparkVersion};
use stoker_core::plan::{ExecutorId, Notice, ProfileId};
use stoker_core::shell::metrics::Report;
use stoker_core::shell::{Allocator, NoticeFilter, Settings};
use stoker_core::spec::ResourceProfile;

use crate::codec::StartMessage;
use crate::engine::{Engine, EngineError};

/// The allocator of `stoker-core`, and what a changed configuration is read with.
pub(crate) struct CoreEngine {
    allocator: Allocator,
    origin: Origin,
}

impl CoreEngine {
    /// Starts an allocator; blocks until it may allocate.
    pub(crate) fn start(message: StartMessage) -> Result<Self, EngineError> {
        let origin = Origin {
            env: utf8_environment(),
            system: message.system_properties.0,
            version: message.spark_version.parse()?,
        };
        let settings = Settings {
            conf: origin.conf(message.conf.0)?,
            master: Some(message.master),
            app_id: message.app_id,
            spark_user: message.spark_user,
            auth_secret: message.auth_secret.map(|secret| secret.0),
            kubeconfig: None,
            mounted_properties: Some(mounted_properties()),
            pod_template: message.pod_template,
            notices: NoticeFilter::Spark,
        };
        Ok(Self {
            allocator: Allocator::start(&settings)?,
            origin,
        })
    }
}

/// Where Spark mounts the driver's properties in its pod.
fn mounted_properties() -> PathBuf {
    let directory = env::var_os("SPARK_CONF_DIR").unwrap_or_else(|| "/opt/spark/conf".into());
    PathBuf::from(directory).join("spark.properties")
}

impl Engine for CoreEngine {
    fn set_profile(&self, profile: ResourceProfile) {
        self.allocator.set_profile(profile);
    }

    fn set_targets(&self, targets: Vec<(ProfileId, u32)>) {
        self.allocator.set_targets(targets);
    }

    fn kill(&self, executors: Vec<ExecutorId>) {
        self.allocator.kill(executors);
    }

    fn decommission(&self, executors: Vec<ExecutorId>) {
        self.allocator.decommission(executors);
    }

    fn registered(&self, executor: ExecutorId) {
        self.allocator.registered(executor);
    }

    fn disconnected(&self, executor: ExecutorId) {
        self.allocator.disconnected(executor);
    }

    fn executor_id_for(&self, pod: &str) -> Option<ExecutorId> {
        self.allocator.executor_id_for(pod)
    }

    fn is_deleted(&self, executor: ExecutorId) -> bool {
        self.allocator.is_deleted(executor)
    }

    fn next_notices(&self, max_wait: Duration) -> Option<Vec<Notice>> {
        self.allocator.next_notices(max_wait)
    }

    fn answer(&self, request: u64, payload: serde_json::Value) -> Result<(), EngineError> {
        Ok(self.allocator.answer(request, payload)?)
    }

    fn update_conf(&self, conf: BTreeMap<String, String>) -> Result<(), EngineError> {
        self.allocator.update_conf(self.origin.conf(conf)?);
        Ok(())
    }

    fn metrics(&self) -> Option<Report> {
        self.allocator.report()
    }

    fn closing(&self) {
        self.allocator.closing();
    }

    fn stop(&self, deadline: Duration) {
        self.allocator.stop(deadline);
    }
}

/// What a configuration is read with, and what stays the same when Spark changes entries of it.
struct Origin {
    env: BTreeMap<String, String>,
    system: BTreeMap<String, String>,
    version: SparkVersion,
}

impl Origin {
    fn conf(&self, properties: BTreeMap<String, String>) -> Result<Conf, ConfError> {
        let sources = Sources {
            properties,
            env: self.env.clone(),
            system: self.system.clone(),
        };
        Conf::new(sources, self.version.clone())
    }
}

/// The variables that are text; Spark cannot use the others either.
fn utf8_environment() -> BTreeMap<String, String> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
