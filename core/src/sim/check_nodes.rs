//! Checks which nodes are avoided, and which pods are replaced for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::plan::{Action, ExecutorId, PlanConfig, PodFacts, PodPhase};

use super::cluster::Cluster;

/// Follows creates and registrations.
#[derive(Debug)]
pub(super) struct NodeChecker {
    after: usize,
    registered: BTreeSet<ExecutorId>,
    /// Executors whose pods keep away from nodes.
    carriers: BTreeSet<ExecutorId>,
    /// Nodes that are or were avoided.
    avoided: BTreeSet<String>,
}

impl NodeChecker {
    pub(super) fn new(cfg: &PlanConfig) -> Self {
        NodeChecker {
            after: cfg.avoid_nodes_after,
            registered: BTreeSet::new(),
            carriers: BTreeSet::new(),
            avoided: BTreeSet::new(),
        }
    }

    pub(super) fn on_action(&mut self, action: &Action) {
        if let Action::Create { executor, avoid, .. } = action
            && !avoid.is_empty()
        {
            self.carriers.insert(*executor);
        }
    }

    pub(super) fn on_registered(&mut self, id: ExecutorId) {
        self.registered.insert(id);
    }

    /// A node is avoided only if so many executors did not start there, and never are all of them.
    pub(super) fn on_avoided(&mut self, avoided: &Arc<[String]>, cluster: &Cluster) {
        for node in avoided.iter() {
            if !self.avoided.insert(node.clone()) {
                continue;
            }
            let never = cluster
                .homes
                .iter()
                .filter(|(id, home)| *home == node && !self.registered.contains(id))
                .count();
            assert!(
                self.after > 0 && never >= self.after,
                "node {node} is avoided though only {never} executors have failed to start there"
            );
            let elsewhere = self
                .registered
                .iter()
                .filter_map(|id| cluster.home(*id))
                .any(|home| !avoided.iter().any(|node| node == home));
            assert!(elsewhere, "every node is avoided on which executors have started");
        }
    }

    /// Whether an executor may be replaced though nobody has asked for its end: Spark does not know it, and it does
    /// not start where it is, or finds no node since it keeps away from some.
    pub(super) fn may_replace(&self, id: ExecutorId, pod: Option<&PodFacts>) -> bool {
        let Some(pod) = pod.filter(|pod| pod.phase == PodPhase::Pending) else {
            return false;
        };
        match &pod.node {
            None => self.carriers.contains(&id),
            Some(node) => self.avoided.contains(node),
        }
    }

    /// Whether it may be refused when it registers all the same.
    pub(super) fn may_refuse(&self, id: ExecutorId, cluster: &Cluster) -> bool {
        self.carriers.contains(&id) || cluster.home(id).is_some_and(|home| self.avoided.contains(home))
    }
}
