//! Volume claims of executors: how they are made and how that may fail.

use std::time::Duration;

use super::Plan;
use super::action::Action;
use super::config::ClaimOwner;
use super::event::{ApiFailure, FailureClass, Outcome, WantedClaim};
use super::expect::{Call, Chore};
use super::ledger::Stage;
use super::lifecycle::End;
use super::types::{ExecutorId, ObjectRef, PodFacts};

/// A volume claim of an executor that was prepared.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) wanted: WantedClaim,
    pub(super) state: State,
    /// Another executor that was prepared has wanted the same name.
    pub(super) shared: bool,
}

/// How far a claim is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// To be made.
    Wanted,
    /// Its create is in flight.
    InFlight,
    /// A claim of its name exists; a list that begins later than this tells whose it is.
    Asked(Duration),
    /// It exists.
    Made,
    /// Another claim, which this one's pod is given instead.
    Reused(String),
}

impl Claim {
    pub(super) fn new(wanted: WantedClaim) -> Self {
        Claim {
            wanted,
            state: State::Wanted,
            shared: false,
        }
    }

    pub(super) fn is_made(&self) -> bool {
        matches!(self.state, State::Made | State::Reused(_))
    }

    /// The name of the claim, where it was made for this executor.
    pub(super) fn made(&self) -> Option<&str> {
        (self.state == State::Made).then_some(&self.wanted.name)
    }

    fn uses(&self, name: &str) -> bool {
        match &self.state {
            State::Reused(reused) => reused == name,
            _ => self.wanted.name == name,
        }
    }
}

impl Plan {
    /// Takes in what is to be made for an executor.
    pub(super) fn begin_making(&mut self, id: ExecutorId, claims: Vec<WantedClaim>) {
        let mut claims: Vec<_> = claims.into_iter().map(Claim::new).collect();
        for claim in &mut claims {
            for other in self.making.values_mut().flatten() {
                if other.wanted.name == claim.wanted.name {
                    (claim.shared, other.shared) = (true, true);
                }
            }
        }
        self.making.insert(id, claims);
    }

    /// Whether no older executor among those that are being made wants a claim of this name.
    pub(super) fn is_first(&self, id: ExecutorId, claim: &Claim) -> bool {
        let older = || self.making.range(..id).flat_map(|(_, claims)| claims);
        !claim.shared || !older().any(|other| other.wanted.name == claim.wanted.name)
    }

    /// Whether all claims of an executor exist.
    pub(super) fn has_claims(&self, id: ExecutorId) -> bool {
        self.making
            .get(&id)
            .is_some_and(|claims| claims.iter().all(Claim::is_made))
    }

    /// Which claims of an executor are not its own: by index, with the name of the one that stands in.
    pub(super) fn reused(&self, id: ExecutorId) -> Vec<(usize, String)> {
        let claims = self.making.get(&id).into_iter().flatten().enumerate();
        claims
            .filter_map(|(index, claim)| match &claim.state {
                State::Reused(name) => Some((index, name.clone())),
                _ => None,
            })
            .collect()
    }

    /// The next claim of an executor that can be made, and its owner.
    pub(super) fn next_claim(&self, id: ExecutorId) -> Option<(usize, ObjectRef)> {
        let claims = self.making.get(&id)?.iter().enumerate();
        let (index, _) = claims
            .filter(|(_, claim)| claim.state == State::Wanted)
            .find(|(index, _)| !self.held.contains(&(id, *index)))?;
        let executor = self.ledger.get(id)?;
        let (name, uid) = match self.cfg.claim_owner {
            ClaimOwner::Driver => (self.cfg.driver_pod.clone()?, self.owner.clone()?),
            ClaimOwner::Pod if executor.is_confirmed() => (self.cfg.pod_name(id), executor.uid.clone()),
            ClaimOwner::Pod => return None,
        };
        Some((index, ObjectRef { name, uid }))
    }

    pub(super) fn send_claim(&mut self, now: Duration, id: ExecutorId, index: usize, owner: ObjectRef) {
        if let Some(claim) = self.making.get(&id).and_then(|claims| claims.get(index)) {
            self.volumes.reserve(now, id, &claim.wanted);
        }
        self.set_claim(id, index, State::InFlight);
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

    pub(super) fn set_claim(&mut self, id: ExecutorId, index: usize, to: State) {
        if let Some(claim) = self.making.get_mut(&id).and_then(|claims| claims.get_mut(index)) {
            claim.state = to;
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
            Outcome::Failed(failure) if failure.class == FailureClass::AlreadyExists => {
                self.on_claim_exists(now, id, index, sent_at);
            }
            Outcome::Failed(failure)
                if matches!(failure.class, FailureClass::Forbidden | FailureClass::Invalid) =>
            {
                self.on_claim_refused(now, id, index, sent_at, &failure);
            }
            Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                self.set_claim(id, index, State::Wanted);
                let said = self.said_of_claim(id, index, &failure);
                self.on_claim_failure(now, id, sent_at, &failure, &said);
            }
        }
        if !self.calls.any_claim() {
            self.volumes.settle();
        }
    }

    pub(super) fn on_claim_made(
        &mut self,
        now: Duration,
        id: ExecutorId,
        index: usize,
        sent_at: Duration,
        made: Option<ObjectRef>,
    ) {
        let profile = self.ledger.get(id).map(|executor| executor.profile);
        if let Some(profile) = profile {
            self.targets.prove_claims();
            // The claims of the driver pod come before a pod that may fail again: only that ends a backoff.
            if self.cfg.claim_owner == ClaimOwner::Pod && self.budget.succeeded(now, sent_at) {
                self.targets.go_on(profile);
            }
        }
        let wanted = self.making.get(&id).and_then(|claims| claims.get(index));
        if let Some(name) = wanted.map(|claim| claim.wanted.name.clone()) {
            let uid = made.as_ref().map(|claim| claim.uid.as_str());
            let there = self.volumes.made(now, &name, uid);
            self.set_claim(id, index, if there { State::Made } else { State::Wanted });
        } else if let Some(claim) = made {
            let given_on = self.volumes.user(&claim.name).is_some_and(|user| user != id);
            if profile.is_some() || given_on {
                // Its executor has ended meanwhile, and its pod may still use it; or the watch was faster than this answer,
                // and another executor has it by now.
                self.volumes.made(now, &claim.name, Some(&claim.uid));
            } else if self.cfg.claim_owner == ClaimOwner::Driver && self.stop.is_none() {
                // Its executor was given up meanwhile.
                self.volumes.doom(&claim);
                self.chores.push(Chore::DeleteClaim(claim));
            }
        }
    }

    /// A claim is gone that an executor was to use. A pod that has not started will not: it goes without a loss, as
    /// Spark does not know it.
    pub(super) fn on_claim_lost(&mut self, now: Duration, id: ExecutorId, name: &str) {
        let Some(executor) = self.ledger.get(id).filter(|_| self.stop.is_none()) else {
            return;
        };
        match executor.stage {
            Stage::Preparing | Stage::Prepared => self.want_again(id, name),
            Stage::Creating | Stage::Unconfirmed { .. } | Stage::Pending if !executor.registered => {
                tracing::warn!(
                    executor = id.0,
                    claim = name,
                    "a volume claim was deleted before its executor ran; the executor is replaced"
                );
                self.release(now, id);
            }
            _ => {}
        }
    }

    /// An executor without a pod cannot have a claim that it was to use.
    fn want_again(&mut self, id: ExecutorId, name: &str) {
        let claims = self.making.get_mut(&id).into_iter().flatten();
        for claim in claims.filter(|claim| claim.is_made() && claim.uses(name)) {
            claim.state = State::Wanted;
            self.volumes.give_back(name, id);
        }
    }

    /// Which claims a pod uses, of an executor or of none. Whoever was given one of them meanwhile and has no pod yet has to
    /// wait or to take another one: a pod that nobody knew of has it, as that of a create that was applied late.
    pub(super) fn see_claims_of(&mut self, pod: &PodFacts, of: Option<ExecutorId>) {
        self.volumes.pod_shown(&pod.uid, &pod.claims, of);
        for name in &pod.claims {
            let user = self.volumes.user(name).filter(|user| Some(*user) != of);
            let staged = |id: &ExecutorId| self.ledger.get(*id).is_some_and(|user| user.stage.is_staged());
            if let Some(user) = user.filter(staged) {
                self.want_again(user, name);
            }
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
        if self.targets.claims_proven() {
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

    pub(super) fn on_claim_failure(
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
