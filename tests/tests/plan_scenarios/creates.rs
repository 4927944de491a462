use stoker_core::plan::{
    Batch, Condition, ExecutorId, FailureClass, LossKind, Notice, Outcome, PendingCause, PlanConfig,
    ProfileId,
};
use stoker_core::sim::cluster::Cluster;
use stoker_core::sim::faults::Faults;
use stoker_core::sim::{APP, OWNER};
use stoker_tests::sim::Sim;

use crate::{abort, failed, failed_for, losses, millis, secs, waiting};

#[test]
fn creates_are_concurrent_up_to_the_cap() {
    let mut sim = Sim::new(
        PlanConfig {
            max_in_flight: 5,
            ..Sim::config()
        },
        3,
    );
    sim.target(0, 50);
    let mut most = 0;
    sim.run_until(secs(10), "50 creates", |sim| {
        most = most.max(sim.plan.snapshot().in_flight);
        sim.sent("create").len() == 50
    });
    assert_eq!(most, 5);
    sim.run(secs(10));
    assert_eq!(sim.alive(0), 50);
}

/// Eight at first, twice as many with each round trip: a distant API server costs a few of them, not one for each pod.
#[test]
fn creates_keep_a_distant_api_server_busy() {
    let mut sim = Sim::new(Sim::config(), 3);
    sim.run(secs(1));
    sim.faults.latency = millis(200);
    sim.target(0, 1000);
    let begun = sim.now;
    let mut most = 0;
    sim.run_until(secs(60), "1000 creates", |sim| {
        most = most.max(sim.plan.snapshot().in_flight);
        sim.cluster.created == 1000
    });
    assert!(sim.now - begun < secs(5), "{:?}", sim.now - begun);
    assert_eq!(most, 128);
}

/// Its answers wait because it is used, which is no reason to use it less; nor is it to have more than it needs.
#[test]
fn creates_keep_a_busy_api_server_busy() {
    let mut sim = Sim::new(Sim::config(), 3);
    sim.run(secs(1));
    sim.faults.latency = millis(2);
    sim.create_time = millis(20);
    sim.target(0, 600);
    let begun = sim.now;
    let (mut most, mut least) = (0, 128);
    sim.run_until(secs(60), "600 creates", |sim| {
        let in_flight = sim.plan.snapshot().in_flight;
        if (200..550).contains(&sim.cluster.created) {
            (most, least) = (most.max(in_flight), least.min(in_flight));
        }
        sim.cluster.created == 600
    });
    assert!(sim.now - begun < millis(20) * 650, "{:?}", sim.now - begun);
    assert!(least >= 25 && most <= 60, "{least} to {most} in flight");
}

#[test]
fn a_refusal_for_load_leaves_one_probe_and_then_half_of_before() {
    let mut sim = Sim::new(Sim::config(), 3);
    sim.target(0, 500);
    sim.run_until(secs(10), "100 pods", |sim| sim.cluster.created >= 100);
    let before = sim.plan.snapshot().in_flight;
    sim.script("create", [failed_for(FailureClass::TooManyRequests, 3)]);
    sim.run_until(secs(10), "the refusal", |sim| {
        sim.scripted.values().all(Vec::is_empty)
    });
    let refused = sim.now;
    sim.run_until(secs(10), "a probe", |sim| {
        sim.sent("create").last() > Some(&(refused + secs(2)))
    });
    let probe = sim.sent("create").into_iter().rfind(|at| *at > refused + secs(2));
    assert!(
        probe >= Some(refused + secs(3) - millis(50)),
        "{probe:?} after {refused:?}"
    );
    assert_eq!(sim.plan.snapshot().in_flight, 1, "{before} before");
    sim.run(secs(60));
    assert_eq!(sim.alive(0), 500);
}

#[test]
fn a_batch_the_user_has_set_bounds_the_pace() {
    let batch = Some(Batch {
        size: 5,
        delay: secs(1),
    });
    let mut sim = Sim::new(
        PlanConfig {
            batch,
            ..Sim::config()
        },
        3,
    );
    sim.target(0, 20);
    sim.run(secs(10));
    let sent = sim.sent("create");
    assert_eq!(sent.len(), 20);
    assert!(sent.windows(6).all(|six| six[5] >= six[0] + secs(1)), "{sent:?}");
    assert!(sent[19] < secs(4), "and no slower than asked: {sent:?}");
}

#[test]
fn profiles_share_the_places() {
    let mut sim = Sim::new(
        PlanConfig {
            max_in_flight: 1,
            ..Sim::config()
        },
        3,
    );
    sim.target(0, 30);
    sim.target(1, 30);
    sim.run_until(secs(20), "20 creates", |sim| sim.cluster.created == 20);
    let counts = sim.plan.snapshot().profiles;
    assert!(
        counts[&ProfileId(0)]
            .1
            .live
            .abs_diff(counts[&ProfileId(1)].1.live)
            <= 1,
        "{counts:?}"
    );
}

#[test]
fn pods_that_do_not_start_bound_the_creates() {
    let cfg = PlanConfig {
        max_pending_pods: 4,
        max_pending_pods_per_profile: 3,
        ..Sim::config()
    };
    let mut sim = Sim::new(cfg, 3);
    sim.start_time = None;
    sim.target(0, 10);
    sim.target(1, 10);
    sim.run(secs(30));
    let counts = sim.plan.snapshot().profiles;
    let pending: Vec<_> = counts.values().map(|(_, counts)| counts.pending).collect();
    assert_eq!(pending.iter().sum::<usize>(), 4);
    assert!(pending.iter().all(|pending| *pending <= 3), "{pending:?}");
}

#[test]
fn a_create_whose_answer_was_lost_is_adopted_not_doubled() {
    let mut sim = Sim::new(Sim::config(), 5);
    sim.run(secs(1));
    sim.break_watches(&Outcome::Unknown(stoker_core::sim::unreachable()));
    sim.script("watch", (0..30).map(|_| failed(FailureClass::Server)));
    sim.faults = Faults {
        lose_answer: 100,
        ..Faults::NONE
    };
    sim.target(0, 1);
    sim.run(millis(100));
    sim.faults = Faults::NONE;
    sim.run(secs(40));
    assert_eq!(sim.sent("create").len(), 1);
    assert_eq!(sim.sent("get").len(), 1, "the watch was down: a get confirms");
    assert_eq!(sim.cluster.pods.len(), 1);
    assert!(losses(&sim).is_empty());
    assert!(
        sim.notices
            .iter()
            .any(|notice| matches!(notice, Notice::Created { .. }))
    );
}

#[test]
fn a_watch_event_confirms_a_create_without_a_get() {
    let mut sim = Sim::new(Sim::config(), 5);
    sim.run(secs(1));
    sim.faults = Faults {
        lose_answer: 100,
        ..Faults::NONE
    };
    sim.target(0, 1);
    sim.run(secs(40));
    assert_eq!((sim.sent("create").len(), sim.sent("get").len()), (1, 0));
    assert_eq!(sim.alive(0), 1);
}

#[test]
fn a_name_that_is_taken_by_our_own_pod_is_adopted() {
    let mut sim = Sim::new(Sim::config(), 5);
    sim.run(secs(1));
    sim.silent = true;
    let own = Cluster::executor_pod("test-exec-1", APP, ExecutorId(1), ProfileId(0), Some(OWNER));
    sim.plant(own);
    sim.target(0, 1);
    sim.run(secs(5));
    assert_eq!((sim.sent("create").len(), sim.sent("get").len()), (1, 1));
    assert_eq!(
        (sim.cluster.pods.len(), sim.alive(0)),
        (1, 0),
        "nobody starts a planted pod"
    );
    assert!(sim.pod_of(ExecutorId(1)).is_some());
    assert_eq!(sim.plan.snapshot().profiles[&ProfileId(0)].1.live, 1);
}

#[test]
fn a_name_that_is_taken_by_a_foreign_pod_costs_its_number_only() {
    for (app, owner) in [("another app", OWNER), (APP, "another driver")] {
        let mut sim = Sim::new(Sim::config(), 5);
        sim.run(secs(1));
        let foreign = Cluster::executor_pod("test-exec-1", app, ExecutorId(1), ProfileId(0), Some(owner));
        sim.plant(foreign);
        sim.target(0, 2);
        sim.run(secs(10));
        assert!(sim.pod_of(ExecutorId(1)).is_some(), "the foreign pod stays");
        assert_eq!(sim.sent("create").len(), 3);
        assert_eq!(sim.registered.len(), 2, "{:?}", sim.registered);
        assert!(losses(&sim).is_empty());
    }
}

#[test]
fn pods_that_can_never_be_made_end_the_application_with_nothing_created() {
    for class in [
        FailureClass::Unbuildable,
        FailureClass::Invalid,
        FailureClass::Forbidden,
    ] {
        let mut sim = Sim::new(
            PlanConfig {
                max_in_flight: 1,
                ..Sim::config()
            },
            5,
        );
        sim.script("create", [failed(class)]);
        sim.target(0, 5);
        sim.run(secs(60));
        let (code, message) = abort(&sim).unwrap_or_else(|| panic!("{class:?} does not abort"));
        assert_eq!(code, 1);
        assert!(message.contains("simulated"), "{message}");
        assert_eq!((sim.sent("create").len(), sim.cluster.created), (1, 0));
    }
}

#[test]
fn a_refusal_after_pods_were_taken_is_waited_out() {
    for class in [
        FailureClass::Invalid,
        FailureClass::Forbidden,
        FailureClass::Unauthorized,
    ] {
        let mut sim = Sim::new(Sim::config(), 5);
        sim.run_up(1);
        sim.script("create", [failed(class), failed(class)]);
        sim.target(0, 2);
        sim.run(secs(30));
        assert!(abort(&sim).is_none());
        assert_eq!(waiting(&sim).len(), 1, "{:?}", waiting(&sim));
        assert_eq!(sim.alive(0), 2);
    }
}

#[test]
fn a_full_quota_is_probed_with_one_create_at_a_time_and_told_once() {
    let mut sim = Sim::new(Sim::config(), 5);
    sim.cluster.quota = Some(3);
    sim.target(0, 10);
    sim.run(secs(5));
    let before = sim.sent("create").len();
    let mut most = 0;
    let until = sim.now + secs(600);
    while sim.now < until {
        sim.run(millis(500));
        most = most.max(sim.plan.snapshot().profiles[&ProfileId(0)].1.creating);
    }
    let probes = sim.sent("create").len() - before;
    assert!((10..60).contains(&probes), "{probes} probes in ten minutes");
    assert!(most <= 1);
    assert_eq!(waiting(&sim).len(), 1, "{:?}", waiting(&sim));
    assert!(abort(&sim).is_none() && losses(&sim).is_empty());
    sim.cluster.quota = None;
    sim.run(secs(60));
    assert_eq!(sim.alive(0), 10);
}

#[test]
fn retry_after_is_honoured() {
    let mut sim = Sim::new(Sim::config(), 5);
    sim.script("create", [failed_for(FailureClass::TooManyRequests, 20)]);
    sim.target(0, 1);
    sim.run(secs(60));
    let sent = sim.sent("create");
    assert_eq!(sent.len(), 2);
    assert!(
        sent[1] - sent[0] >= secs(20) && sent[1] - sent[0] < secs(23),
        "{sent:?}"
    );
    assert!(waiting(&sim).is_empty(), "one refusal is nothing to tell");
}

#[test]
fn an_outage_that_lasts_is_told_and_survived() {
    let mut sim = Sim::new(Sim::config(), 5);
    sim.run_up(2);
    sim.outage(secs(600));
    sim.target(0, 4);
    sim.run(secs(599));
    assert_eq!(waiting(&sim).len(), 1, "{:?}", waiting(&sim));
    let calls = sim.actions.len();
    assert!(calls < 120, "{calls} calls");
    sim.run(secs(60));
    assert_eq!(sim.alive(0), 4);
    assert!(losses(&sim).is_empty(), "the executors ran on");
}

#[test]
fn the_limit_of_pods_is_kept_and_told() {
    let mut sim = Sim::new(
        PlanConfig {
            max_executor_id: 4,
            ..Sim::config()
        },
        5,
    );
    sim.target(0, 10);
    sim.run(secs(60));
    assert_eq!(sim.sent("create").len(), 3);
    assert_eq!(waiting(&sim).len(), 1);
    assert!(waiting(&sim)[0].contains("spark.kubernetes.allocation.maximum=4"));
}

#[test]
fn a_pod_that_was_accepted_and_never_seen_is_asked_for() {
    let cfg = PlanConfig {
        create_timeout: secs(100),
        ..Sim::config()
    };
    let mut sim = Sim::new(cfg, 5);
    sim.run(secs(1));
    sim.silent = true;
    sim.target(0, 1);
    sim.run_until(secs(1), "created", |sim| {
        sim.notices.iter().any(|n| matches!(n, Notice::Created { .. }))
    });
    sim.delete("test-exec-1");
    sim.silent = false;
    sim.run(secs(130));
    assert_eq!(sim.sent("get").len(), 1);
    assert_eq!(losses(&sim)[0].1.kind, LossKind::Missing);
    assert_eq!(sim.sent("create").len(), 2);
}

#[test]
fn why_pods_do_not_run_is_told_once_for_each_cause_and_change() {
    let mut sim = Sim::new(Sim::config(), 3);
    sim.start_time = None;
    sim.target(0, 3);
    sim.run(secs(5));
    assert!(waiting(&sim).is_empty());
    let unscheduled = |said: &str| Condition {
        kind: "PodScheduled".into(),
        status: "False".into(),
        reason: Some("Unschedulable".into()),
        message: Some(said.into()),
    };
    for said in [
        "0/3 nodes: cpu",
        "0/4 nodes: cpu",
        "0/4 nodes: taint",
        "0/3 nodes: cpu",
    ] {
        for id in 1..=3 {
            let uid = sim.uid_of(ExecutorId(id)).expect("a pod");
            sim.modify(&uid, |pod| pod.conditions = vec![unscheduled(said)]);
        }
        sim.run(secs(1));
    }
    assert_eq!(waiting(&sim).len(), 2, "{:?}", waiting(&sim));
    assert!(waiting(&sim)[0].contains("0/3 nodes: cpu"), "{:?}", waiting(&sim));
    assert_eq!(sim.plan.snapshot().pending[&PendingCause::Unschedulable], 3);

    sim.start_all();
    sim.run(secs(5));
    assert_eq!(sim.alive(0), 3);
    assert!(
        sim.plan.snapshot().pending.is_empty(),
        "{:?}",
        sim.plan.snapshot()
    );
    assert!(losses(&sim).is_empty());
}
