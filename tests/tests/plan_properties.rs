//! The invariants on random scenarios.

use std::time::Duration;

use proptest::prelude::*;
use stoker_core::plan::{Action, Batch, ClaimOwner, ControllerKind, Notice, PlanConfig, Polling, ProfileId};
use stoker_core::sim::claims::ClaimRights;
use stoker_core::sim::cluster::{Cluster, Fate};
use stoker_core::sim::faults::Faults;
use stoker_core::sim::ops::Op;
use stoker_tests::sim::Sim;

/// Everything that decides a run.
#[derive(Debug, Clone)]
struct Scenario {
    seed: u64,
    cfg: PlanConfig,
    faults: Faults,
    page_size: usize,
    claims_each: usize,
    claim_rights: ClaimRights,
    /// Milliseconds.
    prepare_time: u64,
    ops: Vec<(u64, Op)>,
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
    ]
}

fn faults() -> impl Strategy<Value = Faults> {
    prop_oneof![
        1 => Just(Faults::NONE),
        2 => (
            (1..3000_u64, 0..20_u32, 0..15_u32),
            (0..15_u32, 0..10_u32, 0..60_u32),
            (0..40_u32, 0..60_u32, any::<bool>()),
        )
            .prop_map(
            |(
                (latency, refuse, lose_answer),
                (lose_request, apply_late, drop_watch),
                (fail_prepare, stale_list, no_streaming_lists),
            )| Faults {
                latency: Duration::from_millis(latency),
                refuse,
                lose_answer,
                lose_request,
                apply_late,
                drop_watch,
                fail_prepare,
                stale_list,
                no_streaming_lists,
            }
        ),
    ]
}

prop_compose! {
    fn configs()(
        owned in any::<bool>(),
        config_map in any::<bool>(),
        max_in_flight in 1..20_usize,
        batch in prop::option::of((1..10_usize, 100..2000_u64)),
        max_pending_pods in prop_oneof![2 => Just(usize::MAX), 1 => 1..10_usize],
        delete_executors in prop::bool::weighted(0.8),
        delete_driver_service in any::<bool>(),
        idle in 0..90_u64,
        prepares in any::<bool>(),
        claim_owner in prop::sample::select(vec![ClaimOwner::Driver, ClaimOwner::Pod]),
        reuse_claims in any::<bool>(),
        wait_for_claims in any::<bool>(),
        controller in prop_oneof![
            3 => Just(None),
            1 => Just(Some(ControllerKind::StatefulSet)),
            1 => Just(Some(ControllerKind::Deployment)),
        ],
        polling in prop::option::weighted(0.25, (1..90_u64, any::<bool>())),
        seed in any::<u64>(),
    ) -> PlanConfig {
        PlanConfig {
            driver_pod: owned.then(|| "driver".into()),
            config_map,
            max_in_flight,
            batch: batch.map(|(size, delay)| Batch { size, delay: Duration::from_millis(delay) }),
            max_pending_pods,
            delete_executors,
            delete_driver_service,
            idle_timeout: Duration::from_secs(idle),
            start_timeout: Duration::from_hours(1),
            prepares,
            claim_owner,
            reuse_claims,
            wait_for_claims,
            controller,
            deletion_cost: controller.map(|_| -1),
            polling: polling.map(|(interval, cached)| Polling { interval: Duration::from_secs(interval), cached }),
            seed,
            ..Sim::config()
        }
    }
}

prop_compose! {
    fn scenarios()(
        seed in any::<u64>(),
        cfg in configs(),
        faults in faults(),
        page_size in 1..40_usize,
        claims_each in 0..3_usize,
        claim_rights in prop::sample::select(vec![ClaimRights::All, ClaimRights::List, ClaimRights::None]),
        prepare_time in prop_oneof![Just(0), 0..4000_u64],
        first in (0..30_u32).prop_map(|target| (0, Op::Target(0, target))),
        rest in prop::collection::vec((0..15_000_u64, ops()), 0..40),
    ) -> Scenario {
        let ops = std::iter::once(first).chain(rest).collect();
        Scenario { seed, cfg, faults, page_size, claims_each, claim_rights, prepare_time, ops }
    }
}

fn start(scenario: &Scenario) -> Sim {
    let driver = scenario
        .cfg
        .driver_pod
        .is_some()
        .then(|| stoker_core::plan::DriverPod {
            uid: stoker_core::sim::OWNER.into(),
            ready: scenario.seed.is_multiple_of(2),
        });
    let mut cluster = Cluster::new(driver);
    cluster.page_size = scenario.page_size;
    let mut sim = Sim::with_cluster(scenario.cfg.clone(), scenario.seed, cluster);
    sim.faults = scenario.faults;
    sim.claims_each = scenario.claims_each;
    sim.claim_rights = scenario.claim_rights;
    sim.prepare_time = Duration::from_millis(scenario.prepare_time);
    for (delay, op) in &scenario.ops {
        sim.run(Duration::from_millis(*delay));
        // Of a claim that nobody may list nobody learns that it is gone.
        if matches!(op, Op::DeleteClaim(_)) && scenario.claim_rights == ClaimRights::None {
            continue;
        }
        sim.perform(op);
    }
    sim
}

/// Everything outside becomes well again.
fn heal(sim: &mut Sim) {
    sim.faults = Faults::NONE;
    sim.cluster.quota = None;
    sim.cluster.claim_quota = None;
    sim.perform(&Op::Unschedulable(false));
}

fn configuration() -> ProptestConfig {
    let cases = std::env::var("STOKER_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(256);
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_time: 20_000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(configuration())]

    /// Whatever happens, once target and API server are stable the executors are as many as wanted, nobody is
    /// counted who is not there, and the plan falls silent.
    #[test]
    fn converges_and_falls_silent(scenario in scenarios()) {
        let mut sim = start(&scenario);
        heal(&mut sim);
        sim.run(Duration::from_mins(12));
        for _ in 0..3 {
            sim.settle();
            sim.run(Duration::from_mins(3));
        }
        for (profile, (target, counts)) in sim.plan.snapshot().profiles {
            prop_assert_eq!(sim.alive(profile.0), target, "profile {}: {:?}\n{}", profile, counts, sim.tail());
            prop_assert_eq!(counts.live, target);
        }
        sim.assert_ended();
        let before = sim.actions.len();
        sim.run(Duration::from_mins(30));
        let polls = scenario.cfg.polling.is_some();
        let later = sim.actions[before..].iter().filter(|(_, action)| !(polls && matches!(action, Action::List { .. })));
        let later: Vec<_> = later.collect();
        prop_assert!(later.is_empty(), "not silent: {:?}", later);
    }

    /// The stop ends by its deadline and leaves nothing behind that it can reach.
    #[test]
    fn stop_leaves_nothing(scenario in scenarios(), healthy in any::<bool>()) {
        let mut sim = start(&scenario);
        if healthy {
            heal(&mut sim);
            sim.run(Duration::from_mins(2));
        }
        let in_time = sim.stop(Duration::from_secs(10));
        sim.faults = Faults::NONE;
        if healthy {
            prop_assert!(in_time, "{}", sim.tail());
        }
        prop_assert!(sim.plan.poll_timeout().is_none());
        let sent = sim.actions.len();
        sim.run(Duration::from_mins(5));
        prop_assert_eq!(sim.actions.len(), sent, "calls after the stop");
        if scenario.cfg.delete_executors && healthy {
            prop_assert!(sim.cluster.pods.is_empty(), "{:?}\n{}", sim.cluster.pods, sim.tail());
            prop_assert_eq!(sim.cluster.config_maps, 0);
            prop_assert!(sim.cluster.claims.is_empty(), "{:?}\n{}", sim.cluster.claims, sim.tail());
        }
        if healthy && scenario.cfg.driver_pod.is_some() {
            prop_assert_eq!(sim.cluster.services, usize::from(!scenario.cfg.delete_driver_service));
        }
        if !scenario.cfg.delete_executors {
            prop_assert_eq!(sim.check.deletes_of_pods(), 0);
        }
    }

    /// Whenever the driver's container is restarted, the next plan finds what the last one left, deletes it and
    /// comes to the target; nothing runs unseen.
    #[test]
    fn a_restart_at_any_time_leaks_nothing(scenario in scenarios(), crashes in prop::collection::vec(0..20_000_u64, 1..4)) {
        let mut scenario = scenario;
        scenario.cfg.driver_pod = Some("driver".into());
        scenario.cfg.delete_executors = true;
        // The controllers of an earlier life are refused.
        scenario.cfg.controller = None;
        let mut sim = start(&scenario);
        for crash in crashes {
            sim.target(0, 5);
            sim.run(Duration::from_millis(crash));
            sim.restart();
        }
        heal(&mut sim);
        sim.target(0, 7);
        sim.run(Duration::from_mins(15));
        prop_assert_eq!(sim.alive(0), 7, "{}", sim.tail());
        prop_assert_eq!(sim.cluster.pods.len(), 7, "{:?}\n{}", sim.cluster.pods.keys(), sim.tail());
    }

    /// The same seed and the same events give the same actions and notices.
    #[test]
    fn is_deterministic(scenario in scenarios()) {
        let (one, other) = (start(&scenario), start(&scenario));
        prop_assert_eq!(&one.trace, &other.trace);
    }

    /// Without faults every create is one POST and no pod is asked for.
    #[test]
    fn a_quiet_cluster_costs_one_post_for_each_executor(target in 0..60_u32, seed in any::<u64>(), cfg in configs(), claims in 0..3_usize) {
        let cfg = PlanConfig { controller: None, ..cfg };
        let claims = claims * usize::from(cfg.prepares);
        let mut sim = Sim::new(cfg, seed);
        sim.claims_each = claims;
        sim.target(0, target);
        sim.run(Duration::from_mins(10));
        prop_assert_eq!(sim.alive(0), target as usize);
        let creates = sim.notices.iter().filter(|n| matches!(n, Notice::Created { .. })).count();
        prop_assert_eq!(creates, target as usize);
        prop_assert_eq!(sim.cluster.created, target as usize);
        let polls = sim.check.config().polling.is_some();
        prop_assert!(polls || sim.check.lists() == 1, "{} lists", sim.check.lists());
        let start_calls = sim.check.lists() + usize::from(!polls) + usize::from(sim.cluster.config_maps > 0) + usize::from(sim.cluster.driver.is_some());
        let (claim_lists, claim_watches) = (sim.sent("list claims").len(), sim.sent("watch claims").len());
        prop_assert!(claim_lists <= 1 && claim_watches <= 1, "{}", sim.tail());
        let start_calls = start_calls + claim_lists + claim_watches;
        let calls = sim.actions.iter().filter(|(_, action)| !matches!(action, Action::Prepare { .. })).count();
        prop_assert_eq!(calls, start_calls + target as usize * (1 + claims));
        prop_assert_eq!(sim.cluster.claims.len(), target as usize * claims);
        prop_assert_eq!(sim.plan.snapshot().profiles[&ProfileId(0)].1.live, target as usize);
    }
}
