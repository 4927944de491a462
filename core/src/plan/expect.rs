//! Calls in flight and what waits to be called.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use super::action::PodPatch;
use super::controllers::Change;
use super::types::{CallId, ExecutorId, ObjectRef, ProfileId};

/// What a call in flight is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    DriverPod,
    ConfigMap,
    List,
    Watch,
    Prepare {
        ids: Vec<ExecutorId>,
        sent_at: Duration,
    },
    Claim {
        id: ExecutorId,
        index: usize,
        sent_at: Duration,
    },
    Create {
        id: ExecutorId,
        sent_at: Duration,
    },
    Chore(Chore),
    DeletePods,
    DeleteClaims,
    DeleteServices,
    DeleteConfigMaps,
    DeleteConfigMap,
    ListClaims,
    WatchClaims,
    Controller {
        profile: ProfileId,
        change: Change,
        sent_at: Duration,
    },
}

/// A call on one pod or claim that shares the budget with the creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chore {
    /// What became of the executor's pod?
    Get { id: ExecutorId, sent_at: Duration },
    /// Delete this pod.
    Delete {
        id: ExecutorId,
        name: String,
        uid: String,
    },
    /// Delete a volume claim that no pod came to use.
    DeleteClaim(ObjectRef),
    /// Change its labels.
    Patch {
        id: ExecutorId,
        patch: PodPatch,
        attempts: u32,
    },
}

impl Chore {
    fn is_cost(&self) -> bool {
        matches!(
            self,
            Chore::Patch {
                patch: PodPatch::DeletionCost(_),
                ..
            }
        )
    }
}

/// Calls in flight by their identifier.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    last: u64,
    open: BTreeMap<CallId, Call>,
}

impl Calls {
    pub(super) fn begin(&mut self, call: Call) -> CallId {
        self.last += 1;
        let id = CallId(self.last);
        self.open.insert(id, call);
        id
    }

    pub(super) fn end(&mut self, id: CallId) -> Option<Call> {
        self.open.remove(&id)
    }

    pub(super) fn is_open(&self, call: &Call) -> bool {
        self.open.values().any(|open| open == call)
    }

    /// Whether a delete is in flight.
    pub(super) fn any_delete(&self) -> bool {
        self.open
            .values()
            .any(|open| matches!(open, Call::Chore(Chore::Delete { .. })))
    }

    /// Whether executors are being prepared.
    pub(super) fn any_prepare(&self) -> bool {
        self.open
            .values()
            .any(|open| matches!(open, Call::Prepare { .. }))
    }

    /// Whether the create of a volume claim is in flight.
    pub(super) fn any_claim(&self) -> bool {
        self.open.values().any(|open| matches!(open, Call::Claim { .. }))
    }

    /// Whether the cost of a pod is on its way.
    pub(super) fn any_cost(&self) -> bool {
        self.open
            .values()
            .any(|open| matches!(open, Call::Chore(chore) if chore.is_cost()))
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

/// Gets, deletes and patches that wait for a place.
#[derive(Debug, Clone, Default)]
pub(super) struct Chores {
    gets: VecDeque<ExecutorId>,
    others: VecDeque<Chore>,
    /// UIDs of pods that are not in the ledger and need no delete, or no further one, though events and pages
    /// that are on their way may still show them. Kept until the watch or a complete list shows that they are gone.
    strays: BTreeSet<String>,
}

impl Chores {
    /// Queues a confirming get.
    pub(super) fn push_get(&mut self, id: ExecutorId) {
        self.gets.push_back(id);
    }

    /// Queues a delete or a patch.
    pub(super) fn push(&mut self, chore: Chore) {
        self.others.push_back(chore);
    }

    /// Deletes a pod that no executor of the ledger has, once.
    pub(super) fn delete_stray(&mut self, id: ExecutorId, name: &str, uid: &str) {
        if self.strays.insert(uid.to_owned()) {
            self.others.push_back(Chore::Delete {
                id,
                name: name.to_owned(),
                uid: uid.to_owned(),
            });
        }
    }

    /// A pod is known to be gone before the watch says so.
    pub(super) fn bury(&mut self, uid: &str) {
        self.strays.insert(uid.to_owned());
    }

    /// Whether a pod is known to be gone, or is being deleted.
    pub(super) fn is_stray(&self, uid: &str) -> bool {
        self.strays.contains(uid)
    }

    /// Whether the cost of a pod waits to be told.
    pub(super) fn any_cost(&self) -> bool {
        self.others.iter().any(Chore::is_cost)
    }

    /// The watch says that a pod is gone.
    pub(super) fn stray_gone(&mut self, uid: &str) {
        self.strays.remove(uid);
    }

    /// Keeps only the strays that a complete list has shown.
    pub(super) fn keep_strays(&mut self, seen: &HashSet<String>) {
        self.strays.retain(|uid| seen.contains(uid));
    }

    /// The next confirming get.
    pub(super) fn pop_get(&mut self) -> Option<ExecutorId> {
        self.gets.pop_front()
    }

    /// The next delete or patch.
    pub(super) fn pop_other(&mut self) -> Option<Chore> {
        self.others.pop_front()
    }

    /// Whether a delete or a patch waits.
    pub(super) fn others_wait(&self) -> bool {
        !self.others.is_empty()
    }

    /// Forgets the delete of an executor's pod; false where none waits.
    pub(super) fn drop_delete(&mut self, of: ExecutorId) -> bool {
        let waiting = self.others.len();
        self.others
            .retain(|chore| !matches!(chore, Chore::Delete { id, .. } if *id == of));
        self.others.len() < waiting
    }

    /// Forgets the labels that wait.
    pub(super) fn drop_patches(&mut self) {
        self.others.retain(|chore| !matches!(chore, Chore::Patch { .. }));
    }

    pub(super) fn len(&self) -> usize {
        self.gets.len() + self.others.len()
    }

    pub(super) fn clear(&mut self) {
        self.gets.clear();
        self.others.clear();
    }

    /// Whether any delete waits.
    pub(super) fn any_delete(&self) -> bool {
        self.others
            .iter()
            .any(|chore| matches!(chore, Chore::Delete { .. }))
    }
}
