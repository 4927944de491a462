use std::collections::BTreeMap;

use stoker_core::plan::{CreateResult, ExecutorId, FailureClass, LossKind};
use stoker_core::sim::cluster::Fate;
use stoker_core::sim::faults::Faults;
use stoker_tests::sim::Sim;

use crate::{failed, millis, secs};

#[test]
fn a_lost_answer_is_an_unknown_create_and_an_adopted_executor() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run(secs(1));
    sim.faults = Faults {
        lose_answer: 100,
        ..Faults::NONE
    };
    sim.start_time = None;
    sim.silent = true;
    sim.target(0, 1);
    sim.run_until(secs(1), "the create is applied", |sim| sim.cluster.created == 1);
    sim.faults = Faults::NONE;
    sim.run(secs(30));
    let counters = sim.plan.counters();
    assert_eq!(counters.creates, BTreeMap::from([(CreateResult::Unknown, 1)]));
    assert_eq!(
        (counters.creates_sent, counters.confirmed, counters.adopted),
        (1, 1, 1)
    );
}

#[test]
fn creates_that_are_refused_are_counted_by_result_and_again_when_they_are_taken() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run(secs(1));
    let refusals = [FailureClass::TooManyRequests, FailureClass::QuotaExceeded];
    sim.script("create", refusals.map(failed));
    sim.run_up(1);
    let counters = sim.plan.counters();
    assert_eq!(
        counters.creates,
        BTreeMap::from([
            (CreateResult::Created, 1),
            (CreateResult::QuotaExceeded, 1),
            (CreateResult::Throttled, 1),
        ])
    );
    assert_eq!((counters.creates_sent, counters.adopted), (3, 0));
}

#[test]
fn losses_count_by_cause_and_only_failures_towards_the_end_of_the_application() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(3);
    for (id, fate) in [(1, Fate::Oom), (2, Fate::Evicted), (3, Fate::Exit(0))] {
        let uid = sim.uid_of(ExecutorId(id)).expect("a pod");
        sim.end(&uid, fate);
    }
    sim.run(secs(20));
    let counters = sim.plan.counters();
    assert_eq!(
        counters.losses,
        BTreeMap::from([
            (LossKind::Exited, 1),
            (LossKind::OomKilled, 1),
            (LossKind::Disrupted, 1)
        ])
    );
    assert_eq!((counters.app_caused, counters.failures), (2, 1));
    assert_eq!((counters.started, counters.registered), (6, 6));
}

#[test]
fn executors_are_timed_until_they_run_and_until_they_register() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.start_time = Some(secs(30));
    sim.run_up(20);
    let times = sim.plan.times();
    let (running, registered) = (times.to_running.summary(), times.to_registered.summary());
    assert_eq!((running.count, registered.count), (20, 20));
    assert!(running.p50 >= secs(29), "{running:?}");
    assert!(running.max < sim.now, "{running:?}");
    let later = registered.p50.saturating_sub(running.p50);
    assert!(
        later > millis(300) && later < secs(2),
        "0.7 s in the simulator: {later:?}"
    );
}
