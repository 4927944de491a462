//! A model of the controllers of `StatefulSet`s and `Deployment`s, and of executors that ask for their number.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::plan::{
    Action, CallResult, ContainerState, ControllerKind, FailureClass, Outcome, PodFacts, PodPhase, ProfileId,
};

use super::cluster::{CONTAINER, Cluster, Fate, is_alive, refuse};
use super::{APP, Entry, Happening, OWNER, Sim};

/// A `StatefulSet` or a `Deployment`.
#[derive(Debug, Clone)]
pub struct Set {
    /// `metadata.uid`
    pub uid: String,
    /// What it is.
    pub kind: ControllerKind,
    /// The profile of its pods.
    pub profile: ProfileId,
    /// `spec.replicas`
    pub replicas: u32,
    /// For names of pods of a `Deployment`.
    next: u64,
}

/// What the controllers and the garbage collector have to do.
#[derive(Debug, Default)]
struct Work {
    create: Vec<(String, PodFacts)>,
    delete: Vec<String>,
}

impl Cluster {
    /// Whether a controller keeps the pod: its containers are started again when they end.
    pub fn is_kept(&self, pod: &PodFacts) -> bool {
        self.sets
            .values()
            .any(|set| Some(&set.uid) == pod.owner_uid.as_ref())
    }

    fn work(&mut self) -> Work {
        let mut work = Work::default();
        for (name, set) in &mut self.sets {
            let own = |pod: &&PodFacts| pod.owner_uid.as_ref() == Some(&set.uid);
            let pods: Vec<&PodFacts> = self.pods.values().filter(own).collect();
            let ended = |pod: &PodFacts| matches!(pod.phase, PodPhase::Failed | PodPhase::Succeeded);
            let missing: Vec<String> = match set.kind {
                ControllerKind::StatefulSet => {
                    let ordinal =
                        |pod: &PodFacts| pod.name.strip_prefix(name)?.strip_prefix('-')?.parse().ok();
                    let there: BTreeSet<u32> = pods.iter().filter_map(|pod| ordinal(pod)).collect();
                    let over = |pod: &PodFacts| ordinal(pod).is_none_or(|n| n >= set.replicas) || ended(pod);
                    let gone = pods.iter().filter(|pod| over(pod) && !pod.deleting);
                    work.delete.extend(gone.map(|pod| pod.name.clone()));
                    (0..set.replicas)
                        .filter(|n| !there.contains(n))
                        .map(|n| format!("{name}-{n}"))
                        .filter(|name| !self.pods.contains_key(name))
                        .collect()
                }
                ControllerKind::Deployment => {
                    let mut active: Vec<_> = pods.iter().filter(|pod| !pod.deleting && !ended(pod)).collect();
                    active.sort_by_key(|pod| {
                        (
                            pod.phase == PodPhase::Running,
                            self.costs.get(&pod.uid).copied().unwrap_or(0),
                        )
                    });
                    let wanted = usize::try_from(set.replicas).unwrap_or(usize::MAX);
                    let excess = active.len().saturating_sub(wanted);
                    work.delete
                        .extend(active[..excess].iter().map(|pod| pod.name.clone()));
                    let first = set.next;
                    set.next += wanted.saturating_sub(active.len()) as u64;
                    (first..set.next).map(|n| format!("{name}-5f-{n}")).collect()
                }
            };
            work.create.extend(missing.into_iter().map(|name| {
                let pod = PodFacts {
                    name: name.clone(),
                    app_id: Some(APP.to_owned()),
                    profile: Some(set.profile),
                    owner_uid: Some(set.uid.clone()),
                    ..PodFacts::default()
                };
                (name, pod)
            }));
        }
        let owners: BTreeSet<&str> = self.sets.values().map(|set| set.uid.as_str()).collect();
        let orphaned = self.pods.values().filter(|pod| {
            let owner = pod.owner_uid.as_deref().filter(|uid| uid.starts_with("set-"));
            !pod.deleting && owner.is_some_and(|uid| !owners.contains(uid))
        });
        work.delete.extend(orphaned.map(|pod| pod.name.clone()));
        work
    }

    fn create_set(&mut self, name: &str, kind: ControllerKind, profile: ProfileId, replicas: u32) -> bool {
        if self.sets.contains_key(name) {
            return false;
        }
        self.sets_made += 1;
        let set = Set {
            uid: format!("set-{}", self.sets_made),
            kind,
            profile,
            replicas,
            next: 0,
        };
        self.sets.insert(name.to_owned(), set);
        true
    }
}

impl Sim {
    /// Does what a call on a controller asks for.
    pub(super) fn apply_to_controller(&mut self, action: &Action) -> CallResult {
        let refused = |class| CallResult::Empty(Outcome::Failed(refuse(class, "simulated")));
        let done = match action {
            Action::CreateController {
                kind,
                profile,
                name,
                replicas,
                ..
            } => {
                if !self.cluster.create_set(name, *kind, *profile, *replicas) {
                    return refused(FailureClass::AlreadyExists);
                }
                true
            }
            Action::ScaleController { name, replicas, .. } => {
                let set = self.cluster.sets.get_mut(name);
                set.map(|set| set.replicas = *replicas).is_some()
            }
            Action::DeleteController { name, .. } => self.cluster.sets.remove(name).is_some(),
            _ => false,
        };
        if done {
            self.cluster.stir();
            CallResult::Empty(Outcome::Done(()))
        } else {
            refused(FailureClass::NotFound)
        }
    }

    /// Somebody deletes all controllers.
    pub fn delete_controllers(&mut self) {
        self.cluster.sets.clear();
        self.cluster.stir();
        self.publish();
    }

    /// Sees to it that garbage collector, controllers and kubelet do what they have to, the last two soon.
    pub(super) fn tend(&mut self) {
        if self.tended == (self.cluster.stirred(), self.cluster.quota) {
            return;
        }
        self.cluster.collect_garbage();
        self.tended = (self.cluster.stirred(), self.cluster.quota);
        self.retry_starts();
        if self.check.config().controller.is_none() {
            return;
        }
        if !self.reconciling {
            self.reconciling = true;
            let delay = Duration::from_millis(self.rng.u64(1..800));
            self.later(delay, Happening::Reconcile);
        }
        let ended = |pod: &&PodFacts| pod.phase == PodPhase::Running && !is_alive(pod) && !pod.deleting;
        let ended: Vec<_> = self
            .cluster
            .pods
            .values()
            .filter(ended)
            .filter(|pod| self.cluster.is_kept(pod) && !self.reviving.contains(&pod.uid))
            .map(|pod| pod.uid.clone())
            .collect();
        for uid in ended {
            self.reviving.insert(uid.clone());
            self.check.on_process_ended(&uid);
            let delay = Duration::from_millis(self.rng.u64(100..9000));
            self.later(delay / 2, Happening::BackOff(uid.clone()));
            self.later(delay, Happening::Revive(uid));
        }
    }

    /// The controllers make and delete pods. Pods that the quota forbids are tried again when something has changed.
    pub(super) fn reconcile(&mut self) {
        self.reconciling = false;
        let work = self.cluster.work();
        for name in work.delete {
            let _ = self.apply_delete(&name, None);
        }
        for (_, pod) in work.create {
            if let Ok(pod) = self.cluster.create(pod) {
                self.start_later(&pod);
            }
        }
    }

    /// The process in a pod that is being deleted obeys SIGTERM.
    pub(super) fn terminate(&mut self, uid: &str) {
        self.check.on_process_ended(uid);
        self.cluster.modify(uid, |pod| {
            for container in pod
                .containers
                .iter_mut()
                .filter(|c| c.state == ContainerState::Running)
            {
                container.state = ContainerState::Terminated {
                    exit_code: 143,
                    reason: Some("Error".to_owned()),
                    message: None,
                };
            }
        });
    }

    /// The kubelet says of a container that has ended that it waits to be started again.
    pub(super) fn back_off(&mut self, uid: &str) {
        self.cluster.modify(uid, |pod| {
            for container in &mut pod.containers {
                if let ContainerState::Terminated { message, .. } = &mut container.state {
                    *message = Some("back-off restarting failed container".to_owned());
                }
            }
        });
    }

    /// The kubelet starts a container again that has ended.
    pub(super) fn revive(&mut self, uid: &str) {
        self.reviving.remove(uid);
        self.cluster.modify(uid, |pod| {
            if pod.phase == PodPhase::Running && !pod.deleting {
                for container in &mut pod.containers {
                    container.state = ContainerState::Running;
                }
                pod.containers.retain(|container| container.name == CONTAINER);
            }
        });
        self.ask_later(uid);
    }

    /// The executor in a pod has started and asks for its number.
    pub(super) fn ask_later(&mut self, uid: &str) {
        let delay = Duration::from_millis(self.rng.u64(1..900));
        self.later(delay, Happening::Ask(uid.to_owned()));
    }

    /// A container has ended and was started again before anybody saw it: its executor asks for a number once more.
    pub fn restart_container(&mut self, uid: &str) {
        self.ask(uid);
        self.drain();
    }

    pub(super) fn ask(&mut self, uid: &str) {
        let Some(pod) = self.cluster.by_uid(uid).filter(|pod| is_alive(pod)) else {
            return;
        };
        let (name, profile) = (pod.name.clone(), pod.profile.unwrap_or(ProfileId(0)));
        self.trace
            .push((self.now, Entry::Asks(format!("{name} ({uid})"))));
        match self.plan.handle_executor_id_for(self.now, &name) {
            Some(id) => {
                self.check.on_asked(id, profile, uid);
                self.later(
                    Duration::from_millis(300),
                    Happening::Register(id, uid.to_owned()),
                );
            }
            None => self.cluster.end(uid, Fate::Exit(1)),
        }
    }

    /// Spark has removed an executor: should its process live, it is told to exit.
    pub(super) fn dismiss(&mut self, id: crate::plan::ExecutorId) {
        let uid = self.check.pod_of(id).map(str::to_owned);
        if let Some(uid) = uid.filter(|uid| self.cluster.by_uid(uid).is_some_and(is_alive)) {
            self.later(Duration::from_secs(1), Happening::Exit(uid));
        }
    }

    /// Who owns what the application makes.
    pub(super) fn owner(&self) -> Option<&'static str> {
        self.owned.then_some(OWNER)
    }
}
