//! Without a watch: lists in intervals.

use std::time::Duration;

use stoker_core::plan::{Action, ExecutorId, LossKind, PlanConfig, Polling};
use stoker_core::sim::cluster::Fate;
use stoker_core::sim::ops::Op;
use stoker_tests::sim::Sim;

use crate::{losses, millis, released, secs};

const INTERVAL: Duration = Duration::from_secs(30);

fn config(cached: bool) -> PlanConfig {
    PlanConfig {
        polling: Some(Polling {
            interval: INTERVAL,
            cached,
        }),
        ..Sim::config()
    }
}

#[test]
fn lists_come_in_intervals_and_nothing_waits_for_them() {
    let mut sim = Sim::new(config(false), 1);
    sim.run_up(20);
    assert!(sim.now < secs(5), "{:?}", sim.now);
    let third = sim.uid_of(ExecutorId(3)).expect("a pod");
    sim.end(&third, Fate::Exit(1));
    sim.delete("test-exec-4");
    sim.run_until(INTERVAL + secs(1), "both losses are known", |sim| {
        losses(sim).len() == 2
    });
    let mut kinds: Vec<_> = losses(&sim)
        .into_iter()
        .map(|(id, cause)| (id.0, cause.kind))
        .collect();
    kinds.sort_by_key(|(id, _)| *id);
    assert_eq!(kinds, [(3, LossKind::Exited), (4, LossKind::Missing)]);
    sim.run(secs(300));
    assert_eq!(sim.alive(0), 20);
    let lists = sim.sent("list");
    assert!(
        lists.windows(2).all(|pair| pair[1] - pair[0] >= INTERVAL),
        "{lists:?}"
    );
    assert!(lists.len() >= 10, "{lists:?}");
    assert_eq!((sim.sent("watch").len(), sim.sent("get").len()), (0, 0));
    let staleness = sim.plan.snapshot().staleness(sim.now);
    assert!(staleness < INTERVAL + secs(1), "{staleness:?}");
}

#[test]
fn an_executor_runs_once_it_has_registered() {
    let mut sim = Sim::new(
        PlanConfig {
            max_pending_pods: 2,
            ..config(false)
        },
        1,
    );
    sim.target(0, 10);
    sim.run(INTERVAL - secs(2));
    assert_eq!((sim.registered.len(), sim.sent("list").len()), (10, 1));
    // It is given time to end by itself.
    sim.target(0, 9);
    sim.kill(&[ExecutorId(1)]);
    assert!(sim.sent("delete").is_empty());
    sim.run(secs(120));
    assert_eq!(released(&sim), [ExecutorId(1)]);
}

#[test]
fn what_is_made_during_a_list_is_not_lost() {
    for (seed, cached) in (0..30).flat_map(|seed| [(seed, false), (seed, true)]) {
        let mut sim = Sim::new(config(cached), seed);
        sim.cluster.page_size = 2;
        sim.run_up(4);
        sim.faults.latency = secs(1);
        sim.run_until(secs(40), "the list has begun", |sim| sim.check.lists() == 2);
        sim.target(0, 12);
        sim.run(secs(200));
        assert!(losses(&sim).is_empty(), "{:?}", losses(&sim));
        assert_eq!((sim.alive(0), sim.sent("get").len()), (12, 0));
    }
}

#[test]
fn what_a_cache_does_not_show_is_asked_for_before_it_is_lost() {
    let mut sim = Sim::new(config(true), 1);
    sim.run_up(3);
    sim.run(INTERVAL);
    sim.faults.stale_list = 100;
    sim.target(0, 6);
    sim.run(secs(300));
    assert!(losses(&sim).is_empty(), "{:?}", losses(&sim));
    assert!(!sim.sent("get").is_empty());
    // The cache catches up.
    sim.faults.stale_list = 0;
    sim.delete("test-exec-5");
    sim.run(2 * INTERVAL);
    assert_eq!(losses(&sim).len(), 1);
    assert_eq!(sim.alive(0), 6);
}

#[test]
fn a_cache_that_lags_behind_what_was_shown_is_not_believed() {
    let mut sim = Sim::new(config(true), 1);
    sim.run_up(3);
    sim.run(INTERVAL);
    let before = sim.sent("list").len();
    let old = sim.cluster.cached_list(stoker_core::sim::APP, true);
    sim.cluster.pretend_cache(stoker_core::plan::ListPage {
        resource_version: "1".into(),
        ..old
    });
    sim.faults.stale_list = 100;
    sim.run_until(INTERVAL + secs(1), "a second list at once", |sim| {
        sim.sent("list").len() == before + 2
    });
    let cached: Vec<_> = sim
        .actions
        .iter()
        .filter_map(|(at, action)| match action {
            Action::List { cached, .. } => Some((*at, *cached)),
            _ => None,
        })
        .collect();
    let [.., (first, true), (second, false)] = cached[..] else {
        panic!("{cached:?}")
    };
    assert!(second - first < secs(1));
}

#[test]
fn the_first_list_is_never_one_of_a_cache() {
    let sim = Sim::new(config(true), 1);
    assert!(
        sim.actions
            .iter()
            .any(|(_, action)| matches!(action, Action::List { cached: false, .. }))
    );
}

#[test]
fn lists_go_on_after_an_outage() {
    let mut sim = Sim::new(config(false), 1);
    sim.run_up(3);
    sim.perform(&Op::Outage(300));
    sim.run(secs(100));
    sim.delete("test-exec-2");
    sim.run(secs(200));
    assert!(losses(&sim).is_empty());
    sim.run(secs(60));
    assert_eq!((losses(&sim).len(), sim.alive(0)), (1, 3));
    let lists = sim.sent("list");
    assert!(lists.len() < 30, "{lists:?}");
    let [.., before, last] = lists[..] else {
        panic!("{lists:?}")
    };
    assert!(last - before >= INTERVAL - millis(1));
}
