//! Troubles of a while: nodes that are lost, storms of refusals, webhooks that refuse, a driver that is suspended.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::{Action, ApiFailure, CallResult, FailureClass, Outcome, PodFacts};

use super::cluster::{Fate, is_alive, refuse};
use super::{Happening, Sim};

/// After this time the pod collector removes the pods of a lost node.
const POD_COLLECTION: Duration = Duration::from_secs(40);

/// How an admission webhook fails creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Webhook {
    /// It denies them: 403.
    Denies,
    /// It cannot be reached: 500.
    Fails,
}

/// Troubles that are on.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    webhook: Option<Webhook>,
    /// Until when the API server answers 429, and its `Retry-After`.
    storm: Option<(Duration, Duration)>,
    /// Until when the driver's process does not run.
    frozen_until: Duration,
}

impl Sim {
    /// Creates are refused by a webhook, or no more.
    pub fn set_webhook(&mut self, webhook: Option<Webhook>) {
        self.troubles.webhook = webhook;
    }

    /// For a while the API server answers nothing but 429.
    pub fn storm(&mut self, span: Duration, retry_after: Duration) {
        self.troubles.storm = Some((self.now + span, retry_after));
    }

    /// The driver's machine is suspended: its clock jumps, and everything that waits for it comes at once.
    pub fn suspend(&mut self, span: Duration) {
        self.count("suspended");
        self.troubles.frozen_until = self.now + span;
        self.run(span);
    }

    /// A node is lost: all its pods are ended by the cluster, and removed later.
    pub fn lose_node(&mut self, node: &str) {
        let on_it = |pod: &&PodFacts| pod.node.as_deref() == Some(node) && is_alive(pod);
        let pods = self.cluster.pods.values().filter(on_it);
        let pods: Vec<_> = pods.map(|pod| (pod.name.clone(), pod.uid.clone())).collect();
        for (name, uid) in pods {
            self.count("node lost");
            self.cluster.end(&uid, Fate::NodeLost);
            self.later(POD_COLLECTION, Happening::Vanish { name, uid });
        }
        self.publish();
    }

    /// Nodes on which pods are.
    pub fn nodes(&self) -> Vec<String> {
        let nodes = self.cluster.pods.values().filter_map(|pod| pod.node.clone());
        nodes.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What answers tell of troubles.
    pub(super) fn count_answer(&mut self, result: &CallResult) {
        let (CallResult::Pod(Outcome::Failed(failure)) | CallResult::Claim(Outcome::Failed(failure))) =
            result
        else {
            if let CallResult::List(Outcome::Failed(failure)) = result
                && failure.class == FailureClass::Gone
            {
                self.count("continue token gone");
            }
            return;
        };
        if failure.class == FailureClass::QuotaExceeded {
            self.count(match result {
                CallResult::Claim(_) => "claim quota",
                _ => "quota",
            });
        }
    }

    /// The driver does not run before this time.
    pub(super) fn frozen_until(&self) -> Duration {
        self.troubles.frozen_until
    }

    /// The refusal of a call by what is on.
    pub(super) fn troubled(&mut self, action: &Action) -> Option<ApiFailure> {
        if let Some((until, retry_after)) = self.troubles.storm
            && self.now < until
        {
            self.count("storm");
            return Some(ApiFailure {
                retry_after: Some(retry_after),
                ..refuse(FailureClass::TooManyRequests, "too many requests")
            });
        }
        let webhook = self.troubles.webhook;
        let webhook = webhook.filter(|_| matches!(action, Action::Create { .. }))?;
        self.count("webhook");
        match webhook {
            Webhook::Denies => Some(refuse(
                FailureClass::Forbidden,
                "admission webhook \"pods.example\" denied the request",
            )),
            Webhook::Fails => Some(refuse(
                FailureClass::Server,
                "Internal error occurred: failed calling webhook \"pods.example\"",
            )),
        }
    }
}
