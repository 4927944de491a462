use stoker_core::plan::{
    Action, ControllerKind, ExecutorId, FailureClass, LossKind, Outcome, PlanConfig, PodPatch, PodPhase,
};
use stoker_core::sim::cluster::{Fate, is_alive};
use stoker_core::sim::faults::Faults;
use stoker_core::sim::nodes::{Breakage, Node};
use stoker_tests::sim::Sim;

use crate::{abort, failed, losses, millis, secs, unanswered};

const KINDS: [ControllerKind; 2] = [ControllerKind::StatefulSet, ControllerKind::Deployment];

fn config(kind: ControllerKind) -> PlanConfig {
    PlanConfig {
        controller: Some(kind),
        ..Sim::config()
    }
}

fn started(kind: ControllerKind, executors: u32) -> Sim {
    let mut sim = Sim::new(config(kind), 1);
    sim.run_up(executors);
    sim
}

#[test]
fn one_controller_makes_all_pods_and_executors_ask_for_their_numbers() {
    for kind in KINDS {
        let sim = started(kind, 3);
        assert_eq!(sim.sent("create controller").len(), 1, "{kind}");
        assert!(
            sim.sent("create").is_empty() && sim.sent("get").is_empty(),
            "{kind}"
        );
        let (name, set) = sim.cluster.sets.first_key_value().expect("a controller");
        assert_eq!((name, set.replicas), (&kind.name("spark-test", set.profile), 3));
        let labels = sim.cluster.pods.values().filter_map(|pod| pod.executor);
        let registered: Vec<_> = sim.registered.iter().copied().collect();
        let mut labels: Vec<_> = labels.collect();
        labels.sort_unstable();
        assert_eq!(labels, registered, "{kind}: the pods carry the numbers");
    }
}

#[test]
fn each_profile_has_a_controller_that_grows_with_its_target() {
    for kind in KINDS {
        let mut sim = started(kind, 2);
        sim.target(1, 3);
        sim.target(0, 6);
        sim.run(secs(30));
        let sizes: Vec<_> = sim
            .cluster
            .sets
            .values()
            .map(|set| (set.profile.0, set.replicas))
            .collect();
        assert_eq!(sizes, [(0, 6), (1, 3)], "{kind}");
        assert_eq!((sim.alive(0), sim.alive(1)), (6, 3), "{kind}");
        assert_eq!(
            (
                sim.sent("create controller").len(),
                sim.sent("scale controller").len()
            ),
            (2, 1),
            "{kind}"
        );
    }
}

#[test]
fn a_lost_pod_is_told_once_and_its_successor_gets_another_number() {
    for kind in KINDS {
        let mut sim = started(kind, 2);
        let lost = *sim.registered.first().expect("an executor");
        let name = sim.pod_of(lost).expect("its pod").name.clone();
        sim.delete(&name);
        sim.run(secs(30));
        let told = losses(&sim);
        assert_eq!(
            (told.len(), told[0].0, told[0].1.kind),
            (1, lost, LossKind::Deleted),
            "{kind}"
        );
        assert_eq!((sim.alive(0), sim.registered.len()), (2, 2), "{kind}");
        assert!(!sim.registered.contains(&lost), "{kind}");
        assert!(
            sim.sent("create").is_empty() && sim.sent("scale controller").is_empty(),
            "{kind}"
        );
    }
}

#[test]
fn an_executor_that_ends_is_lost_at_once_and_the_next_comes_in_its_pod() {
    for kind in KINDS {
        let mut sim = started(kind, 2);
        let lost = *sim.registered.first().expect("an executor");
        let uid = sim.uid_of(lost).expect("its pod");
        sim.end(&uid, Fate::Exit(52));
        sim.run_until(secs(1), "the loss is told", |sim| !losses(sim).is_empty());
        sim.run(secs(60));
        let told = losses(&sim);
        assert_eq!(
            (told.len(), told[0].0, told[0].1.exit_code),
            (1, lost, 52),
            "{kind}"
        );
        assert!(sim.sent("delete").is_empty(), "{kind}: it is started again");
        assert_eq!((sim.alive(0), sim.registered.len()), (2, 2), "{kind}");
        let newest = *sim.registered.last().expect("an executor");
        assert_eq!(sim.uid_of(newest), Some(uid), "{kind}");
    }
}

#[test]
fn executors_that_end_before_they_ask_for_a_number_count_as_failed() {
    for kind in KINDS {
        let cfg = PlanConfig {
            max_executor_failures: Some(3),
            ..config(kind)
        };
        let mut sim = Sim::new(cfg, 1);
        sim.target(0, 1);
        for _ in 0..4 {
            let runs = |sim: &Sim| sim.cluster.pods.values().find(|pod| is_alive(pod)).cloned();
            sim.run_until(secs(60), "a pod runs", |sim| {
                runs(sim).is_some_and(|pod| pod.phase == PodPhase::Running)
            });
            let pod = runs(&sim).expect("a pod");
            sim.end(&pod.uid, Fate::Exit(1));
        }
        sim.run(secs(5));
        let (code, message) = abort(&sim).expect("the application ends");
        assert_eq!(code, 11, "{message}");
    }
}

#[test]
fn a_pod_that_somebody_deletes_is_told_as_deleted_however_long_it_takes() {
    for end_time in [secs(0), secs(2), secs(30)] {
        let mut sim = started(ControllerKind::StatefulSet, 2);
        sim.end_time = end_time;
        let lost = *sim.registered.first().expect("an executor");
        let name = sim.pod_of(lost).expect("its pod").name.clone();
        sim.delete(&name);
        sim.run(secs(60));
        let told = losses(&sim);
        assert_eq!(
            (told.len(), told[0].0, told[0].1.kind),
            (1, lost, LossKind::Deleted),
            "{end_time:?}"
        );
        assert_eq!(sim.registered.len(), 2, "{end_time:?}");
        assert!(sim.sent("get").is_empty(), "{end_time:?}: the watch has told all");
    }
}

#[test]
fn a_pod_that_is_deleted_while_a_get_is_to_tell_its_state_is_told_at_once() {
    let mut sim = started(ControllerKind::StatefulSet, 1);
    let lost = *sim.registered.first().expect("an executor");
    let pod = sim.pod_of(lost).expect("its pod").clone();
    sim.end_time = secs(0);
    sim.script("get", (0..9).map(|_| failed(FailureClass::Server)));
    sim.end(&pod.uid, Fate::Exit(52));
    sim.run_until(secs(1), "the get", |sim| !sim.sent("get").is_empty());
    sim.delete(&pod.name);
    sim.run_until(secs(1), "the loss is told", |sim| !losses(sim).is_empty());
    assert_eq!(losses(&sim)[0].1.kind, LossKind::Deleted);
    sim.run(secs(60));
    assert_eq!((losses(&sim).len(), sim.registered.len()), (1, 1));
}

#[test]
fn a_container_that_was_started_again_unseen_asks_again_and_gets_another_number() {
    let mut sim = started(ControllerKind::StatefulSet, 1);
    let before = *sim.registered.first().expect("an executor");
    let uid = sim.uid_of(before).expect("its pod");
    sim.restart_container(&uid);
    sim.run(secs(10));
    let told = losses(&sim);
    assert_eq!((told.len(), told[0].0, told[0].1.app_caused), (1, before, false));
    assert!(
        told[0].1.message.contains("started again"),
        "{}",
        told[0].1.message
    );
    assert!(!sim.sent("get").is_empty(), "a get tells which pod it is");
    assert!(sim.registered.iter().all(|id| *id > before) && sim.registered.len() == 1);
    assert_eq!(sim.plan.snapshot().executors, 1);
}

/// The executor in the only pod asks for its number; its get has come to the API server and is answered after ten seconds.
fn asked_for() -> Sim {
    let mut sim = Sim::new(config(ControllerKind::Deployment), 1);
    // No other change of the pod is to be shown.
    sim.script("patch", [failed(FailureClass::Forbidden)]);
    sim.target(0, 1);
    sim.run_until(secs(5), "a controller", |sim| !sim.cluster.sets.is_empty());
    // The executor asks before the watch shows its pod.
    sim.least_latency = secs(4);
    sim.run_until(secs(5), "a pod", |sim| !sim.cluster.pods.is_empty());
    sim.least_latency = secs(0);
    hold_answer(&mut sim, 1);
    sim
}

/// The answer to a get takes ten seconds.
fn hold_answer(sim: &mut Sim, get: usize) {
    sim.run_until(secs(20), "the get", |sim| sim.sent("get").len() == get);
    sim.least_latency = secs(10);
    sim.run(millis(30));
    sim.least_latency = secs(0);
}

#[test]
fn a_pod_that_went_before_a_get_has_told_of_it_is_lost() {
    let mut sim = asked_for();
    sim.end_time = secs(0);
    let name = sim.cluster.pods.keys().next().expect("a pod").clone();
    sim.delete(&name);
    sim.run(secs(60));
    assert_eq!(losses(&sim).len(), 1);
    assert_eq!((sim.registered.len(), sim.plan.snapshot().executors), (1, 1));
}

#[test]
fn a_pod_that_ended_after_a_get_has_looked_at_it_is_lost() {
    let mut sim = asked_for();
    hold_answer(&mut sim, 2);
    let pod = sim.cluster.pods.values().next().expect("a pod").clone();
    sim.end(&pod.uid, Fate::Evicted);
    sim.run(secs(60));
    let told = losses(&sim);
    assert_eq!((told.len(), told[0].1.kind), (1, LossKind::Evicted));
    assert_eq!(sim.alive(0), 1);
}

#[test]
fn pods_of_others_get_no_number() {
    let mut sim = started(ControllerKind::StatefulSet, 1);
    let now = sim.now;
    for name in [
        "another",
        "test-exec-1",
        "spark-s-spark-test-7-0",
        "spark-s-spark-test-0",
    ] {
        assert_eq!(sim.plan.handle_executor_id_for(now, name), None, "{name}");
    }
}

#[test]
fn a_deployment_gives_up_the_executors_that_spark_has_killed() {
    let cfg = PlanConfig {
        deletion_cost: Some(-5),
        ..config(ControllerKind::Deployment)
    };
    let mut sim = Sim::new(cfg, 1);
    sim.run_up(4);
    let all: Vec<ExecutorId> = sim.registered.iter().copied().collect();
    sim.kill(&all[1..2]);
    sim.target(0, 3);
    sim.run(secs(60));
    let costs = |action: &Action| {
        matches!(
            action,
            Action::Patch {
                patch: PodPatch::DeletionCost(-5),
                ..
            }
        )
    };
    let told = sim
        .actions
        .iter()
        .position(|(_, action)| costs(action))
        .expect("the cost is told");
    let shrinks = |action: &Action| matches!(action, Action::ScaleController { replicas: 3, .. });
    let scaled = sim
        .actions
        .iter()
        .position(|(_, action)| shrinks(action))
        .expect("it is scaled");
    assert!(told < scaled, "the cost comes first");
    let left: Vec<_> = sim.registered.iter().copied().collect();
    assert_eq!(left, [all[0], all[2], all[3]], "nobody else has gone");
    assert!(losses(&sim).is_empty());
}

#[test]
fn a_controller_that_somebody_deletes_is_made_again() {
    let mut sim = started(ControllerKind::StatefulSet, 2);
    sim.delete_controllers();
    sim.run(secs(120));
    assert_eq!(sim.sent("create controller").len(), 2);
    assert_eq!((sim.alive(0), sim.registered.len()), (2, 2));
    assert_eq!(losses(&sim).len(), 2);
}

#[test]
fn a_create_whose_answer_was_lost_is_adopted_and_what_is_there_already_is_not() {
    let mut sim = Sim::new(config(ControllerKind::Deployment), 1);
    sim.script(
        "create controller",
        [unanswered(), failed(FailureClass::AlreadyExists)],
    );
    sim.target(0, 2);
    sim.run(secs(20));
    assert_eq!(sim.sent("scale controller").len(), 1, "its size is not known");
    assert_eq!(abort(&sim), None);

    let mut sim = Sim::new(config(ControllerKind::Deployment), 1);
    sim.script("create controller", [failed(FailureClass::AlreadyExists)]);
    sim.target(0, 2);
    sim.run(secs(20));
    let (code, message) = abort(&sim).expect("the application ends");
    assert_eq!(code, 1);
    assert!(message.contains("spark-d-spark-test-0"), "{message}");
    assert!(
        sim.stop(secs(8)) && sim.sent("delete controller").is_empty(),
        "it is not ours"
    );
}

#[test]
fn a_size_that_arrives_after_a_smaller_one_is_told_again() {
    for kind in KINDS {
        let mut sim = started(kind, 2);
        sim.faults.apply_late = 100;
        sim.target(0, 5);
        sim.run(secs(1));
        sim.faults = Faults::NONE;
        sim.target(0, 2);
        sim.run(secs(300));
        let set = sim.cluster.sets.values().next().expect("a controller");
        assert_eq!((set.replicas, sim.cluster.pods.len()), (2, 2), "{kind}");
        assert_eq!(sim.cluster.created, 5, "{kind}: the larger size has arrived");
        assert_eq!(sim.sent("scale controller").len(), 3, "{kind}");
    }
}

#[test]
fn what_is_forbidden_ends_the_application_with_the_reason() {
    let mut sim = Sim::new(config(ControllerKind::StatefulSet), 1);
    sim.script("create controller", [failed(FailureClass::Forbidden)]);
    sim.target(0, 2);
    sim.run(secs(20));
    let (code, message) = abort(&sim).expect("the application ends");
    assert_eq!(code, 1);
    assert!(
        message.contains("StatefulSet") && message.contains("Forbidden"),
        "{message}"
    );
}

#[test]
fn the_stop_deletes_controllers_and_their_pods_follow() {
    for kind in KINDS {
        let mut sim = started(kind, 3);
        sim.target(1, 2);
        sim.run(secs(20));
        sim.script(
            "delete controller",
            [failed(FailureClass::Server), Outcome::Done(())],
        );
        assert!(sim.stop(secs(8)), "{kind}");
        assert!(sim.cluster.sets.is_empty(), "{kind}");
        assert!(
            sim.sent("delete pods").is_empty() && losses(&sim).is_empty(),
            "{kind}"
        );
        sim.run(secs(60));
        assert!(sim.cluster.pods.is_empty(), "{kind}");
    }
    let kept = PlanConfig {
        delete_executors: false,
        ..config(ControllerKind::StatefulSet)
    };
    let mut sim = Sim::new(kept, 1);
    sim.run_up(2);
    assert!(sim.stop(secs(8)));
    assert_eq!((sim.cluster.sets.len(), sim.alive(0)), (1, 2), "they are kept");
}

/// Its executor may have asked for its number or not: the controller replaces the pod that is deleted.
#[test]
fn a_pod_whose_executor_does_not_register_in_time_is_replaced() {
    for kind in KINDS {
        let cfg = PlanConfig {
            registration_timeout: Some(secs(60)),
            ..config(kind)
        };
        let mut sim = Sim::new(cfg, 1);
        sim.cluster.nodes = vec![Node::broken("node-1", Breakage::NoNetwork)];
        sim.run(secs(1));
        sim.target(0, 2);
        sim.run(secs(50));
        assert_eq!((sim.alive(0), sim.registered.len()), (2, 0), "{kind}");
        sim.cluster.nodes = vec![Node::new("node-2")];
        sim.run(secs(120));
        assert_eq!((sim.alive(0), sim.registered.len()), (2, 2), "{kind}");
        let kinds: Vec<_> = losses(&sim).into_iter().map(|(_, cause)| cause.kind).collect();
        assert_eq!(kinds, [LossKind::StartTimeout; 2], "{kind}");
    }
}
