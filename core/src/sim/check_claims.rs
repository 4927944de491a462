//! Checks from outside what always has to hold of preparations and volume claims.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{
    Action, CallResult, ClaimOwner, ExecutorId, FailureClass, ObjectRef, Outcome, PlanConfig, Prepared,
    ProfileId,
};

use super::OWNER;
use super::cluster::Cluster;
use super::server::claim_name;

/// Follows preparations and claims; panics where an invariant does not hold.
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

    pub(super) fn on_prepare(&mut self, executors: &[(ExecutorId, ProfileId)]) {
        assert!(self.prepares, "nothing is to be prepared");
        assert!(!self.preparing, "two preparations at once");
        assert!((1..=128).contains(&executors.len()), "{}", executors.len());
        self.preparing = true;
        for (id, _) in executors {
            assert!(
                self.prepared.insert(*id, None).is_none(),
                "executor {id} is prepared twice"
            );
        }
    }

    pub(super) fn on_claim(&mut self, id: ExecutorId, index: usize, owner: &ObjectRef) {
        let claims = self.prepared.get(&id).copied().flatten();
        assert!(
            claims.is_some_and(|claims| index < claims),
            "claim {index} of executor {id} was not prepared"
        );
        assert!(
            !self.made.contains(&(id, index)),
            "claim {index} of executor {id} is made twice"
        );
        assert!(
            self.in_flight.insert((id, index)),
            "claim {index} of executor {id} is in flight twice"
        );
        if self.drivers {
            assert_eq!((owner.name.as_str(), owner.uid.as_str()), ("driver", OWNER));
        } else {
            assert_eq!(owner.name, format!("test-exec-{id}"));
            assert_eq!(Some(&owner.uid), self.pods.get(&id), "owner of a claim of {id}");
        }
    }

    pub(super) fn on_create(&mut self, id: ExecutorId, cluster: &Cluster) {
        if !self.prepares {
            return;
        }
        let claims = self.prepared.get(&id).copied().flatten();
        let claims = claims.unwrap_or_else(|| panic!("executor {id} was not prepared"));
        for name in (0..claims).map(|index| claim_name(id, index)) {
            let owner = cluster.claims.get(&name).map(|claim| claim.owner.as_str());
            assert!(
                !self.drivers || owner == Some(OWNER),
                "a pod comes before its claim {name}"
            );
        }
    }

    pub(super) fn on_created(&mut self, id: ExecutorId, uid: &str) {
        self.pods.insert(id, uid.to_owned());
    }

    pub(super) fn on_result(&mut self, action: &Action, result: &CallResult) {
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
                assert!(
                    !exists || self.made.insert((*executor, *index)),
                    "claim {index} of executor {executor} was made twice"
                );
            }
            _ => {}
        }
    }

    /// No claim is left that no pod ever used, unless nobody can know of it; then its owner takes it along.
    pub(super) fn on_end(&self, cluster: &Cluster) {
        for (name, claim) in &cluster.claims {
            let id = claim.executor;
            let known = self.pods.contains_key(&id) || self.unsure.contains(&id);
            assert!(
                known || !self.prepared.contains_key(&id),
                "claim {name} was made for nothing"
            );
            assert!(
                self.drivers || cluster.by_uid(&claim.owner).is_some(),
                "claim {name} has outlived its pod"
            );
        }
    }
}
