//! Checks from outside what always has to hold.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::plan::{
    Action, CallId, CallResult, ExecutorId, FailureClass, Notice, Outcome, PlanConfig, PodPhase, ProfileId,
    Selection, Snapshot,
};

use super::OWNER;
use super::check_claims::ClaimChecker;
use super::check_nodes::NodeChecker;
use super::cluster::{Cluster, is_alive};

/// What the checker knows of an executor.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of each other"
)]
struct Known {
    profile: ProfileId,
    /// The API server may hold, or may come to hold, its pod.
    outstanding: bool,
    /// Its name was taken by another pod.
    taken: bool,
    /// The last create of it failed for certain.
    refused: bool,
    created: bool,
    reported: bool,
    killed: bool,
    /// It was above the target when the target was set: it may be deleted until it registers.
    surplus: bool,
    registered: bool,
}

impl Known {
    fn new(profile: ProfileId) -> Self {
        Known {
            profile,
            outstanding: true,
            taken: false,
            refused: false,
            created: false,
            reported: false,
            killed: false,
            surplus: false,
            registered: false,
        }
    }
}

/// Follows actions, results and notices; panics where an invariant does not hold.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of each other"
)]
pub struct Checker {
    cfg: PlanConfig,
    executors: BTreeMap<ExecutorId, Known>,
    targets: BTreeMap<ProfileId, usize>,
    open: BTreeMap<CallId, Action>,
    claims: ClaimChecker,
    pub(super) nodes: NodeChecker,
    sent: VecDeque<Duration>,
    deleted: BTreeSet<String>,
    first_list: bool,
    ready: bool,
    stopping: bool,
    may_list: bool,
    aborted: bool,
    /// Losses by executor.
    pub lost: BTreeMap<ExecutorId, bool>,
    /// Lists begun.
    pub lists: usize,
    /// Single deletes sent.
    pub deletes: usize,
    /// Of these, for executors that Spark had not killed and that were not above the target.
    unasked: usize,
}

impl Checker {
    /// A checker for a plan with this configuration.
    pub fn new(cfg: PlanConfig) -> Self {
        Checker {
            claims: ClaimChecker::new(&cfg),
            nodes: NodeChecker::new(&cfg),
            cfg,
            executors: BTreeMap::new(),
            targets: BTreeMap::new(),
            open: BTreeMap::new(),
            sent: VecDeque::new(),
            deleted: BTreeSet::new(),
            first_list: false,
            ready: false,
            stopping: false,
            may_list: true,
            aborted: false,
            lost: BTreeMap::new(),
            lists: 0,
            deletes: 0,
            unasked: 0,
        }
    }

    /// The configuration of the plan under test.
    pub fn config(&self) -> &PlanConfig {
        &self.cfg
    }

    /// Spark has set a target.
    pub fn on_target(&mut self, profile: ProfileId, target: usize) {
        self.targets.insert(profile, target);
        if self.outstanding(profile) > target {
            for known in self
                .executors
                .values_mut()
                .filter(|known| known.profile == profile)
            {
                known.surplus = true;
            }
        }
    }

    /// Spark has killed an executor.
    pub fn on_kill(&mut self, id: ExecutorId) {
        if let Some(known) = self.executors.get_mut(&id) {
            known.killed = true;
        }
    }

    /// An executor has registered.
    pub fn on_registered(&mut self, id: ExecutorId) {
        self.nodes.on_registered(id);
        if let Some(known) = self.executors.get_mut(&id) {
            known.registered = true;
        }
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

    /// Executors of a profile that count: pods, creates in flight and of unknown outcome.
    pub fn outstanding(&self, profile: ProfileId) -> usize {
        self.executors
            .values()
            .filter(|e| e.profile == profile && e.outstanding && !e.reported)
            .count()
    }

    /// Whether an executor may be refused at its registration.
    pub fn may_refuse(&self, id: ExecutorId) -> bool {
        self.stopping
            || self.nodes.is_replaced(id)
            || self
                .executors
                .get(&id)
                .is_none_or(|known| known.reported || known.killed || known.surplus || !known.outstanding)
    }

    /// The plan wants a call.
    pub fn on_action(&mut self, now: Duration, action: &Action, cluster: &Cluster) {
        assert!(
            self.open.insert(action.call(), action.clone()).is_none(),
            "call id used twice: {action:?}"
        );
        self.nodes.on_action(action);
        match action {
            Action::Prepare { executors, .. } => {
                assert!(
                    self.ready && !self.stopping && !self.aborted,
                    "nothing to prepare"
                );
                for (id, _) in executors {
                    assert!(!self.executors.contains_key(id), "executor id {id} used twice");
                }
                self.claims.on_prepare(executors);
            }
            Action::CreateClaim {
                executor,
                index,
                owner,
                ..
            } => {
                assert!(!self.stopping && !self.aborted, "a claim after the end");
                self.claims.on_claim(*executor, *index, owner);
            }
            Action::DeleteClaim { claim, .. } => {
                let of = cluster
                    .claims
                    .get(&claim.name)
                    .filter(|known| known.uid == claim.uid);
                let used = of.and_then(|known| self.executors.get(&known.executor));
                assert!(
                    used.is_none_or(|known| !known.outstanding || known.reported),
                    "the claim of a living executor is deleted: {claim:?}"
                );
            }
            Action::Create {
                executor, profile, ..
            } => {
                self.on_create(now, *executor, *profile);
                self.claims.on_create(*executor, cluster);
            }
            Action::Delete {
                executor, uid, name, ..
            } => self.on_delete(*executor, name, uid, cluster),
            Action::DeleteCollection { selection, .. } => {
                assert!(self.stopping, "collections are deleted at the stop only");
                assert!(
                    self.cfg.delete_executors || matches!(selection, Selection::Claims | Selection::Services),
                    "pods are kept"
                );
                if *selection == Selection::Pods {
                    assert!(self.first_list, "a delete before the first list");
                }
            }
            Action::List {
                continue_token: None, ..
            } => {
                assert!(self.may_list, "a list without need at {now:?}");
                self.may_list = false;
                self.lists += 1;
            }
            Action::Get { executor, .. } => {
                assert!(
                    self.executors.contains_key(executor),
                    "a get for an unknown executor"
                );
            }
            _ => {}
        }
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
                )
            })
            .count();
        assert!(
            in_flight <= self.cfg.max_in_flight.max(1),
            "{in_flight} calls in flight"
        );
        assert!(
            self.open.len() - in_flight <= 6,
            "too many calls in flight: {:?}",
            self.open
        );
    }

    fn on_create(&mut self, now: Duration, id: ExecutorId, profile: ProfileId) {
        assert!(
            self.ready && self.first_list,
            "a create before the start is complete"
        );
        assert!(!self.stopping && !self.aborted, "a create after the end");
        let target = self.targets.get(&profile).copied().unwrap_or(0);
        let outstanding = self.outstanding(profile);
        assert!(
            outstanding < target,
            "a create at the target: {outstanding} of {target}"
        );
        if let Some(batch) = self.cfg.batch {
            self.sent.push_back(now);
            while self.sent.front().is_some_and(|at| *at + batch.delay <= now) {
                self.sent.pop_front();
            }
            assert!(
                self.sent.len() <= batch.size,
                "more than a batch within its delay"
            );
        }
        // What was refused may be tried again where it was prepared.
        let before = self.executors.insert(id, Known::new(profile));
        assert!(
            before.is_none_or(|before| self.cfg.prepares && before.refused && !before.reported),
            "executor id {id} used twice"
        );
    }

    fn on_delete(&mut self, id: ExecutorId, name: &str, uid: &str, cluster: &Cluster) {
        assert!(self.first_list, "a delete before the first list");
        self.deletes += 1;
        assert!(self.deleted.insert(uid.to_owned()), "pod {name} deleted twice");
        let Some(pod) = cluster.by_uid(uid) else { return };
        assert_eq!(
            pod.app_id.as_deref(),
            Some(self.cfg.app_id.as_str()),
            "a foreign pod is deleted"
        );
        if let Some(driver) = &cluster.driver {
            assert_eq!(
                pod.owner_uid.as_ref(),
                Some(&driver.uid),
                "another driver's pod is deleted"
            );
        }
        let Some(known) = self.executors.get(&id) else {
            return;
        };
        let above = !known.registered
            && (known.surplus || self.nodes.is_replaced(id));
        let reason = known.killed
            || known.reported
            || self.stopping
            || self.claims.is_refused(id)
            || !is_alive(pod)
            || !known.outstanding
            || above;
        assert!(reason, "executor {id} is deleted without a reason");
        self.unasked += usize::from(!known.killed && !above && known.outstanding);
    }

    /// The plan gets an answer.
    pub fn on_result(&mut self, call: CallId, result: &CallResult) {
        let action = self.open.remove(&call).expect("an answer to an open call");
        self.claims.on_result(&action, result);
        match (&action, result) {
            (Action::Create { executor, .. }, CallResult::Pod(Outcome::Failed(failure))) => {
                if let Some(known) = self.executors.get_mut(executor) {
                    if failure.class == FailureClass::AlreadyExists {
                        known.taken = true;
                    } else if !known.created {
                        known.outstanding = false;
                        known.refused = true;
                    }
                }
            }
            (Action::Get { executor, .. }, CallResult::Pod(Outcome::Done(pod))) => {
                if let Some(known) = self.executors.get_mut(executor)
                    && known.taken
                    && !known.created
                {
                    let owner = self.cfg.driver_pod.as_ref().map(|_| OWNER);
                    let ours = pod.as_ref().is_some_and(|pod| {
                        pod.app_id.as_ref() == Some(&self.cfg.app_id) && pod.owner_uid.as_deref() == owner
                    });
                    known.outstanding = ours;
                }
            }
            (Action::Delete { uid, .. }, CallResult::Empty(Outcome::Failed(_) | Outcome::Unknown(_))) => {
                self.deleted.remove(uid);
            }
            (Action::List { .. }, CallResult::List(Outcome::Done(page))) => {
                self.first_list |= page.continue_token.is_none();
            }
            (Action::List { .. }, _) => self.may_list = true,
            (Action::Watch { .. }, CallResult::Watch(Outcome::Failed(f) | Outcome::Unknown(f))) => {
                self.may_list |= matches!(f.class, FailureClass::Gone | FailureClass::Forbidden);
            }
            _ => {}
        }
    }

    /// The plan tells something.
    pub fn on_notice(&mut self, notice: &Notice, cluster: &Cluster) {
        match notice {
            Notice::Ready => {
                assert!(!self.ready, "ready twice");
                self.ready = true;
            }
            Notice::Created {
                executor_id,
                profile,
                uid,
                ..
            } => {
                if self.claims.is_asked(*executor_id) {
                    // Its pod was there before its create.
                    self.executors
                        .entry(*executor_id)
                        .or_insert_with(|| Known::new(*profile));
                }
                let known = self.executors.get_mut(executor_id).expect("a known executor");
                assert!(
                    !known.created && !known.reported,
                    "executor {executor_id} created twice"
                );
                assert!(!uid.is_empty());
                known.created = true;
                self.claims.on_created(*executor_id, uid);
            }
            Notice::Running { executor_id, .. } => {
                let known = &self.executors[executor_id];
                assert!(
                    known.created && !known.reported,
                    "executor {executor_id} runs before or after its life"
                );
                self.nodes.on_running(*executor_id);
            }
            Notice::Lost {
                executor_id,
                uid,
                cause,
                ..
            } => {
                let known = self.executors.get_mut(executor_id).expect("a known executor");
                assert!(
                    !known.reported,
                    "the end of executor {executor_id} is reported twice"
                );
                assert!(
                    !known.killed && !self.stopping,
                    "executor {executor_id} was asked to go: no loss"
                );
                known.reported = true;
                self.lost.insert(*executor_id, cause.app_caused);
                assert_eq!(known.created, !uid.is_empty());
                if let Some(pod) = cluster.by_uid(uid) {
                    let over = !is_alive(pod)
                        || (pod.deleting && pod.phase == PodPhase::Pending)
                        || self.claims.is_refused(*executor_id);
                    assert!(
                        over,
                        "executor {executor_id} lives and is reported lost: {cause:?}"
                    );
                }
                if cause.app_caused {
                    let fate = cluster
                        .fates
                        .get(uid)
                        .unwrap_or_else(|| panic!("blamed without a fate: {cause:?}"));
                    assert!(
                        fate.is_apps(),
                        "the application is blamed for {fate:?}: {cause:?}"
                    );
                }
            }
            Notice::Released { executor_id, .. } => {
                let known = self.executors.get_mut(executor_id).expect("a known executor");
                assert!(
                    !known.reported,
                    "the end of executor {executor_id} is reported twice"
                );
                known.reported = true;
            }
            Notice::Abort { .. } => {
                assert!(!self.aborted, "aborted twice");
                self.aborted = true;
            }
            Notice::Waiting { .. } | Notice::Request { .. } => {}
            Notice::Fatal { .. } => assert!(!self.ready, "fatal after the start: {notice:?}"),
        }
    }

    /// The plan's own numbers.
    pub fn on_snapshot(&self, snapshot: &Snapshot, actions_left: usize) {
        assert!(snapshot.in_flight <= self.cfg.max_in_flight.max(1) && actions_left == 0);
        let pending: usize = snapshot.profiles.values().map(|(_, counts)| counts.pending).sum();
        assert!(pending <= self.cfg.max_pending_pods, "{pending} pending pods");
        for (profile, (target, counts)) in &snapshot.profiles {
            assert_eq!(
                counts.live - counts.staged,
                self.outstanding(*profile),
                "the ledger and the checker count differently"
            );
            assert!(
                counts.staged == 0 || counts.live <= *target,
                "executors are prepared above the target: {counts:?}"
            );
            assert_eq!(
                Some(target),
                self.targets.get(profile),
                "target of profile {profile}"
            );
        }
    }

    /// Every create must have ended as seen, failed or expired.
    pub fn on_end(&self, cluster: &Cluster) {
        self.claims.on_end(cluster);
        for (id, known) in &self.executors {
            if known.outstanding && !known.reported {
                let there = cluster.pods.values().any(|pod| pod.executor == Some(*id));
                assert!(
                    known.created && there,
                    "executor {id} has no pod and no end: {known:?}"
                );
            }
        }
        for pod in cluster
            .pods
            .values()
            .filter(|pod| pod.app_id.as_ref() == Some(&self.cfg.app_id))
        {
            if let Some(known) = pod.executor.and_then(|id| self.executors.get(&id)) {
                let over = known.reported || !known.outstanding;
                assert!(
                    !over || !is_alive(pod) || pod.deleting,
                    "pod {} lives on unseen",
                    pod.name
                );
            }
        }
    }
}
