use stoker_core::plan::{
    Action, ClaimOwner, ExecutorId, FailureClass, LossKind, Notice, Outcome, PlanConfig, ProfileId,
};
use stoker_core::sim::cluster::Cluster;
use stoker_core::sim::faults::Faults;
use stoker_core::sim::{APP, OWNER};
use stoker_tests::sim::Sim;

use crate::{abort, failed, losses, millis, released, secs, unanswered, waiting};

const OWNERS: [ClaimOwner; 2] = [ClaimOwner::Driver, ClaimOwner::Pod];

/// Executors with two claims each.
fn sim(claim_owner: ClaimOwner) -> Sim {
    let cfg = PlanConfig {
        prepares: true,
        claim_owner,
        ..Sim::config()
    };
    let mut sim = Sim::new(cfg, 7);
    sim.claims_each = 2;
    sim.run(secs(1));
    sim
}

fn pass() -> Outcome<()> {
    Outcome::Done(())
}

fn owners(sim: &Sim) -> Vec<&str> {
    sim.cluster
        .claims
        .values()
        .map(|claim| claim.owner.as_str())
        .collect()
}

/// Names of the actions that make executors, in order.
fn making(sim: &Sim) -> Vec<&'static str> {
    sim.actions
        .iter()
        .filter_map(|(_, action)| match action {
            Action::Prepare { .. } => Some("prepare"),
            Action::CreateClaim { .. } => Some("claim"),
            Action::Create { .. } => Some("pod"),
            _ => None,
        })
        .collect()
}

#[test]
fn claims_of_the_driver_come_before_the_pod_and_others_after_it() {
    let mut drivers = sim(ClaimOwner::Driver);
    drivers.run_up(1);
    assert_eq!(making(&drivers), ["prepare", "claim", "claim", "pod"]);
    assert_eq!(owners(&drivers), [OWNER, OWNER]);

    let mut pods = sim(ClaimOwner::Pod);
    pods.run_up(1);
    assert_eq!(making(&pods), ["prepare", "pod", "claim", "claim"]);
    let uid = pods.uid_of(ExecutorId(1)).expect("a pod");
    assert_eq!(owners(&pods), [uid.as_str(), uid.as_str()]);
}

#[test]
fn without_a_driver_pod_the_executor_pod_owns_its_claims() {
    let cfg = PlanConfig {
        prepares: true,
        claim_owner: ClaimOwner::Driver,
        driver_pod: None,
        ..Sim::config()
    };
    let mut sim = Sim::new(cfg, 7);
    sim.claims_each = 1;
    sim.run_up(1);
    let uid = sim.uid_of(ExecutorId(1)).expect("a pod");
    assert_eq!(owners(&sim), [uid.as_str()]);
}

#[test]
fn many_executors_are_prepared_in_one_action_and_bounded() {
    let mut sim = sim(ClaimOwner::Driver);
    sim.prepare_time = secs(3);
    sim.target(0, 300);
    sim.run(millis(100));
    let asked = sim.actions.iter().find_map(|(_, action)| match action {
        Action::Prepare { executors, .. } => Some(executors.len()),
        _ => None,
    });
    assert_eq!(asked, Some(128));
    let counts = sim.plan.snapshot().profiles[&ProfileId(0)].1;
    assert_eq!((counts.live, counts.staged), (128, 128), "they count");
    sim.run(secs(120));
    assert_eq!(sim.alive(0), 300);
    assert!(sim.sent("prepare").len() < 40, "{:?}", sim.sent("prepare"));
}

#[test]
fn what_is_prepared_is_dropped_once_all_of_it_exists() {
    for owner in OWNERS {
        let mut sim = sim(owner);
        sim.target(0, 3);
        sim.run_until(secs(5), "prepared", |sim| sim.plan.keeps_prepared(ExecutorId(3)));
        sim.run(secs(5));
        assert!((1..4).all(|id| !sim.plan.keeps_prepared(ExecutorId(id))));
    }
}

#[test]
fn a_preparation_that_fails_is_tried_again_with_new_executors() {
    let mut sim = sim(ClaimOwner::Driver);
    sim.script("prepare", [failed(FailureClass::Server)]);
    sim.target(0, 3);
    sim.run(secs(30));
    assert_eq!(sim.alive(0), 3);
    assert_eq!(
        sim.plan.snapshot().next_id,
        ExecutorId(7),
        "three numbers are spent"
    );
    assert!(losses(&sim).is_empty() && released(&sim).is_empty());
}

#[test]
fn pods_that_cannot_be_prepared_end_the_application_with_nothing_created() {
    let mut sim = sim(ClaimOwner::Driver);
    sim.script("prepare", [failed(FailureClass::Unbuildable)]);
    sim.target(0, 3);
    sim.run(secs(60));
    let (code, message) = abort(&sim).expect("an abort");
    assert_eq!(code, 1);
    assert!(message.contains("simulated"), "{message}");
    assert_eq!(making(&sim), ["prepare"]);
}

#[test]
fn claims_that_can_never_be_made_end_the_application_with_nothing_left() {
    for owner in OWNERS {
        for class in [FailureClass::Forbidden, FailureClass::Invalid] {
            let mut sim = sim(owner);
            sim.script("claim", (0..10).map(|_| failed(class)));
            sim.target(0, 2);
            sim.run(secs(60));
            let (code, message) = abort(&sim).unwrap_or_else(|| panic!("{owner:?} {class:?} does not abort"));
            assert_eq!(code, 1);
            assert!(
                message.contains("olume claims") && message.contains("simulated"),
                "{message}"
            );
            assert!(
                losses(&sim).is_empty(),
                "Spark has not heard of them: {:?}",
                losses(&sim)
            );
            sim.stop(secs(10));
            sim.run(secs(10));
            assert!(sim.cluster.pods.is_empty() && sim.cluster.claims.is_empty());
        }
    }
}

#[test]
fn a_claim_that_is_refused_later_costs_its_executor_but_no_loss() {
    for (owner, profile) in OWNERS.into_iter().flat_map(|owner| [(owner, 0), (owner, 1)]) {
        let mut sim = sim(owner);
        sim.run_up(1);
        sim.script("claim", [pass(), failed(FailureClass::Forbidden)]);
        sim.target(profile, 2 - profile);
        sim.run(secs(30));
        assert!(abort(&sim).is_none() && losses(&sim).is_empty());
        assert_eq!(waiting(&sim).len(), 1, "{:?}", waiting(&sim));
        assert!(
            waiting(&sim)[0].contains("forbids their volume claims"),
            "{:?}",
            waiting(&sim)
        );
        assert_eq!(sim.alive(0) + sim.alive(1), 2, "it was replaced");
        assert!(sim.pod_of(ExecutorId(2)).is_none());
        assert_eq!(
            sim.cluster.claims.len(),
            4,
            "its claim has gone: {:?}",
            sim.cluster.claims
        );
        // Only a pod that was there is released.
        assert_eq!(released(&sim).len(), usize::from(owner == ClaimOwner::Pod));
    }
}

#[test]
fn a_registered_executor_whose_claim_is_refused_is_lost() {
    let mut sim = sim(ClaimOwner::Pod);
    sim.run_up(1);
    sim.script("claim", (0..20).map(|_| unanswered()));
    sim.target(0, 2);
    sim.run_until(secs(20), "registered", |sim| {
        sim.registered.contains(&ExecutorId(2))
    });
    sim.scripted.clear();
    sim.script("claim", [failed(FailureClass::Forbidden)]);
    sim.run_until(secs(60), "a loss", |sim| !losses(sim).is_empty());
    let (id, cause) = losses(&sim).remove(0);
    assert_eq!(
        (id, cause.kind, cause.app_caused),
        (ExecutorId(2), LossKind::Deleted, false)
    );
    assert!(cause.message.contains("volume claim"), "{}", cause.message);
    sim.run(secs(30));
    assert!(sim.pod_of(ExecutorId(2)).is_none());
    assert_eq!(sim.alive(0), 2);
}

#[test]
fn a_quota_of_claims_is_waited_for_and_told_once() {
    for owner in OWNERS {
        let mut sim = sim(owner);
        sim.cluster.claim_quota = Some(3);
        sim.target(0, 4);
        sim.run(secs(600));
        assert_eq!(sim.cluster.claims.len(), 3);
        assert_eq!(waiting(&sim).len(), 1, "{:?}", waiting(&sim));
        assert!(waiting(&sim)[0].contains("resource quota"), "{:?}", waiting(&sim));
        let sent = sim.sent("claim").len();
        assert!((10..100).contains(&sent), "{sent} claims in ten minutes");
        sim.cluster.claim_quota = None;
        sim.run(secs(120));
        assert_eq!((sim.alive(0), sim.cluster.claims.len()), (4, 8));
        assert!(losses(&sim).is_empty() && abort(&sim).is_none());
    }
}

#[test]
fn a_quota_of_pods_costs_no_new_claims() {
    let mut sim = sim(ClaimOwner::Driver);
    sim.cluster.quota = Some(2);
    sim.target(0, 4);
    sim.run(secs(600));
    assert_eq!(sim.sent("claim").len(), 8, "two for each of the four");
    let probes = sim.sent("create").len();
    assert!((10..60).contains(&probes), "{probes} probes in ten minutes");
    assert_eq!(sim.plan.snapshot().next_id, ExecutorId(5));
    sim.target(0, 2);
    sim.run(secs(10));
    assert_eq!(
        sim.cluster.claims.len(),
        4,
        "a lowered target takes what was made for nothing"
    );
    sim.cluster.quota = None;
    sim.target(0, 3);
    sim.run(secs(60));
    assert_eq!((sim.alive(0), sim.cluster.claims.len()), (3, 6));
}

#[test]
fn a_pod_that_is_refused_for_good_takes_its_claims_along() {
    let mut sim = sim(ClaimOwner::Driver);
    sim.run_up(1);
    sim.script("create", [failed(FailureClass::Invalid)]);
    sim.target(0, 2);
    sim.run(secs(30));
    assert_eq!(sim.alive(0), 2);
    assert_eq!(sim.sent("delete claim").len(), 2);
    assert_eq!(sim.cluster.claims.len(), 4, "{:?}", sim.cluster.claims);
}

#[test]
fn a_claim_whose_answer_was_lost_is_ours() {
    for owner in OWNERS {
        let mut sim = sim(owner);
        sim.faults = Faults {
            lose_answer: 100,
            ..Faults::NONE
        };
        sim.target(0, 1);
        sim.run_until(secs(200), "a claim", |sim| !sim.cluster.claims.is_empty());
        sim.faults = Faults::NONE;
        sim.run(secs(120));
        assert_eq!((sim.alive(0), sim.cluster.claims.len()), (1, 2));
        assert!(sim.sent("claim").len() > 2, "it was tried again");
        assert!(losses(&sim).is_empty() && abort(&sim).is_none());
    }
}

#[test]
fn a_delete_of_a_claim_that_fails_is_tried_again() {
    let mut sim = sim(ClaimOwner::Driver);
    sim.run_up(1);
    sim.script("create", [failed(FailureClass::Invalid)]);
    sim.script("delete claim", [failed(FailureClass::Server), unanswered()]);
    sim.target(0, 2);
    sim.run(secs(60));
    assert_eq!(sim.sent("delete claim").len(), 4);
    assert_eq!(sim.cluster.claims.len(), 4);
}

#[test]
fn an_executor_that_goes_while_it_is_made_leaves_nothing() {
    for owner in OWNERS {
        for after in (0..400).step_by(7) {
            let mut sim = sim(owner);
            sim.prepare_time = millis(100);
            sim.faults.latency = millis(50);
            sim.target(0, 2);
            sim.run(millis(after));
            sim.target(0, 0);
            if after % 2 == 0 {
                sim.kill(&[ExecutorId(1)]);
            }
            sim.run(secs(120));
            sim.settle();
            sim.run(secs(60));
            assert_eq!(sim.alive(0), 0);
            sim.assert_ended();
        }
    }
}

#[test]
fn a_pod_left_by_an_earlier_driver_gets_the_claims_it_lacks() {
    let mut sim = sim(ClaimOwner::Driver);
    sim.prepare_time = secs(2);
    sim.target(0, 1);
    sim.run(secs(1));
    let own = Cluster::executor_pod("test-exec-1", APP, ExecutorId(1), ProfileId(0), Some(OWNER));
    sim.plant(own);
    sim.run(secs(10));
    assert!(sim.sent("create").is_empty(), "it is there");
    assert_eq!(sim.cluster.claims.len(), 2);
}

#[test]
fn the_stop_deletes_the_claims_of_the_driver_with_one_call() {
    for delete_executors in [true, false] {
        let mut sim = Sim::new(
            PlanConfig {
                prepares: true,
                claim_owner: ClaimOwner::Driver,
                delete_executors,
                ..Sim::config()
            },
            1,
        );
        sim.claims_each = 1;
        sim.run_up(10);
        sim.script("delete claims", [failed(FailureClass::Server)]);
        assert!(sim.stop(secs(10)));
        assert_eq!(
            sim.sent("delete claims").len(),
            2,
            "and once more after a failure"
        );
        assert!(sim.cluster.claims.is_empty() && sim.sent("delete claim").is_empty());
    }
}

#[test]
fn the_stop_does_without_the_right_to_delete_claims() {
    let mut sim = sim(ClaimOwner::Driver);
    sim.run_up(2);
    sim.script("delete claims", [failed(FailureClass::Forbidden)]);
    assert!(sim.stop(secs(10)));
    assert_eq!(sim.sent("delete claims").len(), 1);
}

#[test]
fn the_stop_asks_for_nothing_where_there_are_no_claims() {
    for (owner, claims) in [(ClaimOwner::Driver, 0), (ClaimOwner::Pod, 2)] {
        let mut sim = sim(owner);
        sim.claims_each = claims;
        sim.run_up(2);
        assert!(sim.stop(secs(10)));
        sim.run(secs(60));
        assert!(sim.sent("delete claims").is_empty());
        assert!(
            sim.cluster.claims.is_empty(),
            "what pods own is collected with them"
        );
    }
}

#[test]
fn a_stop_during_a_preparation_does_not_wait_for_it() {
    let mut sim = sim(ClaimOwner::Driver);
    sim.prepare_time = secs(100);
    sim.target(0, 5);
    sim.run(secs(1));
    assert!(sim.stop(secs(10)));
    assert_eq!(making(&sim), ["prepare"]);
    sim.run(secs(200));
    assert!(
        !sim.notices
            .iter()
            .any(|notice| matches!(notice, Notice::Released { .. }))
    );
}
