use stoker_core::plan::{ExecutorId, FailureClass, Notice, Outcome, PlanConfig, ProfileId};
use stoker_core::sim::cluster::{Cluster, Fate};
use stoker_core::sim::faults::Faults;
use stoker_core::sim::{APP, OWNER, unreachable};
use stoker_tests::sim::Sim;

use crate::{failed, losses, millis, released, secs};

#[test]
fn stop_deletes_everything_with_two_calls() {
    for driver in [Some("driver".to_owned()), None] {
        let mut sim = Sim::new(
            PlanConfig {
                driver_pod: driver,
                ..Sim::config()
            },
            1,
        );
        sim.run_up(20);
        assert!(sim.stop(secs(10)));
        assert_eq!(released(&sim).len(), 20);
        assert!(losses(&sim).is_empty());
        assert_eq!(
            (sim.sent("delete pods").len(), sim.sent("delete configmaps").len()),
            (1, 1)
        );
        assert!(sim.sent("delete").is_empty());
        sim.run(secs(60));
        assert!(sim.cluster.pods.is_empty());
        assert_eq!(sim.cluster.config_maps, 0);
    }
}

#[test]
fn thousands_are_deleted_page_by_page() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.cluster.page_size = 100;
    sim.run_up(1050);
    // A page without an answer is deleted again, and only that.
    sim.script(
        "delete pods",
        [Outcome::Done(()), Outcome::Done(()), crate::unanswered()],
    );
    assert!(sim.stop(secs(60)));
    assert_eq!(sim.sent("delete pods").len(), 12);
    assert_eq!(released(&sim).len(), 1050);
    assert!(sim.sent("delete").is_empty() && losses(&sim).is_empty());
    sim.run(secs(60));
    assert!(sim.cluster.pods.is_empty());
}

#[test]
fn a_delete_whose_token_is_too_old_begins_again() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.cluster.page_size = 5;
    sim.run_up(20);
    sim.script(
        "delete pods",
        [Outcome::Done(()), Outcome::Done(()), failed(FailureClass::Gone)],
    );
    assert!(sim.stop(secs(10)));
    assert_eq!(sim.sent("delete pods").len(), 3 + 4);
    assert_eq!(released(&sim).len(), 20);
    sim.run(secs(60));
    assert!(sim.cluster.pods.is_empty());
}

#[test]
fn a_pod_that_comes_between_two_pages_goes_too() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.cluster.page_size = 5;
    sim.run_up(20);
    sim.script("create", [crate::unanswered()]);
    sim.target(0, 21);
    sim.run(millis(100));
    sim.script("delete pods", [Outcome::Done(()), failed(FailureClass::Server)]);
    sim.begin_stop(secs(10));
    sim.run_until(secs(2), "the failure", |sim| sim.sent("delete pods").len() == 2);
    // It is answered, and the retry is not yet due.
    sim.run(millis(50));
    sim.plant(Cluster::executor_pod(
        "test-exec-21",
        APP,
        ExecutorId(21),
        ProfileId(0),
        Some(OWNER),
    ));
    sim.run(secs(60));
    assert!(sim.plan.is_stopped() && sim.cluster.pods.is_empty());
}

#[test]
fn creates_in_flight_are_waited_for_and_leave_nothing() {
    for seed in 0..30 {
        let mut sim = Sim::new(Sim::config(), seed);
        sim.run(secs(1));
        sim.faults.latency = millis(400);
        sim.target(0, 10);
        sim.run(millis(300));
        let sent = sim.sent("create").len();
        assert!(sim.stop(secs(10)));
        sim.run(secs(60));
        assert!(sim.cluster.pods.is_empty(), "{:?}", sim.cluster.pods);
        assert_eq!(sim.sent("create").len(), sent, "no more creates");
        assert_eq!(
            sim.sent("delete pods").len(),
            1,
            "one call, after the creates were answered"
        );
    }
}

#[test]
fn creates_that_are_slower_than_the_first_delete_leave_nothing() {
    for seed in 0..60 {
        let mut sim = Sim::new(Sim::config(), seed);
        sim.run(secs(1));
        sim.faults.latency = secs(4);
        sim.target(0, 10);
        assert!(sim.stop(secs(60)));
        sim.run(secs(60));
        assert!(sim.cluster.pods.is_empty(), "seed {seed}: {:?}", sim.cluster.pods);
    }
}

#[test]
fn a_create_that_is_applied_late_during_the_stop_leaves_nothing() {
    let mut sim = Sim::new(Sim::config(), 3);
    sim.run(secs(1));
    sim.silent = true;
    sim.script("create", [crate::unanswered()]);
    sim.target(0, 1);
    sim.run(millis(100));
    sim.begin_stop(secs(10));
    sim.run(millis(300));
    assert!(!sim.plan.is_stopped(), "the create may still be applied");
    sim.plant(Cluster::executor_pod(
        "test-exec-1",
        APP,
        ExecutorId(1),
        ProfileId(0),
        Some(OWNER),
    ));
    sim.run(secs(9));
    assert!(sim.plan.is_stopped() && sim.cluster.pods.is_empty());
}

#[test]
fn creates_of_unknown_outcome_leave_nothing() {
    let mut sim = Sim::new(Sim::config(), 3);
    sim.run(secs(1));
    sim.script("create", [crate::unanswered(), crate::unanswered()]);
    sim.target(0, 4);
    sim.run(millis(500));
    assert!(sim.stop(secs(10)));
    sim.run(secs(60));
    assert!(sim.cluster.pods.is_empty());
}

#[test]
fn a_create_whose_answer_is_lost_during_the_stop_leaves_nothing() {
    let mut sim = Sim::new(Sim::config(), 9);
    sim.run(secs(1));
    sim.faults = Faults {
        lose_answer: 100,
        ..Faults::NONE
    };
    sim.target(0, 2);
    sim.run(millis(100));
    sim.faults = Faults::NONE;
    sim.stop(secs(10));
    sim.run(secs(120));
    assert!(sim.cluster.pods.is_empty(), "{:?}", sim.cluster.pods);
}

#[test]
fn where_collections_may_not_be_deleted_pods_are_deleted_one_by_one() {
    let mut sim = Sim::new(
        PlanConfig {
            max_in_flight: 4,
            ..Sim::config()
        },
        1,
    );
    sim.run_up(10);
    sim.script("delete pods", [failed(FailureClass::Forbidden)]);
    sim.script("delete configmaps", [failed(FailureClass::Forbidden)]);
    assert!(sim.stop(secs(10)));
    assert_eq!(sim.sent("delete").len(), 10);
    assert_eq!(released(&sim).len(), 10);
    assert_eq!(sim.sent("delete configmap").len(), 1);
    assert_eq!(sim.cluster.config_maps, 0);
    sim.run(secs(60));
    assert!(sim.cluster.pods.is_empty());
}

#[test]
fn a_collection_delete_that_fails_is_tried_again() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(2);
    sim.script("delete pods", [failed(FailureClass::Server), crate::unanswered()]);
    sim.script("delete configmaps", [failed(FailureClass::TooManyRequests)]);
    assert!(sim.stop(secs(10)));
    assert_eq!(
        (sim.sent("delete pods").len(), sim.sent("delete configmaps").len()),
        (3, 2)
    );
    sim.run(secs(60));
    assert!(sim.cluster.pods.is_empty());
}

#[test]
fn the_stop_ends_at_its_deadline_whatever_the_api_server_does() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(2);
    sim.outage(secs(1000));
    let begun = sim.now;
    assert!(!sim.stop(secs(10)));
    assert_eq!(sim.now, begun + secs(10));
    assert!(sim.plan.poll_timeout().is_none());
    let calls = sim.sent("delete pods").len();
    assert!((3..30).contains(&calls), "{calls}");
}

#[test]
fn kept_pods_stay_and_the_stop_needs_no_call() {
    let mut sim = Sim::new(
        PlanConfig {
            delete_executors: false,
            ..Sim::config()
        },
        1,
    );
    sim.run_up(3);
    let sent = sim.actions.len();
    assert!(sim.stop(secs(10)));
    sim.run(secs(60));
    assert_eq!(
        (sim.actions.len(), sim.cluster.pods.len(), sim.cluster.config_maps),
        (sent, 3, 1)
    );
}

#[test]
fn a_stop_before_the_start_is_complete_takes_the_config_map_back() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.target(0, 5);
    sim.run_until(secs(1), "the ConfigMap is asked for", |sim| {
        !sim.sent("configmap").is_empty()
    });
    assert!(sim.stop(secs(10)));
    sim.run(secs(60));
    assert_eq!((sim.cluster.config_maps, sim.cluster.created), (0, 0));
    assert!(!sim.notices.contains(&Notice::Ready));
}

#[test]
fn a_stop_after_a_fatal_start_takes_the_config_map_back() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.script("list", (0..100).map(|_| Outcome::Failed(unreachable())));
    sim.run(secs(61));
    assert!(
        sim.notices
            .iter()
            .any(|notice| matches!(notice, Notice::Fatal { .. }))
    );
    assert_eq!(sim.cluster.config_maps, 1);
    assert!(sim.stop(secs(10)));
    assert_eq!(sim.cluster.config_maps, 0);
    assert!(sim.sent("delete pods").is_empty(), "no pod was ever made");
}

#[test]
fn a_stop_that_has_nothing_to_do_is_done() {
    let mut sim = Sim::new(
        PlanConfig {
            config_map: false,
            ..Sim::config()
        },
        1,
    );
    sim.run(secs(1));
    let sent = sim.actions.len();
    assert!(sim.stop(secs(10)));
    assert_eq!(sim.actions.len(), sent);
    sim.begin_stop(secs(10));
    assert!(sim.plan.is_stopped() && sim.plan.poll_action().is_none());
}

#[test]
fn ends_during_the_stop_are_no_losses() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(2);
    sim.script("delete pods", (0..3).map(|_| failed(FailureClass::Server)));
    let uid = sim.uid_of(ExecutorId(1)).expect("a pod");
    sim.begin_stop(secs(10));
    sim.end(&uid, Fate::Exit(1));
    sim.run(secs(10));
    assert!(losses(&sim).is_empty());
    assert_eq!(released(&sim).len(), 2);
}

#[test]
fn the_drivers_service_is_deleted_unless_it_is_to_stay() {
    for (delete_driver_service, driver) in [(true, true), (false, true), (true, false)] {
        let mut sim = Sim::new(
            PlanConfig {
                delete_driver_service,
                driver_pod: driver.then(|| "driver".into()),
                ..Sim::config()
            },
            1,
        );
        sim.run_up(2);
        assert!(sim.stop(secs(10)));
        let deletes = usize::from(delete_driver_service && driver);
        assert_eq!(sim.sent("delete services").len(), deletes);
    }
}

#[test]
fn a_service_that_is_kept_back_does_not_hold_up_the_stop() {
    let cfg = PlanConfig {
        delete_driver_service: true,
        // Whether pods are deleted or not.
        delete_executors: false,
        ..Sim::config()
    };
    for (answer, calls) in [
        (failed(FailureClass::Forbidden), 1),
        (failed(FailureClass::Server), 2),
    ] {
        let mut sim = Sim::new(cfg.clone(), 1);
        sim.run_up(2);
        sim.script("delete services", [answer]);
        assert!(sim.stop(secs(10)));
        assert_eq!(sim.sent("delete services").len(), calls);
    }
}

/// Between Spark's farewell to its executors and the allocator's stop all of them end by themselves.
#[test]
fn executors_that_spark_sends_home_are_not_replaced() {
    for seed in 0..30 {
        let mut sim = Sim::new(Sim::config(), seed);
        sim.run_up(10);
        let made = sim.sent("create").len();
        sim.close();
        sim.run(secs(5));
        assert_eq!(sim.alive(0), 0, "all of them have gone");
        assert_eq!(sim.sent("create").len(), made);
        assert!(sim.stop(secs(10)));
        assert_eq!(sim.sent("create").len(), made);
        sim.run(secs(60));
        assert!(sim.cluster.pods.is_empty(), "{:?}", sim.cluster.pods);
    }
}
