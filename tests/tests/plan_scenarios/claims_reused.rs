//! Volume claims that outlive their executor and are given to the next.

use stoker_core::plan::{Action, ClaimOwner, DriverPod, ExecutorId, FailureClass, PlanConfig, ProfileId};
use stoker_core::sim::OWNER;
use stoker_core::sim::claims::ClaimRights;
use stoker_core::sim::cluster::{Cluster, Fate};
use stoker_tests::sim::Sim;

use crate::{failed, secs, waiting};

pub(super) fn config() -> PlanConfig {
    PlanConfig {
        prepares: true,
        claim_owner: ClaimOwner::Driver,
        reuse_claims: true,
        ..Sim::config()
    }
}

/// Executors with two claims each, of different sizes.
pub(super) fn sim(cfg: PlanConfig) -> Sim {
    let driver = DriverPod {
        uid: OWNER.into(),
        ready: true,
    };
    let mut sim = Sim::with_cluster(cfg, 7, Cluster::new(Some(driver)));
    sim.claims_each = 2;
    sim
}

/// The names of the claims that an executor's pod mounts.
pub(super) fn mounted(sim: &Sim, id: u64) -> Vec<String> {
    let pod = sim.pod_of(ExecutorId(id));
    pod.map(|pod| pod.claims.clone()).expect("a pod")
}

/// The same of the claims that are its own.
pub(super) fn own(id: u64) -> Vec<String> {
    (0..2)
        .map(|index| format!("test-exec-{id}-pvc-{index}"))
        .collect()
}

/// The executor's process ends.
pub(super) fn exit(sim: &mut Sim, id: u64) {
    let uid = sim.uid_of(ExecutorId(id)).expect("a pod");
    sim.end(&uid, Fate::Exit(1));
}

#[test]
fn the_replacement_uses_the_claims_of_the_lost_one() {
    let mut sim = sim(config());
    sim.run_up(3);
    exit(&mut sim, 2);
    sim.run(secs(60));
    assert_eq!(sim.alive(0), 3);
    assert_eq!(mounted(&sim, 4), own(2), "each by its size");
    assert_eq!(sim.cluster.claims_created, 6);
    assert_eq!(sim.sent("list claims").len(), 1, "only at the start");
    assert_eq!(sim.plan.snapshot().claims, 6);
}

#[test]
fn a_claim_is_used_again_only_when_its_pod_is_gone() {
    let mut sim = sim(config());
    sim.run_up(2);
    // It runs on for a while after its delete.
    sim.end_time = secs(30);
    let now = sim.now;
    sim.check.on_kill(ExecutorId(1));
    sim.plan.handle_kill(now, &[ExecutorId(1)]);
    let pod = sim.pod_of(ExecutorId(1)).expect("a pod").name.clone();
    sim.delete(&pod);
    sim.target(0, 4);
    sim.run(secs(10));
    assert!(sim.pod_of(ExecutorId(1)).is_some(), "it is still there");
    assert_eq!(mounted(&sim, 3), own(3), "nobody may wait for it");
    sim.run(secs(60));
    assert!(sim.pod_of(ExecutorId(1)).is_none());
    assert_eq!(sim.plan.snapshot().free_claims, 0, "the last executor has them");
    assert_eq!(sim.alive(0), 4);
    assert_eq!(sim.cluster.claims_created, 8);
}

#[test]
fn a_pod_that_has_ended_and_does_not_go_is_waited_for_only_a_moment() {
    let mut sim = sim(config());
    sim.run_up(1);
    sim.script("delete", (0..20).map(|_| failed(FailureClass::Server)));
    exit(&mut sim, 1);
    sim.run(secs(3));
    assert!(sim.pod_of(ExecutorId(2)).is_none());
    sim.run(secs(10));
    assert_eq!(mounted(&sim, 2), own(2));
    assert!(waiting(&sim).is_empty(), "{:?}", waiting(&sim));
}

#[test]
fn claims_of_a_lowered_target_are_used_when_it_rises() {
    let mut sim = sim(config());
    sim.run_up(4);
    sim.target(0, 1);
    sim.settle();
    sim.run(secs(60));
    assert_eq!((sim.alive(0), sim.plan.snapshot().free_claims), (1, 6));
    sim.target(0, 4);
    sim.run(secs(60));
    assert_eq!(sim.alive(0), 4);
    assert_eq!(
        (sim.cluster.claims_created, sim.plan.snapshot().free_claims),
        (8, 0)
    );
}

#[test]
fn nothing_is_used_again_where_that_is_off_or_pods_own_their_claims() {
    let off = PlanConfig {
        reuse_claims: false,
        ..config()
    };
    let pods = PlanConfig {
        claim_owner: ClaimOwner::Pod,
        ..config()
    };
    for cfg in [off, pods] {
        let mut sim = sim(cfg);
        sim.run_up(2);
        exit(&mut sim, 1);
        sim.run(secs(60));
        assert_eq!(mounted(&sim, 3), own(3));
        assert!(sim.sent("list claims").is_empty() && sim.sent("watch claims").is_empty());
    }
}

#[test]
fn pods_that_are_kept_keep_their_claims() {
    for wait_for_claims in [false, true] {
        let mut sim = sim(PlanConfig {
            delete_executors: false,
            wait_for_claims,
            ..config()
        });
        sim.run_up(2);
        exit(&mut sim, 1);
        sim.run(secs(120));
        assert_eq!(mounted(&sim, 3), own(3), "and nobody waits for them");
        // The user has looked at it.
        sim.delete("test-exec-1");
        sim.target(0, 3);
        sim.run(secs(60));
        assert_eq!(mounted(&sim, 4), own(1));
    }
}

#[test]
fn executors_wait_for_claims_that_will_be_free() {
    let mut sim = sim(PlanConfig {
        wait_for_claims: true,
        ..config()
    });
    sim.run_up(3);
    sim.target(0, 4);
    sim.run(secs(10));
    // Two of them are on a node that is down: their pods cannot end, and after a minute they no longer count.
    sim.end_time = secs(150);
    let (now, ids) = (sim.now, [ExecutorId(1), ExecutorId(2)]);
    for id in ids {
        sim.check.on_kill(id);
    }
    sim.plan.handle_kill(now, &ids);
    sim.run(secs(120));
    let counts = sim.plan.snapshot().profiles[&ProfileId(0)].1;
    assert_eq!(
        (sim.alive(0), counts.staged),
        (2, 2),
        "two more are wanted and wait"
    );
    assert_eq!(sim.cluster.claims_created, 8);
    assert_eq!(waiting(&sim).len(), 1, "{:?}", waiting(&sim));
    sim.run(secs(300));
    assert_eq!(sim.alive(0), 4);
    assert_eq!(sim.cluster.claims_created, 8, "four executors, two claims each");
}

#[test]
fn what_is_waited_for_is_told_once() {
    let mut sim = sim(PlanConfig {
        wait_for_claims: true,
        ..config()
    });
    sim.run_up(1);
    sim.script("delete", (0..20).map(|_| failed(FailureClass::Server)));
    exit(&mut sim, 1);
    sim.run(secs(30));
    assert_eq!(waiting(&sim).len(), 1, "{:?}", waiting(&sim));
    assert!(
        waiting(&sim)[0].contains("spark.kubernetes.driver.waitToReusePersistentVolumeClaim"),
        "{:?}",
        waiting(&sim)
    );
    assert_eq!(sim.alive(0), 0);
    sim.scripted.clear();
    sim.run(secs(120));
    assert_eq!(mounted(&sim, 2), own(1));
    assert_eq!((sim.alive(0), sim.cluster.claims_created), (1, 2));
}

#[test]
fn a_pod_that_may_not_be_deleted_is_not_waited_for() {
    let mut sim = sim(PlanConfig {
        wait_for_claims: true,
        ..config()
    });
    sim.run_up(1);
    sim.script("delete", [failed(FailureClass::Forbidden)]);
    exit(&mut sim, 1);
    sim.run(secs(60));
    assert_eq!(mounted(&sim, 2), own(2));
}

#[test]
fn a_driver_that_was_restarted_uses_what_is_left() {
    for rights in [ClaimRights::All, ClaimRights::List] {
        let mut sim = sim(config());
        sim.claim_rights = rights;
        sim.run_up(3);
        sim.restart();
        sim.target(0, 3);
        sim.run(secs(60));
        assert_eq!(sim.alive(0), 3);
        assert_eq!(sim.cluster.pods.len(), 3, "the pods of before are swept");
        assert!(
            sim.cluster.claims_created <= 12,
            "while they end, new ones are made: {}",
            sim.cluster.claims_created
        );
        // All are gone: what comes next is made of what there is.
        let created = sim.cluster.claims_created;
        exit(&mut sim, 4);
        sim.run(secs(60));
        assert_eq!((sim.alive(0), sim.cluster.claims_created), (3, created));
    }
}

#[test]
fn ids_start_above_those_of_claims() {
    let mut sim = sim(config());
    sim.run_up(3);
    sim.target(0, 0);
    sim.settle();
    sim.run(secs(60));
    assert!(sim.cluster.pods.is_empty());
    sim.restart();
    sim.target(0, 4);
    sim.run(secs(60));
    assert_eq!(mounted(&sim, 4), own(1));
    assert_eq!(mounted(&sim, 7), own(7), "a name of its own");
    assert_eq!((sim.alive(0), sim.cluster.claims_created), (4, 8));
}

#[test]
fn without_the_right_to_list_claims_those_of_this_driver_are_used() {
    let mut sim = sim(config());
    sim.claim_rights = ClaimRights::None;
    sim.run_up(2);
    exit(&mut sim, 1);
    sim.run(secs(60));
    assert_eq!(mounted(&sim, 3), own(1));
    assert_eq!(sim.sent("list claims").len(), 1);
    assert!(sim.sent("watch claims").is_empty());
}

#[test]
fn without_the_right_to_watch_claims_they_are_listed_before_they_are_used() {
    let mut sim = sim(config());
    sim.claim_rights = ClaimRights::List;
    sim.run_up(10);
    sim.run(secs(600));
    assert_eq!(sim.sent("list claims").len(), 1, "not while nothing changes");
    // A user deletes the claim of an executor that then ends.
    sim.delete_claim("test-exec-1-pvc-0");
    for id in 1..=8 {
        exit(&mut sim, id);
    }
    sim.run(secs(60));
    assert_eq!(sim.sent("list claims").len(), 2, "once for all of them");
    assert_eq!((sim.alive(0), sim.cluster.claims_created), (10, 21));
}

#[test]
fn no_two_executors_share_a_claim_with_one_name_for_all() {
    for (claim_owner, reuse_claims) in [
        (ClaimOwner::Driver, true),
        (ClaimOwner::Driver, false),
        (ClaimOwner::Pod, false),
    ] {
        let mut sim = sim(PlanConfig {
            claim_owner,
            reuse_claims,
            ..config()
        });
        sim.claims_each = 1;
        sim.fixed_claim = Some("data".into());
        sim.target(0, 3);
        sim.run(secs(60));
        assert_eq!(sim.alive(0), 1, "{claim_owner:?}");
        let told = waiting(&sim);
        assert!(
            told.iter()
                .any(|said| said.contains("data") && said.contains("OnDemand")),
            "{told:?}"
        );
        assert_eq!(sim.sent("create").len(), 1, "the others wait and cost nothing");
        // The next one gets it when the first is gone.
        exit(&mut sim, 1);
        sim.run(secs(120));
        assert_eq!((sim.alive(0), mounted(&sim, 2)), (1, vec!["data".to_owned()]));
    }
}

#[test]
fn a_claim_of_somebody_else_is_not_used() {
    for claim_owner in [ClaimOwner::Driver, ClaimOwner::Pod] {
        let mut sim = sim(PlanConfig {
            claim_owner,
            ..config()
        });
        sim.claims_each = 1;
        sim.fixed_claim = Some("data".into());
        let driver = stoker_core::plan::ObjectRef {
            name: "other".into(),
            uid: OWNER.into(),
        };
        let made = sim.cluster.create_claim("data", ExecutorId(1), 0, &driver);
        assert!(made.is_ok());
        // Its owner is not ours, but lives.
        sim.cluster.claims.get_mut("data").expect("a claim").foreign = true;
        sim.target(0, 1);
        sim.run(secs(120));
        assert_eq!(sim.alive(0), usize::from(claim_owner == ClaimOwner::Pod));
        let told = waiting(&sim);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("exists already") && told[0].contains("OnDemand"),
            "{told:?}"
        );
        assert!(sim.sent("claim").len() < 20, "{}", sim.sent("claim").len());
        if claim_owner == ClaimOwner::Pod {
            continue;
        }
        sim.delete_claim("data");
        sim.run(secs(120));
        assert_eq!((sim.alive(0), sim.cluster.claims_created), (1, 2));
    }
}

#[test]
fn the_start_waits_for_the_list_of_claims() {
    let mut sim = sim(config());
    sim.script(
        "list claims",
        [
            failed(FailureClass::Server),
            failed(FailureClass::TooManyRequests),
        ],
    );
    sim.target(0, 1);
    sim.run(secs(30));
    assert_eq!((sim.sent("list claims").len(), sim.alive(0)), (3, 1));
    let order: Vec<_> = sim
        .actions
        .iter()
        .filter(|(_, action)| matches!(action, Action::ListClaims { .. } | Action::Prepare { .. }))
        .map(|(_, action)| matches!(action, Action::Prepare { .. }))
        .collect();
    assert_eq!(order, [false, false, false, true]);
}

#[test]
fn the_watch_of_claims_goes_on_and_lists_only_after_410() {
    let mut sim = sim(config());
    sim.run_up(1);
    sim.script(
        "watch claims",
        [failed(FailureClass::Server), failed(FailureClass::Gone)],
    );
    sim.break_watches(&stoker_core::plan::Outcome::Done(()));
    sim.run(secs(120));
    assert_eq!(sim.sent("watch claims").len(), 4);
    assert_eq!(sim.sent("list claims").len(), 2);
}
