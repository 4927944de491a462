//! Executors that are prepared before their creates, because they have volume claims or custom pods.
//!
//! Without claims: prepare, create. Claims of the driver pod: prepare, claims, create, so that no pod waits for a claim.
//! Claims of the executor pod: prepare, create, claims, since their owner has to exist.

use std::time::Duration;

use super::action::Action;
use super::claims::Claim;
use super::config::ClaimOwner;
use super::event::{ApiFailure, FailureClass, Outcome, Prepared, WantedClaim};
use super::expect::{Call, Chore};
use super::ledger::Stage;
use super::types::{ExecutorId, ProfileId};
use super::{Phase, Plan};

/// Executors prepared ahead of their creates: bounds the size of a request to the JVM, and of what is kept of its
/// answer. Enough to keep all places busy while the next are prepared.
const PREPARED_MAX: usize = 128;

impl Plan {
    /// Whether what was prepared for an executor may still be asked for. What is not can be dropped.
    pub fn keeps_prepared(&self, executor: ExecutorId) -> bool {
        self.making.contains_key(&executor)
    }

    /// Sends claims and creates of executors that are prepared, the oldest first, and prepares the next.
    pub(super) fn send_prepared(&mut self, now: Duration) {
        self.give_claims(now);
        let ids: Vec<_> = self.making.keys().copied().collect();
        for id in ids {
            if self.is_held_back(now, id) {
                continue;
            }
            while let Some((index, owner)) = self.next_claim(id) {
                if !self.may_send(now, self.budget.gate()) {
                    return self.prepare(now);
                }
                self.send_claim(now, id, index, owner);
            }
            if let Some(profile) = self.ready(id) {
                if !self.may_send(now, self.budget.opens_at()) {
                    return self.prepare(now);
                }
                self.ledger.update(id, |executor| {
                    executor.stage = Stage::Creating;
                    executor.sent_at = now;
                });
                self.send_create(now, id, profile);
            }
        }
        self.prepare(now);
    }

    /// Whether an executor that is prepared has to wait, since others of its profile fail to start or are refused.
    fn is_held_back(&self, now: Duration, id: ExecutorId) -> bool {
        let staged = |id| self.ledger.get(id).filter(|executor| executor.stage.is_staged());
        let Some(profile) = staged(id).map(|executor| executor.profile) else {
            return false;
        };
        if self.refusals.is_stopped(profile) {
            // The oldest is tried, with its claims.
            let of_profile = |id: &ExecutorId| staged(*id).is_some_and(|other| other.profile == profile);
            let creating = self.ledger.counts(profile).creating;
            return !self.refusals.allows(now, profile, creating)
                || self.making.keys().copied().find(of_profile) != Some(id);
        }
        !self.crash_loops.is_open(now, profile)
    }

    pub(super) fn may_send(&mut self, now: Duration, opens_at: Duration) -> bool {
        if !self.budget.has_place(self.chores.others_wait()) {
            return false;
        }
        if opens_at > now {
            self.timers.set(super::Timer::Creates, opens_at);
            return false;
        }
        true
    }

    /// The profile of an executor whose pod can be sent.
    fn ready(&self, id: ExecutorId) -> Option<ProfileId> {
        let executor = self
            .ledger
            .get(id)
            .filter(|executor| executor.stage == Stage::Prepared)?;
        let held = || self.held.range((id, 0)..=(id, usize::MAX)).next().is_some();
        let complete = match self.cfg.claim_owner {
            ClaimOwner::Driver => self.has_claims(id),
            ClaimOwner::Pod => !held(),
        };
        complete.then_some(executor.profile)
    }

    /// Has new executors prepared. While creates fail, one at a time: what is prepared for nothing costs claims.
    fn prepare(&mut self, now: Duration) {
        if self.calls.any_prepare() {
            return;
        }
        let opens_at = self.budget.gate();
        if opens_at > now {
            return self.wait_for_gate(now, opens_at);
        }
        let mut room = PREPARED_MAX.saturating_sub(self.making.len());
        if self.budget.failures() > 0 {
            let waits = |id: &ExecutorId| self.ready(*id).is_some() || self.next_claim(*id).is_some();
            room = usize::from(!self.making.keys().any(waits));
        }
        let mut executors = Vec::new();
        while executors.len() < room
            && let Some(executor) = self.next_executor(now, Stage::Preparing)
        {
            executors.push(executor);
        }
        if executors.is_empty() {
            return;
        }
        let call = self.calls.begin(Call::Prepare {
            ids: executors.iter().map(|(id, _)| *id).collect(),
            sent_at: now,
        });
        self.actions.push_back(Action::Prepare { call, executors });
    }

    pub(super) fn on_prepared(
        &mut self,
        now: Duration,
        mut ids: Vec<ExecutorId>,
        sent_at: Duration,
        outcome: Outcome<Vec<Prepared>>,
    ) {
        let failure = match outcome {
            Outcome::Done(prepared) => {
                for Prepared { executor: id, claims } in prepared {
                    if ids.contains(&id) {
                        ids.retain(|asked| *asked != id);
                        self.on_executor_prepared(id, claims);
                    }
                }
                ApiFailure {
                    class: FailureClass::Server,
                    message: "some executors were not prepared".into(),
                    retry_after: None,
                }
            }
            Outcome::Failed(failure) | Outcome::Unknown(failure) => failure,
        };
        let mut profile = None;
        for id in ids {
            profile = profile.or(self.ledger.get(id).map(|executor| executor.profile));
            self.withdraw(id);
        }
        let Some(profile) = profile else { return };
        let said = &failure.message;
        if failure.class == FailureClass::Unbuildable {
            let message = format!("Executor pods of resource profile {profile} cannot be made: {said}");
            return self.abort(1, message);
        }
        self.budget
            .failed(now, sent_at, failure.retry_after, &mut self.rng);
        self.tell_failure(profile, failure.class, "pods", said);
    }

    fn on_executor_prepared(&mut self, id: ExecutorId, claims: Vec<WantedClaim>) {
        // Where its pod was already there, left by an earlier life of the driver, the claims may be missing.
        let lives = self
            .ledger
            .get(id)
            .is_some_and(|executor| executor.stage != Stage::Ended);
        if lives {
            self.ledger.update(id, |executor| {
                if executor.stage == Stage::Preparing {
                    executor.stage = Stage::Prepared;
                }
            });
            self.begin_making(id, claims);
        }
    }

    /// Whether a create that was refused is to be tried again with what is prepared for it. A new executor would
    /// need new claims: a quota of pods would cost a volume with every attempt.
    pub(super) fn keep_prepared(&mut self, now: Duration, id: ExecutorId, class: FailureClass) -> bool {
        let passing = !matches!(class, FailureClass::Unbuildable | FailureClass::Invalid);
        let wanted = self.ledger.get(id).is_some_and(|executor| !executor.released);
        if !(passing && wanted && self.keeps_prepared(id) && self.may_create()) {
            return false;
        }
        self.ledger
            .update(id, |executor| executor.stage = Stage::Prepared);
        self.trim(now);
        // It may have been above a target that was lowered: then nothing is left of it.
        true
    }

    pub(super) fn may_create(&self) -> bool {
        self.phase == Phase::Allocating && self.stop.is_none()
    }

    /// Gives up an executor of which no pod was ever asked for; false where one was. Spark has not heard of it, so
    /// there is nothing to tell. Claims made for it are deleted by [`settle_prepared`](Self::settle_prepared).
    pub(super) fn withdraw(&mut self, id: ExecutorId) -> bool {
        let staged = self
            .ledger
            .get(id)
            .is_some_and(|executor| executor.stage.is_staged());
        if staged {
            self.ledger.remove(id);
        }
        staged
    }

    /// Gives up all executors of which no pod was asked for.
    pub(super) fn withdraw_all(&mut self) {
        self.withdraw_where(|_| true);
    }

    /// Gives up executors above the target of which no pod was asked for, the newest first.
    pub(super) fn withdraw_excess(&mut self) {
        let excess: Vec<_> = self
            .targets
            .iter()
            .map(|(profile, desired)| {
                let counts = self.ledger.counts(profile);
                let excess = counts.live.saturating_sub(desired.target).min(counts.staged);
                (profile, excess)
            })
            .filter(|(_, excess)| *excess > 0)
            .collect();
        for (profile, excess) in excess {
            let mut left = excess;
            self.withdraw_where(|of| {
                let chosen = of == profile && left > 0;
                left -= usize::from(chosen);
                chosen
            });
        }
    }

    /// The newest first.
    fn withdraw_where(&mut self, mut chosen: impl FnMut(ProfileId) -> bool) {
        if self.ledger.total().staged == 0 {
            return;
        }
        let ids: Vec<_> = self
            .ledger
            .iter()
            .rev()
            .filter(|(_, executor)| executor.stage.is_staged())
            .filter(|(_, executor)| chosen(executor.profile))
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            self.withdraw(id);
        }
    }

    /// Drops what needs no more making. Claims of the driver pod that were made for an executor that never had a pod are
    /// deleted: nobody has used them, and a volume may be behind each. One whose UID was lost with an answer is left to
    /// its owner. Claims of an executor that had a pod stay, as stock leaves them, to be used again where that is on.
    pub(super) fn settle_prepared(&mut self, now: Duration) {
        let outlive = self.cfg.claim_owner == ClaimOwner::Driver;
        // What was applied late has to be seen before a claim is free that it may use.
        let seen = self.current_at().min(now);
        for id in self.ledger.take_removed(seen) {
            self.volumes.leave(id, outlive);
        }
        let mut unused = Vec::new();
        let (ledger, volumes) = (&self.ledger, &self.volumes);
        self.making.retain(|id, claims| {
            let known = ledger.get(*id);
            let Some(executor) = known.filter(|executor| executor.stage != Stage::Ended) else {
                if outlive && known.is_none_or(|executor| !executor.is_confirmed()) {
                    unused.extend(claims.iter().filter_map(|claim| volumes.object(claim.made()?)));
                }
                return false;
            };
            let complete = claims.iter().all(Claim::is_made);
            !executor.is_confirmed() || !(complete || executor.released || executor.deleting)
        });
        for claim in unused {
            self.volumes.doom(&claim);
            // The stop deletes all of them together.
            if self.stop.is_none() {
                self.chores.push(Chore::DeleteClaim(claim));
            }
        }
    }
}
