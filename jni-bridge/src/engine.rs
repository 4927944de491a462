//! What the boundary needs of an allocator.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stoker_core::conf::ConfError;
use stoker_core::plan::{ExecutorId, Notice, ProfileId};
use stoker_core::shell::metrics::Report;
use stoker_core::shell::{StartError, UnknownRequest};
use stoker_core::spec::ResourceProfile;

use crate::codec::StartMessage;
use crate::core_engine::CoreEngine;

/// An allocator. Methods are called by any thread at any time, also during and after `stop`, when there is nothing
/// left for them to do.
pub(crate) trait Engine: Send + Sync {
    /// Makes a resource profile known.
    fn set_profile(&self, profile: ResourceProfile);
    /// Sets targets; profiles that are not named keep theirs.
    fn set_targets(&self, targets: Vec<(ProfileId, u32)>);
    /// Spark kills these executors.
    fn kill(&self, executors: Vec<ExecutorId>);
    /// Spark decommissions these executors.
    fn decommission(&self, executors: Vec<ExecutorId>);
    /// The executor has registered with the driver.
    fn registered(&self, executor: ExecutorId);
    /// The driver no longer knows the executor.
    fn disconnected(&self, executor: ExecutorId);
    /// The executor of a pod that a controller made.
    fn executor_id_for(&self, pod: &str) -> Option<ExecutorId>;
    /// Whether the executor was killed or its pod is gone.
    fn is_deleted(&self, executor: ExecutorId) -> bool;
    /// Waits for notices; empty when the time is up, `None` once closed. Closing wakes it.
    fn next_notices(&self, max_wait: Duration) -> Option<Vec<Notice>>;
    /// Answers the notice `request` of that id.
    fn answer(&self, request: u64, payload: serde_json::Value) -> Result<(), EngineError>;
    /// Takes the complete configuration after a change.
    fn update_conf(&self, conf: BTreeMap<String, String>) -> Result<(), EngineError>;
    /// The figures of this moment; none where nobody answers.
    fn metrics(&self) -> Option<Report>;
    /// Spark has begun to stop: no executor is made any more.
    fn closing(&self);
    /// Releases everything within the deadline. Called again, it does nothing.
    fn stop(&self, deadline: Duration);
}

/// Starts the allocator that the message asks for. Blocks until it may allocate.
pub(crate) fn start(message: StartMessage) -> Result<Arc<dyn Engine>, EngineError> {
    #[cfg(feature = "fake-engine")]
    if message.master.starts_with(crate::fake::SCHEME) {
        return crate::fake::start(message);
    }
    Ok(Arc::new(CoreEngine::start(message)?))
}

/// A failure of the allocator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// It does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A configuration cannot be used.
    #[error(transparent)]
    Conf(#[from] ConfError),
    /// An answer to a request that was not made, or has been answered.
    #[error(transparent)]
    UnknownRequest(#[from] UnknownRequest),
}
