//! What pods show, and how executors end.

use std::time::Duration;

use super::Plan;
use super::action::PodPatch;
use super::expect::Chore;
use super::ledger::{Executor, Stage};
use super::lifecycle::{self, End, Life, Rules};
use super::lists::CONFIRM_LISTED;
use super::notice::{LossKind, Notice};
use super::types::{ExecutorId, PodFacts};

/// A released executor whose pod is still there so long after its delete no longer counts: its node is down.
const FORGET_AFTER: Duration = Duration::from_mins(1);

impl Plan {
    /// The executor whose pod this is: by name, application, executor id and owner.
    pub(super) fn identify(&self, pod: &PodFacts) -> Option<ExecutorId> {
        if self.has_controllers() {
            return self.seats.executor_in(pod);
        }
        let id = pod.executor?;
        let ours = self.ledger.issued(id)
            && pod.app_id.as_deref() == Some(&self.cfg.app_id)
            && (self.owner.is_none() || pod.owner_uid == self.owner)
            && self.cfg.is_pod_name(&pod.name, id);
        ours.then_some(id)
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules {
            container: &self.cfg.executor_container,
            check_all: self.cfg.check_all_containers,
            count_infrastructure: self.cfg.count_infrastructure_failures,
        }
    }

    /// A pod as list, watch or get show it.
    pub(super) fn observe(&mut self, now: Duration, pod: &PodFacts) {
        if self.has_controllers() {
            return self.observe_seated(now, pod);
        }
        let id = self.identify(pod);
        let known = id.filter(|id| self.ledger.get(*id).is_some());
        self.see_claims_of(pod, known);
        let Some(id) = id else { return };
        if self.ledger.get(id).is_some() {
            self.observe_as(now, id, pod);
        } else {
            self.observe_stray(id, pod);
        }
    }

    /// A pod of ours that no executor has: its create was given up, or its end was known before this event.
    fn observe_stray(&mut self, id: ExecutorId, pod: &PodFacts) {
        let kept = pod.inactive || (!self.cfg.delete_executors && lifecycle::is_terminal(pod));
        if pod.deleting || kept {
            return;
        }
        self.chores.delete_stray(id, &pod.name, &pod.uid);
        self.stop_has_more();
    }

    /// The pod of an executor, as list, watch or get show it.
    pub(super) fn observe_as(&mut self, now: Duration, id: ExecutorId, pod: &PodFacts) {
        if self.confirm(now, id, pod) {
            let news = |executor: &Executor| !executor.observed || executor.get_at.is_some();
            if self.ledger.get(id).is_some_and(news) {
                self.ledger.update(id, |executor| {
                    executor.observed = true;
                    executor.get_at = None;
                });
            }
            self.advance(now, id, pod);
        }
    }

    /// The pod in the answer of its create; what list or watch have shown is newer.
    pub(super) fn observe_created(
        &mut self,
        now: Duration,
        id: ExecutorId,
        sent_at: Duration,
        pod: &PodFacts,
    ) {
        if self.confirm(now, id, pod) && self.ledger.get(id).is_some_and(|executor| !executor.observed) {
            self.look_again(now, id, sent_at);
            self.advance(now, id, pod);
        }
    }

    /// The pod in the answer of a get.
    pub(super) fn observe_got(&mut self, now: Duration, id: ExecutorId, sent_at: Duration, pod: &PodFacts) {
        let Some(executor) = self.ledger.get(id) else {
            return;
        };
        if executor.is_confirmed() && executor.uid != pod.uid {
            if sent_at > executor.confirmed_at {
                self.replaced(now, id, pod);
            } else {
                self.ask_for(id);
            }
            return;
        }
        let known = executor.observed;
        self.observe_as(now, id, pod);
        if !known {
            self.look_again(now, id, sent_at);
        }
    }

    /// A pod of which list and watch may never tell is asked for once more.
    fn look_again(&mut self, now: Duration, id: ExecutorId, sent_at: Duration) {
        // Without a watch the next list tells.
        if self.cfg.polling.is_none() && self.watch.may_have_missed(sent_at) {
            self.ledger.update(id, |executor| {
                if executor.stage != Stage::Ended {
                    executor.observed = false;
                    executor.get_at = Some(now + CONFIRM_LISTED);
                }
            });
        }
    }

    /// The last state of a pod that has gone.
    pub(super) fn observe_deleted(&mut self, now: Duration, pod: &PodFacts) {
        self.chores.stray_gone(&pod.uid);
        self.volumes.pod_gone(&pod.uid);
        self.seats.note_deleted(pod);
        let Some(id) = self.identify(pod).filter(|id| self.ledger.get(*id).is_some()) else {
            return;
        };
        if self.confirm(now, id, pod) {
            let end = lifecycle::assess_deleted(id, pod, self.rules());
            self.gone(now, id, end);
        }
    }

    /// Ties a pod to its executor; false when the executor has another pod or none any more.
    fn confirm(&mut self, now: Duration, id: ExecutorId, pod: &PodFacts) -> bool {
        let Some(executor) = self.ledger.get(id) else {
            return false;
        };
        let profile = executor.profile;
        if executor.is_confirmed() {
            if executor.uid == pod.uid {
                return true;
            }
            if executor.lost_until.is_some() {
                // The pod of a create whose answer was lost may have come and gone before the create was sent again: a get
                // tells whether this is late news of it.
                self.ask_for(id);
            } else {
                self.replaced(now, id, pod);
            }
            return false;
        }
        let released = executor.released;
        if self.cfg.controller.is_none() {
            self.metrics.confirmed(executor);
        }
        let timeout = self.cfg.create_timeout;
        self.ledger.update(id, |executor| {
            executor.uid.clone_from(&pod.uid);
            executor.stage = Stage::Pending;
            executor.confirmed_at = now;
            executor.get_at = Some(executor.sent_at + timeout);
        });
        self.targets.prove(profile);
        let (pod_name, uid) = (pod.name.clone(), pod.uid.clone());
        self.notices.push_back(Notice::Created {
            executor_id: id,
            profile,
            pod: pod_name,
            uid,
        });
        if released {
            self.delete(id);
        }
        self.stop_has_more();
        if self.ledger.counts(profile).live > self.targets.target(profile) {
            self.trim(now);
        }
        true
    }

    /// Another pod has the name of an executor's: names are unique, so that its own must have gone before this one came.
    fn replaced(&mut self, now: Duration, id: ExecutorId, pod: &PodFacts) {
        self.gone(now, id, End::deleted(id, &pod.name));
        self.see_claims_of(pod, None);
        self.observe_stray(id, pod);
    }

    /// Moves an executor on; pods never go back.
    fn advance(&mut self, now: Duration, id: ExecutorId, pod: &PodFacts) {
        let Some(executor) = self.ledger.get(id) else {
            return;
        };
        let (stage, profile, released) = (executor.stage, executor.profile, executor.released);
        let registered = executor.registered;
        if pod.deleting {
            self.ledger.update(id, |executor| executor.deleting = true);
            if released && stage != Stage::Ended {
                self.forget_later(now, id);
            }
        }
        if stage == Stage::Ended {
            return;
        }
        self.observe_node(now, id, pod);
        match lifecycle::assess(id, pod, self.rules()) {
            Life::Pending if !registered => {
                self.look_for_claims(now, pod);
                self.observe_pending(now, id, profile, pod);
            }
            Life::Pending | Life::Running => self.runs(now, id),
            Life::Ended(end)
                if self.has_controllers() && lifecycle::is_between_executors(pod, self.rules()) =>
            {
                self.gone(now, id, end);
            }
            Life::Ended(end) => {
                self.end(now, id, end);
                self.clean_up(id, pod);
            }
        }
    }

    /// The executor runs, as its pod shows or since it has registered.
    pub(super) fn runs(&mut self, now: Duration, id: ExecutorId) {
        let Some(executor) = self.ledger.get(id).filter(|e| e.stage == Stage::Pending) else {
            return;
        };
        let (profile, uid) = (executor.profile, executor.uid.clone());
        self.metrics.runs(now, executor);
        self.pending.clear(id);
        self.ledger.update(id, |executor| executor.stage = Stage::Running);
        self.expect_registration(now, id);
        // Where nobody tells of registrations it is what there is to go by.
        if self.cfg.registration_timeout.is_none() {
            self.try_out(now, id);
        }
        let pod = self.pod_name(id);
        self.notices.push_back(Notice::Running {
            executor_id: id,
            profile,
            pod,
            uid,
        });
    }

    /// The executor has ended and its pod is gone.
    pub(super) fn gone(&mut self, now: Duration, id: ExecutorId, end: End) {
        self.end(now, id, end);
        if let Some(executor) = self.ledger.remove(id) {
            self.volumes.pod_gone(&executor.uid);
        }
        self.seats.leave(id);
    }

    /// Reports the end of an executor, once.
    pub(super) fn end(&mut self, now: Duration, id: ExecutorId, end: End) {
        let Some(executor) = self
            .ledger
            .get(id)
            .filter(|executor| executor.stage != Stage::Ended)
        else {
            return;
        };
        let (profile, uid) = (executor.profile, executor.uid.clone());
        let decommissioned = executor.decommissioned;
        let overdue = self.overdue(id);
        let released = (executor.released && overdue.is_none()) || self.stop.is_some();
        let end = overdue.unwrap_or(end);
        self.pending.clear(id);
        self.ledger.update(id, |executor| {
            executor.stage = Stage::Ended;
            executor.ended_at = now;
            executor.get_at = None;
            executor.kill_at = None;
            executor.forget_at = None;
            executor.replace_at = None;
            executor.register_by = None;
            executor.steady_at = None;
        });
        let pod = self.pod_name(id);
        if released {
            self.notices.push_back(Notice::Released {
                executor_id: id,
                profile,
                pod,
                uid,
            });
            return;
        }
        let End { mut cause, counts } = end;
        if decommissioned && cause.kind == LossKind::Exited && cause.exit_code == 0 {
            cause.app_caused = false;
        }
        let message = cause.message.clone();
        let (kind, exit_code) = (cause.kind, cause.exit_code);
        self.notices.push_back(Notice::Lost {
            executor_id: id,
            profile,
            pod,
            uid,
            cause,
        });
        let nodes_doing = self.blame_node(now, id, kind, exit_code, counts);
        let counts = counts && !nodes_doing;
        self.metrics.counters.failures += u64::from(counts);
        if counts && let Some(max) = self.failures.count(now) {
            self.abort(
                11,
                format!(
                    "More than {max} executors have failed (spark.executor.maxNumFailures); the application ends. \
                     The last one: {message}"
                ),
            );
        }
        if !nodes_doing {
            self.pace_next(now, id, (kind, exit_code), &message);
        }
    }

    /// An ended pod is deleted, or marked where the user keeps pods.
    fn clean_up(&mut self, id: ExecutorId, pod: &PodFacts) {
        if pod.deleting {
            return;
        }
        if self.cfg.delete_executors {
            self.delete(id);
        } else if !pod.inactive {
            self.label(id, PodPatch::Inactive);
        }
    }

    /// Asks an executor to go: its end is no loss any more.
    pub(super) fn release(&mut self, now: Duration, id: ExecutorId) {
        if self.withdraw(id) {
            return;
        }
        self.ledger.update(id, |executor| executor.released = true);
        let Some(executor) = self.ledger.get(id) else {
            return;
        };
        if executor.deleting {
            self.forget_later(now, id);
        } else {
            self.delete(id);
        }
    }

    pub(super) fn forget_later(&mut self, now: Duration, id: ExecutorId) {
        self.ledger.update(id, |executor| {
            if executor.stage != Stage::Ended && executor.forget_at.is_none() {
                executor.forget_at = Some(now + FORGET_AFTER);
            }
        });
    }

    /// Queues the delete of an executor's pod, once.
    pub(super) fn delete(&mut self, id: ExecutorId) {
        let name = self.pod_name(id);
        let mut chore = None;
        self.ledger.update(id, |executor| {
            executor.kill_at = None;
            if executor.is_confirmed() && !executor.deleting {
                executor.deleting = true;
                chore = Some(Chore::Delete {
                    id,
                    name,
                    uid: executor.uid.clone(),
                });
            }
        });
        if let Some(chore) = chore {
            self.chores.push(chore);
        }
    }
}
