//! The deterministic state machine that decides every API call.
//!
//! The plan does no I/O and reads no clock. Its owner feeds it with the `handle_*` methods and then drains
//! [`Plan::poll_action`], [`Plan::poll_notice`] and [`Plan::poll_timeout`] until they return `None`:
//!
//! * `handle_*(now, …)`: something happened; `now` is the monotonic time since the start.
//! * `poll_action()`: an API call to be started. Its result comes back through `handle_result`.
//! * `poll_notice()`: something Spark has to be told.
//! * `poll_timeout()`: when `handle_timeout` has to be called if nothing happens before.

mod action;
mod backoff;
mod budget;
mod chores;
mod claim_names;
mod claim_uses;
mod claim_watch;
mod claims;
mod concurrency;
mod config;
mod controllers;
mod crash_loop;
mod creates;
mod deadlines;
mod desired;
mod ends;
mod event;
mod excess;
mod expect;
mod failures;
mod held;
mod ledger;
mod lifecycle;
mod lists;
mod metrics;
mod nodes;
mod notice;
mod pending;
mod prepare;
mod presence;
mod refusals;
mod seats;
mod snapshot;
mod spark;
mod startup;
mod stop;
mod timer;
mod types;
mod unconfirmed;
mod volumes;
mod watch;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use fastrand::Rng;

pub use crate::spec::ControllerKind;
pub use action::{Action, PodPatch, Selection};
pub use config::{Batch, ClaimOwner, PlanConfig, Polling};
pub use event::{
    ApiFailure, CallResult, ClaimEvent, ClaimFacts, ClaimPage, DriverPod, FailureClass, ListPage, Outcome,
    Prepared, WantedClaim, WatchEvent,
};
pub use held::HoldCause;
pub use ledger::Counts;
#[cfg(feature = "shell")]
pub(crate) use metrics::labels;
pub use metrics::{Counters, CreateResult, Distribution, Label, Summary, Times};
pub use notice::{FatalKind, LossCause, LossKind, Notice};
pub use pending::PendingCause;
pub use snapshot::Snapshot;
pub use types::{
    CallId, Condition, ContainerFacts, ContainerState, ExecutorId, ObjectRef, PodFacts, PodPhase, ProfileId,
};

use backoff::Backoff;
use budget::Budget;
use claim_watch::ClaimWatch;
use claims::Claim;
use controllers::Controllers;
use crash_loop::CrashLoops;
use desired::Targets;
use expect::{Call, Calls, Chore, Chores};
use failures::Failures;
use ledger::Ledger;
use metrics::Metrics;
use nodes::Nodes;
use pending::Pending;
use refusals::Refusals;
use seats::Seats;
use startup::Startup;
use stop::{Leftover, Stop};
use timer::{Timer, Timers};
use volumes::Volumes;
use watch::Watch;

/// The first delay after a get, delete or patch that failed.
const CHORE_BACKOFF: Duration = Duration::from_millis(500);
/// The longest delay between two attempts.
const CHORE_BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Decides every API call of one application. See the [module](self) for the order of calls.
#[derive(Debug, Clone)]
pub struct Plan {
    cfg: PlanConfig,
    ledger: Ledger,
    targets: Targets,
    /// What is to be made for executors that were prepared: their claims, each until all of it exists.
    making: BTreeMap<ExecutorId, Vec<Claim>>,
    /// Of these claims, those that have to wait for another's end.
    held: BTreeSet<(ExecutorId, usize)>,
    /// Creates to be sent again: their answers were lost, and their pods are not there.
    again: BTreeSet<ExecutorId>,
    volumes: Volumes,
    claim_watch: ClaimWatch,
    /// Whether any volume claim was asked for.
    claims_made: bool,
    budget: Budget,
    calls: Calls,
    chores: Chores,
    chores_backoff: Backoff,
    watch: Watch,
    startup: Startup,
    /// The API server has forbidden to label pods.
    labels_forbidden: bool,
    failures: Failures,
    nodes: Nodes,
    crash_loops: CrashLoops,
    refusals: Refusals,
    pending: Pending,
    controllers: Controllers,
    seats: Seats,
    metrics: Metrics,
    timers: Timers,
    rng: Rng,
    /// UID of the driver pod.
    owner: Option<String>,
    phase: Phase,
    stop: Option<Stop>,
    actions: VecDeque<Action>,
    notices: VecDeque<Notice>,
}

/// What the plan may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The start: no creates yet.
    Starting,
    /// The start is complete.
    Allocating,
    /// The application ends: no more creates.
    Closing,
    /// The start has failed: no more calls, but for a stop.
    Dead,
}

impl Plan {
    /// A plan whose first calls wait in [`poll_action`](Self::poll_action).
    pub fn new(mut cfg: PlanConfig, now: Duration) -> Self {
        if cfg.driver_pod.is_none() {
            cfg.claim_owner = ClaimOwner::Pod;
        }
        if cfg.controller.is_some() {
            // Its pods are not the plan's to place.
            cfg.avoid_nodes_after = 0;
        }
        let mut plan = Plan {
            ledger: Ledger::new(),
            targets: Targets::default(),
            making: BTreeMap::new(),
            held: BTreeSet::new(),
            again: BTreeSet::new(),
            volumes: Volumes::default(),
            claim_watch: ClaimWatch::new(cfg.polling.is_none()),
            claims_made: false,
            budget: Budget::new(cfg.max_in_flight, cfg.batch),
            calls: Calls::default(),
            chores: Chores::default(),
            chores_backoff: Backoff::new(CHORE_BACKOFF, CHORE_BACKOFF_MAX),
            watch: Watch::new(now),
            startup: Startup::new(cfg.driver_pod.is_some(), cfg.config_map),
            labels_forbidden: false,
            failures: Failures::new(cfg.max_executor_failures, cfg.failure_validity),
            nodes: Nodes::new(cfg.avoid_nodes_after, cfg.avoid_nodes_for),
            crash_loops: CrashLoops::default(),
            refusals: Refusals::default(),
            pending: Pending::default(),
            controllers: Controllers::default(),
            seats: Seats::default(),
            metrics: Metrics::default(),
            timers: Timers::default(),
            rng: Rng::with_seed(cfg.seed),
            owner: None,
            phase: Phase::Starting,
            stop: None,
            actions: VecDeque::new(),
            notices: VecDeque::new(),
            cfg,
        };
        plan.begin(now);
        plan
    }

    /// An event of the open watch.
    pub fn handle_watch(&mut self, now: Duration, event: WatchEvent) {
        self.metrics.counters.events += 1;
        self.on_watch_event(now, event);
        self.pump(now);
    }

    /// The answer to an action. Answers that nobody waits for are ignored.
    pub fn handle_result(&mut self, now: Duration, call: CallId, result: CallResult) {
        let Some(call) = self.calls.end(call) else { return };
        self.metrics.answered(&call, &result);
        if matches!(call, Call::Chore(_)) {
            self.budget.chore_answered();
        }
        match (call, result) {
            (Call::DriverPod, CallResult::DriverPod(outcome)) => self.on_driver_pod(now, outcome),
            (Call::ConfigMap, CallResult::ConfigMap(outcome)) => self.on_config_map(now, outcome),
            (Call::List, CallResult::List(outcome)) => self.on_list(now, outcome),
            (Call::Watch, CallResult::Watch(outcome)) => self.on_watch_end(now, outcome),
            (Call::Prepare { ids, sent_at }, CallResult::Prepared(outcome)) => {
                self.on_prepared(now, ids, sent_at, outcome);
            }
            (Call::Claim { id, index, sent_at }, CallResult::Claim(outcome)) => {
                self.on_claim(now, id, index, sent_at, outcome);
            }
            (Call::Create { id, sent_at }, CallResult::Pod(outcome)) => {
                self.on_create(now, id, sent_at, outcome);
            }
            (Call::Chore(Chore::Get { id, sent_at }), CallResult::Pod(outcome)) => {
                self.on_get(now, id, sent_at, outcome);
            }
            (Call::Chore(Chore::Delete { id, name, uid }), CallResult::Empty(outcome)) => {
                self.on_delete(now, id, name, uid, outcome);
            }
            (Call::Chore(Chore::DeleteClaim(claim)), CallResult::Empty(outcome)) => {
                self.on_claim_deleted(now, claim, outcome);
            }
            (Call::Chore(Chore::Patch { id, patch, attempts }), CallResult::Empty(outcome)) => {
                self.on_patch(now, id, patch, attempts, outcome);
            }
            (Call::DeletePods, CallResult::Deleted(outcome)) => self.on_pods_deleted(now, outcome),
            (Call::DeleteClaims, CallResult::Empty(outcome)) => {
                self.on_leftover_deleted(now, Leftover::Claims, outcome);
            }
            (Call::DeleteServices, CallResult::Empty(outcome)) => {
                self.on_leftover_deleted(now, Leftover::Services, outcome);
            }
            (Call::DeleteConfigMaps, CallResult::Empty(outcome)) => {
                self.on_config_maps_deleted(now, outcome, false);
            }
            (Call::DeleteConfigMap, CallResult::Empty(outcome)) => {
                self.on_config_maps_deleted(now, outcome, true);
            }
            (Call::ListClaims, CallResult::Claims(outcome)) => self.on_claim_list(now, outcome),
            (Call::WatchClaims, CallResult::Watch(outcome)) => self.on_claim_watch_end(now, outcome),
            (
                Call::Controller {
                    profile,
                    change,
                    sent_at,
                },
                CallResult::Empty(outcome),
            ) => {
                self.on_controller(now, profile, change, sent_at, outcome);
            }
            (call, result) => {
                self.fatal(
                    FatalKind::Internal,
                    format!("{result:?} does not answer {call:?}; this is a defect of Stoker"),
                );
            }
        }
        self.pump(now);
    }

    /// Spark has begun to stop: it tells its executors to go, and those that do are not replaced.
    pub fn handle_closing(&mut self, now: Duration) {
        self.close();
        self.pump(now);
    }

    /// Releases everything. `deadline` is a time on the plan's clock: [`is_stopped`](Self::is_stopped) holds
    /// from then on, whatever has been answered. Later calls change nothing.
    pub fn handle_stop(&mut self, now: Duration, deadline: Duration) {
        if self.stop.is_none() {
            self.begin_stop(now, deadline.max(now));
            self.pump(now);
        }
    }

    /// An API call to be started.
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front()?;
        self.metrics.sent(&action);
        Some(action)
    }

    /// Something Spark has to be told.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        let notice = self.notices.pop_front()?;
        self.metrics.told(&notice);
        Some(notice)
    }

    /// Whether the stop is complete; open calls may be dropped.
    pub fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(Stop::is_done)
    }

    /// Executors that the API server had not released when the deadline of the stop came; their pods may stay.
    pub fn left_behind(&self) -> usize {
        self.stop.as_ref().map_or(0, Stop::left)
    }

    /// Neither start nor watch go on.
    fn is_halted(&self) -> bool {
        self.phase == Phase::Dead || self.stop.is_some()
    }

    /// Sends what may be sent.
    fn pump(&mut self, now: Duration) {
        if self.is_stopped() || (self.phase == Phase::Dead && self.stop.is_none()) {
            return;
        }
        self.leave_nodes(now);
        let resting = self.timers.is_set(Timer::Chores);
        if !resting {
            while self.budget.may_do_chore()
                && let Some(id) = self.chores.pop_get()
            {
                self.send_chore(Chore::Get { id, sent_at: now });
            }
        }
        self.settle_prepared(now);
        if self.may_create() {
            self.send_creates(now);
        }
        let deletes = self.stop.as_ref().is_none_or(Stop::deletes_singly);
        if !resting && deletes {
            while self.budget.may_do_chore()
                && let Some(chore) = self.chores.pop_other()
            {
                self.send_chore(chore);
            }
        }
        self.send_stop(now);
    }

    /// Ends the application.
    fn abort(&mut self, exit_code: i32, message: String) {
        if self.may_create() {
            self.close();
            self.notices.push_back(Notice::Abort { exit_code, message });
        }
    }

    /// No more creates.
    fn close(&mut self) {
        if !self.is_halted() {
            self.phase = Phase::Closing;
            self.withdraw_all();
        }
    }

    /// Ends the allocation: no more calls, but for a stop.
    fn fatal(&mut self, kind: FatalKind, message: String) {
        if self.phase != Phase::Dead && self.stop.is_none() {
            self.phase = Phase::Dead;
            self.timers.stop_all();
            self.chores.clear();
            self.notices.push_back(Notice::Fatal { kind, message });
        }
    }
}
