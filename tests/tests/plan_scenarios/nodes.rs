use stoker_core::plan::{Action, ExecutorId, LossKind, PlanConfig};
use stoker_core::sim::nodes::{Breakage, Node};
use stoker_tests::sim::Sim;

use crate::{abort, losses, released, secs};

/// Two executors live on node-1; more are wanted, and node-2 is all there is for the first of them.
fn beside_a_bad_node(cfg: PlanConfig, how: Breakage, more: u32) -> Sim {
    let mut sim = Sim::new(cfg, 1);
    sim.run_up(2);
    sim.cluster.nodes = vec![Node::broken("node-2", how)];
    sim.target(0, 2 + more);
    sim.run(secs(2));
    sim.cluster.nodes.push(Node::new("node-3"));
    sim
}

fn avoided(sim: &Sim) -> Vec<String> {
    sim.plan.snapshot().avoided_nodes.to_vec()
}

/// Nodes that the create of an executor keeps away from.
fn kept_away(sim: &Sim, id: u64) -> Vec<String> {
    let of = |action: &Action| match action {
        Action::Create { executor, avoid, .. } if executor.0 == id => Some(avoid.to_vec()),
        _ => None,
    };
    sim.actions
        .iter()
        .find_map(|(_, action)| of(action))
        .expect("a create")
}

#[test]
fn a_node_on_which_executors_do_not_start_gets_no_new_ones_and_their_failures_do_not_count() {
    let cfg = PlanConfig {
        max_executor_failures: Some(2),
        ..Sim::config()
    };
    let mut sim = beside_a_bad_node(cfg, Breakage::Exits, 5);
    sim.run(secs(30));
    assert_eq!(sim.alive(0), 7);
    assert_eq!(avoided(&sim), ["node-2"]);
    let lost = losses(&sim).len() as u64;
    assert!(lost >= 5, "those that were on their way to the node: {lost}");
    assert!(abort(&sim).is_none(), "their failures are the node's");
    let newest = ExecutorId(7 + lost);
    assert_eq!(kept_away(&sim, newest.0), ["node-2"]);
    assert_eq!(sim.cluster.home(newest), Some("node-3"));
}

#[test]
fn what_fails_everywhere_is_the_applications_doing() {
    let cfg = PlanConfig {
        max_executor_failures: Some(6),
        ..Sim::config()
    };
    let mut sim = Sim::new(cfg, 1);
    sim.cluster.nodes = (1..=3)
        .map(|node| Node::broken(&format!("node-{node}"), Breakage::Exits))
        .collect();
    sim.target(0, 3);
    sim.run(secs(60));
    assert!(avoided(&sim).is_empty());
    assert_eq!(abort(&sim).map(|(code, _)| code), Some(11));
}

#[test]
fn a_bad_node_is_found_out_when_the_first_executor_registers_elsewhere() {
    let cfg = PlanConfig {
        max_executor_failures: Some(3),
        ..Sim::config()
    };
    let mut sim = Sim::new(cfg, 1);
    sim.cluster.nodes = vec![Node::broken("node-2", Breakage::Exits)];
    sim.target(0, 3);
    sim.run_until(secs(10), "the third failure", |sim| losses(sim).len() == 3);
    assert!(avoided(&sim).is_empty(), "no other node is known");
    sim.cluster.nodes.push(Node::new("node-3"));
    sim.cluster.nodes.swap(0, 1);
    sim.cluster.nodes.truncate(1);
    sim.run_until(secs(10), "one has registered", |sim| !sim.registered.is_empty());
    assert_eq!(avoided(&sim), ["node-2"]);
    let uid = sim.uid_of(*sim.registered.first().expect("one")).expect("a pod");
    sim.end(&uid, stoker_core::sim::cluster::Fate::Exit(1));
    sim.run(secs(30));
    assert!(abort(&sim).is_none(), "the three do not count any more");
}

#[test]
fn pods_that_a_node_cannot_start_are_tried_on_others() {
    let mut sim = beside_a_bad_node(Sim::config(), Breakage::NoImage, 3);
    sim.run(secs(30));
    assert_eq!(avoided(&sim), ["node-2"]);
    assert_eq!(released(&sim).len(), 3, "those that were stuck there");
    assert!(losses(&sim).is_empty(), "Spark has not heard of them");
    assert_eq!(sim.registered.len(), 5);
}

#[test]
fn a_single_failure_is_none_of_a_node() {
    let mut sim = beside_a_bad_node(Sim::config(), Breakage::NoImage, 1);
    sim.run(secs(300));
    assert!(avoided(&sim).is_empty() && released(&sim).is_empty());
    assert_eq!(sim.alive(0), 2);
    sim.cluster.nodes[0].broken = None;
    sim.start_all();
    sim.run(secs(10));
    assert_eq!(sim.alive(0), 3);
}

#[test]
fn a_node_is_avoided_for_a_while() {
    let cfg = PlanConfig {
        avoid_nodes_for: secs(100),
        ..Sim::config()
    };
    let mut sim = beside_a_bad_node(cfg, Breakage::Exits, 2);
    sim.run(secs(95));
    assert_eq!(avoided(&sim), ["node-2"]);
    sim.run(secs(10));
    assert!(avoided(&sim).is_empty());
    sim.cluster.nodes = vec![Node::new("node-2")];
    sim.target(0, 5);
    sim.run(secs(10));
    assert_eq!(sim.registered.len(), 5);
    let last = sim.sent("create").len() as u64;
    assert!(kept_away(&sim, last).is_empty());
    assert_eq!(sim.cluster.home(ExecutorId(last)), Some("node-2"));
}

#[test]
fn nodes_are_avoided_no_longer_where_there_is_no_other() {
    let mut sim = beside_a_bad_node(Sim::config(), Breakage::Exits, 2);
    sim.run(secs(20));
    assert_eq!(avoided(&sim), ["node-2"]);
    sim.cluster.nodes = vec![Node::new("node-2")];
    let (deleted, next) = (sim.sent("delete").len(), sim.sent("create").len() as u64 + 1);
    sim.target(0, 6);
    sim.run(secs(50));
    assert_eq!(kept_away(&sim, next), ["node-2"]);
    assert_eq!(sim.registered.len(), 4, "an autoscaler may add a node");
    sim.run(secs(30));
    assert!(avoided(&sim).is_empty());
    assert_eq!(released(&sim).len(), 2);
    assert!(
        losses(&sim)
            .iter()
            .all(|(_, cause)| cause.kind == LossKind::Exited)
    );
    assert_eq!(sim.registered.len(), 6);
    assert_eq!(sim.sent("delete").len(), deleted + 2, "those that waited");
}

#[test]
fn an_executor_that_starts_there_all_the_same_ends_it() {
    let mut sim = beside_a_bad_node(Sim::config(), Breakage::Exits, 2);
    sim.cluster.nodes.truncate(1);
    sim.run_until(secs(10), "the node is avoided", |sim| !avoided(sim).is_empty());
    sim.run(secs(5));
    let late = sim.sent("create").len() as u64;
    let uid = sim.uid_of(ExecutorId(late)).expect("a pod that waits");
    sim.cluster.nodes[0].broken = None;
    // Whoever binds it does not mind what it keeps away from.
    sim.modify(&uid, |pod| {
        pod.node = Some("node-2".into());
    });
    sim.start_all();
    sim.run(secs(5));
    assert!(sim.registered.contains(&ExecutorId(late)));
    assert!(avoided(&sim).is_empty());
}

#[test]
fn no_node_is_avoided_where_the_user_does_not_want_it() {
    let cfg = PlanConfig {
        avoid_nodes_after: 0,
        max_executor_failures: Some(3),
        ..Sim::config()
    };
    let mut sim = beside_a_bad_node(cfg, Breakage::Exits, 2);
    sim.cluster.nodes.truncate(1);
    sim.run(secs(60));
    assert!(avoided(&sim).is_empty());
    assert_eq!(abort(&sim).map(|(code, _)| code), Some(11));
}
