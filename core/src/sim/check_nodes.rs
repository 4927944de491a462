//! Checks which nodes are avoided, and which pods are replaced for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::plan::{Action, ExecutorId, Plan, PlanConfig};

use super::check::{Violations, require};
use super::cluster::Cluster;

/// Follows creates and registrations.
#[derive(Debug)]
pub(super) struct NodeChecker {
    after: usize,
    registered: BTreeSet<ExecutorId>,
    /// Executors whose pods keep away from nodes.
    carriers: BTreeSet<ExecutorId>,
    /// Executors that the plan has created and not seen running, but for the replaced ones.
    starting: BTreeSet<ExecutorId>,
    /// Of the carriers and of those on avoided nodes, the ones that were asked to go before they ran.
    replaced: BTreeSet<ExecutorId>,
    /// Nodes that are or were avoided.
    avoided: BTreeSet<String>,
}

impl NodeChecker {
    pub(super) fn new(cfg: &PlanConfig) -> Self {
        NodeChecker {
            after: cfg.avoid_nodes_after,
            registered: BTreeSet::new(),
            carriers: BTreeSet::new(),
            starting: BTreeSet::new(),
            replaced: BTreeSet::new(),
            avoided: BTreeSet::new(),
        }
    }

    pub(super) fn on_action(&mut self, action: &Action) {
        if let Action::Create { executor, avoid, .. } = action {
            self.starting.insert(*executor);
            if !avoid.is_empty() {
                self.carriers.insert(*executor);
            }
        }
    }

    pub(super) fn on_running(&mut self, id: ExecutorId) {
        self.starting.remove(&id);
    }

    pub(super) fn on_registered(&mut self, id: ExecutorId) {
        self.registered.insert(id);
    }

    /// A node is avoided only if so many executors did not start there, and never are all of them.
    pub(super) fn on_avoided(&mut self, avoided: &Arc<[String]>, cluster: &Cluster, found: &mut Violations) {
        for node in avoided.iter() {
            if !self.avoided.insert(node.clone()) {
                continue;
            }
            let never = cluster
                .homes
                .iter()
                .filter(|(id, homes)| homes.contains(node) && !self.registered.contains(id))
                .count();
            require!(
                found,
                Losses,
                self.after > 0 && never >= self.after,
                "node {node} is avoided though only {never} executors have failed to start there"
            );
            let elsewhere = self
                .registered
                .iter()
                .filter_map(|id| cluster.home(*id))
                .any(|home| !avoided.iter().any(|node| node == home));
            require!(
                found,
                Losses,
                elsewhere,
                "every node is avoided on which executors have started"
            );
        }
    }

    /// An executor may be replaced though nobody has asked for its end: Spark does not know it, and as far as the plan
    /// knows it does not start where it is, or finds no node since it keeps away from some.
    pub(super) fn on_replaced(&mut self, plan: &Plan, cluster: &Cluster) {
        if self.avoided.is_empty() {
            return;
        }
        let (carriers, avoided) = (&self.carriers, &self.avoided);
        let stuck = |id: ExecutorId| {
            let homes = cluster.homes.get(&id);
            homes.is_some_and(|homes| homes.iter().any(|home| avoided.contains(home)))
        };
        let replaced = self.starting.extract_if(.., |id| {
            plan.is_deleted(*id) && (carriers.contains(id) || stuck(*id))
        });
        self.replaced.extend(replaced);
    }

    /// Whether it was replaced.
    pub(super) fn is_replaced(&self, id: ExecutorId) -> bool {
        self.replaced.contains(&id)
    }
}
