//! Checks from outside what always has to hold of preparations and volume claims.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::plan::{
    Action, CallResult, ClaimOwner, ExecutorId, FailureClass, ObjectRef, Outcome, PlanConfig, PodFacts,
    Prepared, ProfileId,
};

use super::OWNER;
use super::check::{Violations, require};
use super::cluster::Cluster;

/// How long a list of claims is believed where they may not be watched.
const VALID: Duration = Duration::from_secs(30);

/// Follows preparations and claims, and records where an invariant does not hold.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of each other"
)]
pub(super) struct ClaimChecker {
    prepares: bool,
    /// Whether the driver pod owns the claims.
    drivers: bool,
    /// Whether claims are used again.
    reuses: bool,
    /// Names of the claims of each executor that was to be prepared; none where it was not.
    prepared: BTreeMap<ExecutorId, Option<Vec<String>>>,
    /// UIDs of pods.
    pods: BTreeMap<ExecutorId, String>,
    in_flight: BTreeSet<(ExecutorId, usize)>,
    made: BTreeSet<(ExecutorId, usize)>,
    /// Executors of which the outcome of a claim's create is not known.
    unsure: BTreeSet<ExecutorId>,
    /// Names of claims that were given to executors for which they were not made.
    given: BTreeSet<String>,
    /// Executors of which a claim was refused for good.
    refused: BTreeSet<ExecutorId>,
    preparing: bool,
    /// Whether claims may be listed: at the start, where a name is taken, and after a list or a watch that failed.
    may_list: bool,
    /// When they were last listed.
    listed_at: Duration,
    /// Whether they cannot be watched.
    unwatched: bool,
}

impl ClaimChecker {
    pub(super) fn new(cfg: &PlanConfig) -> Self {
        ClaimChecker {
            prepares: cfg.prepares,
            drivers: cfg.driver_pod.is_some() && cfg.claim_owner == ClaimOwner::Driver,
            reuses: cfg.reuse_claims,
            prepared: BTreeMap::new(),
            pods: BTreeMap::new(),
            in_flight: BTreeSet::new(),
            made: BTreeSet::new(),
            unsure: BTreeSet::new(),
            given: BTreeSet::new(),
            refused: BTreeSet::new(),
            preparing: false,
            may_list: true,
            listed_at: Duration::ZERO,
            unwatched: cfg.polling.is_some() || !cfg.reuse_claims,
        }
    }

    pub(super) fn come_first(&self) -> bool {
        self.drivers
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
        cluster: &Cluster,
        found: &mut Violations,
    ) {
        let claims = self.prepared.get(&id).and_then(Option::as_ref);
        let name = claims.and_then(|claims| claims.get(index));
        if name.is_some_and(|name| !cluster.claims.contains_key(name)) {
            // Somebody has deleted it.
            self.made.remove(&(id, index));
        }
        require!(
            found,
            Ids,
            name.is_some(),
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

    pub(super) fn on_create(&mut self, id: ExecutorId, reused: &[(usize, String)], found: &mut Violations) {
        self.given.extend(reused.iter().map(|(_, name)| name.clone()));
        if !self.prepares {
            return;
        }
        let claims = self.prepared.get(&id).and_then(Option::as_ref).map(Vec::len);
        require!(
            found,
            Ids,
            claims.is_some(),
            "executor {id} is created and was not prepared"
        );
        for index in 0..claims.unwrap_or(0) {
            let there = self.made.contains(&(id, index)) || reused.iter().any(|(of, _)| *of == index);
            require!(
                found,
                Ownership,
                !self.drivers || there,
                "the pod of executor {id} comes before its claim {index}"
            );
        }
        require!(
            found,
            Ownership,
            self.reuses || reused.is_empty() || self.drivers,
            "claims of pods are used again: {reused:?}"
        );
    }

    /// A pod is stored.
    pub(super) fn on_pod(pod: &PodFacts, cluster: &Cluster, found: &mut Violations) {
        for other in cluster.pods.values().filter(|other| other.uid != pod.uid) {
            let shared = pod.claims.iter().find(|name| other.claims.contains(name));
            let (pod, other) = (&pod.name, &other.name);
            require!(
                found,
                Sharing,
                shared.is_none(),
                "{pod} and {other} share {shared:?}"
            );
        }
    }

    /// Claims are listed from the first page.
    pub(super) fn on_list(&mut self, now: Duration, found: &mut Violations) {
        let stale = self.unwatched && now.saturating_sub(self.listed_at) >= VALID;
        let need = self.may_list || stale;
        require!(found, Frugality, need, "a list of claims without need");
        self.may_list = false;
        self.listed_at = now;
    }

    /// A claim is deleted.
    pub(super) fn on_delete(claim: &ObjectRef, cluster: &Cluster, found: &mut Violations) {
        let user = cluster.pods.values().find(|pod| pod.claims.contains(&claim.name));
        let user = user.map(|pod| &pod.name);
        require!(
            found,
            Ownership,
            user.is_none(),
            "{claim:?} is deleted, and {user:?} uses it"
        );
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
                        let names = claims.iter().map(|claim| claim.name.clone()).collect();
                        self.prepared.insert(*executor, Some(names));
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
                        let exists = failure.class == FailureClass::AlreadyExists;
                        self.may_list |= exists;
                        exists && self.is_own(*executor, *index)
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
            (Action::ListClaims { .. }, CallResult::Claims(Outcome::Failed(_) | Outcome::Unknown(_))) => {
                self.may_list = true;
            }
            (Action::WatchClaims { .. }, CallResult::Watch(Outcome::Failed(failure))) => {
                match failure.class {
                    FailureClass::Gone => self.may_list = true,
                    FailureClass::Forbidden => self.unwatched = true,
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Whether the name of a claim is its executor's own.
    fn is_own(&self, id: ExecutorId, index: usize) -> bool {
        let names = self.prepared.get(&id).and_then(Option::as_ref);
        let name = names.and_then(|names| names.get(index));
        name.is_some_and(|name| name.contains(&format!("test-exec-{id}-")))
    }

    /// No claim is left that no pod ever used, unless nobody can know of it; then its owner takes it along.
    pub(super) fn on_end(&self, cluster: &Cluster, found: &mut Violations) {
        for (name, claim) in &cluster.claims {
            let id = claim.executor;
            let known = self.pods.contains_key(&id) || self.unsure.contains(&id) || self.given.contains(name);
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
