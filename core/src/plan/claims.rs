//! Volume claims of executors: how they are made and how that may fail.

use std::time::Duration;

use super::Plan;
use super::action::Action;
use super::config::ClaimOwner;
use super::event::{ApiFailure, FailureClass, Outcome};
use super::expect::{Call, Chore};
use super::ledger::Stage;
use super::lifecycle::End;
use super::types::{ExecutorId, ObjectRef};

/// A volume claim of an executor that was prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// To be made.
    Wanted,
    /// Its create is in flight.
    InFlight,
    /// It exists; unknown is its UID where its name was taken already, by an attempt of ours as far as we know.
    Made(Option<ObjectRef>),
}

impl Claim {
    pub(super) fn is_made(&self) -> bool {
        matches!(self, Claim::Made(_))
    }

    /// The claim, where it is known to be ours.
    pub(super) fn into_made(self) -> Option<ObjectRef> {
        match self {
            Claim::Made(made) => made,
            Claim::Wanted | Claim::InFlight => None,
        }
    }
}

impl Plan {
    /// Whether all claims of an executor exist.
    pub(super) fn has_claims(&self, id: ExecutorId) -> bool {
        self.making
            .get(&id)
            .is_some_and(|claims| claims.iter().all(Claim::is_made))
    }

    /// The next claim of an executor that can be made, and its owner.
    pub(super) fn next_claim(&self, id: ExecutorId) -> Option<(usize, ObjectRef)> {
        let claims = self.making.get(&id)?;
        let index = claims.iter().position(|claim| *claim == Claim::Wanted)?;
        let executor = self.ledger.get(id)?;
        let (name, uid) = match self.cfg.claim_owner {
            ClaimOwner::Driver => (self.cfg.driver_pod.clone()?, self.owner.clone()?),
            ClaimOwner::Pod if executor.is_confirmed() => (self.cfg.pod_name(id), executor.uid.clone()),
            ClaimOwner::Pod => return None,
        };
        Some((index, ObjectRef { name, uid }))
    }

    pub(super) fn send_claim(&mut self, now: Duration, id: ExecutorId, index: usize, owner: ObjectRef) {
        self.set_claim(id, index, Claim::InFlight);
        self.claims_made = true;
        self.budget.claim_sent();
        let call = self.calls.begin(Call::Claim {
            id,
            index,
            sent_at: now,
        });
        self.actions.push_back(Action::CreateClaim {
            call,
            executor: id,
            index,
            owner,
        });
    }

    fn set_claim(&mut self, id: ExecutorId, index: usize, to: Claim) {
        if let Some(claim) = self.making.get_mut(&id).and_then(|claims| claims.get_mut(index)) {
            *claim = to;
        }
    }

    pub(super) fn on_claim(
        &mut self,
        now: Duration,
        id: ExecutorId,
        index: usize,
        sent_at: Duration,
        outcome: Outcome<ObjectRef>,
    ) {
        self.budget.create_answered();
        match outcome {
            Outcome::Done(claim) => self.on_claim_made(now, id, index, sent_at, Some(claim)),
            // Names are made of the executor's: an attempt whose answer was lost was applied.
            Outcome::Failed(failure) if failure.class == FailureClass::AlreadyExists => {
                self.on_claim_made(now, id, index, sent_at, None);
            }
            Outcome::Failed(failure)
                if matches!(failure.class, FailureClass::Forbidden | FailureClass::Invalid) =>
            {
                self.on_claim_refused(now, id, index, sent_at, &failure);
            }
            Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                self.set_claim(id, index, Claim::Wanted);
                let said = self.said_of_claim(id, index, &failure);
                self.on_claim_failure(now, id, sent_at, &failure, &said);
            }
        }
    }

    fn on_claim_made(
        &mut self,
        now: Duration,
        id: ExecutorId,
        index: usize,
        sent_at: Duration,
        made: Option<ObjectRef>,
    ) {
        let profile = self.ledger.get(id).map(|executor| executor.profile);
        if let Some(profile) = profile {
            self.targets.prove_claims(profile);
            // The claims of the driver pod come before a pod that may fail again: only that ends a backoff.
            if self.cfg.claim_owner == ClaimOwner::Pod && self.budget.succeeded(now, sent_at) {
                self.targets.go_on(profile);
            }
        }
        if self.making.contains_key(&id) {
            self.set_claim(id, index, Claim::Made(made));
        } else if self.cfg.claim_owner == ClaimOwner::Driver
            && profile.is_none()
            && self.stop.is_none()
            && let Some(claim) = made
        {
            // Its executor was given up meanwhile.
            self.chores.push(Chore::DeleteClaim(claim));
        }
    }

    /// A claim that will never be made ends its executor, and the application where no claim was ever made.
    fn on_claim_refused(
        &mut self,
        now: Duration,
        id: ExecutorId,
        index: usize,
        sent_at: Duration,
        failure: &ApiFailure,
    ) {
        let Some(executor) = self.ledger.get(id) else {
            return;
        };
        let (profile, stage, registered) = (executor.profile, executor.stage, executor.registered);
        let said = self.said_of_claim(id, index, failure);
        if self.targets.claims_proven(profile) {
            self.on_claim_failure(now, id, sent_at, failure, &said);
        } else {
            self.abort(
                1,
                format!(
                    "Volume claims of executor pods of resource profile {profile} cannot be made: {said}. Check the \
                     role's verbs on persistentvolumeclaims and the options of the volumes \
                     (spark.kubernetes.executor.volumes.*)."
                ),
            );
        }
        if registered && stage != Stage::Ended {
            // It came up without the claim; Spark counts on it.
            let pod = self.cfg.pod_name(id);
            self.end(now, id, End::without_claim(id, &pod, &said));
            self.delete(id);
        } else {
            // Spark does not know it yet: as stock does, the pod goes without a loss.
            self.release(now, id);
        }
    }

    fn on_claim_failure(
        &mut self,
        now: Duration,
        id: ExecutorId,
        sent_at: Duration,
        failure: &ApiFailure,
        said: &str,
    ) {
        self.count_create(now, sent_at, failure);
        self.budget
            .failed(now, sent_at, failure.retry_after, &mut self.rng);
        if let Some(profile) = self.ledger.get(id).map(|executor| executor.profile) {
            self.tell_failure(profile, failure.class, "volume claims", said);
        }
    }

    /// The same of a claim, as far as its name is Spark's own.
    fn said_of_claim(&self, id: ExecutorId, index: usize, failure: &ApiFailure) -> String {
        let said = self.said_of(id, &failure.message);
        said.replace(&format!("<executor pod>-pvc-{index}"), "<volume claim>")
    }

    /// What is said of an executor's pod, without the name that changes with every executor: equal messages are equal.
    pub(super) fn said_of(&self, id: ExecutorId, said: &str) -> String {
        said.replace(&self.cfg.pod_name(id), "<executor pod>")
    }
}
