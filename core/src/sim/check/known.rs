//! What the checker knows of an executor.

use std::collections::BTreeMap;

use crate::plan::{ExecutorId, ProfileId};

/// An executor as it looks from outside of the plan.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of each other"
)]
pub(in crate::sim) struct Known {
    pub(in crate::sim) profile: ProfileId,
    /// The API server may hold, or may come to hold, its pod.
    pub(in crate::sim) outstanding: bool,
    /// Its name was taken by another pod.
    pub(in crate::sim) taken: bool,
    /// The answer to a create of it was lost: that may be applied yet.
    pub(in crate::sim) uncertain: bool,
    /// The last create of it failed for certain.
    pub(in crate::sim) refused: bool,
    /// The UID of its pod, once the plan has told it.
    pub(in crate::sim) uid: Option<String>,
    pub(in crate::sim) reported: bool,
    pub(in crate::sim) killed: bool,
    /// It was above the target when the target was set: it may be deleted until it registers.
    pub(in crate::sim) surplus: bool,
    pub(in crate::sim) registered: bool,
}

impl Known {
    pub(in crate::sim) fn new(profile: ProfileId) -> Self {
        Known {
            profile,
            outstanding: true,
            taken: false,
            uncertain: false,
            refused: false,
            uid: None,
            reported: false,
            killed: false,
            surplus: false,
            registered: false,
        }
    }

    /// Whether its pod was made, as far as the plan has told.
    pub(in crate::sim) fn created(&self) -> bool {
        self.uid.is_some()
    }

    /// Whether it counts towards the target: a pod, or a create in flight or of unknown outcome.
    fn counts(&self) -> bool {
        self.outstanding && !self.reported
    }
}

/// All executors, and how many of each profile count.
#[derive(Debug, Default)]
pub(in crate::sim) struct Executors {
    known: BTreeMap<ExecutorId, Known>,
    counts: BTreeMap<ProfileId, usize>,
}

impl Executors {
    pub(in crate::sim) fn get(&self, id: ExecutorId) -> Option<&Known> {
        self.known.get(&id)
    }

    pub(in crate::sim) fn contains(&self, id: ExecutorId) -> bool {
        self.known.contains_key(&id)
    }

    pub(in crate::sim) fn iter(&self) -> impl Iterator<Item = (ExecutorId, &Known)> {
        self.known.iter().map(|(id, known)| (*id, known))
    }

    /// Executors of a profile that count.
    pub(in crate::sim) fn count(&self, profile: ProfileId) -> usize {
        self.counts.get(&profile).copied().unwrap_or(0)
    }

    /// Takes an executor in, and returns what was known under its id.
    pub(in crate::sim) fn insert(&mut self, id: ExecutorId, known: Known) -> Option<Known> {
        *self.counts.entry(known.profile).or_default() += usize::from(known.counts());
        let before = self.known.insert(id, known)?;
        *self.counts.entry(before.profile).or_default() -= usize::from(before.counts());
        Some(before)
    }

    /// The only way to change what counts of an executor.
    pub(in crate::sim) fn change<T>(
        &mut self,
        id: ExecutorId,
        change: impl FnOnce(&mut Known) -> T,
    ) -> Option<T> {
        let known = self.known.get_mut(&id)?;
        let count = self.counts.entry(known.profile).or_default();
        *count -= usize::from(known.counts());
        let changed = change(known);
        *count += usize::from(known.counts());
        Some(changed)
    }

    /// Those of a profile are above the target.
    pub(in crate::sim) fn mark_surplus(&mut self, profile: ProfileId) {
        for known in self.known.values_mut().filter(|known| known.profile == profile) {
            known.surplus = true;
        }
    }
}
