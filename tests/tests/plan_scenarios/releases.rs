use stoker_core::plan::{ExecutorId, FailureClass, PlanConfig};
use stoker_core::sim::cluster::Fate;
use stoker_tests::sim::Sim;

use crate::{failed, losses, millis, released, secs, unanswered};

#[test]
fn a_killed_executor_has_its_grace_and_is_deleted_after_it() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(2);
    sim.target(0, 1);
    let killed_at = sim.now;
    sim.kill_hung(&[ExecutorId(1)]);
    assert!(sim.plan.is_deleted(ExecutorId(1)));
    sim.run(secs(30));
    let sent = sim.sent("delete");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0] - killed_at, secs(5));
    assert_eq!(released(&sim), [ExecutorId(1)]);
    assert!(losses(&sim).is_empty());
    assert_eq!((sim.alive(0), sim.sent("create").len()), (1, 2));
}

#[test]
fn a_killed_executor_that_ends_by_itself_is_no_loss() {
    let mut sim = Sim::new(
        PlanConfig {
            max_executor_failures: Some(0),
            ..Sim::config()
        },
        1,
    );
    sim.run_up(2);
    let uid = sim.uid_of(ExecutorId(1)).expect("a pod");
    sim.kill_hung(&[ExecutorId(1)]);
    sim.run(secs(1));
    sim.end(&uid, Fate::Exit(1));
    sim.run(secs(30));
    assert_eq!(released(&sim), [ExecutorId(1)]);
    assert!(losses(&sim).is_empty());
    assert_eq!(sim.sent("delete").len(), 1, "its ended pod");
    assert_eq!(
        sim.sent("create").len(),
        3,
        "the target has not changed: it is replaced"
    );
}

#[test]
fn a_killed_executor_that_does_not_run_is_deleted_at_once() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.start_time = None;
    sim.target(0, 1);
    sim.run(secs(2));
    let killed_at = sim.now;
    sim.target(0, 0);
    sim.kill(&[ExecutorId(1)]);
    assert_eq!(sim.sent("delete"), [killed_at]);
    sim.run(secs(2));
    assert_eq!(released(&sim), [ExecutorId(1)]);
}

#[test]
fn an_executor_that_is_killed_during_its_create_is_deleted_once_it_is_there() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run(secs(1));
    sim.target(0, 1);
    sim.target(0, 0);
    sim.kill(&[ExecutorId(1)]);
    assert!(sim.sent("delete").is_empty());
    sim.run(secs(5));
    assert_eq!(released(&sim), [ExecutorId(1)]);
    assert!(sim.cluster.pods.is_empty());
}

#[test]
fn a_killed_executor_on_a_dead_node_does_not_count_for_ever() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(1);
    sim.end_time = secs(100_000);
    sim.kill_hung(&[ExecutorId(1)]);
    sim.run(secs(50));
    assert_eq!(sim.sent("create").len(), 1, "it may still run");
    sim.run(secs(30));
    assert_eq!(sim.sent("create").len(), 2);
    assert_eq!(sim.alive(0), 1);
    assert_eq!(released(&sim), [ExecutorId(1)]);
    assert_eq!(sim.sent("delete").len(), 1);
}

#[test]
fn a_lowered_target_takes_pending_pods_when_they_are_old_enough_and_never_registered_ones() {
    let mut sim = Sim::new(
        PlanConfig {
            idle_timeout: secs(30),
            ..Sim::config()
        },
        1,
    );
    sim.run_up(3);
    sim.start_time = None;
    sim.target(0, 7);
    let made = sim.now;
    sim.run(secs(5));
    assert_eq!(sim.cluster.pods.len(), 7);
    sim.target(0, 5);
    sim.run(secs(20));
    assert!(sim.sent("delete").is_empty(), "they are young");
    sim.run(secs(10));
    let sent = sim.sent("delete");
    assert_eq!(sent.len(), 2);
    assert!(
        sent[0] >= made + secs(30) && sent[1] < made + secs(31),
        "{sent:?}"
    );
    assert!(
        sim.pod_of(ExecutorId(7)).is_none() && sim.pod_of(ExecutorId(6)).is_none(),
        "the newest go"
    );
    sim.target(0, 1);
    sim.run(secs(60));
    assert_eq!(sim.sent("delete").len(), 4);
    assert_eq!(sim.alive(0), 3, "registered executors are Spark's to kill");
    assert_eq!(released(&sim).len(), 4);
    assert!(losses(&sim).is_empty());
}

#[test]
fn a_target_that_is_raised_again_in_time_costs_nothing() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.start_time = None;
    sim.target(0, 5);
    sim.run(secs(10));
    sim.target(0, 1);
    sim.run(secs(10));
    sim.target(0, 5);
    sim.run(secs(600));
    assert_eq!((sim.sent("create").len(), sim.sent("delete").len()), (5, 0));
}

#[test]
fn a_delete_that_fails_is_tried_again() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(1);
    sim.script("delete", [unanswered(), failed(FailureClass::Server)]);
    let uid = sim.uid_of(ExecutorId(1)).expect("a pod");
    sim.end(&uid, Fate::Exit(1));
    sim.run(secs(30));
    assert_eq!(sim.sent("delete").len(), 3);
    assert!(sim.pod_of(ExecutorId(1)).is_none());
    assert!(sim.sent("delete")[1] >= sim.sent("delete")[0] + millis(250));
}

/// Three executors run, whose pods are to be labelled and may not be.
fn without_the_right_to_label() -> Sim {
    let mut sim = Sim::new(
        PlanConfig {
            decommission_label: Some(("going".into(), "true".into())),
            ..Sim::config()
        },
        1,
    );
    sim.run_up(3);
    sim.script("patch", [failed(FailureClass::Forbidden)]);
    sim
}

#[test]
fn labels_that_are_forbidden_are_tried_once() {
    let mut sim = without_the_right_to_label();
    sim.decommission(ExecutorId(1));
    sim.run(secs(1));
    sim.decommission(ExecutorId(2));
    sim.decommission(ExecutorId(3));
    sim.run(secs(60));
    assert_eq!(sim.sent("patch").len(), 1);
}

#[test]
fn executors_are_released_without_the_right_to_label_them() {
    let mut sim = without_the_right_to_label();
    sim.kill(&[ExecutorId(1), ExecutorId(2)]);
    sim.run(secs(60));
    assert_eq!(released(&sim), [ExecutorId(1), ExecutorId(2)]);
}

/// Spark has taken both in at the moment they were chosen to go: one whose delete waits stays, the other is a loss.
#[test]
fn an_executor_that_registers_while_it_is_being_excluded_stays_or_is_a_loss() {
    let mut sim = Sim::new(
        PlanConfig {
            max_in_flight: 1,
            idle_timeout: secs(0),
            ..Sim::config()
        },
        1,
    );
    sim.start_time = None;
    sim.target(0, 2);
    sim.run(secs(5));
    let (waits, goes) = (ExecutorId(1), ExecutorId(2));
    assert!(!sim.plan.is_deleted(waits) && !sim.plan.is_deleted(goes));
    sim.target(0, 0);
    assert_eq!(sim.sent("delete").len(), 1);
    for id in [waits, goes] {
        assert!(sim.plan.is_deleted(id));
        sim.check.on_registered(id);
        let now = sim.now;
        sim.plan.handle_registered(now, id);
        assert!(!sim.plan.is_deleted(id));
    }
    sim.run(secs(60));
    assert_eq!(sim.sent("delete").len(), 1);
    assert!(sim.pod_of(waits).is_some());
    assert!(released(&sim).is_empty());
    let lost = losses(&sim);
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].0, lost[0].1.app_caused), (goes, false));
}
