//! What happens to an application from outside, as a list that can be drawn and shrunk.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::{FailureClass, Outcome};

use super::cluster::{Fate, refuse};
use super::nodes::Breakage;
use super::trouble::Webhook;
use super::{Entry, Sim, unreachable};

/// One event. Numbers that choose an executor are taken modulo the number of candidates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Spark sets the target of a profile.
    Target(u32, u32),
    /// Spark kills a registered executor.
    Kill(usize),
    /// Spark kills an executor that has not registered.
    KillPending(usize),
    /// A user deletes a pod.
    DeletePod(usize),
    /// A pod ends.
    End(usize, Fate),
    /// The watch ends in order.
    CloseWatch,
    /// The watch breaks.
    BreakWatch,
    /// The watch ends with 410.
    WatchGone,
    /// The API server forgets its history, and the watch breaks.
    Compact,
    /// The API server cannot be reached for so many seconds.
    Outage(u64),
    /// The namespace may have so many pods.
    Quota(Option<usize>),
    /// The namespace may have so many volume claims.
    ClaimQuota(Option<usize>),
    /// Pods do not start, or start again.
    Unschedulable(bool),
    /// A node is lost with all its pods.
    LoseNode(usize),
    /// For so many seconds all calls are answered 429, with so many seconds as `Retry-After`.
    Storm(u64, u64),
    /// The driver's machine is suspended for so many seconds.
    Suspend(u64),
    /// A webhook refuses creates, or no more.
    Webhook(Option<Webhook>),
    /// The driver's container is restarted.
    Restart,
    /// Executors do not start on a node, or start again.
    Node(usize, Option<Breakage>),
    /// Spark removes a registered executor that it has not killed, as after a decommission.
    Disconnect(usize),
    /// A user deletes a volume claim.
    DeleteClaim(usize),
}

impl Sim {
    /// Lets an operation happen.
    pub fn perform(&mut self, op: &Op) {
        self.trace.push((self.now, Entry::Op(op.clone())));
        match op {
            Op::Target(profile, target) => self.target(*profile, *target),
            Op::Kill(pick) => {
                let ids: Vec<_> = self.registered.iter().copied().collect();
                if let Some(id) = choose(&ids, *pick) {
                    self.kill(&[id]);
                }
            }
            Op::KillPending(pick) => {
                let ids: Vec<_> = self
                    .cluster
                    .pods
                    .values()
                    .filter_map(|pod| pod.executor)
                    .filter(|id| !self.registered.contains(id) && !self.plan.is_deleted(*id))
                    .collect();
                if let Some(id) = choose(&ids, *pick) {
                    self.kill(&[id]);
                }
            }
            Op::DeletePod(pick) => {
                let names: Vec<_> = self.cluster.pods.keys().cloned().collect();
                if let Some(name) = choose(&names, *pick) {
                    self.delete(&name);
                }
            }
            Op::End(pick, fate) => {
                let uids: Vec<_> = self.cluster.pods.values().map(|pod| pod.uid.clone()).collect();
                if let Some(uid) = choose(&uids, *pick) {
                    self.end(&uid, *fate);
                }
            }
            Op::CloseWatch => self.break_watches(&Outcome::Done(())),
            Op::BreakWatch => self.break_watches(&Outcome::Unknown(unreachable())),
            Op::WatchGone => {
                self.break_watches(&Outcome::Failed(refuse(
                    FailureClass::Gone,
                    "too old resource version",
                )));
            }
            Op::Compact => {
                self.break_watches(&Outcome::Unknown(unreachable()));
                self.run(Duration::from_micros(1));
                self.cluster.compact();
            }
            Op::DeleteClaim(pick) => {
                let names: Vec<_> = self.cluster.claims.keys().cloned().collect();
                if let Some(name) = choose(&names, *pick) {
                    self.delete_claim(&name);
                }
            }
            Op::Outage(seconds) => self.outage(Duration::from_secs(*seconds)),
            Op::Quota(quota) => self.cluster.quota = *quota,
            Op::ClaimQuota(quota) => self.cluster.claim_quota = *quota,
            Op::Unschedulable(stuck) => {
                self.start_time = (!stuck).then_some(Duration::from_millis(1500));
                if !stuck {
                    self.start_all();
                }
            }
            Op::LoseNode(pick) => {
                if let Some(node) = choose(&self.nodes(), *pick) {
                    self.lose_node(&node);
                }
            }
            Op::Storm(seconds, retry_after) => {
                self.storm(Duration::from_secs(*seconds), Duration::from_secs(*retry_after));
            }
            Op::Suspend(seconds) => self.suspend(Duration::from_secs(*seconds)),
            Op::Webhook(webhook) => self.set_webhook(*webhook),
            Op::Restart => self.restart(),
            Op::Node(pick, broken) => {
                let count = self.cluster.nodes.len();
                self.set_node(pick % count, *broken);
            }
            Op::Disconnect(pick) => {
                let ids: Vec<_> = self.registered.iter().copied().collect();
                if let Some(id) = choose(&ids, *pick) {
                    self.disconnect(id);
                }
            }
        }
    }
}

fn choose<T: Clone>(all: &[T], pick: usize) -> Option<T> {
    if all.is_empty() {
        None
    } else {
        all.get(pick % all.len()).cloned()
    }
}
