//! Nodes on which executors fail to start: new executors keep away from them for a while.
//!
//! A node is avoided once several executors in a row have failed to start on it while an executor lives on another node
//! on which none has. What fails on all nodes is the application's doing and excludes none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Plan;
use super::ledger::{Executor, Stage};
use super::notice::LossKind;
use super::pending::PendingCause;
use super::timer::Timer;
use super::types::{ExecutorId, PodFacts};

/// A pod that keeps away from nodes and finds no other one within this time is replaced by one that takes any. Autoscalers
/// may be slower; one of the most common (Karpenter) adds no node for such a pod, however long it waits.
const UNSCHEDULED_GRACE: Duration = Duration::from_mins(1);

/// An executor that failed to start.
#[derive(Debug, Clone, Copy)]
struct StartFailure {
    at: Duration,
    /// It was counted against the allowed number of failed executors.
    counted: bool,
}

/// What is known of nodes on which executors fail to start.
#[derive(Debug, Clone)]
pub(super) struct Nodes {
    /// So many executors in a row; 0 avoids no node.
    after: usize,
    /// How long failures count, and how long a node is avoided after the last one.
    span: Duration,
    /// By node, since an executor last started there.
    failures: BTreeMap<String, BTreeMap<ExecutorId, StartFailure>>,
    /// Until when.
    avoided: BTreeMap<String, Duration>,
    /// The names of these, shared by all creates.
    names: Arc<[String]>,
    /// Pods may wait on a node that is avoided.
    to_leave: bool,
}

impl Nodes {
    pub(super) fn new(after: usize, span: Duration) -> Self {
        Nodes {
            after,
            span,
            failures: BTreeMap::new(),
            avoided: BTreeMap::new(),
            names: Arc::default(),
            to_leave: false,
        }
    }

    /// The nodes that new executors keep away from.
    pub(super) fn avoided(&self) -> Arc<[String]> {
        Arc::clone(&self.names)
    }

    fn is_avoided(&self, node: &str) -> bool {
        self.avoided.contains_key(node)
    }

    /// An executor failed to start; once for each.
    fn failed(&mut self, now: Duration, node: &str, id: ExecutorId, counted: bool) {
        if self.after == 0 {
            return;
        }
        let span = self.span;
        self.failures.retain(|_, failures| {
            failures.retain(|_, failure| failure.at + span > now);
            !failures.is_empty()
        });
        let failures = self.failures.entry(node.to_owned()).or_default();
        let failure = failures.entry(id).or_insert(StartFailure { at: now, counted });
        if counted {
            *failure = StartFailure { at: now, counted };
        }
        if let Some(until) = self.avoided.get_mut(node) {
            *until = now + span;
        }
    }

    /// An executor has started; true where its node was avoided.
    fn started(&mut self, node: &str) -> bool {
        self.failures.remove(node);
        let avoided = self.avoided.remove(node).is_some();
        if avoided {
            self.share();
        }
        avoided
    }

    /// Whether a node may have to be avoided.
    fn any_suspect(&self) -> bool {
        let suspect = |(node, failures): (&String, &BTreeMap<_, _>)| {
            failures.len() >= self.after && !self.is_avoided(node)
        };
        self.failures.iter().any(suspect)
    }

    /// Avoids nodes with too many failures, where an executor lives on another node without any. `homes`: the nodes of
    /// living executors. Returns the nodes, and when failures happened that were counted and are theirs.
    fn judge<'a>(
        &mut self,
        now: Duration,
        homes: impl Iterator<Item = &'a str>,
    ) -> (Vec<String>, Vec<Duration>) {
        let (after, span) = (self.after, self.span);
        let good: Vec<_> = homes
            .filter(|home| !self.failures.contains_key(*home) && !self.is_avoided(home))
            .take(1)
            .collect();
        if after == 0 || good.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let (mut nodes, mut theirs) = (Vec::new(), Vec::new());
        for (node, failures) in &mut self.failures {
            failures.retain(|_, failure| failure.at + span > now);
            let last = failures.values().map(|failure| failure.at).max();
            if failures.len() < after || self.avoided.contains_key(node) {
                continue;
            }
            let Some(last) = last else { continue };
            self.avoided.insert(node.clone(), last + span);
            nodes.push(node.clone());
            for failure in failures.values_mut().filter(|failure| failure.counted) {
                failure.counted = false;
                theirs.push(failure.at);
            }
        }
        self.share();
        (nodes, theirs)
    }

    /// Nodes that need not be avoided any longer.
    fn expire(&mut self, now: Duration) -> Vec<String> {
        let over: Vec<_> = self
            .avoided
            .extract_if(.., |_, until| *until <= now)
            .map(|(node, _)| node)
            .collect();
        for node in &over {
            self.failures.remove(node);
        }
        self.share();
        over
    }

    /// Avoids no node any more; returns those that were.
    fn lift(&mut self) -> Vec<String> {
        self.expire(Duration::MAX)
    }

    /// When the next node need not be avoided any longer.
    fn next_expiry(&self) -> Option<Duration> {
        self.avoided.values().min().copied()
    }

    fn share(&mut self) {
        self.names = self.avoided.keys().cloned().collect();
    }
}

/// Whether an end before the registration speaks against the node.
pub(super) fn is_start_failure(kind: LossKind, exit_code: i32) -> bool {
    match kind {
        LossKind::Exited => exit_code != 0,
        LossKind::OomKilled
        | LossKind::StartFailed
        | LossKind::StartTimeout
        | LossKind::SidecarFailed
        | LossKind::Refused
        | LossKind::Unknown => true,
        LossKind::Disrupted
        | LossKind::Deleted
        | LossKind::Missing
        | LossKind::Evicted
        | LossKind::Preempted
        | LossKind::NodeLost => false,
    }
}

/// Whether an executor's pod waits on a node, or for one.
fn waits(executor: &Executor) -> bool {
    executor.stage == Stage::Pending && !executor.registered && !executor.released
}

impl Plan {
    /// Notes the node of a pod.
    pub(super) fn observe_node(&mut self, now: Duration, id: ExecutorId, pod: &PodFacts) {
        let Some(node) = &pod.node else { return };
        let Some(executor) = self.ledger.get(id).filter(|executor| executor.node.is_none()) else {
            return;
        };
        let registered = executor.registered;
        self.ledger.update(id, |executor| {
            executor.node = Some(node.clone());
            executor.replace_at = None;
        });
        if registered {
            self.on_started(now, id);
        }
    }

    /// An executor has registered.
    pub(super) fn on_started(&mut self, now: Duration, id: ExecutorId) {
        let Some(node) = self.ledger.get(id).and_then(|executor| executor.node.as_deref()) else {
            return;
        };
        if self.nodes.started(node) {
            tracing::info!(
                node,
                "an executor has started on the node: it is no longer avoided"
            );
        }
        self.judge_nodes(now);
    }

    /// An executor has ended. True where that is its node's doing and not to be counted against the application.
    pub(super) fn blame_node(
        &mut self,
        now: Duration,
        id: ExecutorId,
        kind: LossKind,
        exit_code: i32,
        counts: bool,
    ) -> bool {
        let Some(executor) = self.ledger.get(id).filter(|executor| !executor.registered) else {
            return false;
        };
        let Some(node) = executor
            .node
            .clone()
            .filter(|_| is_start_failure(kind, exit_code))
        else {
            return false;
        };
        // It is counted after this, unless the node is to blame.
        self.nodes.failed(now, &node, id, false);
        self.judge_nodes(now);
        let avoided = self.nodes.is_avoided(&node);
        if counts && !avoided {
            self.nodes.failed(now, &node, id, true);
        }
        self.set_nodes_timer();
        avoided && !self.cfg.count_infrastructure_failures
    }

    /// A pod does not get on. What its node cannot start is tried on another one; where there is none without the nodes
    /// that are avoided, they are not.
    pub(super) fn observe_stuck(&mut self, now: Duration, id: ExecutorId, cause: PendingCause) {
        let Some(executor) = self.ledger.get(id).filter(|executor| waits(executor)) else {
            return;
        };
        match (cause, executor.node.clone()) {
            (PendingCause::Unschedulable, None) => {
                let avoids = executor.avoids;
                self.ledger.update(id, |executor| {
                    if avoids && executor.replace_at.is_none() {
                        executor.replace_at = Some(now + UNSCHEDULED_GRACE);
                    }
                });
            }
            (PendingCause::Image | PendingCause::Container, Some(node)) => {
                self.nodes.failed(now, &node, id, false);
                self.judge_nodes(now);
                self.nodes.to_leave |= self.nodes.is_avoided(&node);
                self.set_nodes_timer();
            }
            _ => {}
        }
    }

    /// Where executors have failed to start too often: new ones keep away, and those that are stuck there are replaced.
    fn judge_nodes(&mut self, now: Duration) {
        if !self.nodes.any_suspect() {
            return;
        }
        let homes = self
            .ledger
            .iter()
            .filter(|(_, executor)| executor.registered && executor.stage == Stage::Running)
            .filter_map(|(_, executor)| executor.node.as_deref());
        let (nodes, theirs) = self.nodes.judge(now, homes);
        if !self.cfg.count_infrastructure_failures {
            for at in theirs {
                self.failures.forgive(at);
            }
        }
        for node in nodes {
            tracing::warn!(
                node,
                span = ?self.cfg.avoid_nodes_for,
                "executors repeatedly fail to start on the node while they start on others: new executors keep away from \
                 it (spark.stoker.nodes.avoidAfterFailures, spark.stoker.nodes.avoidFor)"
            );
            self.nodes.to_leave = true;
        }
        self.set_nodes_timer();
    }

    /// Replaces the pods that wait for a node to start them which is avoided. What is known by now of a node may have come
    /// with them: this is done after it was taken in.
    pub(super) fn leave_nodes(&mut self, now: Duration) {
        if !std::mem::take(&mut self.nodes.to_leave) {
            return;
        }
        let avoided = |executor: &Executor| {
            let node = executor.node.as_ref();
            node.is_some_and(|node| self.nodes.is_avoided(node))
        };
        let stuck: Vec<_> = self
            .ledger
            .iter()
            .filter(|(id, executor)| {
                waits(executor) && avoided(executor) && self.pending.is_stuck_on_node(*id)
            })
            .map(|(id, _)| id)
            .collect();
        self.replace(now, stuck);
    }

    /// A pod that keeps away from nodes has found no other one in time.
    pub(super) fn on_unscheduled(&mut self, now: Duration) {
        let nodes = self.nodes.lift();
        if !nodes.is_empty() {
            tracing::warn!(
                nodes = nodes.join(", "),
                "executors find no node beside those on which executors repeatedly fail to start: they are no longer \
                 avoided"
            );
        }
        let waiting: Vec<_> = self
            .ledger
            .iter()
            .filter(|(_, executor)| waits(executor) && executor.avoids && executor.node.is_none())
            .map(|(id, _)| id)
            .collect();
        self.replace(now, waiting);
        self.set_nodes_timer();
    }

    /// Releases executors that Spark has not heard of; the target brings new ones.
    fn replace(&mut self, now: Duration, executors: Vec<ExecutorId>) {
        if !self.may_create() {
            return;
        }
        for id in executors {
            self.ledger.update(id, |executor| executor.excess = true);
            self.release(now, id);
        }
    }

    /// Some nodes have been avoided for long enough.
    pub(super) fn on_nodes_due(&mut self, now: Duration) {
        let nodes = self.nodes.expire(now);
        if !nodes.is_empty() {
            tracing::info!(nodes = nodes.join(", "), "nodes are no longer avoided");
        }
        self.set_nodes_timer();
    }

    fn set_nodes_timer(&mut self) {
        self.timers.set_to(Timer::Nodes, self.nodes.next_expiry());
    }
}

#[cfg(test)]
mod tests;
