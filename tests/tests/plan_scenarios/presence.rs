use stoker_core::plan::{ExecutorId, LossKind, PlanConfig};
use stoker_core::sim::cluster::Fate;
use stoker_core::sim::nodes::{Breakage, Node};
use stoker_tests::sim::Sim;

use crate::{abort, losses, millis, released, secs};

const FIRST: ExecutorId = ExecutorId(1);

/// Pods that run on the first node, whose executors do not reach the driver.
fn mute(cfg: PlanConfig) -> Sim {
    let mut sim = Sim::new(cfg, 1);
    sim.cluster.nodes = vec![Node::broken("node-1", Breakage::NoNetwork)];
    sim.target(0, 1);
    sim.run_until(secs(10), "the pod runs", |sim| sim.alive(0) == 1);
    sim
}

#[test]
fn a_pod_that_runs_and_does_not_register_is_a_loss_and_replaced() {
    let mut sim = mute(PlanConfig {
        max_executor_failures: Some(0),
        ..Sim::config()
    });
    sim.run(secs(590));
    assert_eq!((losses(&sim).len(), sim.sent("delete").len()), (0, 0));
    sim.run(secs(20));
    let lost = losses(&sim);
    assert_eq!(lost.len(), 1);
    let cause = &lost[0].1;
    assert_eq!((cause.kind, cause.app_caused), (LossKind::StartTimeout, false));
    for part in [
        "test-exec-1 on node node-1",
        "600 s",
        "spark.driver.host",
        "registrationTimeout",
    ] {
        assert!(cause.message.contains(part), "{}", cause.message);
    }
    assert_eq!((sim.sent("delete").len(), released(&sim).len()), (1, 0));
    assert_eq!(
        abort(&sim).map(|(code, _)| code),
        Some(11),
        "it counts: none may ever register"
    );
}

#[test]
fn it_is_waited_for_without_end_where_the_user_wants_it() {
    let mut sim = mute(PlanConfig {
        registration_timeout: None,
        ..Sim::config()
    });
    sim.run(secs(100_000));
    assert_eq!(
        (losses(&sim).len(), sim.sent("delete").len(), sim.alive(0)),
        (0, 0, 1)
    );
}

#[test]
fn an_executor_that_registers_in_time_stays() {
    let mut sim = mute(Sim::config());
    sim.run(secs(300));
    sim.set_node(0, None);
    sim.run(secs(1200));
    assert!(sim.registered.contains(&FIRST));
    assert!(losses(&sim).is_empty());
}

#[test]
fn one_that_registers_while_its_delete_waits_stays() {
    let mut sim = mute(Sim::config());
    sim.script("delete", [crate::failed(stoker_core::plan::FailureClass::Server)]);
    sim.run_until(secs(700), "its delete is sent", |sim| {
        sim.sent("delete").len() == 1
    });
    sim.check.on_registered(FIRST);
    let now = sim.now;
    sim.plan.handle_registered(now, FIRST);
    sim.run(secs(1200));
    assert!(losses(&sim).is_empty() && released(&sim).is_empty());
    assert_eq!(
        (sim.sent("delete").len(), sim.sent("create").len(), sim.alive(0)),
        (1, 1, 1)
    );
}

#[test]
fn a_node_without_network_is_avoided() {
    let cfg = PlanConfig {
        registration_timeout: Some(secs(60)),
        ..Sim::config()
    };
    let mut sim = Sim::new(cfg, 1);
    sim.run_up(2);
    sim.cluster.nodes = vec![Node::broken("node-2", Breakage::NoNetwork)];
    sim.target(0, 4);
    sim.run(secs(5));
    sim.cluster.nodes.push(Node::new("node-3"));
    sim.run(secs(300));
    assert_eq!(sim.registered.len(), 4);
    assert_eq!(sim.plan.snapshot().avoided_nodes.to_vec(), ["node-2"]);
}

#[test]
fn an_executor_that_spark_has_removed_is_deleted_when_it_runs_on() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(2);
    let removed_at = sim.now;
    sim.disconnect(FIRST);
    sim.run(secs(4));
    assert!(!sim.plan.is_deleted(FIRST) && sim.sent("delete").is_empty());
    sim.run(secs(30));
    assert_eq!(sim.sent("delete"), [removed_at + secs(5)]);
    assert_eq!(released(&sim), [FIRST]);
    assert!(losses(&sim).is_empty());
    assert_eq!(sim.registered.len(), 2, "it is replaced");
}

#[test]
fn one_that_ends_by_itself_after_it_was_removed_has_its_cause() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(2);
    let uid = sim.uid_of(FIRST).expect("a pod");
    sim.disconnect(FIRST);
    sim.run(secs(1));
    sim.end(&uid, Fate::Oom);
    sim.run(secs(30));
    let lost = losses(&sim);
    assert_eq!((lost.len(), lost[0].1.kind), (1, LossKind::OomKilled));
    assert_eq!(sim.sent("delete").len(), 1);
}

#[test]
fn one_that_registers_again_stays() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run_up(1);
    sim.disconnect(FIRST);
    sim.check.on_registered(FIRST);
    let now = sim.now;
    sim.plan.handle_registered(now, FIRST);
    sim.run(secs(60));
    assert!(sim.sent("delete").is_empty() && released(&sim).is_empty());
}

#[test]
fn a_registered_executor_whose_pod_nobody_has_shown_is_asked_for_and_lost() {
    let mut sim = Sim::new(Sim::config(), 1);
    sim.run(secs(1));
    sim.silent = true;
    sim.target(0, 1);
    sim.run_until(secs(10), "it has registered", |sim| !sim.registered.is_empty());
    assert!(sim.sent("get").is_empty());
    let registered_at = sim.now;
    sim.cluster.remove("test-exec-1");
    sim.run(secs(40));
    assert_eq!(sim.sent("get"), [registered_at + secs(30)]);
    assert_eq!(losses(&sim)[0].1.kind, LossKind::Missing);
    assert_eq!(sim.sent("create").len(), 2);
}

#[test]
fn an_executor_that_has_registered_holds_no_place_of_those_that_wait() {
    let mut sim = Sim::new(
        PlanConfig {
            max_pending_pods: 1,
            ..Sim::config()
        },
        1,
    );
    sim.target(0, 2);
    sim.run_until(secs(5), "a create", |sim| !sim.sent("create").is_empty());
    // Neither its answer nor the watch tell of the pod before the executor has registered.
    sim.least_latency = secs(30);
    sim.run(millis(30));
    sim.least_latency = secs(0);
    sim.run_until(secs(5), "an executor", |sim| sim.registered.contains(&FIRST));
    assert_eq!(sim.sent("create").len(), 2);
}
