//! What decides a history, drawn at random.

use std::time::Duration;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use stoker_core::plan::{Batch, ClaimOwner, ControllerKind, DriverPod, PlanConfig, Polling};
use stoker_core::sim::claims::ClaimRights;
use stoker_core::sim::cluster::{Cluster, Fate};
use stoker_core::sim::faults::Faults;
use stoker_core::sim::nodes::{Breakage, Node};
use stoker_core::sim::ops::Op;
use stoker_core::sim::trouble::Webhook;
use stoker_core::sim::{OWNER, Sim};

/// Everything that decides a history. As JSON it is kept as a regression; what is missing there has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) settings: Settings,
    pub(crate) faults: Faults,
    pub(crate) page_size: usize,
    pub(crate) claims_each: usize,
    pub(crate) claim_rights: ClaimRights,
    /// Milliseconds.
    pub(crate) prepare_time: u64,
    /// One at least.
    pub(crate) nodes: usize,
    /// Milliseconds since the operation before, and the operation.
    pub(crate) ops: Vec<(u64, Op)>,
    /// Whether everything is well again before the end.
    pub(crate) healthy: bool,
    /// Milliseconds from the begin of Spark's stop to the allocator's; none where there is no time between them.
    pub(crate) goodbye: Option<u64>,
    /// Milliseconds between crashes of the driver.
    pub(crate) crashes: Vec<u64>,
}

/// What differs between configurations of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings that are independent of each other"
)]
pub(crate) struct Settings {
    pub(crate) owned: bool,
    pub(crate) config_map: bool,
    pub(crate) max_in_flight: usize,
    /// Size and milliseconds.
    pub(crate) batch: Option<(usize, u64)>,
    pub(crate) max_pending_pods: Option<usize>,
    pub(crate) delete_executors: bool,
    /// Seconds.
    pub(crate) idle_timeout: u64,
    pub(crate) prepares: bool,
    pub(crate) driver_owns_claims: bool,
    pub(crate) reuse_claims: bool,
    pub(crate) wait_for_claims: bool,
    pub(crate) delete_driver_service: bool,
    pub(crate) avoid_nodes_after: usize,
    /// Seconds.
    pub(crate) registration_timeout: Option<u64>,
    pub(crate) controller: Option<Controller>,
    /// Seconds, and whether lists may come from the API server's cache.
    pub(crate) polling: Option<(u64, bool)>,
    pub(crate) seed: u64,
}

/// Who makes the pods, where the plan does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Controller {
    StatefulSet,
    Deployment,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            owned: true,
            config_map: true,
            max_in_flight: 128,
            batch: None,
            max_pending_pods: None,
            delete_executors: true,
            idle_timeout: 60,
            prepares: false,
            driver_owns_claims: false,
            reuse_claims: false,
            wait_for_claims: false,
            delete_driver_service: false,
            avoid_nodes_after: 2,
            registration_timeout: None,
            controller: None,
            polling: None,
            seed: 0,
        }
    }
}

impl Settings {
    pub(crate) fn config(&self) -> PlanConfig {
        PlanConfig {
            driver_pod: self.owned.then(|| "driver".into()),
            config_map: self.config_map,
            max_in_flight: self.max_in_flight,
            batch: self.batch.map(|(size, delay)| Batch {
                size,
                delay: Duration::from_millis(delay),
            }),
            max_pending_pods: self.max_pending_pods.unwrap_or(usize::MAX),
            delete_executors: self.delete_executors,
            idle_timeout: Duration::from_secs(self.idle_timeout),
            // A suspended driver has not waited.
            start_timeout: Duration::from_hours(1000),
            prepares: self.prepares,
            claim_owner: if self.driver_owns_claims {
                ClaimOwner::Driver
            } else {
                ClaimOwner::Pod
            },
            controller: self.controller.map(|controller| match controller {
                Controller::StatefulSet => ControllerKind::StatefulSet,
                Controller::Deployment => ControllerKind::Deployment,
            }),
            deletion_cost: self.controller.map(|_| -1),
            polling: self.polling.map(|(interval, cached)| Polling {
                interval: Duration::from_secs(interval),
                cached,
            }),
            reuse_claims: self.reuse_claims,
            wait_for_claims: self.wait_for_claims,
            delete_driver_service: self.delete_driver_service,
            avoid_nodes_after: self.avoid_nodes_after,
            registration_timeout: self.registration_timeout.map(Duration::from_secs),
            seed: self.seed,
            ..Sim::config()
        }
    }
}

impl Scenario {
    /// The simulation before its first operation.
    pub(crate) fn sim(&self) -> Sim {
        let driver = self.settings.owned.then(|| DriverPod {
            uid: OWNER.into(),
            ready: self.seed.is_multiple_of(2),
        });
        let mut cluster = Cluster::new(driver);
        cluster.page_size = self.page_size.max(1);
        cluster.nodes = (1..=self.nodes.max(1))
            .map(|node| Node::new(&format!("node-{node}")))
            .collect();
        let mut sim = Sim::with_cluster(self.settings.config(), self.seed, cluster);
        sim.faults = self.faults;
        // At once, or after they could have been of use.
        let seconds = if self.seed.is_multiple_of(3) { 20 } else { 0 };
        sim.fails_after = Duration::from_secs(seconds) + Duration::from_millis(300);
        sim.claims_each = self.claims_each;
        sim.claim_rights = self.claim_rights;
        sim.prepare_time = Duration::from_millis(self.prepare_time);
        sim
    }

    /// The simulation after its operations.
    pub(crate) fn start(&self) -> Sim {
        let mut sim = self.sim();
        for (delay, op) in &self.ops {
            sim.run(Duration::from_millis(*delay));
            // Of a claim that nobody may list nobody learns that it is gone.
            if matches!(op, Op::DeleteClaim(_)) && self.claim_rights == ClaimRights::None {
                continue;
            }
            sim.perform(op);
        }
        sim
    }
}

/// Everything outside becomes well again.
pub(crate) fn heal(sim: &mut Sim) {
    sim.faults = Faults::NONE;
    sim.cluster.quota = None;
    sim.cluster.claim_quota = None;
    sim.set_webhook(None);
    for node in 0..sim.cluster.nodes.len() {
        sim.set_node(node, None);
    }
    sim.perform(&Op::Unschedulable(false));
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        prop::sample::select(vec![0, 1, 52, 137, 143]).prop_map(Fate::Exit),
        Just(Fate::Oom),
        Just(Fate::Preempted),
        Just(Fate::Evicted),
        Just(Fate::Sidecar),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..3_u32, 0..40_u32).prop_map(|(profile, target)| Op::Target(profile, target)),
        2 => any::<prop::sample::Index>().prop_map(|i| Op::Kill(i.index(1000))),
        1 => any::<prop::sample::Index>().prop_map(|i| Op::KillPending(i.index(1000))),
        2 => any::<prop::sample::Index>().prop_map(|i| Op::DeletePod(i.index(1000))),
        3 => (any::<prop::sample::Index>(), fates()).prop_map(|(i, fate)| Op::End(i.index(1000), fate)),
        1 => Just(Op::CloseWatch),
        1 => Just(Op::BreakWatch),
        1 => Just(Op::WatchGone),
        1 => Just(Op::Compact),
        1 => (1..40_u64).prop_map(Op::Outage),
        1 => prop::option::of(0..20_usize).prop_map(Op::Quota),
        1 => prop::option::of(0..20_usize).prop_map(Op::ClaimQuota),
        1 => any::<bool>().prop_map(Op::Unschedulable),
        1 => any::<prop::sample::Index>().prop_map(|i| Op::DeleteClaim(i.index(1000))),
        3 => (0..4_usize, prop::sample::select(vec![None, Some(Breakage::Exits), Some(Breakage::NoImage), Some(Breakage::NoNetwork)]))
            .prop_map(|(node, broken)| Op::Node(node, broken)),
        1 => any::<prop::sample::Index>().prop_map(|i| Op::Disconnect(i.index(1000))),
        1 => any::<prop::sample::Index>().prop_map(|i| Op::LoseNode(i.index(1000))),
        1 => (1..90_u64, 0..40_u64).prop_map(|(span, retry_after)| Op::Storm(span, retry_after)),
        1 => prop_oneof![1..120_u64, 100..20_000_u64].prop_map(Op::Suspend),
        1 => prop::option::of(prop::sample::select(vec![Webhook::Denies, Webhook::Fails])).prop_map(Op::Webhook),
    ]
}

fn faults() -> impl Strategy<Value = Faults> {
    prop_oneof![
        1 => Just(Faults::NONE),
        2 => ((1..3000_u64, 0..20_u32, 0..15_u32), (0..15_u32, 0..10_u32, 0..60_u32), (0..40_u32, 0..40_u32),
            (0..60_u32, any::<bool>())).prop_map(
            |((latency, refuse, lose_answer), (lose_request, apply_late, drop_watch), (fail_prepare, duplicate), (stale_list, no_streaming_lists))| Faults {
                latency: Duration::from_millis(latency),
                refuse,
                lose_answer,
                lose_request,
                apply_late,
                drop_watch,
                fail_prepare,
                duplicate,
                stale_list,
                no_streaming_lists,
            }
        ),
    ]
}

prop_compose! {
    fn settings()(
        owned in any::<bool>(),
        config_map in any::<bool>(),
        max_in_flight in 1..20_usize,
        batch in prop::option::of((1..10_usize, 100..2000_u64)),
        max_pending_pods in prop_oneof![2 => Just(None), 1 => (1..10_usize).prop_map(Some)],
        delete_executors in prop::bool::weighted(0.8),
        idle_timeout in 0..90_u64,
        prepares in any::<bool>(),
        driver_owns_claims in any::<bool>(),
        (reuse_claims, wait_for_claims) in (any::<bool>(), any::<bool>()),
        delete_driver_service in any::<bool>(),
        (avoid_nodes_after, registration_timeout) in (0..4_usize, prop::option::of(30..300_u64)),
        controller in prop_oneof![
            3 => Just(None),
            1 => Just(Some(Controller::StatefulSet)),
            1 => Just(Some(Controller::Deployment)),
        ],
        // Hundreds of lists within a minute tell no more than some.
        polling in prop::option::weighted(0.25, (prop_oneof![1 => 1..10_u64, 20 => 10..90_u64], any::<bool>())),
        seed in any::<u64>(),
    ) -> Settings {
        Settings {
            owned,
            config_map,
            max_in_flight,
            batch,
            max_pending_pods,
            delete_executors,
            idle_timeout,
            prepares,
            driver_owns_claims,
            reuse_claims,
            wait_for_claims,
            delete_driver_service,
            avoid_nodes_after,
            registration_timeout,
            controller,
            polling,
            seed,
        }
    }
}

prop_compose! {
    pub(crate) fn scenarios()(
        seed in any::<u64>(),
        settings in settings(),
        faults in faults(),
        page_size in 1..40_usize,
        claims_each in 0..3_usize,
        claim_rights in prop::sample::select(vec![ClaimRights::All, ClaimRights::List, ClaimRights::None]),
        prepare_time in prop_oneof![Just(0), 0..4000_u64],
        nodes in 1..5_usize,
        first in (0..30_u32).prop_map(|target| (0, Op::Target(0, target))),
        rest in prop::collection::vec((0..15_000_u64, ops()), 0..40),
        healthy in any::<bool>(),
        goodbye in prop::option::of(0..5000_u64),
        crashes in prop::collection::vec(0..20_000_u64, 1..4),
    ) -> Scenario {
        let ops = std::iter::once(first).chain(rest).collect();
        Scenario { seed, settings, faults, page_size, claims_each, claim_rights, prepare_time, nodes, ops, healthy, goodbye, crashes }
    }
}
