//! A model of the API server, its pods and its history.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::controllers::Set;
use crate::plan::{
    ApiFailure, Condition, ContainerFacts, ContainerState, DriverPod, ExecutorId, FailureClass, ListPage,
    PodFacts, PodPhase, ProfileId, WatchEvent,
};

use super::claims::{Claim, ClaimLog};
use super::nodes::Node;

/// Name of the executor's container.
pub const CONTAINER: &str = "spark-kubernetes-executor";

/// What made an executor end, as far as the simulated cluster knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// The executor's process ended with this code.
    Exit(i32),
    /// The kernel killed it for its memory.
    Oom,
    /// A condition `DisruptionTarget`.
    Preempted,
    /// The kubelet evicted it.
    Evicted,
    /// Another container failed.
    Sidecar,
    /// Its node does not answer any more.
    NodeLost,
}

impl Fate {
    /// Whether the application is to blame.
    pub fn is_apps(self) -> bool {
        matches!(self, Fate::Exit(_) | Fate::Oom)
    }
}

/// The API server's state.
#[derive(Debug, Default)]
pub struct Cluster {
    /// Pods by name.
    pub pods: BTreeMap<String, PodFacts>,
    /// Why pods ended, by UID.
    pub fates: BTreeMap<String, Fate>,
    /// UIDs of pods in which the application has ended an executor; in those of a controller others may have followed.
    pub ended_by_app: BTreeSet<String>,
    /// The driver pod, if there is one.
    pub driver: Option<DriverPod>,
    /// Executor `ConfigMap`s.
    pub config_maps: usize,
    /// The driver's services.
    pub services: usize,
    /// Volume claims by name.
    pub claims: BTreeMap<String, Claim>,
    /// Names of claims that have gone; there may be others of these names.
    pub(super) claims_gone: BTreeSet<String>,
    /// How many volume claims were ever created.
    pub claims_created: usize,
    pub(super) claim_log: ClaimLog,
    /// How many pods the namespace may have.
    pub quota: Option<usize>,
    /// How many volume claims the namespace may have.
    pub claim_quota: Option<usize>,
    /// Size of a page of a list.
    pub page_size: usize,
    /// How many pods were ever created.
    pub created: usize,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The nodes that pods keep away from, by UID.
    pub(super) avoids: BTreeMap<String, Arc<[String]>>,
    /// Where the pods of executors are or were: a create that is applied late brings a second one.
    pub(super) homes: BTreeMap<ExecutorId, Vec<String>>,
    /// UIDs of running pods whose executors do not reach the driver.
    pub(super) mute: BTreeSet<String>,
    /// `StatefulSet`s and `Deployment`s by name.
    pub sets: BTreeMap<String, Set>,
    /// What pods cost a `Deployment`, by UID; the others cost nothing.
    pub costs: BTreeMap<String, i32>,
    /// How many controllers were ever made.
    pub(super) sets_made: usize,
    /// Counts what controllers, garbage collector and kubelet may have to do something about.
    stirred: u64,
    version: u64,
    compacted: u64,
    history: VecDeque<(u64, WatchEvent)>,
    snapshots: BTreeMap<u64, Vec<PodFacts>>,
    cache: Option<ListPage>,
    /// Names of pods by UID.
    names: HashMap<String, String>,
    uids: u64,
}

/// A refusal.
pub fn refuse(class: FailureClass, message: &str) -> ApiFailure {
    ApiFailure {
        class,
        message: message.to_owned(),
        retry_after: None,
    }
}

impl Cluster {
    /// An empty cluster.
    pub fn new(driver: Option<DriverPod>) -> Self {
        Cluster {
            services: usize::from(driver.is_some()),
            driver,
            page_size: 500,
            nodes: vec![Node::new("node-1")],
            ..Cluster::default()
        }
    }

    /// A pod as the API server stores it after a create.
    pub fn executor_pod(
        name: &str,
        app: &str,
        id: ExecutorId,
        profile: ProfileId,
        owner: Option<&str>,
    ) -> PodFacts {
        PodFacts {
            name: name.to_owned(),
            app_id: Some(app.to_owned()),
            executor: Some(id),
            profile: Some(profile),
            owner_uid: owner.map(str::to_owned),
            ..PodFacts::default()
        }
    }

    /// Stores a new pod.
    pub fn create(&mut self, mut pod: PodFacts) -> Result<PodFacts, ApiFailure> {
        if self.pods.contains_key(&pod.name) {
            return Err(refuse(
                FailureClass::AlreadyExists,
                &format!("pods \"{}\" already exists", pod.name),
            ));
        }
        if self.quota.is_some_and(|quota| self.pods.len() >= quota) {
            let message = format!("pods \"{}\" is forbidden: exceeded quota", pod.name);
            return Err(refuse(FailureClass::QuotaExceeded, &message));
        }
        self.created += 1;
        pod.uid = self.next_uid();
        self.names.insert(pod.uid.clone(), pod.name.clone());
        self.pods.insert(pod.name.clone(), pod.clone());
        self.record(pod.clone(), false);
        Ok(pod)
    }

    pub(super) fn next_uid(&mut self) -> String {
        self.uids += 1;
        format!("uid-{}", self.uids)
    }

    /// Changes a pod, if it is still the one with this UID.
    pub fn modify(&mut self, uid: &str, change: impl FnOnce(&mut PodFacts)) {
        let name = self.names.get(uid);
        let Some(pod) = name.and_then(|name| self.pods.get_mut(name)) else {
            return;
        };
        let before = pod.clone();
        change(pod);
        if *pod != before {
            let pod = pod.clone();
            self.record(pod, false);
        }
    }

    /// The pod starts to run.
    pub fn run(&mut self, uid: &str) {
        self.modify(uid, |pod| {
            if pod.phase == PodPhase::Pending && !pod.deleting {
                pod.phase = PodPhase::Running;
                pod.containers = vec![container(CONTAINER, ContainerState::Running)];
            }
        });
    }

    /// The pod ends.
    pub fn end(&mut self, uid: &str, fate: Fate) {
        if !self.by_uid(uid).is_some_and(is_alive) {
            return;
        }
        self.fates.insert(uid.to_owned(), fate);
        if fate.is_apps() {
            self.ended_by_app.insert(uid.to_owned());
        }
        let kept = self.by_uid(uid).is_some_and(|pod| self.is_kept(pod));
        self.modify(uid, |pod| {
            pod.phase = PodPhase::Failed;
            let (code, reason) = match fate {
                Fate::Exit(code) => (code, if code == 0 { "Completed" } else { "Error" }),
                Fate::Oom => (137, "OOMKilled"),
                Fate::Preempted | Fate::Evicted | Fate::NodeLost => (143, "Error"),
                Fate::Sidecar => (0, "Completed"),
            };
            let ended = |exit_code, reason: &str| ContainerState::Terminated {
                exit_code,
                reason: Some(reason.to_owned()),
                message: None,
            };
            pod.containers = vec![container(CONTAINER, ended(code, reason))];
            match fate {
                Fate::Exit(0) => pod.phase = PodPhase::Succeeded,
                Fate::Preempted => pod.conditions.push(disruption("PreemptionByScheduler")),
                Fate::NodeLost => pod.conditions.push(disruption("DeletionByPodGC")),
                Fate::Evicted => pod.reason = Some("Evicted".into()),
                Fate::Sidecar => {
                    pod.phase = PodPhase::Running;
                    pod.containers = vec![
                        container(CONTAINER, ContainerState::Running),
                        container("proxy", ended(2, "Error")),
                    ];
                }
                Fate::Exit(_) | Fate::Oom => {}
            }
            if kept && fate.is_apps() {
                pod.phase = PodPhase::Running;
            }
        });
    }

    /// Deletes a pod; true when it is still there, ending, and has to be removed later.
    pub fn delete(&mut self, name: &str, uid: Option<&str>) -> Result<bool, ApiFailure> {
        let Some(pod) = self.pods.get(name) else {
            return Err(refuse(
                FailureClass::NotFound,
                &format!("pods \"{name}\" not found"),
            ));
        };
        if uid.is_some_and(|uid| uid != pod.uid) {
            return Err(refuse(
                FailureClass::Conflict,
                "the UID in the precondition does not match",
            ));
        }
        if pod.phase != PodPhase::Running {
            self.remove(name);
            return Ok(false);
        }
        let uid = pod.uid.clone();
        self.modify(&uid, |pod| pod.deleting = true);
        Ok(true)
    }

    /// The pod has gone.
    pub fn remove(&mut self, name: &str) {
        if let Some(pod) = self.pods.remove(name) {
            self.names.remove(&pod.uid);
            self.record(pod, true);
        }
    }

    /// Forgets the history: older versions and continue tokens are gone.
    pub fn compact(&mut self) {
        self.compacted = self.version;
        self.history.clear();
        self.snapshots.clear();
        self.claim_log.compact();
    }

    /// A page of the application's pods.
    pub fn list(&mut self, app: &str, token: Option<&str>) -> Result<ListPage, ApiFailure> {
        let gone = || refuse(FailureClass::Gone, "the continue token is too old");
        let (version, offset) = match token {
            None => {
                if !self.snapshots.contains_key(&self.version) {
                    let pods = self.of_app(app).collect();
                    self.snapshots.insert(self.version, pods);
                }
                (self.version, 0)
            }
            Some(token) => page_of(token).ok_or_else(gone)?,
        };
        let all = self.snapshots.get(&version).ok_or_else(gone)?;
        let end = (offset + self.page_size.max(1)).min(all.len());
        Ok(ListPage {
            pods: all[offset..end].to_vec(),
            continue_token: (end < all.len()).then(|| format!("{version}:{end}")),
            resource_version: version.to_string(),
        })
    }

    /// A list from the API server's cache: of now, or, where it lags, as the last one.
    pub fn cached_list(&mut self, app: &str, lags: bool) -> ListPage {
        if !lags || self.cache.is_none() {
            self.cache = Some(ListPage {
                pods: self.of_app(app).collect(),
                continue_token: None,
                resource_version: self.version.to_string(),
            });
        }
        self.cache.clone().unwrap_or_default()
    }

    /// The API server's cache holds this.
    pub fn pretend_cache(&mut self, page: ListPage) {
        self.cache = Some(page);
    }

    /// The application's pods.
    pub fn of_app<'a>(&'a self, app: &'a str) -> impl Iterator<Item = PodFacts> + 'a {
        let all = self
            .pods
            .values()
            .filter(move |pod| pod.app_id.as_deref() == Some(app));
        all.cloned()
    }

    /// Events after a version, or that it is too old.
    pub fn events_since(&self, version: u64) -> Result<Vec<(u64, WatchEvent)>, ApiFailure> {
        if version < self.compacted {
            return Err(refuse(FailureClass::Gone, "too old resource version"));
        }
        let first = self.history.partition_point(|(at, _)| *at <= version);
        Ok(self.history.range(first..).cloned().collect())
    }

    /// The current version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The pod with this UID.
    pub fn by_uid(&self, uid: &str) -> Option<&PodFacts> {
        self.pods.get(self.names.get(uid)?)
    }

    /// Something has changed that is not only written in pods.
    pub(super) fn stir(&mut self) {
        self.stirred += 1;
    }

    /// A number that is another one when something has changed.
    pub(super) fn stirred(&self) -> u64 {
        self.stirred
    }

    fn record(&mut self, pod: PodFacts, deleted: bool) {
        self.stir();
        self.version += 1;
        let (pod, resource_version) = (Box::new(pod), self.version.to_string());
        let event = if deleted {
            WatchEvent::Deleted {
                pod,
                resource_version,
            }
        } else {
            WatchEvent::Applied {
                pod,
                resource_version,
            }
        };
        self.history.push_back((self.version, event));
    }
}

/// Version and offset of the page that a continue token is for.
pub(super) fn page_of(token: &str) -> Option<(u64, usize)> {
    let (version, offset) = token.split_once(':')?;
    Some((version.parse().ok()?, offset.parse().ok()?))
}

/// Whether a pod still is an executor.
pub fn is_alive(pod: &PodFacts) -> bool {
    matches!(pod.phase, PodPhase::Pending | PodPhase::Running)
        && pod
            .containers
            .iter()
            .all(|c| !matches!(c.state, ContainerState::Terminated { .. }))
}

fn disruption(reason: &str) -> Condition {
    Condition {
        kind: "DisruptionTarget".into(),
        status: "True".into(),
        reason: Some(reason.to_owned()),
        message: None,
    }
}

pub(super) fn container(name: &str, state: ContainerState) -> ContainerFacts {
    ContainerFacts {
        name: name.to_owned(),
        init: false,
        state,
    }
}
