//! The simulated API server's volume claims: their list, their watch, and what protects those that are in use.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::plan::{
    ApiFailure, CallId, CallResult, ClaimEvent, ClaimFacts, ClaimPage, Condition, ExecutorId, FailureClass,
    ObjectRef, Outcome, PodPhase, WantedClaim,
};
use crate::spec::ClaimShape;

use super::cluster::{Cluster, page_of, refuse};
use super::{Happening, Sim};

/// How long after a change of the claims a pod whose claim is missing is looked at again.
const RETRY_START: Duration = Duration::from_secs(5);

/// A volume claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// `metadata.uid`
    pub uid: String,
    /// UID of the pod that owns it.
    pub owner: String,
    /// The executor it was made for.
    pub executor: ExecutorId,
    /// Storage class, size, modes and labels.
    pub shape: ClaimShape,
    /// `metadata.deletionTimestamp` is set: it goes when no running pod uses it any more.
    pub deleting: bool,
    /// It belongs to another application whose owner lives; our selector does not show it.
    pub foreign: bool,
}

/// What may be done with claims beside making them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimRights {
    /// List and watch.
    #[default]
    All,
    /// List.
    List,
    /// Nothing.
    None,
}

/// An open watch on the server's side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection {
    /// The last version that was put on the wire.
    sent: u64,
    /// Events arrive in order.
    last: Duration,
}

/// What happened to claims.
#[derive(Debug, Default)]
pub(super) struct ClaimLog {
    version: u64,
    compacted: u64,
    history: VecDeque<(u64, ClaimEvent)>,
    snapshots: BTreeMap<u64, Vec<ClaimFacts>>,
}

impl ClaimLog {
    pub(super) fn compact(&mut self) {
        self.compacted = self.version;
        self.history.clear();
        self.snapshots.clear();
    }
}

impl Claim {
    fn facts(&self, name: &str) -> ClaimFacts {
        ClaimFacts {
            name: name.to_owned(),
            uid: self.uid.clone(),
            owner_uid: Some(self.owner.clone()),
            shape: self.shape.clone(),
            spoiled: self.deleting,
        }
    }
}

/// The claims of an executor differ in their size.
fn shape(index: usize) -> ClaimShape {
    static SHAPES: LazyLock<[ClaimShape; 4]> = LazyLock::new(|| std::array::from_fn(make_shape));
    let made = SHAPES.get(index).cloned();
    made.unwrap_or_else(|| make_shape(index))
}

fn make_shape(index: usize) -> ClaimShape {
    let size = format!("{}Gi", index + 1);
    ClaimShape::of(
        &json!({"spec": {"storageClassName": "fast", "resources": {"requests": {"storage": size}}}}),
    )
}

impl Cluster {
    /// Stores a new volume claim, the one of this index among its executor's.
    pub fn create_claim(
        &mut self,
        name: &str,
        executor: ExecutorId,
        index: usize,
        owner: &ObjectRef,
    ) -> Result<ObjectRef, ApiFailure> {
        if self.claims.contains_key(name) {
            let message = format!("persistentvolumeclaims \"{name}\" already exists");
            return Err(refuse(FailureClass::AlreadyExists, &message));
        }
        if self.claim_quota.is_some_and(|quota| self.claims.len() >= quota) {
            let message = format!("persistentvolumeclaims \"{name}\" is forbidden: exceeded quota");
            return Err(refuse(FailureClass::QuotaExceeded, &message));
        }
        let uid = format!("claim-{}", self.next_uid());
        let claim = Claim {
            uid: uid.clone(),
            owner: owner.uid.clone(),
            executor,
            shape: shape(index),
            deleting: false,
            foreign: false,
        };
        self.claims_created += 1;
        self.record_claim(name, &claim, false);
        self.claims.insert(name.to_owned(), claim);
        Ok(ObjectRef {
            name: name.to_owned(),
            uid,
        })
    }

    /// Deletes a volume claim, as soon as no running pod uses it.
    pub fn delete_claim(&mut self, claim: &ObjectRef) -> Result<(), ApiFailure> {
        let Some(known) = self.claims.get_mut(&claim.name) else {
            return Err(refuse(FailureClass::NotFound, "not found"));
        };
        if known.uid != claim.uid {
            let message = "the UID in the precondition does not match";
            return Err(refuse(FailureClass::Conflict, message));
        }
        known.deleting = true;
        let known = known.clone();
        self.record_claim(&claim.name, &known, false);
        self.collect_claims(|_, _| false);
        Ok(())
    }

    /// Deletes all volume claims.
    pub(super) fn delete_claims(&mut self) {
        self.collect_claims(|_, _| true);
    }

    /// Volume claims go with the pods that own them.
    pub fn collect_garbage(&mut self) {
        self.collect_claims(|cluster, claim| {
            let drivers = cluster
                .driver
                .as_ref()
                .is_some_and(|driver| driver.uid == claim.owner);
            !drivers && !claim.foreign && cluster.by_uid(&claim.owner).is_none()
        });
    }

    /// Removes claims, and those that are being deleted and that no running pod uses.
    fn collect_claims(&mut self, chosen: impl Fn(&Cluster, &Claim) -> bool) {
        let gone: Vec<_> = self
            .claims
            .iter()
            .filter(|(name, claim)| chosen(self, claim) || (claim.deleting && !self.is_mounted(name)))
            .map(|(name, claim)| (name.clone(), claim.clone()))
            .collect();
        for (name, claim) in gone {
            self.claims.remove(&name);
            self.record_claim(&name, &claim, true);
            self.claims_gone.insert(name);
        }
    }

    fn is_mounted(&self, claim: &str) -> bool {
        let running = |phase| matches!(phase, PodPhase::Running | PodPhase::Unknown);
        let uses = |pod: &&crate::plan::PodFacts| pod.claims.iter().any(|name| name == claim);
        self.pods.values().filter(uses).any(|pod| running(pod.phase))
    }

    /// A claim of the pod's that it cannot mount.
    fn missing_claim(&self, uid: &str) -> Option<String> {
        let usable = |name: &String| self.claims.get(name).is_some_and(|claim| !claim.deleting);
        let pod = self.by_uid(uid)?;
        pod.claims.iter().find(|name| !usable(name)).cloned()
    }

    /// Whether a claim of the pod's has been deleted.
    pub(super) fn lacks_claim(&self, uid: &str) -> bool {
        self.missing_claim(uid).is_some()
    }

    /// Whether a claim of a name that the pod uses has ever gone: one that was made anew may not be known yet.
    pub(super) fn has_lost_claim(&self, uid: &str) -> bool {
        let pod = self.by_uid(uid);
        pod.is_some_and(|pod| pod.claims.iter().any(|name| self.claims_gone.contains(name)))
    }

    fn record_claim(&mut self, name: &str, claim: &Claim, deleted: bool) {
        let log = &mut self.claim_log;
        log.version += 1;
        let (claim, resource_version) = (Box::new(claim.facts(name)), log.version.to_string());
        let event = if deleted {
            ClaimEvent::Deleted {
                claim,
                resource_version,
            }
        } else {
            ClaimEvent::Applied {
                claim,
                resource_version,
            }
        };
        log.history.push_back((log.version, event));
        self.stir();
    }

    /// A page of the claims. All pages of a list show the same state.
    fn list_claims(&mut self, token: Option<&str>) -> Result<ClaimPage, ApiFailure> {
        let gone = || refuse(FailureClass::Gone, "the continue token is too old");
        let (version, offset) = match token {
            None => (self.claim_log.version, 0),
            Some(token) => page_of(token).ok_or_else(gone)?,
        };
        if token.is_none() {
            let ours = self.claims.iter().filter(|(_, claim)| !claim.foreign);
            let ours = ours.map(|(name, claim)| claim.facts(name)).collect();
            self.claim_log.snapshots.insert(version, ours);
        }
        let all = self.claim_log.snapshots.get(&version).ok_or_else(gone)?;
        let end = (offset + self.page_size.max(1)).min(all.len());
        Ok(ClaimPage {
            claims: all[offset..end].to_vec(),
            continue_token: (end < all.len()).then(|| format!("{version}:{end}")),
            resource_version: version.to_string(),
        })
    }

    fn claim_events_since(&self, version: u64) -> Result<Vec<(u64, ClaimEvent)>, ApiFailure> {
        if version < self.claim_log.compacted {
            return Err(refuse(FailureClass::Gone, "too old resource version"));
        }
        let history = &self.claim_log.history;
        let first = history.partition_point(|(at, _)| *at <= version);
        Ok(history.range(first..).cloned().collect())
    }
}

impl Sim {
    /// Name of a volume claim of an executor.
    pub(super) fn claim_name(&self, executor: ExecutorId, index: usize) -> String {
        match &self.fixed_claim {
            Some(name) => name.clone(),
            None => format!("test-exec-{executor}-pvc-{index}"),
        }
    }

    /// The claims of an executor that is prepared.
    pub(super) fn wanted_claims(&self, executor: ExecutorId) -> Vec<WantedClaim> {
        (0..self.claims_each)
            .map(|index| WantedClaim {
                name: self.claim_name(executor, index),
                shape: shape(index),
                replaceable: true,
            })
            .collect()
    }

    /// The claims that an executor's pod mounts.
    pub(super) fn mounted_claims(&self, executor: ExecutorId, reused: &[(usize, String)]) -> Vec<String> {
        let count = if self.check.config().prepares {
            self.claims_each
        } else {
            0
        };
        let other = |index| reused.iter().find(|(of, _)| *of == index);
        (0..count)
            .map(|index| match other(index) {
                Some((_, name)) => name.clone(),
                None => self.claim_name(executor, index),
            })
            .collect()
    }

    /// Somebody deletes a claim.
    pub fn delete_claim(&mut self, name: &str) {
        if let Some(claim) = self.cluster.claims.get(name) {
            let (name, uid) = (name.to_owned(), claim.uid.clone());
            let _ = self.cluster.delete_claim(&ObjectRef { name, uid });
        }
        self.publish();
    }

    pub(super) fn list_claims(&mut self, token: Option<&str>) -> Result<ClaimPage, ApiFailure> {
        if self.claim_rights == ClaimRights::None {
            return Err(refuse(FailureClass::Forbidden, "no list of claims"));
        }
        self.cluster.list_claims(token)
    }

    pub(super) fn open_claim_watch(&mut self, call: CallId, version: &str) {
        let sent = version.parse().unwrap_or(0);
        let refused = if self.claim_rights == ClaimRights::All {
            self.cluster.claim_events_since(sent).err()
        } else {
            Some(refuse(FailureClass::Forbidden, "no watch of claims"))
        };
        if let Some(failure) = refused {
            let delay = self.latency();
            let result = CallResult::Watch(Outcome::Failed(failure));
            return self.later(delay, Happening::Answer(call, result));
        }
        self.claim_watches
            .insert(call, Connection { sent, last: self.now });
        self.cut_watch(call);
        self.publish();
    }

    /// Puts new events on every open watch of claims.
    pub(super) fn publish_claims(&mut self) {
        let version = self.cluster.claim_log.version;
        let behind = self
            .claim_watches
            .iter()
            .filter(|(_, watch)| watch.sent < version);
        for call in behind.map(|(call, _)| *call).collect::<Vec<_>>() {
            let Some(&Connection { mut sent, mut last }) = self.claim_watches.get(&call) else {
                continue;
            };
            let Ok(events) = self.cluster.claim_events_since(sent) else {
                let gone = Outcome::Failed(refuse(FailureClass::Gone, "too old"));
                self.later(Duration::ZERO, Happening::EndWatch(call, gone));
                continue;
            };
            for (version, event) in events {
                sent = version;
                if !self.silent {
                    last = last.max(self.now + self.latency());
                    self.later(last.saturating_sub(self.now), Happening::ClaimEvent(call, event));
                }
            }
            self.claim_watches.insert(call, Connection { sent, last });
        }
    }

    /// Pods that wait for a claim are tried again where claims have changed.
    pub(super) fn retry_starts(&mut self) {
        let version = self.cluster.claim_log.version;
        if std::mem::replace(&mut self.claims_seen, version) != version {
            for uid in std::mem::take(&mut self.unclaimed) {
                self.later(RETRY_START, Happening::Start(uid));
            }
        }
    }

    /// Whether a pod cannot start for want of a claim of the driver's; it is tried again.
    pub(super) fn waits_for_claim(&mut self, uid: &str) -> bool {
        let Some(name) = self
            .cluster
            .missing_claim(uid)
            .filter(|_| self.check.claims_come_first())
        else {
            return false;
        };
        self.cluster.modify(uid, |pod| {
            if pod.phase == PodPhase::Pending {
                pod.conditions = vec![Condition {
                    kind: "PodScheduled".into(),
                    status: "False".into(),
                    reason: Some("Unschedulable".into()),
                    message: Some(format!("persistentvolumeclaim \"{name}\" not found")),
                }];
            }
        });
        self.unclaimed.insert(uid.to_owned());
        true
    }
}
