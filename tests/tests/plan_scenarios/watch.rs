use stoker_core::plan::{ExecutorId, FailureClass, LossKind, Outcome};
use stoker_core::sim::faults::Faults;
use stoker_core::sim::ops::Op;
use stoker_core::sim::unreachable;
use stoker_tests::sim::Sim;

use crate::{failed, losses, millis, secs};

#[test]
fn a_watch_that_ends_in_order_goes_on_where_it_was() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(3);
    for _ in 0..5 {
        sim.run(secs(290));
        sim.perform(&Op::CloseWatch);
    }
    sim.run(secs(10));
    assert_eq!((sim.sent("list").len(), sim.sent("watch").len()), (1, 6));
    sim.delete("test-exec-2");
    sim.run(secs(10));
    assert_eq!(losses(&sim).len(), 1);
}

#[test]
fn a_watch_that_always_ends_at_once_is_not_opened_in_a_storm() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(1);
    sim.script("watch", (0..500).map(|_| failed(FailureClass::Server)));
    sim.perform(&Op::BreakWatch);
    sim.run(secs(300));
    let watches = sim.sent("watch").len();
    assert!((10..40).contains(&watches), "{watches} watches");
    assert_eq!(sim.sent("list").len(), 1);
}

/// With streaming lists and without.
fn both() -> [Faults; 2] {
    [false, true].map(|no_streaming_lists| Faults {
        no_streaming_lists,
        ..Faults::NONE
    })
}

#[test]
fn what_was_on_its_way_out_before_a_relist_was_deleted() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(5);
    sim.end_time = secs(4);
    sim.delete("test-exec-2");
    sim.run(secs(1));
    sim.outage(secs(5));
    sim.run(secs(4));
    sim.cluster.compact();
    sim.run_until(secs(12), "the loss is known", |sim| !losses(sim).is_empty());
    assert_eq!(
        (losses(&sim)[0].0, losses(&sim)[0].1.kind),
        (ExecutorId(2), LossKind::Deleted)
    );
}

#[test]
fn after_410_what_is_absent_is_lost_and_what_is_there_is_not() {
    for faults in both() {
        let mut sim = Sim::new(Sim::config(), 1);
        sim.faults = faults;
        sim.run_up(5);
        sim.outage(secs(5));
        sim.run(secs(1));
        sim.delete("test-exec-2");
        sim.run(secs(3));
        sim.cluster.compact();
        sim.run_until(secs(12), "the loss is known", |sim| !losses(sim).is_empty());
        let relisted = sim.sent("streaming list")[0];
        let asked = sim
            .sent("watch")
            .into_iter()
            .rfind(|at| *at < relisted)
            .expect("a watch before the list");
        assert!(
            relisted - asked < secs(1),
            "{:?} after the API server said 410",
            relisted - asked
        );
        sim.run(secs(10));
        let lost = losses(&sim);
        assert_eq!(
            (lost.len(), lost[0].0, lost[0].1.kind),
            (1, ExecutorId(2), LossKind::Missing)
        );
        assert!(!lost[0].1.app_caused);
        assert_eq!(sim.sent("list").len(), 1 + usize::from(faults.no_streaming_lists));
        assert_eq!(sim.alive(0), 5);
    }
}

#[test]
fn a_pod_that_is_made_during_a_relist_is_not_lost() {
    for (seed, faults) in (0..20).flat_map(|seed| both().map(|faults| (seed, faults))) {
        let mut sim = Sim::new(Sim::config(), seed);
        sim.faults = faults;
        sim.cluster.page_size = 1;
        sim.run_up(4);
        sim.faults.latency = millis(300);
        sim.perform(&Op::WatchGone);
        sim.run_until(secs(5), "the list has begun", |sim| sim.check.lists() == 2);
        sim.target(0, 8);
        sim.run(secs(30));
        assert!(losses(&sim).is_empty(), "{:?}", losses(&sim));
        assert_eq!((sim.alive(0), sim.sent("create").len()), (8, 8));
    }
}

#[test]
fn a_pod_that_is_made_and_deleted_during_a_relist_is_found_missing() {
    for (seed, faults) in (0..60).flat_map(|seed| both().map(|faults| (seed, faults))) {
        let mut sim = Sim::new(Sim::config(), seed);
        sim.faults = faults;
        sim.run_up(4);
        sim.faults.latency = millis(500);
        sim.perform(&Op::WatchGone);
        sim.run_until(secs(5), "the list has begun", |sim| sim.check.lists() == 2);
        sim.target(0, 5);
        sim.run_until(secs(5), "created", |sim| sim.pod_of(ExecutorId(5)).is_some());
        sim.delete("test-exec-5");
        sim.run(secs(60));
        assert_eq!(losses(&sim).len(), 1, "seed {seed}: {}", sim.tail());
        assert_eq!(sim.alive(0), 5);
    }
}

#[test]
fn a_long_outage_is_never_fatal_and_losses_within_it_are_found() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(3);
    sim.outage(secs(3600));
    sim.run(secs(100));
    sim.delete("test-exec-1");
    sim.run(secs(3500));
    assert!(losses(&sim).is_empty());
    let calls = sim.actions.len();
    sim.run(secs(60));
    assert_eq!(losses(&sim).len(), 1);
    assert_eq!(sim.alive(0), 3);
    assert!(calls < 250, "{calls} calls within an hour");
}

#[test]
fn without_the_right_to_watch_the_plan_lists() {
    let mut sim = Sim::new(Sim::config(), 1);
    for name in ["watch", "streaming list"] {
        sim.script(name, (0..1000).map(|_| failed(FailureClass::Forbidden)));
    }
    sim.target(0, 2);
    sim.run(secs(60));
    sim.delete("test-exec-1");
    sim.run(secs(120));
    assert_eq!(losses(&sim).len(), 1);
    assert_eq!(sim.alive(0), 2);
    assert!(sim.sent("list").len() < 30, "{}", sim.sent("list").len());
    assert_eq!(sim.sent("streaming list").len(), 1, "it is not asked for again");
}

#[test]
fn events_that_are_shown_again_change_nothing() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(3);
    let uid = sim.uid_of(ExecutorId(1)).expect("a pod");
    sim.end(&uid, stoker_core::sim::cluster::Fate::Exit(1));
    sim.run(secs(20));
    let (actions, notices) = (sim.actions.len(), sim.notices.len());
    let history = sim.cluster.events_since(0).expect("history");
    for (_, event) in history {
        let now = sim.now;
        sim.plan.handle_watch(now, event);
    }
    // Old events rewind the version; the watch is not asked for it while it is open.
    sim.run(secs(20));
    assert_eq!(sim.notices.len(), notices);
    let more: Vec<_> = sim.actions[actions..].iter().collect();
    assert!(
        more.len() <= 1,
        "at most a delete of the pod that seems to have come back: {more:?}"
    );
    assert!(Outcome::<()>::Unknown(unreachable()) != Outcome::Done(()));
}
