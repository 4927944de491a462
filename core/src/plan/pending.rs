//! Why pods that were accepted do not run: told once for each cause and change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Plan;
use super::notice::Notice;
use super::types::{ContainerState, ExecutorId, PodFacts, ProfileId};

/// What keeps a pod from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PendingCause {
    /// No node can take the pod, or a gate holds it back: condition `PodScheduled` is `False`.
    Unschedulable,
    /// The kubelet cannot get an image.
    Image,
    /// The kubelet cannot make a container: a missing secret or `ConfigMap`, a bad command.
    Container,
}

/// `reason` of containers that wait for an image.
const IMAGE_REASONS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];
/// `reason` of containers that cannot be made or started.
const CONTAINER_REASONS: [&str; 8] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "PreCreateHookError",
    "PreStartHookError",
    "PostStartHookError",
    "RunContainerError",
    "CrashLoopBackOff",
    "CreatePodSandboxError",
];

/// The cause that a pod shows, and what it says.
fn cause_of(pod: &PodFacts) -> Option<(PendingCause, String)> {
    let unscheduled = pod
        .conditions
        .iter()
        .find(|condition| condition.kind == "PodScheduled" && condition.status == "False");
    if let Some(condition) = unscheduled {
        let said = condition.message.as_ref().or(condition.reason.as_ref());
        let said = said.map_or("the scheduler gives no reason", String::as_str);
        return Some((PendingCause::Unschedulable, said.to_owned()));
    }
    pod.containers.iter().find_map(|container| {
        let ContainerState::Waiting {
            reason: Some(reason),
            message,
        } = &container.state
        else {
            return None;
        };
        let cause = if IMAGE_REASONS.contains(&reason.as_str()) {
            PendingCause::Image
        } else if CONTAINER_REASONS.contains(&reason.as_str()) {
            PendingCause::Container
        } else {
            return None;
        };
        let said = message.as_deref().unwrap_or("no message");
        Some((cause, format!("container {}: {reason}: {said}", container.name)))
    })
}

/// Different messages that are told of one cause at most, as long as pods wait for it.
const MESSAGES_MAX: usize = 20;

/// The causes of all pods that do not run yet, and what has been told of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    causes: BTreeMap<ExecutorId, (ProfileId, PendingCause)>,
    waiting: BTreeMap<(ProfileId, PendingCause), Waiting>,
}

/// The pods of a profile that wait for the same.
#[derive(Debug, Clone, Default)]
struct Waiting {
    pods: usize,
    /// What was told, without what differs from pod to pod and from minute to minute.
    told: BTreeSet<String>,
}

impl Pending {
    /// Notes the cause of an executor; true when it is to be told.
    fn note(&mut self, id: ExecutorId, profile: ProfileId, cause: PendingCause, said: &str) -> bool {
        let key = (profile, cause);
        let known = self.causes.get(&id) == Some(&key);
        let waiting = self.waiting.entry(key).or_default();
        waiting.pods += usize::from(!known);
        let essence = said.chars().filter(|c| !c.is_ascii_digit()).collect();
        let new = waiting.told.len() < MESSAGES_MAX && waiting.told.insert(essence);
        if !known {
            self.clear(id);
            self.causes.insert(id, key);
        }
        new
    }

    /// The executor runs, has ended, or shows no cause any more.
    pub(super) fn clear(&mut self, id: ExecutorId) {
        if let Some(key) = self.causes.remove(&id)
            && let Some(waiting) = self.waiting.get_mut(&key)
        {
            waiting.pods -= 1;
            if waiting.pods == 0 {
                self.waiting.remove(&key);
            }
        }
    }

    /// Whether the executor's node cannot start it.
    pub(super) fn is_stuck_on_node(&self, id: ExecutorId) -> bool {
        let cause = self.causes.get(&id).map(|(_, cause)| *cause);
        matches!(cause, Some(PendingCause::Image | PendingCause::Container))
    }

    /// How many executors wait, by cause.
    pub(super) fn counts(&self) -> BTreeMap<PendingCause, usize> {
        let mut counts = BTreeMap::new();
        for ((_, cause), waiting) in &self.waiting {
            *counts.entry(*cause).or_default() += waiting.pods;
        }
        counts
    }
}

impl Plan {
    /// Looks at a pod that does not run yet.
    pub(super) fn observe_pending(
        &mut self,
        now: Duration,
        id: ExecutorId,
        profile: ProfileId,
        pod: &PodFacts,
    ) {
        let Some((cause, said)) = cause_of(pod) else {
            self.pending.clear(id);
            return;
        };
        let released = self.ledger.get(id).is_none_or(|executor| executor.released);
        let essence = self.said_of(id, &said);
        if self.pending.note(id, profile, cause, &essence) && !released && self.stop.is_none() {
            let (head, tail) = match cause {
                PendingCause::Unschedulable => (
                    "Executors wait to be scheduled",
                    "Add nodes, or ask for less: spark.executor.cores, spark.executor.memory, node selectors.",
                ),
                PendingCause::Image => (
                    "Executors wait for an image that cannot be pulled",
                    "Check spark.kubernetes.executor.container.image and \
                     spark.kubernetes.container.image.pullSecrets.",
                ),
                PendingCause::Container => (
                    "Executors wait for a container that cannot be started",
                    "Check the secrets, ConfigMaps and volumes that the pod names.",
                ),
            };
            let message = format!("{head} (pod {}): {said}. {tail}", pod.name);
            self.notices.push_back(Notice::Waiting { profile, message });
        }
        self.observe_stuck(now, id, cause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Condition, ContainerFacts};

    fn unscheduled(message: Option<&str>) -> PodFacts {
        PodFacts {
            conditions: vec![Condition {
                kind: "PodScheduled".to_owned(),
                status: "False".to_owned(),
                reason: Some("Unschedulable".to_owned()),
                message: message.map(str::to_owned),
            }],
            ..PodFacts::default()
        }
    }

    fn waits(reason: Option<&str>) -> PodFacts {
        PodFacts {
            containers: vec![ContainerFacts {
                name: "main".to_owned(),
                init: false,
                state: ContainerState::Waiting {
                    reason: reason.map(str::to_owned),
                    message: Some("because".to_owned()),
                },
            }],
            ..PodFacts::default()
        }
    }

    #[test]
    fn causes_are_read_from_conditions_and_containers() {
        let cause = |pod: &PodFacts| cause_of(pod).map(|(cause, _)| cause);
        assert_eq!(cause(&unscheduled(None)), Some(PendingCause::Unschedulable));
        assert_eq!(cause(&waits(Some("ImagePullBackOff"))), Some(PendingCause::Image));
        assert_eq!(
            cause(&waits(Some("CreateContainerConfigError"))),
            Some(PendingCause::Container)
        );
        assert_eq!(cause(&waits(Some("ContainerCreating"))), None);
        assert_eq!(cause(&waits(None)), None);
        assert_eq!(cause(&PodFacts::default()), None);
        assert_eq!(
            cause_of(&unscheduled(Some("0/3 nodes are available")))
                .map(|(_, said)| said)
                .as_deref(),
            Some("0/3 nodes are available")
        );
    }

    #[test]
    fn a_cause_is_told_once_and_again_after_it_was_gone() {
        let mut pending = Pending::default();
        let profile = ProfileId(0);
        let (one, two) = (ExecutorId(1), ExecutorId(2));
        assert!(pending.note(one, profile, PendingCause::Unschedulable, "0/3 nodes"));
        assert!(!pending.note(two, profile, PendingCause::Unschedulable, "0/4 nodes"));
        assert!(pending.note(two, ProfileId(1), PendingCause::Unschedulable, "0/4 nodes"));
        assert!(pending.note(one, profile, PendingCause::Unschedulable, "0/3 nodes: taint"));
        assert!(pending.note(one, profile, PendingCause::Image, "no such image"));
        assert_eq!(
            pending.counts(),
            BTreeMap::from([(PendingCause::Unschedulable, 1), (PendingCause::Image, 1)])
        );
        pending.clear(one);
        assert!(pending.note(one, profile, PendingCause::Image, "no such image"));
        pending.clear(one);
        pending.clear(two);
        assert_eq!(pending.counts(), BTreeMap::new());
    }
}
