//! Checks which executors may go because Spark and the cluster disagree on them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::plan::{ExecutorId, PlanConfig};

/// Follows who runs, who is known to Spark, and who no longer is.
#[derive(Debug)]
pub(super) struct PresenceChecker {
    timeout: Option<Duration>,
    /// Since when executors run, as far as the plan knows, and have not registered.
    silent: BTreeMap<ExecutorId, Duration>,
    registered: BTreeSet<ExecutorId>,
    /// Executors that Spark has removed.
    removed: BTreeSet<ExecutorId>,
}

impl PresenceChecker {
    pub(super) fn new(cfg: &PlanConfig) -> Self {
        PresenceChecker {
            timeout: cfg.registration_timeout,
            silent: BTreeMap::new(),
            registered: BTreeSet::new(),
            removed: BTreeSet::new(),
        }
    }

    pub(super) fn on_running(&mut self, now: Duration, id: ExecutorId) {
        if !self.registered.contains(&id) {
            self.silent.insert(id, now);
        }
    }

    pub(super) fn on_registered(&mut self, id: ExecutorId) {
        self.registered.insert(id);
        self.silent.remove(&id);
    }

    pub(super) fn on_removed(&mut self, id: ExecutorId) {
        self.removed.insert(id);
    }

    /// It runs and has not registered in time.
    pub(super) fn is_overdue(&self, now: Duration, id: ExecutorId) -> bool {
        let since = self.silent.get(&id).zip(self.timeout);
        since.is_some_and(|(since, timeout)| *since + timeout <= now)
    }

    /// Whether it may be deleted though Spark has not killed it.
    pub(super) fn may_delete(&self, now: Duration, id: ExecutorId) -> bool {
        self.removed.contains(&id) || self.is_overdue(now, id)
    }
}
