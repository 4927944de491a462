//! The names that values of an enumeration have in metrics.

use crate::plan::{CreateResult, FailureClass, HoldCause, LossKind, PendingCause};

/// What a metric is counted by.
pub trait Label: Copy + Ord + 'static {
    /// All values, in the order of the page on metrics.
    const ALL: &'static [Self];
    /// The last part of the metric's name.
    fn name(self) -> &'static str;
    /// What it stands for.
    fn doc(self) -> &'static str;
}

/// Names every variant; one that is forgotten does not compile.
macro_rules! labels {
    ($type:ident: $($variant:ident $name:literal $doc:literal,)*) => {
        impl $crate::plan::Label for $type {
            const ALL: &'static [Self] = &[$($type::$variant),*];

            fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)*
                }
            }

            fn doc(self) -> &'static str {
                match self {
                    $($type::$variant => $doc,)*
                }
            }
        }
    };
}

#[cfg(feature = "shell")]
pub(crate) use labels;

labels! { CreateResult:
    Created "created" "the API server has made the pod",
    AlreadyExists "alreadyExists" "a pod of that name was there; it is adopted where it is ours",
    QuotaExceeded "quotaExceeded" "a resource quota of the namespace is used up",
    Refused "refused" "the API server will not take the pod, or not from this account (400, 401, 403, 404, 409, 422)",
    Throttled "throttled" "the API server asked to slow down (429)",
    ServerError "serverError" "the API server failed (5xx)",
    Unreachable "unreachable" "there was no connection",
    Unknown "unknown" "the answer was lost or late; a get finds out what became of the pod",
}

labels! { LossKind:
    Exited "exited" "the executor's container ended",
    OomKilled "oomKilled" "the container was killed for its memory",
    Disrupted "disrupted" "a disruption by the cluster that is none of the others",
    Deleted "deleted" "the pod was deleted by somebody else",
    Missing "missing" "the pod vanished while the watch was broken, or never appeared after its create",
    StartTimeout "startTimeout" "the pod ran and its executor did not register within its time",
    StartFailed "startFailed" "the container could not start: image or configuration",
    SidecarFailed "sidecarFailed" "another container of the pod failed",
    Unknown "unknown" "none of the others",
    Evicted "evicted" "the pod was evicted by the kubelet, through the eviction API, or because of a taint",
    Preempted "preempted" "the pod had to make room for one of higher priority",
    NodeLost "nodeLost" "the pod's node was lost or shut down",
    Refused "refused" "the node did not admit the pod",
}

labels! { PendingCause:
    Unschedulable "unschedulable" "no node can take the pod, or a gate holds it back",
    Image "image" "the kubelet cannot get an image",
    Container "container" "the kubelet cannot make a container: a missing secret or ConfigMap, a bad command",
}

labels! { HoldCause:
    CrashLoop "crashLoop" "those before them have failed to start, and the next are asked for later",
    Refused "refused" "the API server will not take their pods, or not from this account (403 by authorization, 400, 422)",
}

labels! { FailureClass:
    Unbuildable "unbuildable" "no request was made, as the object cannot be built",
    Unauthorized "unauthorized" "401",
    Forbidden "forbidden" "403 by authorization",
    QuotaExceeded "quotaExceeded" "403 by a resource quota",
    NotFound "notFound" "404; usual for a pod that is deleted or looked for",
    AlreadyExists "alreadyExists" "409 `AlreadyExists`",
    Conflict "conflict" "409 of another reason",
    Gone "gone" "410: the watch was too far behind, and a list follows",
    Invalid "invalid" "400 or 422",
    TooManyRequests "tooManyRequests" "429",
    Server "server" "5xx",
    Timeout "timeout" "no answer in time, or the connection broke while waiting for it",
    Unreachable "unreachable" "no connection",
    BadCertificate "badCertificate" "the API server's certificate is not trusted",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_have_the_names_that_notices_have() {
        for kind in LossKind::ALL {
            assert_eq!(serde_json::json!(kind), kind.name());
        }
    }
}
