//! What would fail, said before a run: findings from facts about a configuration and a cluster.
//!
//! Nothing here makes a call; `shell::preflight` finds the facts. What an executor needs is derived from its built
//! pod, so that a pod template counts like any key.

mod access;
mod admission;
mod amount;
mod configuration;
mod demand;
mod finding;
mod nodes;
mod orphans;
mod quota;
mod references;
mod rights;

use k8s_openapi::api::core::v1::{LimitRange, Node, PersistentVolumeClaim, Pod, ResourceQuota};

use crate::plan::ApiFailure;

pub use access::{access, unusable};
pub use admission::{Trial, TrialKind, admission};
pub use configuration::{configuration, executors, unbuildable};
pub use finding::{Area, Finding, Level};
pub use orphans::{ObjectKind, Orphan, Owner, SparkObject, orphans, owners};
pub use references::{Found, Reference, ReferenceKind, references_of};
pub use rights::{Needs, Review, Right, rights};

/// What the API server said to a question.
pub type Answer<T> = Result<T, ApiFailure>;

/// What was found in the cluster for an executor.
#[derive(Debug)]
pub struct Facts {
    /// Whether the caller has the rights it needs.
    pub rights: Vec<(Right, Answer<Review>)>,
    /// The quotas of the namespace.
    pub quotas: Answer<Vec<ResourceQuota>>,
    /// The limit ranges of the namespace, which give defaults to containers.
    pub limit_ranges: Answer<Vec<LimitRange>>,
    /// What the executor refers to.
    pub references: Vec<(Reference, Answer<Found>)>,
    /// What the API server made of the objects, without keeping them.
    pub trials: Vec<Trial>,
    /// The nodes of the cluster.
    pub nodes: Answer<Vec<Node>>,
}

/// An executor as it would be created.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its pod.
    pub pod: Pod,
    /// The claims that are made for it.
    pub claims: Vec<PersistentVolumeClaim>,
    /// Whether a `ConfigMap` is made for all executors.
    pub config_map: bool,
}

/// All findings about a number of executors in a cluster.
pub fn judge(candidate: &Candidate, executors: u32, facts: &Facts) -> Vec<Finding> {
    let admitted = facts.trials.iter().find_map(Trial::admitted_pod);
    // What webhooks and defaults made of the pod is what quotas are charged with.
    let pod = match (&admitted, &facts.limit_ranges) {
        (Some(pod), _) => pod.clone(),
        (None, Ok(ranges)) => demand::with_defaults(&candidate.pod, ranges),
        (None, Err(_)) => candidate.pod.clone(),
    };
    let demand = demand::Demand::of(&pod, &candidate.claims, candidate.config_map);
    let mut findings = rights::findings(&facts.rights);
    findings.extend(references::findings(&facts.references, admitted.is_some()));
    findings.extend(admission(&facts.trials));
    findings.extend(quota::findings(&facts.quotas, &pod, &demand, executors));
    findings.push(nodes::finding(&facts.nodes, &pod, &demand));
    findings
}
