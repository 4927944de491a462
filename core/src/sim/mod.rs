//! A plan, a simulated cluster and a simulated Spark on one virtual clock.

pub mod check;
mod check_claims;
mod check_controllers;
mod check_lists;
mod check_metrics;
mod check_nodes;
mod check_presence;
pub mod claims;
pub mod cluster;
pub mod controllers;
pub mod faults;
mod happening;
pub mod nodes;
pub mod ops;
mod seen;
mod server;
mod spark;
pub mod trouble;
mod watches;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::plan::{
    Action, ApiFailure, CallId, DriverPod, ExecutorId, FailureClass, Notice, Outcome, Plan, PlanConfig,
    PodPhase,
};
use fastrand::Rng;

use check::{Checker, Invariant};
use claims::ClaimRights;
use cluster::{Cluster, Fate};
use faults::Faults;
use happening::Happening;
use ops::Op;
use trouble::Troubles;
use watches::Connection;

/// Application id of the plan under test.
pub const APP: &str = "spark-test";
/// UID of its driver pod.
pub const OWNER: &str = "driver-uid";
/// Its name.
pub const DRIVER: &str = "driver";

/// Something that happened, for people and for comparisons. It is written out only when somebody reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The plan has asked for a call.
    Action(Action),
    /// The plan has told something.
    Notice(Notice),
    /// Something has happened outside.
    Op(Op),
    /// The executor in a pod, by name and UID, asks for its number.
    Asks(String),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Action(action) => write!(f, "{action:?}"),
            Entry::Notice(notice) => write!(f, "{notice:?}"),
            Entry::Op(op) => write!(f, "{op:?}"),
            Entry::Asks(pod) => write!(f, "{pod} asks"),
        }
    }
}

/// The simulation.
#[derive(Debug)]
pub struct Sim {
    /// Time since the start.
    pub now: Duration,
    /// The plan under test.
    pub plan: Plan,
    /// The API server.
    pub cluster: Cluster,
    /// What goes wrong.
    pub faults: Faults,
    /// All calls fail and watches break until this time.
    pub outage_until: Duration,
    /// Failures for the next calls of an action, by its name.
    pub scripted: BTreeMap<&'static str, Vec<Outcome<()>>>,
    /// The invariants.
    pub check: Checker,
    /// Everything that happened, with its time.
    pub trace: Vec<(Duration, Entry)>,
    /// All notices.
    pub notices: Vec<Notice>,
    /// Every action that was sent.
    pub actions: Vec<(Duration, Action)>,
    /// What went wrong, and how often.
    pub tally: BTreeMap<&'static str, u64>,
    /// Events get lost although the watch is open.
    pub silent: bool,
    /// How long a pod takes to start; pods do not start at all without.
    pub start_time: Option<Duration>,
    /// What a request and an answer take at least, each; [`Faults::latency`] comes on top.
    pub least_latency: Duration,
    /// How long the API server works on a create; one comes after the other.
    pub create_time: Duration,
    /// How many executors the nodes can run at once.
    pub capacity: Option<usize>,
    /// How long a running pod takes to end when it is deleted.
    pub end_time: Duration,
    /// How long an executor runs on a node on which executors end at once.
    pub fails_after: Duration,
    /// How many volume claims each executor has, where executors are prepared.
    pub claims_each: usize,
    /// The one name of all volume claims; each has its executor's own without.
    pub fixed_claim: Option<String>,
    /// What the driver may do with volume claims.
    pub claim_rights: ClaimRights,
    /// How long a preparation takes.
    pub prepare_time: Duration,
    /// Executors that have registered and not been removed.
    pub registered: BTreeSet<ExecutorId>,
    queue: BTreeMap<(Duration, u64), Happening>,
    sequence: u64,
    watches: BTreeMap<CallId, Connection>,
    claim_watches: BTreeMap<CallId, claims::Connection>,
    rng: Rng,
    troubles: Troubles,
    /// When the API server has made all the pods that it was asked for.
    free_at: Duration,
    owned: bool,
    /// What had changed in the cluster when it was last tended, and its quota.
    tended: (u64, Option<usize>),
    /// UIDs of pods that cannot start for want of a claim.
    unclaimed: BTreeSet<String>,
    /// The version of the claims when these were last tried.
    claims_seen: u64,
    /// The controllers will look at what there is.
    reconciling: bool,
    /// Pods whose container will be started again.
    reviving: BTreeSet<String>,
    /// Things that have happened at this very time.
    steps: u32,
    /// The minute and the calls sent within it.
    minute: (u64, usize),
}

impl Sim {
    /// A simulation of a plan with this configuration; `seed` decides everything.
    pub fn new(cfg: PlanConfig, seed: u64) -> Self {
        let owned = cfg.driver_pod.is_some();
        let driver = owned.then(|| DriverPod {
            uid: OWNER.into(),
            ready: true,
        });
        Sim::with_cluster(cfg, seed, Cluster::new(driver))
    }

    /// The same on a cluster that has a past.
    pub fn with_cluster(cfg: PlanConfig, seed: u64, cluster: Cluster) -> Self {
        let owned = cfg.driver_pod.is_some();
        let mut sim = Sim {
            now: Duration::ZERO,
            check: Checker::new(cfg.clone()),
            plan: Plan::new(cfg, Duration::ZERO),
            cluster,
            faults: Faults::NONE,
            outage_until: Duration::ZERO,
            scripted: BTreeMap::new(),
            trace: Vec::new(),
            notices: Vec::new(),
            actions: Vec::new(),
            tally: BTreeMap::new(),
            silent: false,
            start_time: Some(Duration::from_millis(1500)),
            least_latency: Duration::ZERO,
            create_time: Duration::ZERO,
            capacity: None,
            end_time: Duration::from_secs(2),
            fails_after: Duration::from_millis(300),
            claims_each: 0,
            fixed_claim: None,
            claim_rights: ClaimRights::All,
            prepare_time: Duration::ZERO,
            registered: BTreeSet::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            watches: BTreeMap::new(),
            claim_watches: BTreeMap::new(),
            rng: Rng::with_seed(seed),
            troubles: Troubles::default(),
            free_at: Duration::ZERO,
            owned,
            tended: (0, None),
            unclaimed: BTreeSet::new(),
            claims_seen: 0,
            reconciling: false,
            reviving: BTreeSet::new(),
            steps: 0,
            minute: (0, 0),
        };
        sim.drain();
        sim
    }

    /// A configuration for tests: an owner, small timeouts where they do not matter.
    pub fn config() -> PlanConfig {
        PlanConfig {
            driver_pod: Some(DRIVER.into()),
            ..PlanConfig::new(APP, "default", "test")
        }
    }

    /// Runs for a while.
    pub fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.step(until) {}
        self.now = until;
    }

    /// Lets the next thing happen; false when it is later than `until`, or when something did not hold.
    pub fn step(&mut self, until: Duration) -> bool {
        if !self.violations().is_empty() {
            return false;
        }
        let happening = self.queue.first_key_value().map(|((at, _), _)| *at);
        let timeout = self.plan.poll_timeout().map(|at| at.max(self.frozen_until()));
        let Some(next) = [happening, timeout]
            .into_iter()
            .flatten()
            .min()
            .filter(|at| *at <= until)
        else {
            return false;
        };
        self.steps = if next > self.now { 0 } else { self.steps + 1 };
        if self.steps == 100_000 {
            let message = "the clock does not advance".to_owned();
            self.check.violated(Invariant::Convergence, message);
        }
        self.calls_in_minute(next);
        self.now = self.now.max(next);
        self.check.set_time(self.now);
        if happening.is_some_and(|at| at <= self.now) {
            if let Some((_, happening)) = self.queue.pop_first() {
                let outside = !happening.needs_driver();
                self.happen(happening);
                if outside {
                    // The plan is as it was, and has nothing to say.
                    self.check.on_step(&self.plan, &self.cluster);
                    return true;
                }
            }
        } else {
            self.plan.handle_timeout(self.now);
            if let Some(again) = self.plan.poll_timeout().filter(|at| *at <= self.now) {
                let message = format!("a deadline that stays: {again:?}");
                self.check.violated(Invariant::Convergence, message);
            }
        }
        self.drain();
        true
    }

    /// However badly the API server does, the plan does not storm it.
    fn calls_in_minute(&mut self, next: Duration) {
        let minute = next.as_secs() / 60;
        if minute > self.minute.0 {
            let calls = self.actions.len() - self.minute.1;
            if calls >= 3000 {
                let message = format!("{calls} calls within a minute");
                self.check.violated(Invariant::Frugality, message);
            }
            self.minute = (minute, self.actions.len());
        }
    }

    /// The next calls of this name end so; `Done` lets one pass.
    pub fn script(&mut self, name: &'static str, outcomes: impl IntoIterator<Item = Outcome<()>>) {
        self.scripted.entry(name).or_default().extend(outcomes);
    }

    /// Counts something that went wrong.
    pub(super) fn count(&mut self, trouble: &'static str) {
        *self.tally.entry(trouble).or_default() += 1;
    }

    /// A pod ends by itself.
    pub fn end(&mut self, uid: &str, fate: Fate) {
        if fate == Fate::Preempted {
            self.count("preempted");
        }
        self.cluster.end(uid, fate);
        self.publish();
    }

    /// Scheduler or kubelet write something into a pod's status.
    pub fn modify(&mut self, uid: &str, change: impl FnOnce(&mut crate::plan::PodFacts)) {
        self.cluster.modify(uid, change);
        self.publish();
    }

    /// Somebody else creates a pod.
    pub fn plant(&mut self, pod: crate::plan::PodFacts) -> Result<(), ApiFailure> {
        self.cluster.create(pod)?;
        self.publish();
        Ok(())
    }

    /// Somebody deletes a pod.
    pub fn delete(&mut self, name: &str) {
        let _ = self.apply_delete(name, None);
        self.publish();
    }

    /// All open watches end so.
    pub fn break_watches(&mut self, outcome: &Outcome<()>) {
        let watches = self.watches.keys().chain(self.claim_watches.keys());
        for call in watches.copied().collect::<Vec<_>>() {
            self.later(Duration::ZERO, Happening::EndWatch(call, outcome.clone()));
        }
    }

    /// The API server cannot be reached for a while.
    pub fn outage(&mut self, span: Duration) {
        self.count("outage");
        self.outage_until = self.outage_until.max(self.now + span);
        self.break_watches(&Outcome::Unknown(unreachable()));
    }

    /// Pods that wait start.
    pub fn start_all(&mut self) {
        let waiting: Vec<_> = self
            .cluster
            .pods
            .values()
            .filter(|pod| pod.phase == PodPhase::Pending && !pod.deleting)
            .map(|pod| pod.uid.clone())
            .collect();
        for uid in waiting {
            self.later(Duration::from_millis(500), Happening::Start(uid));
        }
    }

    fn later(&mut self, delay: Duration, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), happening);
    }

    fn latency(&mut self) -> Duration {
        let most = u64::try_from(self.faults.latency.as_micros())
            .unwrap_or(u64::MAX)
            .max(1);
        self.least_latency + Duration::from_micros(self.rng.u64(0..most))
    }

    /// Takes everything the plan has to say.
    fn drain(&mut self) {
        self.check.set_time(self.now);
        self.check.on_step(&self.plan, &self.cluster);
        while let Some(notice) = self.plan.poll_notice() {
            self.trace.push((self.now, Entry::Notice(notice.clone())));
            self.check.on_notice(&notice, &self.cluster);
            if let Notice::Abort { .. } = &notice {
                self.count("application ended");
            }
            if let Notice::Lost { executor_id, .. } | Notice::Released { executor_id, .. } = &notice {
                self.registered.remove(executor_id);
                self.dismiss(*executor_id);
            }
            self.notices.push(notice);
        }
        while let Some(action) = self.plan.poll_action() {
            self.trace.push((self.now, Entry::Action(action.clone())));
            self.check.on_action(self.now, &action, &self.cluster);
            self.actions.push((self.now, action.clone()));
            let delay = self.latency();
            self.later(delay, Happening::Arrive(action));
        }
        self.check.on_numbers(&self.plan);
    }
}

/// No connection.
pub fn unreachable() -> ApiFailure {
    cluster::refuse(FailureClass::Unreachable, "connection refused")
}
