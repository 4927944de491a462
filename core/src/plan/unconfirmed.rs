//! Creates whose answers were lost, and gets, which tell what became of them.
//!
//! The watch shows the pod, or a get does. Where a get finds none, the same create is sent again: of two creates of one name
//! the API server takes one, whichever comes first. If it answers that the name is taken, the other one was applied, and a
//! get tells whose pod it is. So the executor is there as soon as the API server is, and never twice.

use std::time::Duration;

use super::Plan;
use super::event::{FailureClass, Outcome};
use super::ledger::{Executor, Stage};
use super::lifecycle::End;
use super::types::{ExecutorId, PodFacts};

/// When a create of unknown outcome is asked for, if the watch has not shown its pod before.
const CONFIRM: Duration = Duration::from_secs(1);
/// The longest delay between two gets that look for a pod of unknown outcome.
const CONFIRM_MAX: Duration = Duration::from_secs(10);
/// At the stop, a create of unknown outcome that did not appear within this time was not applied.
const STOP_SETTLE: Duration = Duration::from_secs(3);
/// How long after it was sent a create of unknown outcome may still be applied: the request timeout of the API server.
/// Where its executor is no longer wanted, the create is not sent again, and the executor counts towards the target until
/// then though gets find no pod: a target that is raised meanwhile must not bring one too many.
///
/// It cannot be shorter for a connection that broke. That this side has closed it does not mean that the API server
/// knows: a reset may be lost, and a proxy in between may hold a request and pass it on. Where it does know, it
/// cancels the request, but not what it has handed to etcd. A consistent read therefore proves nothing about a
/// request that may still be on its way; only its timeout does.
const EXPIRY: Duration = Duration::from_mins(1);

impl Executor {
    /// Until when creates of it may still be applied. Where one was lost, any of them may be the one that has made its pod,
    /// whatever their answers.
    pub(super) fn creates_until(&self) -> Duration {
        self.lost_until
            .map_or(Duration::ZERO, |until| until.max(self.sent_at + EXPIRY))
    }
}

impl Plan {
    /// The answer to a create was lost: it may have been applied, or may still be.
    pub(super) fn on_create_lost(&mut self, now: Duration, id: ExecutorId, sent_at: Duration) {
        self.ledger
            .update(id, |executor| executor.lost_until = Some(sent_at + EXPIRY));
        self.await_confirmation(now, id, false);
    }

    /// A get tells what became of a create. `taken`: there is a pod of its name.
    pub(super) fn await_confirmation(&mut self, now: Duration, id: ExecutorId, taken: bool) {
        self.ledger.update(id, |executor| {
            executor.stage = Stage::Unconfirmed {
                since: now,
                attempts: 0,
                taken,
            };
            executor.get_at = Some(if taken || executor.registered {
                now
            } else {
                now + CONFIRM
            });
        });
    }

    /// A create was refused that had been sent before: whether its executor is kept, since an earlier one may have been
    /// applied, or may still be. A refusal does not tell, as a webhook speaks before the name is looked at.
    pub(super) fn keep_lost(&mut self, now: Duration, id: ExecutorId, sent_at: Duration) -> bool {
        let Some(lost_until) = self.ledger.get(id).and_then(|executor| executor.lost_until) else {
            return false;
        };
        self.await_confirmation(now, id, false);
        if sent_at < lost_until {
            // Nothing needs to be asked before the next.
            self.again.insert(id);
        } else {
            self.ledger.update(id, |executor| {
                executor.lost_until = None;
                executor.get_at = Some(now);
            });
        }
        true
    }

    /// Whether the create of an executor is to be sent again that a get has not found.
    fn may_send_again(&self, now: Duration, id: ExecutorId) -> bool {
        let Some(executor) = self.ledger.get(id) else {
            return false;
        };
        let profile = executor.profile;
        // What is being asked for may be there; what has registered was there.
        let open = matches!(executor.stage, Stage::Unconfirmed { taken: false, .. }) && !executor.getting;
        open && executor.lost_until.is_some()
            && !executor.released
            && !executor.registered
            && self.may_create()
            && self.ledger.counts(profile).live <= self.targets.target(profile)
            && self.crash_loops.is_open(now, profile)
            && self
                .refusals
                .allows(now, profile, self.ledger.counts(profile).creating)
    }

    /// Sends creates again whose pods are not there, as far as is known, the oldest first.
    pub(super) fn send_again(&mut self, now: Duration) {
        for id in self.again.iter().copied().collect::<Vec<_>>() {
            let profile = self.ledger.get(id).map(|executor| executor.profile);
            let Some(profile) = profile.filter(|_| self.may_send_again(now, id)) else {
                // The next get finds it there, or not.
                self.again.remove(&id);
                continue;
            };
            if !self.may_send(now, self.budget.opens_at()) {
                return;
            }
            self.again.remove(&id);
            self.ledger.update(id, |executor| {
                executor.stage = Stage::Creating;
                executor.sent_at = now;
                executor.get_at = None;
            });
            self.send_create(now, id, profile);
        }
    }

    /// Answers a confirming get.
    pub(super) fn on_get(
        &mut self,
        now: Duration,
        id: ExecutorId,
        sent_at: Duration,
        outcome: Outcome<Option<Box<PodFacts>>>,
    ) {
        self.ledger.update(id, |executor| executor.getting = false);
        let Some(executor) = self.ledger.get(id) else {
            return;
        };
        let confirmed = executor.is_confirmed();
        match outcome {
            Outcome::Done(Some(pod)) => {
                self.chores_backoff.reset();
                self.settle_seat(now, id, &pod);
                if confirmed || self.identify(&pod) == Some(id) {
                    self.observe_got(now, id, sent_at, &pod);
                } else {
                    tracing::warn!(
                        pod = pod.name,
                        uid = pod.uid,
                        "the name of an executor pod is taken by a foreign pod"
                    );
                    self.ledger.remove(id);
                    self.seats.leave(id);
                }
            }
            Outcome::Done(None) => {
                self.chores_backoff.reset();
                self.on_absent(now, id, sent_at, true);
            }
            Outcome::Failed(failure) if failure.class == FailureClass::NotFound => {
                self.on_absent(now, id, sent_at, true);
            }
            // Without the right to get pods the watch has to tell; what it has not shown in time is not there.
            Outcome::Failed(failure) if failure.class == FailureClass::Forbidden && !confirmed => {
                self.on_absent(now, id, sent_at, false);
            }
            Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                let delay = self.hold_chores(now, &failure);
                self.ledger.update(id, |executor| {
                    if executor.stage != Stage::Ended {
                        executor.get_at = Some(now + delay);
                    }
                });
            }
        }
    }

    /// A get has shown that there is no such pod. `sure`: it was allowed to.
    fn on_absent(&mut self, now: Duration, id: ExecutorId, sent_at: Duration, sure: bool) {
        let Some(executor) = self.ledger.get(id) else {
            return;
        };
        let pod = self.pod_name(id);
        match executor.stage {
            Stage::Unconfirmed { taken: true, .. } => {
                // It was somebody's, and it has gone: the number is spent.
                self.ledger.remove(id);
            }
            // It has asked for its number, so it was there.
            Stage::Unconfirmed { .. } if self.has_controllers() => {
                self.gone(now, id, End::missing(id, &pod));
            }
            Stage::Unconfirmed { since, attempts, .. } => {
                let expires_at = match executor.lost_until {
                    Some(lost_until) if self.stop.is_none() => lost_until.max(since + STOP_SETTLE),
                    _ => since + STOP_SETTLE,
                };
                let get_at = if sure && self.may_send_again(now, id) {
                    self.again.insert(id);
                    now + CONFIRM_MAX
                } else if sent_at >= expires_at {
                    // What was asked earlier says nothing of then, however late its answer comes.
                    self.gone(now, id, End::never_created(id, &pod));
                    return;
                } else {
                    let delay = CONFIRM.saturating_mul(1 << attempts.min(8)).min(CONFIRM_MAX);
                    (now + delay).min(expires_at)
                };
                self.ledger.update(id, |executor| {
                    executor.stage = Stage::Unconfirmed {
                        since,
                        attempts: attempts + 1,
                        taken: false,
                    };
                    executor.get_at = Some(get_at);
                });
            }
            Stage::Preparing | Stage::Prepared | Stage::Creating => {}
            // The pod was confirmed after this get was sent: the get may have come too early.
            Stage::Pending | Stage::Running if executor.confirmed_at > sent_at => {}
            Stage::Pending | Stage::Running | Stage::Ended => {
                let end = End::absent(id, &pod, executor.deleting);
                self.chores.bury(&executor.uid);
                self.gone(now, id, end);
            }
        }
    }

    /// Queues a confirming get.
    pub(super) fn ask_for(&mut self, id: ExecutorId) {
        let mut wanted = false;
        self.ledger.update(id, |executor| {
            executor.get_at = None;
            wanted = !executor.getting;
            executor.getting = true;
        });
        if wanted {
            self.chores.push_get(id);
        }
    }
}
