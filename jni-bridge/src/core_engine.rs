//! The allocator of `stoker-core` behind the boundary.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use stoker_core::conf::{Conf, ConfError, Sources, SparkVersion};
use stoker_core::plan::{ExecutorId, FatalKind, Notice, ProfileId};
use stoker_core::shell::{Allocator, NoticeFilter, Settings, StartError};
use stoker_core::spec::ResourceProfile;

use crate::codec::StartMessage;
use crate::engine::{Engine, EngineError};

/// An allocator, and what a changed configuration is read with.
pub(crate) struct CoreEngine {
    allocator: Allocator,
    version: SparkVersion,
    system: BTreeMap<String, String>,
}

impl CoreEngine {
    /// Starts an allocator; blocks until it may allocate.
    pub(crate) fn start(message: StartMessage) -> Result<Self, EngineError> {
        let version: SparkVersion = message.spark_version.parse().map_err(|error| unusable(&error))?;
        let system = message.system_properties;
        let conf = conf(message.conf.0, &system, &version).map_err(|error| unusable(&error))?;
        let settings = Settings {
            conf,
            master: Some(message.master),
            app_id: message.app_id,
            spark_user: message.spark_user,
            auth_secret: message.auth_secret.map(|secret| secret.0),
            kubeconfig: None,
            notices: NoticeFilter::Spark,
        };
        let allocator = Allocator::start(&settings).map_err(|error| refused(&error))?;
        Ok(Self {
            allocator,
            version,
            system,
        })
    }
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

    fn answer(&self, request: u64, _payload: serde_json::Value) -> Result<(), EngineError> {
        // The plan asks nothing yet: the steps that will are refused as not built by the configuration.
        Err(EngineError::UnknownRequest(request))
    }

    fn update_conf(&self, changed: BTreeMap<String, String>) -> Result<(), EngineError> {
        let conf = conf(changed, &self.system, &self.version).map_err(|error| unusable(&error))?;
        self.allocator.update_conf(conf);
        Ok(())
    }

    fn stop(&self, deadline: Duration) {
        self.allocator.stop(deadline);
    }
}

/// The `SparkConf`, with the environment of this process for `${env:…}`.
fn conf(
    properties: BTreeMap<String, String>,
    system: &BTreeMap<String, String>,
    version: &SparkVersion,
) -> Result<Conf, ConfError> {
    let env = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Conf::new(
        Sources {
            properties,
            env,
            system: system.clone(),
        },
        version.clone(),
    )
}

fn unusable(error: &ConfError) -> EngineError {
    EngineError::Fatal {
        kind: FatalKind::InvalidConfiguration,
        message: with_causes(error),
    }
}

fn refused(error: &StartError) -> EngineError {
    EngineError::Fatal {
        kind: error.kind(),
        message: with_causes(error),
    }
}

/// An error with its causes, in one line: a Java exception has one message.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
