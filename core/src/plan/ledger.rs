//! The executors: the only state of the plan that outlives a call.

use std::collections::BTreeMap;
use std::time::Duration;

use super::timer::Agenda;
use super::types::{ExecutorId, ProfileId};

/// An executor of this plan, from its create or what is prepared for it until its pod has gone.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of each other"
)]
pub(super) struct Executor {
    pub(super) profile: ProfileId,
    /// Empty until the API server has confirmed the pod.
    pub(super) uid: String,
    pub(super) stage: Stage,
    pub(super) sent_at: Duration,
    /// Until when creates may still be applied whose answers were lost; none was lost without.
    pub(super) lost_until: Option<Duration>,
    /// When the pod was confirmed: a list that began before may miss it.
    pub(super) confirmed_at: Duration,
    /// Whether list, watch or get have shown the pod since its create.
    pub(super) observed: bool,
    /// Whether it has registered with the driver.
    pub(super) registered: bool,
    pub(super) decommissioned: bool,
    /// It was asked to go: its end is no loss.
    pub(super) released: bool,
    /// It was asked to go for a reason of the plan's own, not because Spark wished it.
    pub(super) excess: bool,
    /// A delete is queued, in flight or accepted, or somebody else's is under way.
    pub(super) deleting: bool,
    /// When its end was reported.
    pub(super) ended_at: Duration,
    /// Its pod may not be deleted: it stays.
    pub(super) stays: bool,
    /// A confirming get is queued or in flight.
    pub(super) getting: bool,
    /// When to ask for the pod.
    pub(super) get_at: Option<Duration>,
    /// When to delete the pod if it still runs.
    pub(super) kill_at: Option<Duration>,
    /// When a released executor no longer counts, though its pod is still there.
    pub(super) forget_at: Option<Duration>,
    /// When its pod has run for so long that it should have registered.
    pub(super) register_by: Option<Duration>,
    /// When it has lived for so long that it has started well.
    pub(super) steady_at: Option<Duration>,
    /// It has started well.
    pub(super) steady: bool,
    /// It was asked to go because it has not registered in time.
    pub(super) overdue: bool,
    /// The node that its pod is bound to.
    pub(super) node: Option<String>,
    /// Its pod keeps away from nodes.
    pub(super) avoids: bool,
    /// When to replace a pod that keeps away from nodes and finds no other.
    pub(super) replace_at: Option<Duration>,
}

/// How far an executor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its pod is being built, where that takes more than a moment.
    Preparing,
    /// Its pod is built. It waits for a place, or for the claims that come before the pod.
    Prepared,
    /// The create is in flight.
    Creating,
    /// The create's answer was lost, or the name was taken: a get will tell.
    Unconfirmed {
        since: Duration,
        /// Gets that found nothing or failed.
        attempts: u32,
        /// The API server said `AlreadyExists`: absence is final.
        taken: bool,
    },
    /// The pod exists and does not run.
    Pending,
    /// The pod runs.
    Running,
    /// The end was reported; the pod may still be there.
    Ended,
}

impl Stage {
    /// Nothing of the executor's pod has been sent.
    pub(super) fn is_staged(self) -> bool {
        matches!(self, Stage::Preparing | Stage::Prepared)
    }
}

impl Executor {
    pub(super) fn new(profile: ProfileId, stage: Stage, now: Duration) -> Self {
        Executor {
            profile,
            uid: String::new(),
            stage,
            sent_at: now,
            lost_until: None,
            confirmed_at: now,
            observed: false,
            registered: false,
            decommissioned: false,
            released: false,
            excess: false,
            deleting: false,
            ended_at: now,
            stays: false,
            getting: false,
            get_at: None,
            kill_at: None,
            forget_at: None,
            register_by: None,
            steady_at: None,
            steady: false,
            overdue: false,
            node: None,
            avoids: false,
            replace_at: None,
        }
    }

    pub(super) fn is_confirmed(&self) -> bool {
        !self.uid.is_empty()
    }

    fn wake(&self) -> Option<Duration> {
        [
            self.get_at,
            self.kill_at,
            self.forget_at,
            self.replace_at,
            self.register_by,
            self.steady_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// How many executors a profile has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not ended: pods, creates in flight and of unknown outcome, and what is prepared for a create.
    pub live: usize,
    /// Of these, not running. Where an executor has registered it runs, whatever list and watch have shown of its pod.
    pub pending: usize,
    /// Of the live ones, asked to go.
    pub leaving: usize,
    /// Of the live ones, prepared or being prepared: no create was sent.
    pub staged: usize,
    /// Creates in flight.
    pub creating: usize,
    /// Creates of unknown outcome.
    pub unconfirmed: usize,
    /// Of the live ones, those that have not shown yet that they start well.
    pub on_trial: usize,
}

impl Counts {
    fn add(&mut self, executor: &Executor) {
        let flags = Counts::flags(executor);
        self.live += usize::from(flags[0]);
        self.pending += usize::from(flags[1]);
        self.leaving += usize::from(flags[2]);
        self.creating += usize::from(flags[3]);
        self.unconfirmed += usize::from(flags[4]);
        self.staged += usize::from(flags[5]);
        self.on_trial += usize::from(flags[6]);
    }

    fn remove(&mut self, executor: &Executor) {
        let flags = Counts::flags(executor);
        self.live -= usize::from(flags[0]);
        self.pending -= usize::from(flags[1]);
        self.leaving -= usize::from(flags[2]);
        self.creating -= usize::from(flags[3]);
        self.unconfirmed -= usize::from(flags[4]);
        self.staged -= usize::from(flags[5]);
        self.on_trial -= usize::from(flags[6]);
    }

    fn flags(executor: &Executor) -> [bool; 7] {
        let live = executor.stage != Stage::Ended;
        [
            live,
            live && executor.stage != Stage::Running && !executor.registered,
            live && executor.released,
            executor.stage == Stage::Creating,
            matches!(executor.stage, Stage::Unconfirmed { .. }),
            executor.stage.is_staged(),
            live && !executor.steady,
        ]
    }
}

/// All executors, their counts and their deadlines.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    /// Boxed: a node of the tree with the executors in it is large, and slow to allocate and to rearrange.
    executors: BTreeMap<ExecutorId, Box<Executor>>,
    counts: BTreeMap<ProfileId, Counts>,
    total: Counts,
    agenda: Agenda,
    /// The first id of this plan; lower ones belong to an earlier life of the driver.
    first: u64,
    next: u64,
    /// Executors that were removed and not yet asked for, and when creates of them can no longer be applied.
    removed: Vec<(ExecutorId, Duration)>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Ledger {
            executors: BTreeMap::new(),
            counts: BTreeMap::new(),
            total: Counts::default(),
            agenda: Agenda::default(),
            first: 1,
            next: 1,
            removed: Vec::new(),
        }
    }

    /// Before the first create: ids begin above one that is in use.
    pub(super) fn start_above(&mut self, id: ExecutorId) {
        if self.first == self.next {
            self.first = self.first.max(id.0.saturating_add(1));
            self.next = self.first;
        }
    }

    /// The id that the next executor gets.
    pub(super) fn next_id(&self) -> ExecutorId {
        ExecutorId(self.next)
    }

    /// Whether an id was ever given.
    pub(super) fn issued(&self, id: ExecutorId) -> bool {
        (self.first..self.next).contains(&id.0)
    }

    /// Whether any id was given.
    pub(super) fn any_issued(&self) -> bool {
        self.first != self.next
    }

    pub(super) fn insert(&mut self, profile: ProfileId, stage: Stage, now: Duration) -> ExecutorId {
        let id = ExecutorId(self.next);
        self.next += 1;
        let executor = Executor::new(profile, stage, now);
        self.counts.entry(profile).or_default().add(&executor);
        self.total.add(&executor);
        self.executors.insert(id, Box::new(executor));
        id
    }

    pub(super) fn get(&self, id: ExecutorId) -> Option<&Executor> {
        self.executors.get(&id).map(Box::as_ref)
    }

    /// The only way to change an executor: counts and deadlines follow.
    pub(super) fn update(&mut self, id: ExecutorId, change: impl FnOnce(&mut Executor)) {
        let Some(executor) = self.executors.get_mut(&id) else {
            return;
        };
        let counts = self.counts.entry(executor.profile).or_default();
        let before = executor.wake();
        counts.remove(executor);
        self.total.remove(executor);
        change(executor);
        counts.add(executor);
        self.total.add(executor);
        self.agenda.change(id, before, executor.wake());
    }

    pub(super) fn remove(&mut self, id: ExecutorId) -> Option<Executor> {
        let executor = *self.executors.remove(&id)?;
        self.counts.entry(executor.profile).or_default().remove(&executor);
        self.total.remove(&executor);
        self.agenda.change(id, executor.wake(), None);
        self.removed.push((id, executor.creates_until()));
        Some(executor)
    }

    /// Executors that were removed since this was asked for the last time: their pods are gone, or never were, and will
    /// not be. A create whose answer was lost may be applied even after the pod of the one that was sent again has gone.
    /// `seen`: the time as of which the pods are known.
    pub(super) fn take_removed(&mut self, seen: Duration) -> Vec<ExecutorId> {
        let gone = self.removed.extract_if(.., |(_, until)| *until <= seen);
        gone.map(|(id, _)| id).collect()
    }

    pub(super) fn counts(&self, profile: ProfileId) -> Counts {
        self.counts.get(&profile).copied().unwrap_or_default()
    }

    pub(super) fn total(&self) -> Counts {
        self.total
    }

    /// Executors by id.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (ExecutorId, &Executor)> {
        self.executors
            .iter()
            .map(|(id, executor)| (*id, executor.as_ref()))
    }

    pub(super) fn len(&self) -> usize {
        self.executors.len()
    }

    pub(super) fn next_wake(&self) -> Option<Duration> {
        self.agenda.next()
    }

    pub(super) fn due(&self, now: Duration) -> Option<ExecutorId> {
        self.agenda.due(now)
    }
}
