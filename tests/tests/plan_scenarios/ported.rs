//! Stories that Spark 4.1.1's own suites tell, told to the plan: docs/ported-expectations.md has both beside each other.
//!
//! "Known" is what Spark's suites call an executor that has registered with the driver.

use std::time::Duration;

use stoker_core::plan::{
    Action, Batch, ContainerFacts, ContainerState, ExecutorId, LossKind, PlanConfig, PodPatch, PodPhase,
    ProfileId,
};
use stoker_core::sim::cluster::{CONTAINER, Fate};
use stoker_tests::sim::Sim;

use crate::{abort, losses, released, secs};

const IDLE: Duration = Duration::from_secs(10);

/// A cluster on which no pod starts by itself.
fn idle_nodes(cfg: PlanConfig) -> Sim {
    let mut sim = Sim::new(
        PlanConfig {
            idle_timeout: IDLE,
            ..cfg
        },
        1,
    );
    sim.start_time = None;
    sim
}

/// The executors of a profile, by their pods.
fn of(sim: &Sim, profile: u32) -> Vec<u64> {
    let mut ids: Vec<_> = sim
        .cluster
        .pods
        .values()
        .filter(|pod| pod.profile == Some(ProfileId(profile)))
        .filter_map(|pod| Some(pod.executor?.0))
        .collect();
    ids.sort_unstable();
    ids
}

/// The pod runs; its executor has not registered.
fn runs(sim: &mut Sim, id: u64) {
    let uid = sim.uid_of(ExecutorId(id)).expect("a pod");
    sim.modify(&uid, |pod| pod.phase = PodPhase::Running);
}

/// The executor has registered, whatever its pod shows.
fn known(sim: &mut Sim, ids: &[u64]) {
    for id in ids {
        sim.registers(ExecutorId(*id));
    }
}

/// Executors that neither run nor have registered.
fn outstanding(sim: &Sim) -> usize {
    let profiles = sim.plan.snapshot().profiles;
    profiles.values().map(|(_, counts)| counts.pending).sum()
}

fn created(sim: &Sim) -> usize {
    sim.sent("create").len()
}

fn deleted(sim: &Sim) -> usize {
    sim.sent("delete").len()
}

#[test]
fn places_for_pending_pods_are_dealt_out_in_turns() {
    let cases: [(usize, &[usize]); 8] = [
        (0, &[0]),
        (1, &[1]),
        (2, &[2]),
        (0, &[0, 0, 0]),
        (1, &[1, 0, 0]),
        (2, &[1, 1, 0]),
        (3, &[1, 1, 1]),
        (4, &[2, 1, 1]),
    ];
    for (places, expected) in cases {
        let mut sim = idle_nodes(PlanConfig {
            max_pending_pods: places,
            ..Sim::config()
        });
        let profiles = || 0..u32::try_from(expected.len()).expect("few");
        for profile in profiles() {
            sim.target(profile, 10);
        }
        sim.run(secs(5));
        let dealt: Vec<_> = profiles().map(|profile| of(&sim, profile).len()).collect();
        assert_eq!(dealt, expected, "{places} places");
    }
}

#[test]
fn the_limit_of_pending_pods_is_one_for_all_profiles() {
    let mut sim = idle_nodes(PlanConfig {
        max_pending_pods: 3,
        ..Sim::config()
    });
    sim.target(0, 2);
    sim.target(1, 3);
    sim.run(IDLE * 2);
    assert_eq!((of(&sim, 0), of(&sim, 1)), (vec![1, 3], vec![2]));
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (3, 3, 0));

    // One that goes makes room for another profile's.
    sim.target(0, 1);
    sim.run(secs(5));
    assert_eq!((of(&sim, 0), of(&sim, 1)), (vec![1], vec![2, 4]));
    assert_eq!((outstanding(&sim), deleted(&sim)), (3, 1));

    // So does one that runs.
    runs(&mut sim, 2);
    sim.run(secs(5));
    assert_eq!(of(&sim, 1), [2, 4, 5]);
    assert_eq!((outstanding(&sim), deleted(&sim)), (3, 1));
}

#[test]
fn the_limit_of_pending_pods_of_a_profile_is_its_own() {
    let mut sim = idle_nodes(PlanConfig {
        max_pending_pods_per_profile: 2,
        ..Sim::config()
    });
    sim.target(0, 2);
    sim.target(1, 3);
    sim.run(IDLE * 2);
    assert_eq!((of(&sim, 0).len(), of(&sim, 1).len()), (2, 2));
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (4, 4, 0));

    // What one profile gives up is no other's.
    sim.target(0, 1);
    sim.run(secs(5));
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (3, 4, 1));

    let first = of(&sim, 1)[0];
    runs(&mut sim, first);
    sim.run(secs(5));
    assert_eq!(of(&sim, 1).len(), 3);
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (3, 5, 1));
}

#[test]
fn pods_that_fail_at_once_are_replaced() {
    let mut sim = idle_nodes(Sim::config());
    sim.target(0, 5);
    sim.run(secs(2));
    for id in 1..5 {
        runs(&mut sim, id);
    }
    let uid = sim.uid_of(ExecutorId(5)).expect("a pod");
    sim.end(&uid, Fate::Exit(1));
    sim.run(secs(5));
    assert_eq!(of(&sim, 0), [1, 2, 3, 4, 6]);
    assert_eq!((outstanding(&sim), losses(&sim).len()), (1, 1));
}

#[test]
fn the_target_goes_up_and_down() {
    let mut sim = idle_nodes(Sim::config());
    sim.target(0, 1);
    sim.run(secs(2));
    runs(&mut sim, 1);
    sim.run(secs(2));
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (0, 1, 0));

    sim.target(0, 4);
    sim.run(secs(2));
    assert_eq!((outstanding(&sim), created(&sim)), (3, 4));
    runs(&mut sim, 2);
    sim.run(IDLE * 2);
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (2, 4, 0));

    sim.target(0, 1);
    assert!(sim.plan.is_deleted(ExecutorId(3)) && sim.plan.is_deleted(ExecutorId(4)));
    sim.run(secs(5));
    assert_eq!(of(&sim, 0), [1, 2], "what runs is Spark's to kill");
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (0, 4, 2));
    assert_eq!(sim.plan.snapshot().executors, 2, "nothing is kept of them");
    assert!(losses(&sim).is_empty());
}

#[test]
fn the_old_one_goes_though_a_newer_one_is_above_the_target_too() {
    let mut sim = idle_nodes(Sim::config());
    sim.target(0, 1);
    sim.run(IDLE);
    sim.target(0, 2);
    sim.run(secs(1));
    sim.target(0, 1);
    sim.run(IDLE * 3);
    assert_eq!(released(&sim), [ExecutorId(1)]);
    assert_eq!((of(&sim, 0), deleted(&sim)), (vec![2], 1));
}

#[test]
fn what_is_young_or_known_is_not_deleted_for_a_lower_target() {
    let mut sim = idle_nodes(Sim::config());
    sim.target(0, 5);
    sim.run(secs(2));
    sim.target(0, 0);
    sim.run(secs(2));
    assert_eq!((outstanding(&sim), deleted(&sim)), (5, 0), "all are young");
    known(&mut sim, &[1, 3, 4]);
    sim.run(IDLE * 2);
    assert_eq!(of(&sim, 0), [1, 3, 4]);
    assert_eq!((outstanding(&sim), deleted(&sim)), (0, 2));
}

#[test]
fn known_executors_are_not_outstanding_whatever_their_pods_show() {
    let mut sim = idle_nodes(Sim::config());
    sim.target(0, 3);
    sim.target(1, 4);
    sim.run(secs(2));
    let (first, second) = (of(&sim, 0), of(&sim, 1));
    assert_eq!((first.len(), second.len(), outstanding(&sim)), (3, 4, 7));
    known(&mut sim, &[first[0], second[0]]);
    assert_eq!(outstanding(&sim), 5);
    known(&mut sim, &[first[1], second[1]]);
    sim.run(IDLE * 2);
    assert_eq!((outstanding(&sim), created(&sim)), (3, 7));

    sim.target(0, 1);
    sim.target(1, 1);
    sim.run(secs(5));
    assert_eq!(
        (of(&sim, 0).as_slice(), of(&sim, 1).as_slice()),
        (&first[..2], &second[..2])
    );
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (0, 7, 3));
    for gone in [first[2], second[2], second[3]] {
        assert!(sim.plan.is_deleted(ExecutorId(gone)));
    }

    sim.target(0, 2);
    sim.target(1, 2);
    sim.run(secs(5));
    assert_eq!(created(&sim), 7, "they are there already");
    sim.target(0, 3);
    sim.target(1, 3);
    sim.run(secs(5));
    assert_eq!((outstanding(&sim), created(&sim)), (2, 9));
}

#[test]
fn a_known_executor_leaves_its_place_among_the_pending_pods() {
    let mut sim = idle_nodes(PlanConfig {
        max_pending_pods: 1,
        ..Sim::config()
    });
    sim.target(0, 2);
    sim.run(secs(2));
    assert_eq!(created(&sim), 1);
    known(&mut sim, &[1]);
    sim.run(secs(2));
    assert_eq!(created(&sim), 2);
}

#[test]
fn each_profile_has_its_own_target() {
    let mut sim = idle_nodes(Sim::config());
    sim.target(0, 1);
    sim.target(1, 2);
    sim.run(secs(2));
    for id in 1..=3 {
        runs(&mut sim, id);
    }
    sim.run(secs(2));
    assert_eq!((of(&sim, 0).len(), of(&sim, 1).len()), (1, 2));
    assert_eq!((outstanding(&sim), created(&sim)), (0, 3));

    sim.target(0, 4);
    sim.target(1, 3);
    sim.run(secs(2));
    assert_eq!(
        (of(&sim, 0).len(), of(&sim, 1).len(), outstanding(&sim)),
        (4, 3, 4)
    );
    let fourth = of(&sim, 0)[1];
    runs(&mut sim, fourth);
    sim.run(IDLE * 2);
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (3, 7, 0));

    sim.target(0, 1);
    sim.target(1, 1);
    sim.run(secs(5));
    assert_eq!((of(&sim, 0).len(), of(&sim, 1).len()), (2, 2), "those that run");
    assert_eq!((outstanding(&sim), created(&sim), deleted(&sim)), (0, 7, 3));
    assert_eq!(sim.plan.snapshot().executors, 4);
}

#[test]
fn a_pod_that_stays_pending_holds_nobody_up() {
    let mut sim = idle_nodes(PlanConfig {
        batch: Some(Batch {
            size: 5,
            delay: secs(1),
        }),
        ..Sim::config()
    });
    sim.target(0, 6);
    sim.run(Duration::from_millis(500));
    assert_eq!(created(&sim), 5);
    for id in 2..=5 {
        runs(&mut sim, id);
    }
    sim.run(secs(2));
    assert_eq!((created(&sim), outstanding(&sim)), (6, 2));
}

#[test]
fn failures_count_within_the_interval_only() {
    let mut sim = Sim::new(
        PlanConfig {
            max_executor_failures: Some(2),
            failure_validity: Some(secs(2)),
            ..Sim::config()
        },
        1,
    );
    sim.run_up(5);
    let fail = |sim: &mut Sim, ids: &[u64]| {
        for id in ids {
            let uid = sim.uid_of(ExecutorId(*id)).expect("a pod");
            sim.end(&uid, Fate::Exit(1));
        }
    };
    fail(&mut sim, &[1, 2]);
    sim.run(secs(4));
    assert_eq!((losses(&sim).len(), abort(&sim)), (2, None));
    fail(&mut sim, &[3, 4]);
    sim.run(secs(1));
    assert_eq!(
        (losses(&sim).len(), abort(&sim)),
        (4, None),
        "the first two are long past"
    );
    fail(&mut sim, &[5]);
    sim.run(Duration::from_millis(500));
    assert_eq!(abort(&sim).map(|(code, _)| code), Some(11));
}

#[test]
fn the_exit_code_is_the_executors_in_whatever_order_containers_are_listed() {
    let ended = |name: &str, exit_code| ContainerFacts {
        name: name.into(),
        init: false,
        state: ContainerState::Terminated {
            exit_code,
            reason: Some("Error".into()),
            message: Some("Failed".into()),
        },
    };
    for containers in [
        vec![ended("sidecar", 2), ended(CONTAINER, 1)],
        vec![ended(CONTAINER, 1), ended("sidecar", 2)],
    ] {
        let mut sim = Sim::new(Sim::config(), 1);
        sim.run_up(1);
        let uid = sim.uid_of(ExecutorId(1)).expect("a pod");
        sim.cluster.fates.insert(uid.clone(), Fate::Exit(1));
        sim.modify(&uid, |pod| {
            pod.phase = PodPhase::Failed;
            pod.containers = containers;
        });
        sim.run(secs(5));
        let (_, cause) = &losses(&sim)[0];
        assert_eq!(
            (cause.kind, cause.exit_code, cause.app_caused),
            (LossKind::Exited, 1, true)
        );
        for part in [
            "exit code 1",
            "executor: ended",
            "sidecar: ended with exit code 2",
        ] {
            assert!(cause.message.contains(part), "{}", cause.message);
        }
    }
}

#[test]
fn a_failed_pod_that_somebody_deletes_is_not_deleted_again() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(1);
    let uid = sim.uid_of(ExecutorId(1)).expect("a pod");
    sim.modify(&uid, |pod| {
        pod.phase = PodPhase::Failed;
        pod.deleting = true;
    });
    sim.run(secs(20));
    let (_, cause) = &losses(&sim)[0];
    assert_eq!((cause.kind, cause.app_caused), (LossKind::Deleted, false));
    assert_eq!((losses(&sim).len(), deleted(&sim)), (1, 0));
}

#[test]
fn killed_executors_are_labelled_and_deleted_after_their_grace() {
    let label = ("soLong".to_owned(), "cruelWorld".to_owned());
    let mut sim = Sim::new(
        PlanConfig {
            decommission_label: Some(label.clone()),
            ..Sim::config()
        },
        1,
    );
    sim.run_up(2);
    sim.target(0, 0);
    let killed_at = sim.now;
    for id in [1, 2] {
        sim.check.on_kill(ExecutorId(id));
    }
    sim.plan.handle_kill(killed_at, &[ExecutorId(1), ExecutorId(2)]);
    sim.run(secs(30));
    let labelled: Vec<_> = sim
        .actions
        .iter()
        .filter_map(|(_, action)| match action {
            Action::Patch {
                name,
                patch: PodPatch::Decommission { label, value },
                ..
            } => Some((name.as_str(), (label.clone(), value.clone()))),
            _ => None,
        })
        .collect();
    assert_eq!(labelled, [("test-exec-1", label.clone()), ("test-exec-2", label)]);
    let grace = Sim::config().kill_grace;
    assert!(
        sim.sent("delete").iter().all(|at| *at == killed_at + grace),
        "{:?}",
        sim.sent("delete")
    );
    assert_eq!(
        (released(&sim).len(), losses(&sim).len(), deleted(&sim)),
        (2, 0, 2)
    );
}
