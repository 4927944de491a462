//! Lists after a break in the watch, and how old what is known may be.

use std::time::Duration;

use stoker_core::plan::{ExecutorId, FailureClass};
use stoker_core::sim::faults::Faults;
use stoker_core::sim::ops::Op;
use stoker_tests::sim::Sim;

use crate::{failed, failed_for, losses, millis, secs};

/// Lets the watch end with 410 and gives the plan time.
fn relist(sim: &mut Sim) {
    sim.perform(&Op::WatchGone);
    sim.run(secs(20));
}

fn calls(sim: &Sim) -> [usize; 3] {
    ["list", "streaming list", "watch"].map(|name| sim.sent(name).len())
}

#[test]
fn a_streaming_list_is_one_call_and_becomes_the_watch() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(3);
    relist(&mut sim);
    relist(&mut sim);
    assert_eq!(calls(&sim), [1, 2, 1]);
    sim.delete("test-exec-2");
    sim.run(secs(10));
    assert_eq!((losses(&sim).len(), calls(&sim)), (1, [1, 2, 1]));
    // It goes on from where it was, not from the versions of the pods in the list.
    sim.perform(&Op::CloseWatch);
    sim.run(secs(10));
    assert_eq!((losses(&sim).len(), calls(&sim)), (1, [1, 2, 2]));
}

#[test]
fn an_api_server_without_streaming_lists_is_asked_once() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.faults.no_streaming_lists = true;
    sim.run_up(3);
    relist(&mut sim);
    relist(&mut sim);
    assert_eq!(calls(&sim), [3, 1, 3]);
    assert!(losses(&sim).is_empty());
}

#[test]
fn a_streaming_list_that_is_refused_for_load_comes_again() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(3);
    sim.script("streaming list", [failed_for(FailureClass::TooManyRequests, 5)]);
    relist(&mut sim);
    assert_eq!(calls(&sim), [1, 2, 1]);
    let asked = sim.sent("streaming list");
    assert!(asked[1] - asked[0] >= secs(5), "{asked:?}");
}

#[test]
fn a_streaming_list_that_breaks_in_the_middle_loses_nobody() {
    for seed in 0..20 {
        let mut sim = Sim::new(Sim::config(), seed);
        sim.run_up(8);
        sim.faults.latency = millis(900);
        sim.perform(&Op::WatchGone);
        sim.run_until(secs(5), "the list has begun", |sim| sim.check.lists() == 2);
        sim.run(millis(700));
        sim.perform(&Op::BreakWatch);
        sim.run(secs(60));
        assert!(losses(&sim).is_empty(), "{:?}", losses(&sim));
        assert_eq!(sim.alive(0), 8);
    }
}

#[test]
fn what_is_made_during_a_slow_list_is_shown_by_the_watch_and_not_asked_for() {
    for (seed, no_streaming_lists) in (0..20).flat_map(|seed| [(seed, false), (seed, true)]) {
        let mut sim = Sim::new(Sim::config(), seed);
        sim.faults.no_streaming_lists = no_streaming_lists;
        sim.cluster.page_size = 2;
        sim.run_up(4);
        sim.faults.latency = secs(2);
        sim.perform(&Op::WatchGone);
        sim.run_until(secs(9), "the list has begun", |sim| sim.check.lists() == 2);
        sim.target(0, 20);
        sim.run(secs(60));
        assert_eq!((sim.alive(0), losses(&sim).len()), (20, 0));
        assert!(sim.sent("get").is_empty(), "seed {seed}: {}", sim.tail());
    }
}

#[test]
fn drivers_that_lose_their_watch_together_do_not_list_together() {
    let mut delays: Vec<_> = (0..40)
        .map(|seed| {
            let mut sim = Sim::new(
                stoker_core::plan::PlanConfig {
                    seed,
                    ..Sim::config()
                },
                1,
            );
            sim.run_up(1);
            sim.faults.latency = Duration::ZERO;
            let before = sim.now;
            relist(&mut sim);
            sim.sent("streaming list")[0] - before
        })
        .collect();
    delays.sort();
    assert!(delays[39] - delays[0] > millis(200), "{delays:?}");
    assert!(delays[39] < millis(501), "{delays:?}");
}

#[test]
fn what_is_known_is_never_older_than_a_bookmark() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(3);
    let mut oldest = Duration::ZERO;
    for _ in 0..600 {
        sim.run(secs(1));
        oldest = oldest.max(sim.plan.snapshot().staleness(sim.now));
    }
    assert!(oldest > secs(50) && oldest < secs(62), "{oldest:?}");
    sim.silent = true;
    sim.run(secs(100));
    let staleness = sim.plan.snapshot().staleness(sim.now);
    assert!(staleness >= secs(100), "{staleness:?}");
}

#[test]
fn what_is_known_ages_in_an_outage_and_before_the_first_list() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.outage(secs(20));
    sim.run(secs(10));
    assert_eq!(sim.plan.snapshot().staleness(sim.now), secs(10));
    sim.run(secs(30));
    sim.run_up(2);
    sim.outage(secs(300));
    sim.run(secs(290));
    let before = sim.plan.snapshot().staleness(sim.now);
    assert!(before >= secs(289), "{before:?}");
    sim.cluster.compact();
    sim.delete("test-exec-1");
    sim.run(secs(60));
    assert_eq!(losses(&sim)[0].0, ExecutorId(1));
    let after = sim.plan.snapshot().staleness(sim.now);
    assert!(after < secs(60), "{after:?}");
}

#[test]
fn a_list_counts_from_when_it_was_asked_for() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.faults = Faults {
        latency: secs(20),
        no_streaming_lists: true,
        ..Faults::NONE
    };
    sim.script("watch", (0..100).map(|_| failed(FailureClass::Unreachable)));
    sim.run_until(secs(60), "the list is complete", |sim| {
        !sim.sent("watch").is_empty()
    });
    assert_eq!(sim.plan.snapshot().staleness(sim.now), sim.now);
    assert!(sim.now > secs(2), "{:?}", sim.now);
}
