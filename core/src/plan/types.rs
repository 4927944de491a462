//! The identifiers and the slim pod record that the plan works on.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::ids::{ExecutorId, ProfileId};

/// Ties the result of an API call to the action that asked for it. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An object of the cluster by name and UID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
}

/// What the plan knows of an executor pod: the fields of a `v1.Pod` that decide something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodFacts {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
    /// Label `spark-app-selector`.
    pub app_id: Option<String>,
    /// Label `spark-exec-id`, where it is a number.
    pub executor: Option<ExecutorId>,
    /// Label `spark-exec-resourceprofile-id`, where it is a number.
    pub profile: Option<ProfileId>,
    /// UID of the owner reference with `controller: true`.
    pub owner_uid: Option<String>,
    /// Label `spark-exec-inactive` is `true`: kept for inspection, no longer an executor.
    pub inactive: bool,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// `status.phase`
    pub phase: PodPhase,
    /// `spec.nodeName`
    pub node: Option<String>,
    /// `status.reason`
    pub reason: Option<String>,
    /// `status.message`
    pub message: Option<String>,
    /// `status.conditions`, only `PodScheduled` and `DisruptionTarget`.
    pub conditions: Vec<Condition>,
    /// `status.initContainerStatuses` and `status.containerStatuses`, in that order.
    pub containers: Vec<ContainerFacts>,
    /// Names of the volume claims in `spec.volumes`.
    pub claims: Vec<String>,
}

/// `status.phase` of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PodPhase {
    /// Accepted, not all containers started.
    #[default]
    Pending,
    /// Bound to a node, at least one container runs.
    Running,
    /// All containers ended with exit code 0.
    Succeeded,
    /// All containers ended, at least one in failure.
    Failed,
    /// The node does not answer.
    Unknown,
}

/// An entry of `status.conditions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `PodScheduled` or `DisruptionTarget`.
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Machine-readable reason.
    pub reason: Option<String>,
    /// Human-readable message.
    pub message: Option<String>,
}

/// An entry of `status.containerStatuses`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Container name.
    pub name: String,
    /// Whether it is an init container (native sidecars included).
    pub init: bool,
    /// Its current state; of a main container that waits to be started again, how it has ended.
    pub state: ContainerState,
}

/// `state` of a container status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerState {
    /// Not started yet.
    Waiting {
        /// For example `ImagePullBackOff`.
        reason: Option<String>,
        /// Human-readable message.
        message: Option<String>,
    },
    /// Runs.
    Running,
    /// Ended.
    Terminated {
        /// Exit code of the container's first process.
        exit_code: i32,
        /// For example `OOMKilled`, `Error`, `Completed`.
        reason: Option<String>,
        /// Human-readable message.
        message: Option<String>,
    },
}
