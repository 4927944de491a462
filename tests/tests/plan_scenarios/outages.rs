use std::time::Duration;

use stoker_core::plan::{ClaimOwner, ExecutorId, FailureClass, LossKind, PlanConfig, ProfileId};
use stoker_core::sim::cluster::Cluster;
use stoker_core::sim::faults::Faults;
use stoker_core::sim::{APP, OWNER};
use stoker_tests::sim::Sim;

use crate::{abort, failed, losses, millis, released, secs, unanswered};

/// The first create is lost on its way, and so is the answer.
fn lost(cfg: PlanConfig) -> Sim {
    let mut sim = Sim::new(cfg, 5);
    sim.script("create", [unanswered()]);
    sim
}

/// The first executor's pod as its create would have made it.
fn late() -> stoker_core::plan::PodFacts {
    Cluster::executor_pod("test-exec-1", APP, ExecutorId(1), ProfileId(0), Some(OWNER))
}

#[test]
fn a_create_that_was_never_applied_is_sent_again_for_the_same_executor() {
    let mut sim = lost(Sim::config());
    sim.target(0, 1);
    sim.run(secs(8));
    assert_eq!((sim.sent("create").len(), sim.sent("get").len()), (2, 1));
    assert_eq!(sim.alive(0), 1);
    assert!(sim.registered.contains(&ExecutorId(1)), "{:?}", sim.registered);
    assert_eq!(sim.plan.snapshot().next_id, ExecutorId(2));
    assert!(losses(&sim).is_empty());
}

#[test]
fn a_first_create_that_comes_before_the_second_is_adopted() {
    let mut sim = lost(Sim::config());
    sim.run(secs(1));
    sim.silent = true;
    sim.target(0, 1);
    sim.run_until(secs(5), "the second is on its way", |sim| {
        sim.sent("create").len() == 2
    });
    sim.plant(late());
    let uid = sim.uid_of(ExecutorId(1));
    sim.run(secs(5));
    assert_eq!(
        sim.sent("get").len(),
        2,
        "one that finds nothing, one that tells whose the name is"
    );
    assert_eq!((sim.sent("create").len(), sim.cluster.created), (2, 1));
    assert_eq!(sim.uid_of(ExecutorId(1)), uid);
    assert_eq!(sim.plan.snapshot().profiles[&ProfileId(0)].1.live, 1);
    assert!(losses(&sim).is_empty());
}

#[test]
fn a_first_create_that_comes_after_the_second_is_refused_by_its_name() {
    let mut second = 0;
    for seed in 1..=20 {
        let mut sim = Sim::new(Sim::config(), seed);
        sim.run(secs(1));
        sim.faults = Faults {
            apply_late: 100,
            ..Faults::NONE
        };
        sim.target(0, 3);
        sim.run(millis(100));
        sim.faults = Faults::NONE;
        sim.run(secs(80));
        second += sim
            .tally
            .get("a late create came second")
            .copied()
            .unwrap_or_default();
        assert_eq!((sim.alive(0), sim.cluster.created), (3, 3));
        assert!(losses(&sim).is_empty());
    }
    assert!(second >= 20, "{second} of 60 came second");
}

#[test]
fn a_first_create_that_comes_when_the_second_pod_has_gone_is_deleted() {
    let mut sim = lost(Sim::config());
    sim.target(0, 1);
    sim.run(secs(8));
    sim.delete("test-exec-1");
    sim.run(secs(10));
    sim.plant(late());
    sim.run(secs(5));
    assert!(sim.pod_of(ExecutorId(1)).is_none());
    assert!(sim.registered.contains(&ExecutorId(2)), "{:?}", sim.registered);
    assert_eq!((losses(&sim).len(), sim.cluster.pods.len()), (1, 1));
}

#[test]
fn a_second_create_that_is_refused_costs_neither_the_executor_nor_one_too_many() {
    for class in [
        FailureClass::QuotaExceeded,
        FailureClass::TooManyRequests,
        FailureClass::Unreachable,
    ] {
        let mut sim = lost(Sim::config());
        sim.script("create", [failed(class), failed(class), failed(class)]);
        sim.target(0, 1);
        sim.run(secs(30));
        assert_eq!(sim.sent("create").len(), 5);
        assert!(
            sim.registered.contains(&ExecutorId(1)),
            "{class:?}: {:?}",
            sim.registered
        );
        assert_eq!(sim.plan.snapshot().next_id, ExecutorId(2));
    }
}

#[test]
fn what_is_refused_for_longer_than_the_first_may_come_ends_the_executor() {
    let mut sim = lost(Sim::config());
    sim.run(secs(1));
    sim.cluster.quota = Some(0);
    sim.target(0, 1);
    sim.run(secs(59));
    assert!(losses(&sim).is_empty());
    sim.run(secs(60));
    let lost = losses(&sim);
    assert_eq!(
        (lost.len(), lost[0].0, lost[0].1.kind),
        (1, ExecutorId(1), LossKind::Missing)
    );
    sim.cluster.quota = None;
    sim.run(secs(60));
    assert_eq!((sim.alive(0), sim.cluster.created), (1, 1));
    assert!(abort(&sim).is_none());
}

#[test]
fn without_the_right_to_get_pods_the_watch_tells_and_nothing_is_sent_again() {
    let mut sim = lost(Sim::config());
    sim.script("get", (0..30).map(|_| failed(FailureClass::Forbidden)));
    sim.target(0, 1);
    sim.run(secs(55));
    assert_eq!(sim.sent("create").len(), 1, "it may still be applied");
    sim.run(secs(15));
    assert_eq!(sim.sent("create").len(), 2);
    assert_eq!(losses(&sim)[0].1.kind, LossKind::Missing);
    assert_eq!(sim.alive(0), 1);
}

#[test]
fn what_is_no_longer_wanted_is_not_sent_again_and_deleted_should_it_come() {
    let mut sim = lost(Sim::config());
    sim.target(0, 1);
    sim.run(millis(500));
    sim.target(0, 0);
    sim.run(secs(55));
    assert_eq!(sim.sent("create").len(), 1);
    assert_eq!(
        sim.plan.snapshot().profiles[&ProfileId(0)].1.live,
        1,
        "it may still come"
    );
    sim.run(secs(20));
    assert_eq!(sim.plan.snapshot().profiles[&ProfileId(0)].1.live, 0);
    sim.plant(late());
    sim.run(secs(5));
    assert!(sim.cluster.pods.is_empty());
    assert_eq!(sim.sent("delete").len(), 1);
}

#[test]
fn what_is_wanted_again_meanwhile_is_sent_again_and_no_other() {
    let mut sim = lost(Sim::config());
    sim.target(0, 1);
    sim.run(millis(500));
    sim.target(0, 0);
    sim.run(secs(20));
    sim.target(0, 1);
    sim.run(secs(20));
    assert_eq!(sim.sent("create").len(), 2);
    assert!(sim.registered.contains(&ExecutorId(1)), "{:?}", sim.registered);
}

#[test]
fn what_spark_has_killed_meanwhile_is_not_sent_again() {
    let mut sim = lost(Sim::config());
    sim.target(0, 1);
    sim.run(millis(500));
    sim.kill(&[ExecutorId(1)]);
    sim.run(secs(70));
    assert_eq!(released(&sim), [ExecutorId(1)]);
    assert!(losses(&sim).is_empty());
    assert_eq!(sim.sent("create").len(), 2, "another one");
    assert!(sim.registered.contains(&ExecutorId(2)), "{:?}", sim.registered);
}

#[test]
fn a_stop_meanwhile_sends_nothing_again_and_ends_in_time() {
    for moment in [100, 1040, 1100, 3000] {
        let mut sim = lost(Sim::config());
        sim.script("create", [unanswered(), failed(FailureClass::TooManyRequests)]);
        sim.target(0, 1);
        sim.run(millis(moment));
        assert!(sim.stop(secs(10)), "{moment} ms");
        assert!(sim.cluster.pods.is_empty());
    }
}

#[test]
fn claims_go_with_the_executor_whose_create_is_sent_again() {
    for claim_owner in [ClaimOwner::Driver, ClaimOwner::Pod] {
        let mut sim = lost(PlanConfig {
            prepares: true,
            claim_owner,
            ..Sim::config()
        });
        sim.claims_each = 2;
        sim.target(0, 2);
        sim.run(secs(20));
        assert_eq!(
            (sim.alive(0), sim.sent("create").len()),
            (2, 3),
            "{claim_owner:?}"
        );
        assert_eq!((sim.sent("claim").len(), sim.cluster.claims.len()), (4, 4));
        assert_eq!(sim.plan.snapshot().next_id, ExecutorId(3));
    }
}

/// The API server is cut off for 30 s while executors are made: creates in flight are lost, and their answers with them.
/// What it takes from then on is the backoff, not the time in which a create may still come.
#[test]
fn executors_are_there_soon_after_an_outage_however_their_creates_were_lost() {
    for seed in 1..=8 {
        let mut sim = Sim::new(Sim::config(), seed);
        sim.run_up(4);
        sim.script("create", (0..8).map(|_| unanswered()));
        sim.target(0, 50);
        sim.run_until(secs(2), "the creates are cut off", |sim| {
            sim.scripted.values().all(Vec::is_empty)
        });
        sim.outage(secs(30));
        let end = sim.now + secs(30);
        sim.run_until(secs(100), "all run", |sim| sim.registered.len() == 50);
        let took: Duration = sim.now - end;
        assert!(took < secs(25), "seed {seed}: {took:?}");
        assert_eq!(sim.cluster.created, 50);
        assert!(losses(&sim).is_empty());
    }
}

#[test]
fn what_was_asked_before_a_create_expired_does_not_tell_that_it_has() {
    let mut sim = lost(Sim::config());
    sim.target(0, 1);
    sim.run_until(secs(5), "a get", |sim| !sim.sent("get").is_empty());
    sim.target(0, 0);
    sim.least_latency = secs(70);
    sim.run(millis(30));
    sim.least_latency = secs(0);
    sim.silent = true;
    sim.plant(late());
    sim.run(secs(200));
    assert!(losses(&sim).is_empty(), "{:?}", losses(&sim));
    assert_eq!(released(&sim), [ExecutorId(1)]);
    assert!(sim.cluster.pods.is_empty());
}
