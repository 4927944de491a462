//! Checks from outside what always has to hold of preparations and volume claims.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{
    Action, CallResult, ClaimOwner, ExecutorId, FailureClass, ObjectRef, Outcome, PlanConfig, Prepared,
    ProfileId,
};

use super::OWNER;
use super::check::{Violations, require};
use super::cluster::Cluster;
use super::server::claim_name;

/// Follows preparations and claims, and records where an invariant does not hold.
#[derive(Debug)]
pub(super) struct ClaimChecker {
    prepares: bool,
    /// Whether the driver pod owns the claims.
    drivers: bool,
    /// Claims of each executor that was to be prepared; none where it was not.
    prepared: BTreeMap<ExecutorId, Option<usize>>,
    /// UIDs of pods.
    pods: BTreeMap<ExecutorId, String>,
    in_flight: BTreeSet<(ExecutorId, usize)>,
    made: BTreeSet<(ExecutorId, usize)>,
    /// Executors of which the outcome of a claim's create is not known.
    unsure: BTreeSet<ExecutorId>,
    /// Executors of which a claim was refused for good.
    refused: BTreeSet<ExecutorId>,
    preparing: bool,
}

impl ClaimChecker {
    pub(super) fn new(cfg: &PlanConfig) -> Self {
        ClaimChecker {
            prepares: cfg.prepares,
            drivers: cfg.driver_pod.is_some() && cfg.claim_owner == ClaimOwner::Driver,
            prepared: BTreeMap::new(),
            pods: BTreeMap::new(),
            in_flight: BTreeSet::new(),
            made: BTreeSet::new(),
            unsure: BTreeSet::new(),
            refused: BTreeSet::new(),
            preparing: false,
        }
    }

    /// Whether an executor was to be prepared.
    pub(super) fn is_asked(&self, id: ExecutorId) -> bool {
        self.prepared.contains_key(&id)
    }

    /// Whether an executor may be deleted because a claim of it will never be made.
    pub(super) fn is_refused(&self, id: ExecutorId) -> bool {
        self.refused.contains(&id)
    }

    pub(super) fn on_prepare(&mut self, executors: &[(ExecutorId, ProfileId)], found: &mut Violations) {
        require!(found, Frugality, self.prepares, "nothing is to be prepared");
        require!(found, Bounds, !self.preparing, "two preparations at once");
        let count = executors.len();
        require!(
            found,
            Bounds,
            (1..=128).contains(&count),
            "{count} are prepared at once"
        );
        self.preparing = true;
        for (id, _) in executors {
            let fresh = self.prepared.insert(*id, None).is_none();
            require!(found, Ids, fresh, "executor {id} is prepared twice");
        }
    }

    pub(super) fn on_claim(
        &mut self,
        id: ExecutorId,
        index: usize,
        owner: &ObjectRef,
        found: &mut Violations,
    ) {
        let claims = self.prepared.get(&id).copied().flatten();
        require!(
            found,
            Ids,
            claims.is_some_and(|claims| index < claims),
            "claim {index} of executor {id} was not prepared"
        );
        require!(
            found,
            Frugality,
            !self.made.contains(&(id, index)),
            "claim {index} of executor {id} is made twice"
        );
        let fresh = self.in_flight.insert((id, index));
        require!(
            found,
            Frugality,
            fresh,
            "claim {index} of executor {id} is in flight twice"
        );
        let right = if self.drivers {
            (owner.name.as_str(), owner.uid.as_str()) == ("driver", OWNER)
        } else {
            owner.name == format!("test-exec-{id}") && Some(&owner.uid) == self.pods.get(&id)
        };
        require!(
            found,
            Ownership,
            right,
            "claim {index} of executor {id} is owned by {owner:?}"
        );
    }

    pub(super) fn on_create(&mut self, id: ExecutorId, cluster: &Cluster, found: &mut Violations) {
        if !self.prepares {
            return;
        }
        let claims = self.prepared.get(&id).copied().flatten();
        require!(
            found,
            Ids,
            claims.is_some(),
            "executor {id} is created and was not prepared"
        );
        for name in (0..claims.unwrap_or(0)).map(|index| claim_name(id, index)) {
            let owner = cluster.claims.get(&name).map(|claim| claim.owner.as_str());
            require!(
                found,
                Ownership,
                !self.drivers || owner == Some(OWNER),
                "a pod comes before its claim {name}"
            );
        }
    }

    pub(super) fn on_created(&mut self, id: ExecutorId, uid: &str) {
        self.pods.insert(id, uid.to_owned());
    }

    pub(super) fn on_result(&mut self, action: &Action, result: &CallResult, found: &mut Violations) {
        match (action, result) {
            (Action::Prepare { .. }, result) => {
                self.preparing = false;
                if let CallResult::Prepared(Outcome::Done(prepared)) = result {
                    for Prepared { executor, claims } in prepared {
                        self.prepared.insert(*executor, Some(*claims));
                    }
                }
            }
            (Action::CreateClaim { executor, index, .. }, CallResult::Claim(outcome)) => {
                self.in_flight.remove(&(*executor, *index));
                let exists = match outcome {
                    Outcome::Done(_) => true,
                    Outcome::Failed(failure) => {
                        if matches!(failure.class, FailureClass::Forbidden | FailureClass::Invalid) {
                            self.refused.insert(*executor);
                        }
                        failure.class == FailureClass::AlreadyExists
                    }
                    Outcome::Unknown(_) => {
                        self.unsure.insert(*executor);
                        false
                    }
                };
                let fresh = !exists || self.made.insert((*executor, *index));
                require!(
                    found,
                    Ids,
                    fresh,
                    "claim {index} of executor {executor} was made twice"
                );
            }
            _ => {}
        }
    }

    /// No claim is left that no pod ever used, unless nobody can know of it; then its owner takes it along.
    pub(super) fn on_end(&self, cluster: &Cluster, found: &mut Violations) {
        for (name, claim) in &cluster.claims {
            let id = claim.executor;
            let known = self.pods.contains_key(&id) || self.unsure.contains(&id);
            require!(
                found,
                Ownership,
                known || !self.prepared.contains_key(&id),
                "claim {name} was made for nothing"
            );
            require!(
                found,
                Ownership,
                self.drivers || cluster.by_uid(&claim.owner).is_some(),
                "claim {name} has outlived its pod"
            );
        }
    }
}
