//! Outputs of the plan towards Spark.

use serde::{Deserialize, Serialize};

use super::types::{ExecutorId, ProfileId};

/// Something Spark, or the user of `stoker allocate`, has to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Notice {
    /// The first list is complete and the driver pod is known: allocation begins.
    Ready,
    /// The API server has accepted an executor pod.
    Created {
        /// The executor.
        executor_id: ExecutorId,
        /// Its resource profile.
        profile: ProfileId,
        /// Pod name.
        pod: String,
        /// Pod UID.
        uid: String,
    },
    /// The pod's phase is `Running`.
    Running {
        /// The executor.
        executor_id: ExecutorId,
        /// Its resource profile.
        profile: ProfileId,
        /// Pod name.
        pod: String,
        /// Pod UID.
        uid: String,
    },
    /// An executor is lost. Sent exactly once for each executor that Spark was not itself killing.
    Lost {
        /// The executor.
        executor_id: ExecutorId,
        /// Its resource profile.
        profile: ProfileId,
        /// Pod name.
        pod: String,
        /// Pod UID; empty where the create was never confirmed.
        uid: String,
        /// Why.
        cause: LossCause,
    },
    /// An executor that was asked to go (kill, lowered target, stop) has gone.
    Released {
        /// The executor.
        executor_id: ExecutorId,
        /// Its resource profile.
        profile: ProfileId,
        /// Pod name.
        pod: String,
        /// Pod UID; empty where the create was never confirmed.
        uid: String,
    },
    /// Allocation waits for something outside; sent once for each change of the message.
    Waiting {
        /// The profile that waits.
        profile: ProfileId,
        /// What for, and what the user can do.
        message: String,
    },
    /// Asks the JVM to customise pods (feature steps of users); answered with `answer(requestId, …)`.
    Request {
        /// Identifies the answer.
        request_id: u64,
        /// What is asked, as JSON.
        payload: serde_json::Value,
    },
    /// The application has to end with this exit code.
    Abort {
        /// Process exit code: 1 for a pod that cannot be built, 11 for too many failed executors.
        exit_code: i32,
        /// Why, and what the user can do.
        message: String,
    },
    /// Allocation cannot go on; the `SparkContext` has to stop.
    Fatal {
        /// Class of the failure.
        kind: FatalKind,
        /// Why, and what the user can do.
        message: String,
    },
}

/// Why an executor was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LossCause {
    /// Class of the cause.
    pub kind: LossKind,
    /// For people, as in the driver's log.
    pub message: String,
    /// Exit code of the executor container; -1 where there is none.
    pub exit_code: i32,
    /// Whether the application is to blame: Spark counts the failure against its tasks.
    pub app_caused: bool,
}

impl LossCause {
    /// Whether the executor was lost for want of memory: by the container's reason, by the exit code of the JVM (52) or of
    /// a process that was killed (137), or by what is said of it, which is all that Spark looks at.
    pub fn is_out_of_memory(&self) -> bool {
        self.kind == LossKind::OomKilled
            || (self.kind == LossKind::Exited && matches!(self.exit_code, 52 | 137))
            || self.message.contains("OOM")
    }
}

/// Classes of loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LossKind {
    /// The executor's container ended.
    Exited,
    /// The container was killed for its memory.
    OomKilled,
    /// The pod was evicted, preempted or otherwise disrupted (`DisruptionTarget`).
    Disrupted,
    /// The pod was deleted by somebody else.
    Deleted,
    /// The pod vanished: absent after a break in the watch, or never seen after its create.
    Missing,
    /// The pod never ran within its time.
    StartTimeout,
    /// The container cannot start: image or configuration errors.
    StartFailed,
    /// Another container of the pod failed.
    SidecarFailed,
    /// None of the above.
    Unknown,
}

/// Classes of fatal failures; each maps to an exception type at the boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FatalKind {
    /// The API server did not answer within `spark.stoker.startTimeout`.
    Unreachable,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// The API server's certificate is not trusted.
    BadCertificate,
    /// The driver pod of `spark.kubernetes.driver.pod.name` does not exist.
    DriverPodMissing,
    /// The configuration cannot be used.
    InvalidConfiguration,
    /// A defect of Stoker itself.
    Internal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_memory_shows_in_kind_code_or_message() {
        let cause = |kind, exit_code, message: &str| LossCause {
            kind,
            message: message.to_owned(),
            exit_code,
            app_caused: true,
        };
        for memory in [
            cause(LossKind::OomKilled, 1, ""),
            cause(LossKind::Exited, 52, ""),
            cause(LossKind::Exited, 137, ""),
            cause(
                LossKind::SidecarFailed,
                1,
                "Containers:\n  proxy: ended with exit code 137 (OOMKilled)",
            ),
        ] {
            assert!(memory.is_out_of_memory(), "{memory:?}");
        }
        for other in [
            cause(LossKind::Exited, 1, "an uncaught exception"),
            cause(LossKind::Disrupted, 137, "preempted"),
            cause(LossKind::Deleted, 143, "deleted"),
        ] {
            assert!(!other.is_out_of_memory(), "{other:?}");
        }
    }
}
