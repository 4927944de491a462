//! Names of claims that are taken: by an attempt of ours whose answer was lost, or by a claim of somebody else's.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Plan;
use super::claims::{Claim, State};
use super::config::ClaimOwner;
use super::event::{ApiFailure, FailureClass};
use super::types::{ExecutorId, ObjectRef};

/// What to do where a claim's name is not an executor's own.
pub(super) const ONE_EACH: &str = "Put OnDemand or SPARK_EXECUTOR_ID into \
    spark.kubernetes.executor.volumes.persistentVolumeClaim.<volume>.options.claimName to have a claim made for each \
    executor, or leave out options.storageClass and options.sizeLimit to mount a claim that exists.";

impl Plan {
    /// A claim of this name is there. Where the name is made of the executor's own, an attempt whose answer was lost
    /// was applied. Other names may be another's.
    pub(super) fn on_claim_exists(&mut self, now: Duration, id: ExecutorId, index: usize, sent_at: Duration) {
        let claim = self.making.get(&id).and_then(|claims| claims.get(index));
        let Some(claim) = claim else { return };
        if claim.wanted.name.contains(&self.cfg.pod_name(id)) {
            self.on_claim_made(now, id, index, sent_at, None);
        } else {
            self.set_claim(id, index, State::Asked(now));
            self.list_claims(now);
            if !self.claim_watch.may_list() {
                self.resolve_asked(now, now, &BTreeMap::new());
            }
        }
    }

    /// Whether it has to be found out whose the claim of this name is.
    pub(super) fn is_asked(&self, name: &str) -> bool {
        let asked = |claim: &Claim| matches!(claim.state, State::Asked(_)) && claim.wanted.name == name;
        self.making.values().flatten().any(asked)
    }

    /// A list that began at `started` has told whose the claims are whose names were in question: UID and owner by name.
    pub(super) fn resolve_asked(
        &mut self,
        now: Duration,
        started: Duration,
        found: &BTreeMap<String, (String, Option<String>)>,
    ) {
        let mut asked = Vec::new();
        for (id, claims) in &self.making {
            for (index, claim) in claims.iter().enumerate() {
                if let State::Asked(since) = claim.state {
                    asked.push((*id, index, since, claim.wanted.name.clone()));
                }
            }
        }
        for (id, index, since, name) in asked {
            let owner = match self.cfg.claim_owner {
                ClaimOwner::Driver => self.owner.clone(),
                ClaimOwner::Pod => self.ledger.get(id).map(|executor| executor.uid.clone()),
            };
            let ours = found.get(&name).filter(|(_, of)| of.is_some() && *of == owner);
            if let Some((uid, _)) = ours
                && !self.volumes.is_taken(&name, id)
            {
                let claim = ObjectRef {
                    name,
                    uid: uid.clone(),
                };
                self.on_claim_made(now, id, index, now, Some(claim));
            } else if since <= started {
                self.set_claim(id, index, State::Wanted);
                if ours.is_none() {
                    self.on_claim_of_others(now, id, &name);
                }
            } else {
                self.list_claims(now);
            }
        }
    }

    fn on_claim_of_others(&mut self, now: Duration, id: ExecutorId, name: &str) {
        let failure = ApiFailure {
            class: FailureClass::AlreadyExists,
            message: format!("the volume claim {name} exists already and is not this executor's. {ONE_EACH}"),
            retry_after: None,
        };
        self.on_claim_failure(now, id, now, &failure, &failure.message);
    }
}
