use stoker_core::plan::{ExecutorId, LossKind, Notice, PlanConfig, PodPatch};
use stoker_core::sim::cluster::Fate;
use stoker_tests::sim::Sim;

use crate::{abort, losses, released, secs};

fn uid(sim: &Sim, id: u64) -> String {
    sim.uid_of(ExecutorId(id)).expect("a pod")
}

#[test]
fn every_end_has_its_cause_and_only_the_applications_own_is_blamed_on_it() {
    let cases = [
        (Fate::Exit(1), LossKind::Exited, 1, true),
        (Fate::Exit(52), LossKind::Exited, 52, true),
        (Fate::Exit(137), LossKind::Exited, 137, true),
        (Fate::Exit(0), LossKind::Exited, 0, true),
        (Fate::Oom, LossKind::OomKilled, 137, true),
        (Fate::Preempted, LossKind::Preempted, 143, false),
        (Fate::Evicted, LossKind::Evicted, 143, false),
        (Fate::Sidecar, LossKind::SidecarFailed, -1, false),
    ];
    for (fate, kind, exit_code, app_caused) in cases {
        let mut sim = Sim::new(Sim::config(), 1);
        sim.run_up(2);
        let uid = uid(&sim, 1);
        sim.end(&uid, fate);
        sim.run(secs(20));
        let lost = losses(&sim);
        assert_eq!(lost.len(), 1, "{fate:?}: {lost:?}");
        let (id, cause) = &lost[0];
        assert_eq!(
            (id.0, cause.kind, cause.exit_code, cause.app_caused),
            (1, kind, exit_code, app_caused),
            "{fate:?}"
        );
        assert!(cause.message.contains("test-exec-1"), "{}", cause.message);
        assert_eq!(sim.sent("delete").len(), 1, "the pod is deleted once");
        assert_eq!(sim.alive(0), 2, "and replaced");
        assert_eq!(sim.sent("create").len(), 3);
        assert!(sim.plan.is_deleted(ExecutorId(1)));
    }
}

#[test]
fn pods_deleted_by_others_are_reported_when_they_are_gone_and_not_blamed() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(1);
    sim.delete("test-exec-1");
    sim.run(secs(1));
    assert!(losses(&sim).is_empty(), "it still runs");
    assert_eq!(sim.sent("create").len(), 1);
    sim.run(secs(20));
    let lost = losses(&sim);
    assert_eq!(
        (lost.len(), lost[0].1.kind, lost[0].1.app_caused),
        (1, LossKind::Deleted, false)
    );
    assert!(sim.sent("delete").is_empty(), "somebody has deleted it already");
    assert_eq!(sim.alive(0), 1);
}

#[test]
fn a_pending_pod_that_is_deleted_is_lost_at_once() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.start_time = None;
    sim.target(0, 1);
    sim.run(secs(2));
    sim.delete("test-exec-1");
    sim.run(secs(2));
    assert_eq!(losses(&sim)[0].1.kind, LossKind::Deleted);
    assert_eq!(sim.sent("create").len(), 2);
}

#[test]
fn too_many_failures_end_the_application() {
    let mut sim = Sim::new(
        PlanConfig {
            max_executor_failures: Some(2),
            ..Sim::config()
        },
        1,
    );
    sim.run_up(4);
    for id in 1..=2 {
        let uid = uid(&sim, id);
        sim.end(&uid, Fate::Exit(1));
    }
    sim.run(secs(10));
    assert!(abort(&sim).is_none());
    let uid = uid(&sim, 3);
    sim.end(&uid, Fate::Oom);
    sim.run(secs(10));
    let (code, message) = abort(&sim).expect("aborted");
    assert_eq!(code, 11);
    assert!(message.contains("More than 2 executors have failed"), "{message}");
    let creates = sim.sent("create").len();
    sim.run(secs(60));
    assert_eq!(sim.sent("create").len(), creates, "no creates after the end");
}

#[test]
fn losses_of_the_infrastructure_do_not_count_as_failures() {
    let mut sim = Sim::new(
        PlanConfig {
            max_executor_failures: Some(0),
            ..Sim::config()
        },
        1,
    );
    sim.run_up(4);
    for (id, fate) in [(1, Fate::Evicted), (2, Fate::Preempted), (3, Fate::Exit(0))] {
        let uid = uid(&sim, id);
        sim.end(&uid, fate);
    }
    sim.delete("test-exec-4");
    sim.run(secs(30));
    assert_eq!(losses(&sim).len(), 4);
    assert!(abort(&sim).is_none());
    assert_eq!(sim.alive(0), 4);
}

#[test]
fn losses_of_the_infrastructure_count_where_the_user_wants_it() {
    let mut sim = Sim::new(
        PlanConfig {
            max_executor_failures: Some(1),
            count_infrastructure_failures: true,
            ..Sim::config()
        },
        1,
    );
    sim.run_up(4);
    for (id, fate) in [(1, Fate::Evicted), (2, Fate::Preempted)] {
        let uid = uid(&sim, id);
        sim.end(&uid, fate);
    }
    sim.run(secs(30));
    assert_eq!(abort(&sim).map(|(code, _)| code), Some(11));
}

#[test]
fn failures_that_are_long_past_do_not_count() {
    let cfg = PlanConfig {
        max_executor_failures: Some(1),
        failure_validity: Some(secs(60)),
        ..Sim::config()
    };
    let mut sim = Sim::new(cfg, 1);
    sim.run_up(1);
    for id in 1..=5 {
        let uid = uid(&sim, id);
        sim.end(&uid, Fate::Exit(1));
        sim.run(secs(70));
    }
    assert_eq!(losses(&sim).len(), 5);
    assert!(abort(&sim).is_none());
}

#[test]
fn kept_pods_are_marked_inactive_once_and_replaced() {
    let mut sim = Sim::new(
        PlanConfig {
            delete_executors: false,
            ..Sim::config()
        },
        1,
    );
    sim.run_up(2);
    let uid = uid(&sim, 1);
    sim.end(&uid, Fate::Exit(1));
    sim.run(secs(20));
    assert!(sim.pod_of(ExecutorId(1)).is_some_and(|pod| pod.inactive));
    assert_eq!((sim.sent("patch").len(), sim.sent("delete").len()), (1, 0));
    assert_eq!(sim.alive(0), 2);
    sim.perform(&stoker_core::sim::ops::Op::WatchGone);
    sim.run(secs(20));
    assert_eq!(
        (losses(&sim).len(), sim.sent("patch").len()),
        (1, 1),
        "a relist shows nothing new"
    );
}

#[test]
fn a_decommissioned_executor_that_ends_in_order_is_not_blamed() {
    let cfg = PlanConfig {
        decommission_label: Some(("going".into(), "true".into())),
        ..Sim::config()
    };
    let mut sim = Sim::new(cfg, 1);
    sim.run_up(2);
    sim.decommission(ExecutorId(1));
    sim.run(secs(1));
    let patched = sim.actions.iter().any(|(_, action)| {
        matches!(action, stoker_core::plan::Action::Patch { patch: PodPatch::Decommission { label, value }, .. }
            if label == "going" && value == "true")
    });
    assert!(patched);
    let uid = uid(&sim, 1);
    sim.end(&uid, Fate::Exit(0));
    sim.run(secs(10));
    assert!(!losses(&sim)[0].1.app_caused);
    assert!(released(&sim).is_empty());
}

#[test]
fn created_and_running_are_told_in_order() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(1);
    let story: Vec<_> = sim
        .notices
        .iter()
        .map(|notice| match notice {
            Notice::Ready => "ready",
            Notice::Created { .. } => "created",
            Notice::Running { .. } => "running",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(story, ["ready", "created", "running"]);
}

#[test]
fn creates_that_fail_count_only_where_the_user_wants_it() {
    for (counts, code) in [(false, None), (true, Some(11))] {
        let mut sim = Sim::new(
            PlanConfig {
                max_executor_failures: Some(3),
                count_failed_creates: counts,
                ..Sim::config()
            },
            1,
        );
        sim.cluster.quota = Some(0);
        sim.target(0, 1);
        sim.run(secs(120));
        assert_eq!(abort(&sim).map(|(code, _)| code), code);
        if counts {
            assert_eq!(sim.sent("create").len(), 4, "each refusal is one");
        }
    }
}

#[test]
fn creates_that_fail_together_for_something_that_passes_count_once() {
    let mut sim = Sim::new(
        PlanConfig {
            max_executor_failures: Some(1),
            count_failed_creates: true,
            ..Sim::config()
        },
        1,
    );
    sim.run(secs(1));
    sim.script(
        "create",
        (0..5).map(|_| crate::failed(stoker_core::plan::FailureClass::Server)),
    );
    sim.target(0, 5);
    sim.run(secs(60));
    assert!(abort(&sim).is_none());
    assert_eq!(sim.alive(0), 5);
}
