//! The ledger of volume claims: which there are, and who uses each. Pure.
//!
//! A claim is used by one executor at most, from the moment it is asked for or given until the executor's pod is gone
//! from the cluster. An ended pod may still have the volume mounted, so that its end alone does not make a claim free.

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
            self.unmake(name);
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

    /// The create of a claim has failed: as far as is known there is none of this name.
    pub(super) fn unmake(&mut self, name: &str) {
        if self.claims.get(name).is_some_and(|known| !known.exists) {
            self.forget(name);
        }
    }

    /// Gives a free claim to an executor.
    pub(super) fn take(&mut self, name: &str, id: ExecutorId) {
        if self.free.remove(name) {
            self.use_by(name, id);
        }
    }

    fn use_by(&mut self, name: &str, id: ExecutorId) {
        if let Some(known) = self.claims.get_mut(name) {
            known.user = Some(id);
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

    /// A claim is deleted because nobody came to use it.
    pub(super) fn doom(&mut self, claim: &ObjectRef) {
        self.doomed.insert(claim.uid.clone());
        self.forget(&claim.name);
    }

    /// The API server shows a claim of ours. Returns who used the one that had its name before.
    pub(super) fn shown(&mut self, now: Duration, claim: &ClaimFacts) -> Option<ExecutorId> {
        let known = self.claims.get(&claim.name);
        let other = known.is_some_and(|known| known.uid.as_ref().is_some_and(|uid| *uid != claim.uid));
        let user = if other { self.forget(&claim.name) } else { None };
        let spoiled = claim.spoiled || self.doomed.contains(&claim.uid);
        let known = self.claims.entry(claim.name.clone()).or_insert_with(|| Known {
            uid: None,
            shape: claim.shape.clone(),
            user: None,
            spoiled,
            exists: true,
            since: now,
        });
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
        if known.uid.as_ref() == Some(&claim.uid) {
            return self.forget(&claim.name);
        }
        if known.uid.is_none() && creating {
            self.early.insert(claim.uid.clone());
        }
        None
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
            .filter_map(|name| Some((self.forget(&name)?, name)))
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
        if !wanted.replaceable {
            return None;
        }
        self.free
            .iter()
            .find(|name| self.serves(name, &wanted.shape) && !self.shown_by_other(name, None))
            .map(String::as_str)
    }

    /// The claims that the executors of `leaves`, and with `strays` pods of no executor, have, and that will be free when
    /// these pods are gone.
    pub(super) fn leaving(&self, leaves: impl Fn(ExecutorId) -> bool, strays: bool) -> Vec<&str> {
        let held = self.by_executor.iter().filter(|(id, _)| leaves(**id));
        let pods = self.by_pod.values().filter(|_| strays);
        let left = pods.flat_map(|pod| &pod.names);
        held.flat_map(|(_, names)| names)
            .chain(left.filter(|name| self.free.contains(*name)))
            .filter(|name| self.claims.get(*name).is_some_and(|known| !known.spoiled))
            .map(String::as_str)
            .collect()
    }

    /// Whether a claim has a shape that serves.
    pub(super) fn serves(&self, name: &str, wanted: &ClaimShape) -> bool {
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

    fn forget(&mut self, name: &str) -> Option<ExecutorId> {
        self.free.remove(name);
        let user = self.claims.remove(name)?.user?;
        if let Some(names) = self.by_executor.get_mut(&user) {
            names.remove(name);
        }
        Some(user)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: ExecutorId = ExecutorId(1);
    const TWO: ExecutorId = ExecutorId(2);
    const NOW: Duration = Duration::ZERO;

    fn shape() -> ClaimShape {
        ClaimShape::of(&json!({"spec": {"resources": {"requests": {"storage": "1Gi"}}}}))
    }

    fn wanted(name: &str) -> WantedClaim {
        WantedClaim {
            name: name.to_owned(),
            shape: shape(),
            replaceable: true,
        }
    }

    fn facts(name: &str, uid: &str) -> ClaimFacts {
        ClaimFacts {
            name: name.to_owned(),
            uid: uid.to_owned(),
            shape: shape(),
            ..ClaimFacts::default()
        }
    }

    fn with_claim() -> Volumes {
        let mut volumes = Volumes::default();
        volumes.reserve(NOW, ONE, &wanted("a"));
        assert!(volumes.made(NOW, "a", Some("u")));
        volumes
    }

    #[test]
    fn a_claim_is_free_when_its_user_has_gone() {
        let mut volumes = with_claim();
        assert_eq!(volumes.find(&wanted("b")), None);
        assert!(volumes.is_taken("a", TWO) && !volumes.is_taken("a", ONE));
        volumes.leave(ONE, true);
        assert_eq!(volumes.find(&wanted("b")), Some("a"));
        volumes.take("a", TWO);
        assert_eq!(volumes.find(&wanted("b")), None);
        assert!(volumes.is_taken("a", ONE));
    }

    #[test]
    fn claims_of_pods_go_with_them() {
        let mut volumes = with_claim();
        volumes.leave(ONE, false);
        assert_eq!(volumes.counts(), (0, 0));
    }

    #[test]
    fn a_claim_that_a_pod_shows_is_not_free() {
        let mut volumes = with_claim();
        volumes.leave(ONE, true);
        volumes.pod_shown("pod", &["a".into(), "other".into()], None);
        assert!(volumes.find(&wanted("b")).is_none() && !volumes.is_free("a", TWO));
        assert_eq!(volumes.leaving(|_| false, true), ["a"]);
        assert!(volumes.leaving(|_| false, false).is_empty());
        volumes.keep_pods(&HashSet::from(["pod".into()]));
        assert!(volumes.is_taken("other", ONE));
        volumes.pod_gone("pod");
        assert!(volumes.is_free("a", TWO));
    }

    #[test]
    fn a_pod_with_the_claims_it_was_given_is_accounted_for() {
        let mut volumes = with_claim();
        volumes.pod_shown("pod", &["a".into()], Some(ONE));
        volumes.leave(ONE, true);
        assert!(volumes.is_free("a", TWO));
    }

    #[test]
    fn what_is_deleted_is_nobodys() {
        let mut volumes = with_claim();
        assert_eq!(volumes.deleted(&facts("a", "another"), false), None);
        assert_eq!(volumes.deleted(&facts("a", "u"), false), Some(ONE));
        assert_eq!(volumes.counts(), (0, 0));
        // Deleted before the answer to its create.
        volumes.reserve(NOW, ONE, &wanted("b"));
        volumes.deleted(&facts("b", "v"), true);
        assert!(!volumes.made(NOW, "b", Some("v")));
        assert_eq!(volumes.counts(), (0, 0));
    }

    #[test]
    fn a_delete_that_was_asked_for_is_not_undone_by_late_events() {
        let mut volumes = with_claim();
        volumes.leave(ONE, true);
        volumes.doom(&ObjectRef {
            name: "a".into(),
            uid: "u".into(),
        });
        volumes.shown(NOW, &facts("a", "u"));
        assert!(volumes.find(&wanted("b")).is_none() && volumes.is_taken("a", TWO));
        volumes.deleted(&facts("a", "u"), false);
        assert!(!volumes.is_taken("a", TWO));
    }

    #[test]
    fn a_list_tells_what_is_no_longer_there() {
        let mut volumes = with_claim();
        let later = Duration::from_secs(1);
        volumes.reserve(later, TWO, &wanted("b"));
        volumes.made(later, "b", Some("v"));
        assert_eq!(volumes.listed(later, &BTreeMap::new()), [(ONE, "a".to_owned())]);
        assert_eq!(volumes.counts(), (1, 0), "what was made during the list stays");
    }

    #[test]
    fn a_name_that_comes_again_is_another_claim() {
        let mut volumes = with_claim();
        assert_eq!(volumes.shown(NOW, &facts("a", "v")), Some(ONE));
        assert!(volumes.is_free("a", TWO));
        let spoiled = ClaimFacts {
            spoiled: true,
            ..facts("a", "v")
        };
        volumes.shown(NOW, &spoiled);
        assert!(!volumes.is_free("a", TWO) && volumes.is_taken("a", ONE));
    }
}
