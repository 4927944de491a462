//! The lines `stoker allocate` prints; their schema is `docs/events.schema.json`.

use jiff::Timestamp;
use serde::Serialize;
use stoker_core::plan::{ExecutorId, LossCause, Notice, ProfileId};

/// One line of output.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    time: Timestamp,
    #[serde(rename = "event")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    executor_id: Option<ExecutorId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    profile: ProfileId,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<LossCause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Event {
    /// The event of a notice; `None` for those that are no events.
    pub(crate) fn of(notice: Notice) -> Option<Self> {
        let of_executor = |kind, executor_id, profile, pod, uid, cause| Self {
            time: Timestamp::now(),
            kind,
            executor_id: Some(executor_id),
            pod: Some(pod),
            uid: Some(uid),
            profile,
            cause,
            message: None,
        };
        Some(match notice {
            Notice::Created {
                executor_id,
                profile,
                pod,
                uid,
            } => of_executor("created", executor_id, profile, pod, uid, None),
            Notice::Running {
                executor_id,
                profile,
                pod,
                uid,
            } => of_executor("running", executor_id, profile, pod, uid, None),
            Notice::Lost {
                executor_id,
                profile,
                pod,
                uid,
                cause,
            } => of_executor("lost", executor_id, profile, pod, uid, Some(cause)),
            Notice::Released {
                executor_id,
                profile,
                pod,
                uid,
            } => of_executor("released", executor_id, profile, pod, uid, None),
            Notice::Waiting { profile, message } => Self {
                time: Timestamp::now(),
                kind: "waiting",
                executor_id: None,
                pod: None,
                uid: None,
                profile,
                cause: None,
                message: Some(message),
            },
            Notice::Ready | Notice::Request { .. } | Notice::Abort { .. } | Notice::Fatal { .. } => {
                return None;
            }
        })
    }
}
