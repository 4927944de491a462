use stoker_core::plan::{ClaimOwner, ControllerKind, FailureClass, HoldCause, PlanConfig};
use stoker_core::sim::trouble::Webhook;
use stoker_tests::sim::Sim;

use crate::{abort, failed, losses, millis, secs, unanswered, waiting};

/// Two executors run; from then on a webhook denies every create.
fn denied(cfg: PlanConfig) -> Sim {
    let mut sim = Sim::new(cfg, 5);
    sim.claims_each = 1;
    sim.run_up(2);
    sim.set_webhook(Some(Webhook::Denies));
    sim
}

#[test]
fn a_refused_profile_is_stopped_told_once_and_tried_now_and_then() {
    let mut sim = denied(Sim::config());
    let before = sim.sent("create").len();
    sim.target(0, 12);
    let mut most = 0;
    let until = sim.now + secs(600);
    while sim.now < until {
        sim.run(millis(500));
        most = most.max(sim.plan.snapshot().total.creating);
    }
    let sent = sim.sent("create").len() - before;
    assert!(
        (12..30).contains(&sent),
        "a wave of ten and then one a minute: {sent}"
    );
    assert!(most <= 1, "one at a time");
    let told = waiting(&sim);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("resource profile 0")
            && told[0].contains("pods.example")
            && told[0].contains("verb create"),
        "{told:?}"
    );
    assert_eq!(sim.plan.snapshot().held_back, [(HoldCause::Refused, 10)].into());
    assert!(abort(&sim).is_none() && losses(&sim).is_empty());

    sim.set_webhook(None);
    sim.run(secs(70));
    assert_eq!(sim.alive(0), 12, "one that is taken lets all others go");
    assert!(sim.plan.snapshot().held_back.is_empty());
}

#[test]
fn other_profiles_go_on_at_full_speed() {
    for class in [FailureClass::Forbidden, FailureClass::Invalid] {
        let mut sim = Sim::new(Sim::config(), 5);
        sim.run_up(2);
        sim.script("create", (0..6).map(|_| failed(class)));
        sim.target(1, 3);
        sim.run_until(secs(1), "all three are refused", |sim| {
            sim.plan.snapshot().held_back.get(&HoldCause::Refused) == Some(&3)
        });
        sim.scripted.clear();
        let (asked, before) = (sim.now, sim.cluster.created);
        sim.target(0, 40);
        sim.run_until(millis(300), "38 creates", |sim| {
            sim.cluster.created >= before + 38
        });
        assert!(sim.now - asked < millis(300));
        sim.run(secs(20));
        assert_eq!((sim.alive(0), sim.alive(1)), (40, 3));
        assert_eq!(waiting(&sim).len(), 1);
    }
}

#[test]
fn the_application_ends_where_it_can_get_nothing_at_all() {
    for in_flight in [1, 128] {
        let mut sim = Sim::new(
            PlanConfig {
                max_in_flight: in_flight,
                ..Sim::config()
            },
            5,
        );
        sim.set_webhook(Some(Webhook::Denies));
        sim.target(0, 5);
        sim.run(secs(60));
        let (code, message) = abort(&sim).expect("the end");
        assert_eq!(code, 1);
        assert!(
            message.contains("pods.example") && message.contains("verb create"),
            "{message}"
        );
        assert!(waiting(&sim).is_empty(), "{:?}", waiting(&sim));
        assert_eq!(
            (sim.sent("create").len(), sim.cluster.created),
            (in_flight.min(5), 0)
        );
    }
}

#[test]
fn as_long_as_another_profile_or_a_lost_create_may_be_taken_there_is_hope() {
    let mut sim = Sim::new(
        PlanConfig {
            max_in_flight: 1,
            ..Sim::config()
        },
        5,
    );
    sim.script("create", [failed(FailureClass::Forbidden)]);
    sim.target(0, 1);
    sim.target(1, 1);
    sim.run(secs(20));
    assert!(abort(&sim).is_none());
    assert_eq!((sim.alive(0), sim.alive(1)), (1, 1));

    let mut sim = Sim::new(Sim::config(), 5);
    sim.script("create", [unanswered(), failed(FailureClass::Forbidden)]);
    sim.target(0, 2);
    sim.run(secs(20));
    assert!(abort(&sim).is_none());
    assert_eq!(sim.alive(0), 2);
}

#[test]
fn the_last_profile_that_is_refused_ends_the_application() {
    let mut sim = Sim::new(Sim::config(), 5);
    sim.set_webhook(Some(Webhook::Denies));
    sim.target(0, 2);
    sim.target(1, 2);
    sim.run(secs(5));
    assert_eq!(abort(&sim).map(|(code, _)| code), Some(1));
    assert_eq!((sim.sent("create").len(), sim.cluster.created), (4, 0));
}

#[test]
fn what_is_prepared_is_kept_for_when_it_is_taken() {
    for claim_owner in [ClaimOwner::Driver, ClaimOwner::Pod] {
        let mut sim = denied(PlanConfig {
            prepares: true,
            claim_owner,
            ..Sim::config()
        });
        sim.target(0, 6);
        sim.run(secs(600));
        assert!(
            sim.cluster.claims_created <= 6,
            "{} claims",
            sim.cluster.claims_created
        );
        sim.set_webhook(None);
        sim.run(secs(90));
        assert_eq!(
            (sim.alive(0), sim.cluster.claims.len()),
            (6, 6),
            "{claim_owner:?}"
        );
        assert!(sim.stop(secs(10)));
    }
}

#[test]
fn a_controller_that_is_refused_stops_its_profile_only() {
    let mut sim = Sim::new(
        PlanConfig {
            controller: Some(ControllerKind::StatefulSet),
            ..Sim::config()
        },
        5,
    );
    sim.target(0, 2);
    sim.run(secs(10));
    sim.script(
        "create controller",
        [failed(FailureClass::Forbidden), failed(FailureClass::Forbidden)],
    );
    sim.target(1, 3);
    sim.run(secs(1));
    assert_eq!(sim.plan.snapshot().held_back, [(HoldCause::Refused, 3)].into());
    sim.target(0, 4);
    sim.run(secs(30));
    assert!(abort(&sim).is_none());
    assert_eq!(waiting(&sim).len(), 1, "{:?}", waiting(&sim));
    assert_eq!((sim.alive(0), sim.alive(1)), (4, 3));
}

#[test]
fn a_stop_does_not_wait_for_a_refused_profile() {
    let mut sim = denied(Sim::config());
    sim.target(0, 5);
    sim.run(secs(30));
    assert!(sim.stop(secs(10)));
    sim.run(secs(5));
    assert!(sim.cluster.pods.is_empty());
}
