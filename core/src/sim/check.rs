//! Checks from outside what always has to hold.
//!
//! | Invariant | Where it is checked |
//! |---|---|
//! | 1 target | creates: `on_create`; the ledger's counts: `on_numbers` |
//! | 2 ids | `on_action` (call ids), `on_create`, `Created` in `on_notice`, `on_end` |
//! | 3 losses | `on_notice`: once, of what is over, blame only by fate |
//! | 4 first list | `on_create`, `on_delete` |
//! | 5 ownership | `on_delete`, `ClaimChecker`, `on_end`; what is left behind after a stop: the properties |
//! | 6 bounds | `on_action`, `on_numbers`, `Sim::stop` |
//! | 7 convergence | `Sim::step` (the clock advances); the properties let the outside become well again and count |
//! | 8 determinism | the properties compare two runs |
//! | 9 frugality | `ListChecker`, `on_delete`, calls within a minute; the properties count calls in quiet |
//! | 10 no silent stall | `on_notice` (abort and fatal once, nothing after); the shell's own tests |
//! | 11 metrics | `on_numbers` |

mod counts;
mod known;
mod notices;
mod pods;
mod violation;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::plan::{
    Action, CallId, CallResult, ExecutorId, FailureClass, Outcome, Plan, PlanConfig, PodFacts, ProfileId,
    Selection, WatchEvent,
};

use super::OWNER;
use super::check_claims::ClaimChecker;
use super::check_lists::ListChecker;
use super::check_metrics::MetricsChecker;
use super::check_nodes::NodeChecker;
use super::check_presence::PresenceChecker;
use super::cluster::Cluster;
use known::Executors;
pub use violation::{Invariant, Violation};
pub(in crate::sim) use violation::{Violations, require};

/// Follows actions, results and notices, and records where an invariant does not hold.
#[derive(Debug)]
pub struct Checker {
    pub(super) cfg: PlanConfig,
    pub(super) executors: Executors,
    pub(super) targets: BTreeMap<ProfileId, usize>,
    open: BTreeMap<CallId, Action>,
    claims: ClaimChecker,
    nodes: NodeChecker,
    presence: PresenceChecker,
    pub(super) shown: ListChecker,
    metrics: MetricsChecker,
    sent: VecDeque<Duration>,
    deleted: BTreeSet<String>,
    pub(super) ready: bool,
    pub(super) stopping: bool,
    pub(super) closing: bool,
    /// Losses by executor.
    pub lost: BTreeMap<ExecutorId, bool>,
    /// Single deletes sent.
    pub deletes: usize,
    /// Of these, for executors that Spark had not killed and that were not above the target.
    unasked: usize,
    /// Numbers that executors have asked for.
    pub(super) given: BTreeSet<ExecutorId>,
    /// By the UID of a pod, the last executor in it that has asked for its number.
    pub(super) in_pods: BTreeMap<String, ExecutorId>,
    /// UIDs of pods in which a process has ended.
    pub(super) ended_in: BTreeSet<String>,
    pub(super) found: Violations,
}

impl Checker {
    /// A checker for a plan with this configuration.
    pub fn new(cfg: PlanConfig) -> Self {
        Checker {
            claims: ClaimChecker::new(&cfg),
            nodes: NodeChecker::new(&cfg),
            presence: PresenceChecker::new(&cfg),
            shown: ListChecker::new(&cfg),
            metrics: MetricsChecker::default(),
            cfg,
            executors: Executors::default(),
            targets: BTreeMap::new(),
            open: BTreeMap::new(),
            sent: VecDeque::new(),
            deleted: BTreeSet::new(),
            ready: false,
            stopping: false,
            closing: false,
            lost: BTreeMap::new(),
            deletes: 0,
            unasked: 0,
            given: BTreeSet::new(),
            in_pods: BTreeMap::new(),
            ended_in: BTreeSet::new(),
            found: Violations::default(),
        }
    }

    /// What did not hold so far.
    pub fn violations(&self) -> &[Violation] {
        self.found.all()
    }

    /// Records what the simulation itself has found.
    pub(super) fn violated(&mut self, invariant: Invariant, message: String) {
        self.found.add(invariant, message);
    }

    /// The time that violations get.
    pub(super) fn set_time(&mut self, now: Duration) {
        self.found.now = now;
    }

    /// The plan has done something.
    pub(super) fn on_step(&mut self, plan: &Plan, cluster: &Cluster) {
        self.nodes
            .on_avoided(&plan.avoided_nodes(), cluster, &mut self.found);
        self.nodes.on_replaced(plan, cluster);
    }

    /// The configuration of the plan under test.
    pub fn config(&self) -> &PlanConfig {
        &self.cfg
    }

    /// Spark has set a target.
    pub fn on_target(&mut self, profile: ProfileId, target: usize) {
        self.targets.insert(profile, target);
        if self.outstanding(profile) > target {
            self.executors.mark_surplus(profile);
        }
    }

    /// Spark has killed an executor.
    pub fn on_kill(&mut self, id: ExecutorId) {
        self.executors.change(id, |known| known.killed = true);
    }

    /// An executor has registered.
    pub fn on_registered(&mut self, id: ExecutorId) {
        self.nodes.on_registered(id);
        self.presence.on_registered(id);
        self.executors.change(id, |known| known.registered = true);
    }

    /// Spark has removed an executor.
    pub fn on_removed(&mut self, id: ExecutorId) {
        self.presence.on_removed(id);
    }

    /// Spark has begun to stop.
    pub fn on_closing(&mut self) {
        self.closing = true;
    }

    /// The stop has begun.
    pub fn on_stop(&mut self) {
        self.stopping = true;
    }

    /// Single deletes of pods that were still executors and that nobody had asked to go.
    pub fn deletes_of_pods(&self) -> usize {
        if self.cfg.delete_executors {
            self.deletes
        } else {
            self.unasked
        }
    }

    /// Lists begun, those at the beginning of a watch included.
    pub fn lists(&self) -> usize {
        self.shown.begun
    }

    /// Executors of a profile that count: pods, creates in flight and of unknown outcome.
    pub fn outstanding(&self, profile: ProfileId) -> usize {
        self.executors.count(profile)
    }

    /// Whether the answer to an executor's create is still awaited.
    pub(super) fn is_being_created(&self, id: Option<ExecutorId>) -> bool {
        self.open
            .values()
            .any(|action| matches!(action, Action::Create { executor, .. } if Some(*executor) == id))
    }

    /// Whether an executor may be refused at its registration.
    pub fn may_refuse(&self, id: ExecutorId) -> bool {
        self.stopping
            || self.nodes.is_replaced(id)
            || self.presence.may_delete(self.found.now, id)
            || self
                .executors
                .get(id)
                .is_none_or(|known| known.reported || known.killed || known.surplus || !known.outstanding)
    }

    /// The plan wants a call.
    pub fn on_action(&mut self, now: Duration, action: &Action, cluster: &Cluster) {
        self.nodes.on_action(action);
        self.metrics.on_action(action);
        let fresh = self.open.insert(action.call(), action.clone()).is_none();
        require!(self.found, Ids, fresh, "call id used twice: {action:?}");
        let over = self.stopping || self.closing;
        match action {
            Action::Prepare { executors, .. } => {
                require!(self.found, Fatal, self.ready && !over, "nothing to prepare");
                for (id, _) in executors {
                    let fresh = !self.executors.contains(*id);
                    require!(self.found, Ids, fresh, "executor id {id} used twice");
                }
                self.claims.on_prepare(executors, &mut self.found);
            }
            Action::CreateClaim {
                executor,
                index,
                owner,
                ..
            } => {
                require!(self.found, Fatal, !over, "a claim after the end");
                self.claims
                    .on_claim(*executor, *index, owner, cluster, &mut self.found);
            }
            Action::DeleteClaim { claim, .. } => {
                let of = cluster
                    .claims
                    .get(&claim.name)
                    .filter(|known| known.uid == claim.uid);
                let used = of.and_then(|known| self.executors.get(known.executor));
                require!(
                    self.found,
                    Ownership,
                    used.is_none_or(|known| !known.outstanding || known.reported),
                    "the claim of a living executor is deleted: {claim:?}"
                );
                ClaimChecker::on_delete(claim, cluster, &mut self.found);
            }
            Action::Create {
                executor,
                profile,
                reused,
                ..
            } => {
                self.on_create(now, *executor, *profile);
                self.claims.on_create(*executor, reused, &mut self.found);
            }
            Action::ListClaims {
                continue_token: None, ..
            } => self.claims.on_list(now, &mut self.found),
            Action::Delete {
                executor, uid, name, ..
            } => self.on_delete(*executor, name, uid, cluster),
            Action::DeleteCollection { selection, .. } => {
                require!(
                    self.found,
                    Ownership,
                    self.stopping,
                    "collections are deleted at the stop only"
                );
                require!(
                    self.found,
                    Ownership,
                    self.cfg.delete_executors || matches!(selection, Selection::Claims | Selection::Services),
                    "pods are kept"
                );
            }
            Action::DeletePods { .. } => {
                let (stopping, deletes) = (self.stopping, self.cfg.delete_executors);
                let listed = self.shown.is_first_done();
                require!(
                    self.found,
                    Ownership,
                    stopping,
                    "collections are deleted at the stop only"
                );
                require!(self.found, Ownership, deletes, "pods are kept");
                require!(self.found, FirstList, listed, "a delete before the first list");
            }
            Action::List { .. } | Action::Watch { .. } => {
                self.shown.on_action(action, &mut self.found);
            }
            Action::Get { executor, .. } => {
                let known = self.executors.contains(*executor);
                require!(self.found, Ids, known, "a get for an unknown executor");
            }
            _ => self.on_controller(action),
        }
        self.count_calls();
    }

    fn count_calls(&mut self) {
        let in_flight = self
            .open
            .values()
            .filter(|action| {
                matches!(
                    action,
                    Action::Create { .. }
                        | Action::CreateClaim { .. }
                        | Action::Get { .. }
                        | Action::Delete { .. }
                        | Action::DeleteClaim { .. }
                        | Action::Patch { .. }
                        | Action::CreateController { .. }
                        | Action::ScaleController { .. }
                        | Action::DeleteController { .. }
                )
            })
            .count();
        require!(
            self.found,
            Bounds,
            in_flight <= self.cfg.max_in_flight.max(1),
            "{in_flight} calls in flight"
        );
        require!(
            self.found,
            Bounds,
            self.open.len() - in_flight <= 8,
            "too many calls in flight: {:?}",
            self.open
        );
    }

    /// The API server has stored a pod.
    pub(super) fn on_pod(&mut self, pod: &PodFacts, cluster: &Cluster) {
        ClaimChecker::on_pod(pod, cluster, &mut self.found);
    }

    /// Whether the driver pod owns the claims: they come before the pods that use them.
    pub(super) fn claims_come_first(&self) -> bool {
        self.claims.come_first()
    }

    /// The plan gets an event of an open watch.
    pub fn on_event(&mut self, call: CallId, event: &WatchEvent) {
        if let Some(action) = self.open.get_mut(&call) {
            self.shown.on_event(action, event, self.found.now);
        }
    }

    /// The plan gets an answer.
    pub fn on_result(&mut self, call: CallId, result: &CallResult) {
        // What is not open was closed by a restart, or is a fault of the simulation.
        let Some(action) = self.open.remove(&call) else {
            return self.violated(
                Invariant::Ids,
                format!("an answer to {call:?}, which is not open"),
            );
        };
        self.metrics.on_result(&action, result);
        self.claims.on_result(&action, result, &mut self.found);
        self.shown.on_result(&action, result, self.found.now);
        match (&action, result) {
            (Action::Create { executor, .. }, CallResult::Pod(Outcome::Failed(failure))) => {
                self.executors.change(*executor, |known| {
                    if failure.class == FailureClass::AlreadyExists {
                        known.taken = true;
                    } else if !known.created() && !known.uncertain {
                        known.outstanding = false;
                        known.refused = true;
                    }
                });
            }
            (Action::Create { executor, .. }, CallResult::Pod(Outcome::Unknown(_))) => {
                self.executors.change(*executor, |known| known.uncertain = true);
            }
            (Action::Get { executor, .. }, CallResult::Pod(Outcome::Done(pod))) => {
                let owner = self.cfg.driver_pod.as_ref().map(|_| OWNER);
                let ours = pod.as_ref().is_some_and(|pod| {
                    pod.app_id.as_ref() == Some(&self.cfg.app_id) && pod.owner_uid.as_deref() == owner
                });
                self.executors.change(*executor, |known| {
                    if known.taken && !known.created() {
                        known.outstanding = ours;
                    }
                });
            }
            (Action::Delete { uid, .. }, CallResult::Empty(Outcome::Failed(_) | Outcome::Unknown(_))) => {
                self.deleted.remove(uid);
            }
            _ => {}
        }
    }
}
