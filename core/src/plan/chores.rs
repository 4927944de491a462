//! Gets, deletes and patches: how they are sent and how they end.

use std::time::Duration;

use super::Plan;
use super::action::{Action, PodPatch};
use super::event::{ApiFailure, FailureClass, Outcome};
use super::expect::{Call, Chore};
use super::ledger::{Executor, Stage};
use super::lifecycle::End;
use super::timer::Timer;
use super::types::{ExecutorId, ObjectRef};

/// How often a label is tried.
const PATCH_ATTEMPTS: u32 = 5;

impl Plan {
    pub(super) fn send_chore(&mut self, chore: Chore) {
        let action = match &chore {
            Chore::Get { id, .. } => {
                let (executor, name) = (*id, self.pod_name(*id));
                let call = self.calls.begin(Call::Chore(chore));
                Action::Get { call, executor, name }
            }
            Chore::Delete { id, name, uid } => {
                let (executor, name, uid) = (*id, name.clone(), uid.clone());
                let call = self.calls.begin(Call::Chore(chore));
                Action::Delete {
                    call,
                    executor,
                    name,
                    uid,
                    grace: None,
                }
            }
            Chore::DeleteClaim(claim) => {
                let claim = claim.clone();
                let call = self.calls.begin(Call::Chore(chore));
                Action::DeleteClaim { call, claim }
            }
            Chore::Patch { id, patch, .. } => {
                let (executor, name, patch) = (*id, self.pod_name(*id), patch.clone());
                let call = self.calls.begin(Call::Chore(chore));
                Action::Patch {
                    call,
                    executor,
                    name,
                    patch,
                }
            }
        };
        self.budget.chore_sent();
        self.actions.push_back(action);
    }

    pub(super) fn on_delete(
        &mut self,
        now: Duration,
        id: ExecutorId,
        name: String,
        uid: String,
        outcome: Outcome<()>,
    ) {
        let ours = self.ledger.get(id).is_some_and(|executor| executor.uid == uid);
        let undone = match &outcome {
            Outcome::Done(()) => false,
            Outcome::Failed(failure) => {
                !matches!(failure.class, FailureClass::NotFound | FailureClass::Conflict)
            }
            Outcome::Unknown(_) => true,
        };
        if undone && ours && self.stays_after_all(id) {
            return;
        }
        match outcome {
            Outcome::Done(()) => {
                self.chores_backoff.reset();
                if ours && self.stop.is_some() {
                    self.end(now, id, End::deleted(id, &name));
                } else if ours && self.ledger.get(id).is_some_and(|executor| executor.released) {
                    self.forget_later(now, id);
                }
            }
            Outcome::Failed(failure) => match failure.class {
                FailureClass::NotFound | FailureClass::Conflict => {
                    self.chores_backoff.reset();
                    if ours {
                        self.chores.bury(&uid);
                        self.gone(now, id, End::deleted(id, &name));
                    }
                }
                FailureClass::Forbidden | FailureClass::Invalid => {
                    tracing::warn!(
                        pod = name,
                        failure = failure.message,
                        "an executor pod cannot be deleted"
                    );
                    self.ledger.update(id, |executor| executor.stays = ours);
                    if ours && self.ledger.get(id).is_some_and(|executor| executor.released) {
                        self.forget_later(now, id);
                    }
                }
                _ => self.retry_chore(now, Chore::Delete { id, name, uid }, &failure),
            },
            Outcome::Unknown(failure) => self.retry_chore(now, Chore::Delete { id, name, uid }, &failure),
        }
    }

    /// Whether an executor has registered since its delete was sent: no second one is. Where the first was applied all the
    /// same, the watch tells its end.
    fn stays_after_all(&mut self, id: ExecutorId) -> bool {
        let stays =
            |executor: &Executor| executor.registered && !executor.released && executor.stage != Stage::Ended;
        let stays = self.stop.is_none() && self.ledger.get(id).is_some_and(stays);
        if stays {
            self.ledger.update(id, |executor| executor.deleting = false);
        }
        stays
    }

    pub(super) fn on_claim_deleted(&mut self, now: Duration, claim: ObjectRef, outcome: Outcome<()>) {
        match outcome {
            Outcome::Done(()) => self.chores_backoff.reset(),
            Outcome::Failed(failure) => match failure.class {
                FailureClass::NotFound | FailureClass::Conflict => {}
                FailureClass::Forbidden | FailureClass::Invalid => {
                    tracing::warn!(
                        claim = claim.name,
                        failure = failure.message,
                        "a volume claim without a pod cannot be deleted; it goes with the driver pod"
                    );
                }
                _ => self.retry_chore(now, Chore::DeleteClaim(claim), &failure),
            },
            Outcome::Unknown(failure) => self.retry_chore(now, Chore::DeleteClaim(claim), &failure),
        }
    }

    /// Queues a label, unless labels are forbidden.
    pub(super) fn label(&mut self, id: ExecutorId, patch: PodPatch) {
        if !self.labels_forbidden {
            self.chores.push(Chore::Patch {
                id,
                patch,
                attempts: 0,
            });
        }
    }

    pub(super) fn on_patch(
        &mut self,
        now: Duration,
        id: ExecutorId,
        patch: PodPatch,
        attempts: u32,
        outcome: Outcome<()>,
    ) {
        match outcome {
            Outcome::Done(()) => self.chores_backoff.reset(),
            Outcome::Failed(failure) => match failure.class {
                FailureClass::NotFound => {}
                FailureClass::Forbidden => {
                    if !std::mem::replace(&mut self.labels_forbidden, true) {
                        tracing::warn!(
                            failure = failure.message,
                            "executor pods may not be labelled and stay without; the role lacks the verb patch on pods"
                        );
                    }
                    self.chores.drop_patches();
                }
                FailureClass::Invalid => {
                    tracing::warn!(
                        executor = id.0,
                        failure = failure.message,
                        "an executor pod cannot be labelled"
                    );
                }
                _ => self.retry_patch(now, id, patch, attempts, &failure),
            },
            Outcome::Unknown(failure) => self.retry_patch(now, id, patch, attempts, &failure),
        }
    }

    fn retry_patch(
        &mut self,
        now: Duration,
        id: ExecutorId,
        patch: PodPatch,
        attempts: u32,
        failure: &ApiFailure,
    ) {
        if attempts + 1 < PATCH_ATTEMPTS {
            self.retry_chore(
                now,
                Chore::Patch {
                    id,
                    patch,
                    attempts: attempts + 1,
                },
                failure,
            );
        }
    }

    fn retry_chore(&mut self, now: Duration, chore: Chore, failure: &ApiFailure) {
        self.hold_chores(now, failure);
        self.chores.push(chore);
    }

    /// Lets gets, deletes and patches rest after a failure.
    pub(super) fn hold_chores(&mut self, now: Duration, failure: &ApiFailure) -> Duration {
        // What fails together counts once.
        if let Some(until) = self.timers.at(Timer::Chores).filter(|until| *until > now) {
            let wish = failure.retry_after.map_or(until, |after| until.max(now + after));
            self.timers.set(Timer::Chores, wish);
            return wish.saturating_sub(now);
        }
        let delay = self.chores_backoff.next(&mut self.rng, failure.retry_after);
        self.timers.set(Timer::Chores, now + delay);
        delay
    }
}
