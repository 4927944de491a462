//! Nodes of the simulated cluster: where pods come to be, and what they meet there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::plan::{Condition, ContainerState, ExecutorId, PodFacts, PodPhase};

use super::cluster::{CONTAINER, Cluster, Fate, container};
use super::{Happening, Sim};

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `metadata.name`
    pub name: String,
    /// What is wrong with it.
    pub broken: Option<Breakage>,
}

impl Node {
    /// A node that is well.
    pub fn new(name: &str) -> Self {
        Node {
            name: name.to_owned(),
            broken: None,
        }
    }

    /// A node that is not.
    pub fn broken(name: &str, how: Breakage) -> Self {
        Node {
            broken: Some(how),
            ..Node::new(name)
        }
    }
}

/// Why executors do not start on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Breakage {
    /// They end at once.
    Exits,
    /// Their image cannot be pulled.
    NoImage,
    /// They do not reach the driver.
    NoNetwork,
}

impl Cluster {
    /// The pod keeps away from nodes.
    pub(super) fn keep_away(&mut self, uid: &str, nodes: &Arc<[String]>) {
        if !nodes.is_empty() {
            self.avoids.insert(uid.to_owned(), Arc::clone(nodes));
        }
    }

    /// Nodes that a pod may be bound to.
    fn choices(&self, pod: &PodFacts) -> Vec<String> {
        let avoids = self.avoids.get(&pod.uid);
        self.nodes
            .iter()
            .map(|node| &node.name)
            .filter(|name| !avoids.is_some_and(|avoids| avoids.contains(name)))
            .cloned()
            .collect()
    }

    /// Where the last pod of an executor is or was.
    pub fn home(&self, id: ExecutorId) -> Option<&str> {
        self.homes.get(&id)?.last().map(String::as_str)
    }
}

impl Sim {
    /// Scheduler and kubelet do their work on a pod that waits; true where its executor comes to reach the driver.
    pub(super) fn place(&mut self, uid: &str) -> bool {
        let waits = |pod: &&PodFacts| pod.phase == PodPhase::Pending && !pod.deleting;
        let Some(pod) = self.cluster.by_uid(uid).filter(waits).cloned() else {
            return false;
        };
        let node = match pod.node.clone() {
            Some(node) => node,
            None => match self.cluster.choices(&pod).as_slice() {
                [] => {
                    self.cluster
                        .modify(uid, |pod| pod.conditions = vec![unscheduled()]);
                    return false;
                }
                [only] => only.clone(),
                choices => choices[self.rng.usize(0..choices.len())].clone(),
            },
        };
        if let Some(id) = pod.executor {
            let homes = self.cluster.homes.entry(id).or_default();
            if homes.last() != Some(&node) {
                homes.push(node.clone());
            }
        }
        let broken = self
            .cluster
            .nodes
            .iter()
            .find(|known| known.name == node)
            .and_then(|node| node.broken)
            // How a controller's pods end is its own file's: they are started again in place.
            .filter(|broken| *broken == Breakage::NoNetwork || !self.cluster.is_kept(&pod));
        self.cluster.modify(uid, |pod| {
            pod.node = Some(node);
            pod.conditions
                .retain(|condition| condition.kind != "PodScheduled");
            if broken == Some(Breakage::NoImage) {
                pod.containers = vec![container(CONTAINER, no_image())];
            }
        });
        if broken == Some(Breakage::NoImage) {
            return false;
        }
        self.cluster.run(uid);
        if broken == Some(Breakage::Exits) {
            self.later(self.fails_after, Happening::End(uid.to_owned(), Fate::Exit(1)));
        }
        if broken == Some(Breakage::NoNetwork) {
            self.cluster.mute.insert(uid.to_owned());
        }
        broken.is_none()
    }

    /// Something breaks a node, or it becomes well again.
    pub fn set_node(&mut self, index: usize, broken: Option<Breakage>) {
        let Some(node) = self.cluster.nodes.get_mut(index) else {
            return;
        };
        node.broken = broken;
        let name = node.name.clone();
        if broken.is_some() {
            return;
        }
        self.start_all();
        let heard =
            |pod: &&PodFacts| pod.node.as_ref() == Some(&name) && self.cluster.mute.contains(&pod.uid);
        let heard: Vec<_> = self
            .cluster
            .pods
            .values()
            .filter(heard)
            .map(|pod| pod.uid.clone())
            .collect();
        for uid in heard {
            self.cluster.mute.remove(&uid);
            self.come_up(&uid);
        }
    }
}

fn unscheduled() -> Condition {
    Condition {
        kind: "PodScheduled".into(),
        status: "False".into(),
        reason: Some("Unschedulable".into()),
        message: Some("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector".into()),
    }
}

fn no_image() -> ContainerState {
    ContainerState::Waiting {
        reason: Some("ImagePullBackOff".into()),
        message: Some("Back-off pulling image".into()),
    }
}
