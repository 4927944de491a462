//! Checks of executors in pods that a controller makes.

use crate::plan::{Action, ExecutorId, ProfileId};

use super::check::{Checker, require};
use super::cluster::{Cluster, is_alive};

impl Checker {
    /// An executor in a pod has been told its number.
    pub(super) fn on_asked(&mut self, id: ExecutorId, profile: ProfileId, uid: &str) {
        let fresh = self.given.insert(id);
        require!(self.found, Ids, fresh, "executor id {id} is given twice");
        self.take_in(id, profile);
        let lives = self.executors.get(id).is_some_and(|known| !known.reported);
        require!(self.found, Ids, lives, "executor id {id} is given after its end");
        self.in_pods.insert(uid.to_owned(), id);
    }

    /// The process of the executor in a pod has ended.
    pub(super) fn on_process_ended(&mut self, uid: &str) {
        self.in_pods.remove(uid);
        self.ended_in.insert(uid.to_owned());
    }

    /// Whether the process of an executor has ended though its pod may live.
    pub(super) fn is_process_over(&self, id: ExecutorId, uid: &str) -> bool {
        if self.given.contains(&id) {
            self.executor_in(uid) != Some(id)
        } else {
            // It has never asked: where another one asks in its pod, no process will be it.
            self.ended_in.contains(uid) || self.in_pods.contains_key(uid)
        }
    }

    /// The executor whose process runs in a pod.
    pub(super) fn executor_in(&self, uid: &str) -> Option<ExecutorId> {
        self.in_pods.get(uid).copied()
    }

    /// The UID of the pod that an executor was told its number in.
    pub(super) fn pod_of(&self, id: ExecutorId) -> Option<&str> {
        let found = self.in_pods.iter().find(|(_, executor)| **executor == id);
        found.map(|(uid, _)| uid.as_str())
    }

    /// Controllers are as large as the target, and touched only in between start and end.
    pub(super) fn on_controller(&mut self, action: &Action) {
        let over = self.stopping || self.closing;
        match action {
            Action::CreateController {
                profile, replicas, ..
            } => {
                let target = self.targets.get(profile).copied().unwrap_or(0);
                let exact = usize::try_from(*replicas) == Ok(target);
                require!(
                    self.found,
                    Target,
                    exact,
                    "{replicas} pods for a target of {target}"
                );
                let begun = self.ready && self.shown.is_first_done();
                require!(
                    self.found,
                    FirstList,
                    begun,
                    "a controller before the start is complete"
                );
                require!(self.found, Fatal, !over, "a controller after the end");
            }
            Action::ScaleController { .. } => {
                require!(self.found, Fatal, !over, "a controller is scaled after the end");
            }
            Action::DeleteController { .. } => {
                let may = self.stopping && self.cfg.delete_executors;
                require!(
                    self.found,
                    Ownership,
                    may,
                    "a controller is deleted before the stop"
                );
            }
            _ => {}
        }
    }

    /// Every executor that runs is one that the plan knows.
    pub(super) fn on_end_of_controllers(&mut self, cluster: &Cluster) {
        for pod in cluster.pods.values().filter(|pod| is_alive(pod) && !pod.deleting) {
            let Some(id) = self.executor_in(&pod.uid) else {
                continue;
            };
            let lives = self
                .executors
                .get(id)
                .is_some_and(|known| known.created() && !known.reported);
            require!(
                self.found,
                Losses,
                lives,
                "executor {id} runs in {} and is no longer known",
                pod.name
            );
        }
    }
}
