use std::time::Duration;

use stoker_core::plan::{ExecutorId, HoldCause, PlanConfig};
use stoker_core::sim::cluster::Fate;
use stoker_core::sim::nodes::Breakage;
use stoker_tests::sim::Sim;

use crate::{abort, losses, millis, secs, waiting};

/// No executor starts; each ends as soon as its container runs.
fn looping(cfg: PlanConfig) -> Sim {
    let mut sim = Sim::new(cfg, 1);
    sim.set_node(0, Some(Breakage::Exits));
    sim
}

fn bound(failures: usize) -> PlanConfig {
    PlanConfig {
        max_executor_failures: Some(failures),
        ..Sim::config()
    }
}

/// Times from each loss to the next create.
fn gaps(sim: &Sim) -> Vec<Duration> {
    let sent = sim.sent("create");
    sent.windows(2).map(|two| two[1] - two[0]).collect()
}

#[test]
fn executors_that_end_at_once_are_replaced_ever_later() {
    let mut sim = looping(Sim::config());
    sim.target(0, 1);
    sim.run(secs(600));
    let gaps = gaps(&sim);
    // What a pod takes until it has failed is in each.
    let life = secs(3);
    assert!(gaps[0] < life, "the first is replaced at once: {gaps:?}");
    for (gap, longest) in gaps[1..].iter().zip([1, 2, 4, 8, 16, 32, 60, 60, 60]) {
        let shortest = secs(longest).mul_f64(0.5);
        assert!((shortest..secs(longest) + life).contains(gap), "{gaps:?}");
    }
    assert!((10..20).contains(&gaps.len()), "{gaps:?}");
    let told = waiting(&sim);
    assert_eq!(
        told.len(),
        7,
        "each wait that is longer than the one before: {told:?}"
    );
    assert!(
        told[0].contains("2 times in a row") && told[0].contains("exit code 1"),
        "{told:?}"
    );
    sim.run_until(secs(60), "it is held back", |sim| {
        sim.plan.snapshot().held_back.get(&HoldCause::CrashLoop) == Some(&1)
    });
}

#[test]
fn an_executor_that_lives_on_ends_the_waiting() {
    let mut sim = looping(Sim::config());
    sim.target(0, 5);
    sim.run(secs(100));
    let before = sim.sent("create").len();
    assert!(before < 50, "{before} creates");
    sim.set_node(0, None);
    sim.run(secs(90));
    assert_eq!(sim.alive(0), 5);
    assert!(sim.plan.snapshot().held_back.is_empty());
    let uid = sim
        .uid_of(*sim.registered.first().expect("one"))
        .expect("its pod");
    let (sent, now) = (sim.sent("create").len(), sim.now);
    sim.end(&uid, Fate::Exit(1));
    sim.run(secs(5));
    assert_eq!(sim.sent("create").len(), sent + 1);
    assert!(
        sim.sent("create")[sent] - now < millis(100),
        "it had started well"
    );
}

#[test]
fn a_target_that_grows_meanwhile_makes_no_larger_rounds_and_one_that_shrinks_is_obeyed() {
    let mut sim = looping(Sim::config());
    sim.target(0, 2);
    sim.run(secs(60));
    let before = sim.sent("create").len();
    sim.target(0, 100);
    sim.run(secs(240));
    let more = sim.sent("create").len() - before;
    assert!((4..=14).contains(&more), "two in each round: {more}");
    sim.target(0, 0);
    let before = sim.sent("create").len();
    sim.run(secs(300));
    assert_eq!(sim.sent("create").len(), before);
    assert_eq!(sim.plan.snapshot().held_back, [].into());
    sim.set_node(0, None);
    sim.target(0, 100);
    sim.run(secs(120));
    assert_eq!(sim.alive(0), 100, "once they start nothing is held back");
}

#[test]
fn what_cluster_and_users_end_is_replaced_at_once_however_often() {
    for fate in [
        Some(Fate::Preempted),
        Some(Fate::Evicted),
        Some(Fate::NodeLost),
        None,
    ] {
        let mut sim = Sim::new(Sim::config(), 1);
        sim.start_time = None;
        sim.target(0, 1);
        for id in 1..=20 {
            sim.run_until(secs(1), "a pod", |sim| sim.pod_of(ExecutorId(id)).is_some());
            sim.run(millis(100));
            match fate {
                Some(fate) => {
                    let uid = sim.uid_of(ExecutorId(id)).expect("a pod");
                    sim.end(&uid, fate);
                }
                None => sim.delete(&format!("test-exec-{id}")),
            }
        }
        assert!(sim.now < secs(10), "{fate:?}");
        assert!(waiting(&sim).is_empty(), "{fate:?}: {:?}", waiting(&sim));
    }
}

#[test]
fn another_profile_does_not_wait() {
    let mut sim = looping(Sim::config());
    sim.target(0, 1);
    sim.run(secs(120));
    sim.set_node(0, None);
    let asked = sim.now;
    sim.target(1, 10);
    sim.run_until(secs(1), "ten creates", |sim| {
        sim.sent("create").iter().filter(|at| **at >= asked).count() >= 10
    });
    sim.run(secs(60));
    assert_eq!((sim.alive(0), sim.alive(1)), (1, 10));
}

#[test]
fn the_bound_of_failures_is_still_reached_within_minutes() {
    // Executors, bound, and seconds until the application has to have ended.
    for (executors, failures, within) in [
        (1, 2, 12),
        (1, 3, 15),
        (50, 100, 12),
        (300, 600, 30),
        (1, 10, 300),
    ] {
        let mut sim = looping(bound(failures));
        sim.target(0, executors);
        sim.run_until(secs(within), "the end", |sim| abort(sim).is_some());
        assert_eq!(abort(&sim).map(|(code, _)| code), Some(11));
    }
}

#[test]
fn those_that_register_and_end_at_once_are_paced_too() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.target(0, 1);
    let until = secs(300);
    while sim.now < until {
        sim.run(millis(500));
        if let Some(uid) = sim.registered.first().and_then(|id| sim.uid_of(*id)) {
            sim.end(&uid, Fate::Exit(1));
        }
    }
    assert!(losses(&sim).len() < 15, "{}", losses(&sim).len());
    assert!(waiting(&sim)[0].contains("fail to start"), "{:?}", waiting(&sim));
}

#[test]
fn an_end_in_good_order_before_it_was_of_use_is_a_failure_to_start() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.start_time = None;
    sim.target(0, 1);
    let until = secs(300);
    while sim.now < until {
        sim.run(millis(500));
        let alive = sim.plan.snapshot().next_id.0 - 1;
        if let Some(uid) = sim.uid_of(ExecutorId(alive)) {
            sim.end(&uid, Fate::Exit(0));
        }
    }
    assert!(losses(&sim).len() < 15, "{}", losses(&sim).len());
}

#[test]
fn prepared_executors_wait_with_the_others() {
    let cfg = PlanConfig {
        prepares: true,
        ..Sim::config()
    };
    let mut sim = looping(cfg);
    sim.claims_each = 1;
    sim.target(0, 3);
    sim.run(secs(120));
    let before = sim.sent("create").len();
    assert!(before < 40, "{before}");
    sim.set_node(0, None);
    sim.run(secs(100));
    assert_eq!(sim.alive(0), 3);
}

#[test]
fn a_stop_does_not_wait_for_what_is_held_back() {
    let mut sim = looping(Sim::config());
    sim.target(0, 3);
    sim.run(secs(200));
    assert!(sim.stop(secs(10)));
    assert!(sim.cluster.pods.is_empty());
}
