//! The ledger of volume claims: which there are, and who uses each. Pure.
//!
//! A claim is used by one executor at most, from the moment it is asked for or given until the executor's pod is gone
//! from the cluster. An ended pod may still have the volume mounted, so that its end alone does not make a claim free. Nor
//! does the end of the claim: a pod uses whatever has the name, as what a create makes whose answer was lost.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use super::event::{ClaimFacts, WantedClaim};
use super::types::{ExecutorId, ObjectRef};
use crate::spec::ClaimShape;

/// All claims of the application that the plan has made or been shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Volumes {
    claims: BTreeMap<String, Known>,
    /// Those that no executor uses and that can be used.
    free: BTreeSet<String>,
    by_executor: BTreeMap<ExecutorId, BTreeSet<String>>,
    /// Claims of pods that no executor of the ledger accounts for, by the pod's UID: left by an earlier life of the
    /// driver, or made after their create was given up.
    by_pod: BTreeMap<String, PodClaims>,
    /// UIDs of claims that a delete was asked for: events on their way may still show them as they were.
    doomed: BTreeSet<String>,
    /// UIDs of claims that were deleted before the answer to their create came.
    early: BTreeSet<String>,
}

/// What a pod shows that the ledger does not account for.
#[derive(Debug, Clone)]
struct PodClaims {
    /// The executor whose pod it is.
    of: Option<ExecutorId>,
    names: Vec<String>,
}

#[derive(Debug, Clone)]
struct Known {
    /// None where the answer to its create is missing.
    uid: Option<String>,
    shape: ClaimShape,
    user: Option<ExecutorId>,
    /// Its user has another one in its place: the answer to its create was lost.
    spare: bool,
    /// It exists, but no pod can use it any more.
    spoiled: bool,
    /// The API server has it.
    exists: bool,
    /// When it was made or shown: a list that began before may miss it.
    since: Duration,
}

impl Volumes {
    /// The create of a claim is sent: it is the executor's, whatever comes of it.
    pub(super) fn reserve(&mut self, now: Duration, id: ExecutorId, wanted: &WantedClaim) {
        let known = Known {
            uid: None,
            shape: wanted.shape.clone(),
            user: Some(id),
            spare: false,
            spoiled: false,
            exists: false,
            since: now,
        };
        self.claims.entry(wanted.name.clone()).or_insert(known);
        self.free.remove(&wanted.name);
        self.use_by(&wanted.name, id);
    }

    /// The claim exists. False where it has been deleted meanwhile.
    pub(super) fn made(&mut self, now: Duration, name: &str, uid: Option<&str>) -> bool {
        if uid.is_some_and(|uid| self.early.remove(uid)) {
            return false;
        }
        if let Some(known) = self.claims.get_mut(name) {
            known.exists = true;
            known.since = now;
            if let Some(uid) = uid {
                known.uid = Some(uid.to_owned());
            }
        }
        true
    }

    /// Gives a free claim to an executor, which wanted one of the name `wanted`.
    pub(super) fn take(&mut self, name: &str, id: ExecutorId, wanted: &str) {
        if self.free.remove(name) {
            if let Some(own) = self.claims.get_mut(wanted).filter(|own| own.user == Some(id)) {
                own.spare = true;
            }
            self.use_by(name, id);
        }
    }

    fn use_by(&mut self, name: &str, id: ExecutorId) {
        if let Some(known) = self.claims.get_mut(name) {
            known.user = Some(id);
            known.spare = false;
            self.by_executor.entry(id).or_default().insert(name.to_owned());
        }
    }

    /// The pod of an executor is gone, or never was. `outlive`: its claims remain.
    pub(super) fn leave(&mut self, id: ExecutorId, outlive: bool) {
        for name in self.by_executor.remove(&id).unwrap_or_default() {
            let Some(known) = self.claims.get_mut(&name) else {
                continue;
            };
            known.user = None;
            if !outlive || !known.exists {
                self.claims.remove(&name);
            } else if !known.spoiled {
                self.free.insert(name);
            }
        }
    }

    /// An executor that was given a claim and has no pod cannot have it.
    pub(super) fn give_back(&mut self, name: &str, id: ExecutorId) {
        let Some(known) = self.claims.get_mut(name).filter(|known| known.user == Some(id)) else {
            return;
        };
        known.user = None;
        if !known.exists {
            self.claims.remove(name);
        } else if !known.spoiled {
            self.free.insert(name.to_owned());
        }
        if let Some(names) = self.by_executor.get_mut(&id) {
            names.remove(name);
        }
    }

    /// A claim is deleted because nobody came to use it.
    pub(super) fn doom(&mut self, claim: &ObjectRef) {
        self.doomed.insert(claim.uid.clone());
        self.end(&claim.name);
    }

    /// The API server shows a claim of ours, in a list that began at `listed` or on the watch. Returns who used the one that
    /// had its name before.
    pub(super) fn shown(
        &mut self,
        now: Duration,
        claim: &ClaimFacts,
        listed: Option<Duration>,
    ) -> Option<ExecutorId> {
        let known = self.claims.get(&claim.name);
        let other = known.filter(|known| known.uid.as_ref().is_some_and(|uid| *uid != claim.uid));
        let user = match other {
            // Names are unique, and a watch shows the end of one before the next: this is late news of one that was before.
            Some(known) if listed.is_none_or(|listed| listed <= known.since) => return None,
            Some(_) => self.end(&claim.name),
            None => None,
        };
        let spoiled = claim.spoiled || self.doomed.contains(&claim.uid);
        let known = self.claims.entry(claim.name.clone()).or_insert_with(|| Known {
            uid: None,
            shape: claim.shape.clone(),
            user: None,
            spare: false,
            spoiled,
            exists: false,
            since: now,
        });
        if !known.exists {
            known.since = now;
        }
        known.uid = Some(claim.uid.clone());
        known.spoiled = spoiled;
        known.exists = true;
        if known.user.is_none() && !spoiled {
            self.free.insert(claim.name.clone());
        } else {
            self.free.remove(&claim.name);
        }
        user
    }

    /// A claim has been deleted. Returns who used it.
    pub(super) fn deleted(&mut self, claim: &ClaimFacts, creating: bool) -> Option<ExecutorId> {
        self.doomed.remove(&claim.uid);
        let known = self.claims.get(&claim.name)?;
        let it = known.uid.as_ref().map(|uid| *uid == claim.uid);
        // The watch may have shown it before the answer to its create came.
        if creating && it.unwrap_or(true) {
            self.early.insert(claim.uid.clone());
        }
        if it == Some(true) {
            self.end(&claim.name)
        } else {
            None
        }
    }

    /// A complete list that began at `started` has shown these claims, UIDs by name. Returns who used those that are no
    /// longer there, and their names.
    pub(super) fn listed(
        &mut self,
        started: Duration,
        shown: &BTreeMap<String, String>,
    ) -> Vec<(ExecutorId, String)> {
        let uids: BTreeSet<_> = shown.values().collect();
        self.doomed.retain(|uid| uids.contains(uid));
        let gone: Vec<_> = self
            .claims
            .iter()
            .filter(|(_, known)| known.exists && known.since < started)
            .filter(|(name, known)| match &known.uid {
                Some(uid) => !uids.contains(uid),
                None => !shown.contains_key(*name),
            })
            .map(|(name, _)| name.clone())
            .collect();
        gone.into_iter()
            .filter_map(|name| Some((self.end(&name)?, name)))
            .collect()
    }

    /// No create of a claim is in flight.
    pub(super) fn settle(&mut self) {
        self.early.clear();
    }

    /// A pod that exists uses these claims.
    pub(super) fn pod_shown(&mut self, uid: &str, claims: &[String], id: Option<ExecutorId>) {
        let accounted = |name: &String| {
            let user = self.claims.get(name).and_then(|known| known.user);
            id.is_some() && user == id
        };
        if !claims.is_empty() && !claims.iter().all(accounted) {
            let names = claims.to_vec();
            self.by_pod.insert(uid.to_owned(), PodClaims { of: id, names });
        }
    }

    /// A pod is gone.
    pub(super) fn pod_gone(&mut self, uid: &str) {
        self.by_pod.remove(uid);
    }

    /// A complete list has shown no other pods than these.
    pub(super) fn keep_pods(&mut self, uids: &HashSet<String>) {
        self.by_pod.retain(|uid, _| uids.contains(uid));
    }

    /// Whether a claim of this name is there that the executor cannot have: another uses it, or it is on its way out.
    pub(super) fn is_taken(&self, name: &str, id: ExecutorId) -> bool {
        self.shown_by_other(name, Some(id))
            || self
                .claims
                .get(name)
                .is_some_and(|known| known.spoiled || known.user.is_some_and(|user| user != id))
    }

    /// The executor that uses a claim.
    pub(super) fn user(&self, name: &str) -> Option<ExecutorId> {
        self.claims.get(name)?.user
    }

    /// Whether a claim of this name is there and the executor can have it.
    pub(super) fn is_free(&self, name: &str, id: ExecutorId) -> bool {
        self.free.contains(name) && !self.shown_by_other(name, Some(id))
    }

    /// A free claim that can stand in for the one that is wanted.
    pub(super) fn find(&self, wanted: &WantedClaim) -> Option<&str> {
        let free = self.free.iter().map(String::as_str);
        self.fitting(free.filter(|name| !self.shown_by_other(name, None)), wanted)
    }

    /// The smallest of these claims that can stand in for the one that is wanted: larger ones may yet be wanted.
    pub(super) fn fitting<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
        wanted: &WantedClaim,
    ) -> Option<&'a str> {
        let size = |name: &&str| self.claims.get(*name).and_then(|known| known.shape.size());
        names
            .filter(|name| wanted.replaceable && self.serves(name, &wanted.shape))
            .min_by_key(size)
    }

    /// The claims that the executors of `leaves`, and with `strays` pods of no executor, have, and that will be free when
    /// these pods are gone.
    pub(super) fn leaving(&self, leaves: impl Fn(ExecutorId) -> bool, strays: bool) -> Vec<&str> {
        let held = self.by_executor.iter().filter(|(id, _)| leaves(**id));
        let pods = self.by_pod.values().filter(|_| strays);
        let left = pods.flat_map(|pod| &pod.names);
        held.flat_map(|(_, names)| names)
            .chain(left.filter(|name| self.free.contains(*name)))
            .filter(|name| {
                self.claims
                    .get(*name)
                    .is_some_and(|known| known.exists && !known.spoiled)
            })
            .map(String::as_str)
            .collect()
    }

    /// Whether a claim has a shape that serves.
    fn serves(&self, name: &str, wanted: &ClaimShape) -> bool {
        self.claims
            .get(name)
            .is_some_and(|known| known.shape.serves(wanted))
    }

    /// Name and UID of a claim, where they are known.
    pub(super) fn object(&self, name: &str) -> Option<ObjectRef> {
        let uid = self.claims.get(name)?.uid.clone()?;
        let name = name.to_owned();
        Some(ObjectRef { name, uid })
    }

    /// How many claims exist, and how many of them nobody uses.
    pub(super) fn counts(&self) -> (usize, usize) {
        let existing = self.claims.values().filter(|known| known.exists);
        (existing.count(), self.free.len())
    }

    /// Whether a pod shows this claim, other than the executor's own.
    fn shown_by_other(&self, name: &str, id: Option<ExecutorId>) -> bool {
        self.by_pod
            .values()
            .filter(|pod| id.is_none() || pod.of != id)
            .any(|pod| pod.names.iter().any(|shown| shown == name))
    }

    /// There is no claim of this name any more. Returns whose pod is without it now; what comes under the name is still its.
    fn end(&mut self, name: &str) -> Option<ExecutorId> {
        self.free.remove(name);
        let known = self.claims.get_mut(name)?;
        let Some(user) = known.user else {
            self.claims.remove(name);
            return None;
        };
        (known.uid, known.exists, known.spoiled) = (None, false, false);
        (!known.spare).then_some(user)
    }
}

#[cfg(test)]
mod tests;
