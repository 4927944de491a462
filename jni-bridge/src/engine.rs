//! What the boundary needs of an allocator.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use stoker_core::plan::{ExecutorId, FatalKind, Notice, ProfileId};

use crate::codec::{Profile, StartMessage};

/// An allocator. Methods are called by any thread at any time, also during and after `stop`.
pub(crate) trait Engine: Send + Sync {
    /// Makes a resource profile known.
    fn set_profile(&self, profile: Profile) -> Result<(), EngineError>;
    /// Sets targets; profiles that are not named keep theirs.
    fn set_targets(&self, targets: Vec<(ProfileId, u32)>) -> Result<(), EngineError>;
    /// Spark kills these executors.
    fn kill(&self, executors: Vec<ExecutorId>) -> Result<(), EngineError>;
    /// Spark decommissions these executors.
    fn decommission(&self, executors: Vec<ExecutorId>) -> Result<(), EngineError>;
    /// The executor has registered with the driver.
    fn registered(&self, executor: ExecutorId) -> Result<(), EngineError>;
    /// The driver no longer knows the executor.
    fn disconnected(&self, executor: ExecutorId) -> Result<(), EngineError>;
    /// The executor of a pod that a controller made.
    fn executor_id_for(&self, pod: &str) -> Result<Option<ExecutorId>, EngineError>;
    /// Whether the executor was killed or its pod is gone.
    fn is_deleted(&self, executor: ExecutorId) -> bool;
    /// Waits for notices; empty when the time is up, `None` once closed. Closing wakes it.
    fn next_notices(&self, max_wait: Duration) -> Option<Vec<Notice>>;
    /// Answers the notice `request` of that id.
    fn answer(&self, request: u64, payload: serde_json::Value) -> Result<(), EngineError>;
    /// Takes the complete configuration after a change.
    fn update_conf(&self, conf: BTreeMap<String, String>) -> Result<(), EngineError>;
    /// Releases everything within the deadline. Called again, it does nothing.
    fn stop(&self, deadline: Duration) -> Result<(), EngineError>;
}

/// Starts the allocator that the message asks for. Blocks until it may allocate.
pub(crate) fn start(message: StartMessage) -> Result<Arc<dyn Engine>, EngineError> {
    #[cfg(feature = "fake-engine")]
    if message.master.starts_with(crate::fake::SCHEME) {
        return crate::fake::start(message);
    }
    Err(EngineError {
        kind: EngineErrorKind::Fatal(FatalKind::Internal),
        message: format!("no allocator for the master {}", message.master),
    })
}

/// A failure of the allocator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct EngineError {
    /// Class of the failure.
    pub(crate) kind: EngineErrorKind,
    /// Why, and what the user can do.
    pub(crate) message: String,
}

impl EngineError {
    /// Whether the same call may succeed later without a change by the user.
    pub(crate) fn retryable(&self) -> bool {
        matches!(
            self.kind,
            EngineErrorKind::Fatal(FatalKind::Unreachable | FatalKind::DriverPodNotReady)
        )
    }
}

/// Classes of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineErrorKind {
    /// Allocation cannot begin, or cannot go on.
    Fatal(FatalKind),
    /// The allocator has stopped.
    Closed,
}

impl fmt::Display for EngineErrorKind {
    /// The name that Java sees.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EngineErrorKind::Fatal(kind) => kind.serialize(f),
            EngineErrorKind::Closed => f.write_str("closed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_names_that_java_knows() {
        assert_eq!(EngineErrorKind::Closed.to_string(), "closed");
        assert_eq!(
            EngineErrorKind::Fatal(FatalKind::DriverPodMissing).to_string(),
            "driverPodMissing"
        );
        assert_eq!(
            EngineErrorKind::Fatal(FatalKind::InvalidConfiguration).to_string(),
            "invalidConfiguration"
        );
    }
}
