//! What the cluster, and not the application, did to a pod.

use crate::plan::notice::LossKind;
use crate::plan::types::{Condition, PodFacts};

/// `status.reason` of pods that their node did not admit, beside those that begin with `OutOf`.
const REFUSALS: [&str; 4] = [
    "UnexpectedAdmissionError",
    "TopologyAffinityError",
    "NodeAffinity",
    "TaintToleration",
];

/// The condition that says who disrupts the pod.
pub(super) fn condition(pod: &PodFacts) -> Option<&Condition> {
    pod.conditions
        .iter()
        .find(|condition| condition.kind == "DisruptionTarget" && condition.status == "True")
}

/// What ended the pod, and how to say it.
pub(super) fn cause(pod: &PodFacts) -> Option<(LossKind, String)> {
    if let Some(condition) = condition(pod) {
        let why = condition.reason.as_deref().unwrap_or("no reason given");
        let (kind, what) = of_condition(why);
        return Some((kind, format!("{what} ({why})")));
    }
    let reason = pod.reason.as_deref()?;
    let (kind, what) = of_reason(reason)?;
    Some((kind, format!("{what} ({reason})")))
}

fn of_condition(reason: &str) -> (LossKind, &'static str) {
    match reason {
        "PreemptionByScheduler" => (
            LossKind::Preempted,
            "had to make room for a pod of higher priority",
        ),
        "EvictionByEvictionAPI" => (
            LossKind::Evicted,
            "was evicted through the API, as when its node is drained",
        ),
        "DeletionByTaintManager" => (
            LossKind::Evicted,
            "was evicted because of a taint of its node, often since the node does not answer",
        ),
        "TerminationByKubelet" => (
            LossKind::Evicted,
            "was ended by its node, which is short of a resource or shuts down",
        ),
        "DeletionByPodGC" => (
            LossKind::NodeLost,
            "was removed because its node no longer exists or is out of service",
        ),
        _ => (LossKind::Disrupted, "was disrupted by the cluster"),
    }
}

fn of_reason(reason: &str) -> Option<(LossKind, &'static str)> {
    Some(match reason {
        "Evicted" => (
            LossKind::Evicted,
            "was evicted by its node, which is short of a resource, or for more local storage than it may use",
        ),
        "NodeLost" => (LossKind::NodeLost, "went with its node, which does not answer"),
        "Shutdown" | "NodeShutdown" | "Terminated" => {
            (LossKind::NodeLost, "was ended as its node shuts down")
        }
        "Preempting" | "Preempted" => (LossKind::Preempted, "had to make room for a critical pod"),
        refusal if refusal.starts_with("OutOf") || REFUSALS.contains(&refusal) => {
            (LossKind::Refused, "was not admitted by its node")
        }
        _ => return None,
    })
}
