//! A view of the plan from outside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::ledger::Counts;
use super::metrics::{Counters, Times};
use super::types::{ExecutorId, ProfileId};
use super::{HoldCause, PendingCause, Phase, Plan};

/// What the plan holds, for metrics and tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The start is complete.
    pub ready: bool,
    /// The watch is open, as far as the plan knows.
    pub watching: bool,
    /// Target and counts of each profile.
    pub profiles: BTreeMap<ProfileId, (usize, Counts)>,
    /// Executors whose pods exist or may exist, ended ones included.
    pub executors: usize,
    /// Executors whose pods were accepted and show why they do not run.
    pub pending: BTreeMap<PendingCause, usize>,
    /// Executors that are wanted and not asked for.
    pub held_back: BTreeMap<HoldCause, usize>,
    /// Creates, gets, deletes and patches in flight.
    pub in_flight: usize,
    /// All calls that have not been answered, the watch included.
    pub open_calls: usize,
    /// Gets, deletes and patches that wait.
    pub queued: usize,
    /// The id of the next executor.
    pub next_id: ExecutorId,
    /// Names of the nodes that new executors keep away from.
    pub avoided_nodes: Arc<[String]>,
    /// Counts of all profiles together.
    pub total: Counts,
    /// Creates that the API server is thought to take at once.
    pub create_limit: usize,
    /// The plan's time for which it knows the API server's state: of the last event or bookmark of the watch, or
    /// when the last complete list was asked for; before the first list, of the start. It never goes back.
    pub current_at: Duration,
    /// Volume claims that exist, as far as is known.
    pub claims: usize,
    /// Of these, used by no executor and given to the next.
    pub free_claims: usize,
}

impl Snapshot {
    /// How old what the plan knows may be. A watch that is well stays below 90 s, since the API server sends a
    /// bookmark each minute; without a watch it is the interval of the lists and the time a list takes.
    pub fn staleness(&self, now: Duration) -> Duration {
        now.saturating_sub(self.current_at)
    }
}

impl Plan {
    /// What the plan holds.
    pub fn snapshot(&self) -> Snapshot {
        let (claims, free_claims) = self.volumes.counts();
        Snapshot {
            ready: matches!(self.phase, Phase::Allocating | Phase::Closing),
            watching: self.watch.is_open(),
            profiles: self
                .profiles()
                .map(|(profile, target, counts)| (profile, (target, counts)))
                .collect(),
            executors: self.ledger.len(),
            pending: self.pending.counts(),
            held_back: self.held_back(),
            in_flight: self.in_flight(),
            open_calls: self.calls.len(),
            queued: self.chores.len(),
            next_id: self.ledger.next_id(),
            avoided_nodes: self.avoided_nodes(),
            claims,
            free_claims,
            total: self.total(),
            create_limit: self.budget.create_limit(),
            current_at: self.current_at(),
        }
    }

    /// Target and counts of each profile.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = (ProfileId, usize, Counts)> {
        let targets = self.targets.iter();
        targets.map(|(profile, desired)| (profile, desired.target, self.ledger.counts(profile)))
    }

    /// Counts of all profiles together.
    pub(crate) fn total(&self) -> Counts {
        self.ledger.total()
    }

    /// [`Snapshot::in_flight`]
    pub(crate) fn in_flight(&self) -> usize {
        self.budget.in_flight()
    }

    /// [`Snapshot::current_at`]
    pub(crate) fn current_at(&self) -> Duration {
        self.watch.current_at()
    }

    /// Names of the nodes that new executors keep away from.
    pub fn avoided_nodes(&self) -> Arc<[String]> {
        self.nodes.avoided()
    }

    /// What has happened since the start, up to the actions and notices that were taken.
    pub fn counters(&self) -> &Counters {
        &self.metrics.counters
    }

    /// How long executors take.
    pub fn times(&self) -> &Times {
        &self.metrics.times
    }
}
