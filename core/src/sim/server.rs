//! How requests reach the cluster, what they do there and how answers come back.

use std::sync::Arc;
use std::time::Duration;

use crate::plan::{
    Action, ApiFailure, CallResult, ExecutorId, FailureClass, ListPage, Outcome, PodFacts, PodPatch,
    Prepared, ProfileId, Selection,
};

use super::cluster::{Cluster, refuse};
use super::faults::Course;
use super::{APP, Happening, Sim, unreachable};

/// After this time a caller gives up.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The name of an action, for scripts.
pub(super) fn name_of(action: &Action) -> &'static str {
    match action {
        Action::GetDriverPod { .. } => "driver",
        Action::CreateConfigMap { .. } => "configmap",
        Action::List { .. } => "list",
        Action::Watch {
            resource_version: None,
            ..
        } => "streaming list",
        Action::Watch { .. } => "watch",
        Action::Prepare { .. } => "prepare",
        Action::CreateClaim { .. } => "claim",
        Action::DeleteClaim { .. } => "delete claim",
        Action::Create { .. } => "create",
        Action::Get { .. } => "get",
        Action::Delete { .. } => "delete",
        Action::Patch { .. } => "patch",
        Action::DeleteConfigMap { .. } => "delete configmap",
        Action::CreateController { .. } => "create controller",
        Action::ScaleController { .. } => "scale controller",
        Action::DeleteController { .. } => "delete controller",
        Action::DeletePods { .. } => "delete pods",
        Action::DeleteCollection {
            selection: Selection::ConfigMaps,
            ..
        } => "delete configmaps",
        Action::DeleteCollection {
            selection: Selection::Claims,
            ..
        } => "delete claims",
        Action::ListClaims { .. } => "list claims",
        Action::WatchClaims { .. } => "watch claims",
        Action::DeleteCollection {
            selection: Selection::Services,
            ..
        } => "delete services",
    }
}

/// A failure in the type that answers the action.
fn failed(action: &Action, failure: ApiFailure, unknown: bool) -> CallResult {
    fn outcome<T>(failure: ApiFailure, unknown: bool) -> Outcome<T> {
        if unknown {
            Outcome::Unknown(failure)
        } else {
            Outcome::Failed(failure)
        }
    }
    match action {
        Action::GetDriverPod { .. } => CallResult::DriverPod(outcome(failure, unknown)),
        Action::CreateConfigMap { .. } => CallResult::ConfigMap(outcome(failure, unknown)),
        Action::List { .. } => CallResult::List(outcome(failure, unknown)),
        Action::Watch { .. } | Action::WatchClaims { .. } => CallResult::Watch(outcome(failure, unknown)),
        Action::ListClaims { .. } => CallResult::Claims(outcome(failure, unknown)),
        Action::Prepare { .. } => CallResult::Prepared(outcome(failure, unknown)),
        Action::CreateClaim { .. } => CallResult::Claim(outcome(failure, unknown)),
        Action::Create { .. } | Action::Get { .. } => CallResult::Pod(outcome(failure, unknown)),
        Action::DeletePods { .. } => CallResult::Deleted(outcome(failure, unknown)),
        Action::Delete { .. }
        | Action::DeleteClaim { .. }
        | Action::Patch { .. }
        | Action::DeleteConfigMap { .. }
        | Action::CreateController { .. }
        | Action::ScaleController { .. }
        | Action::DeleteController { .. }
        | Action::DeleteCollection { .. } => CallResult::Empty(outcome(failure, unknown)),
    }
}

impl Sim {
    pub(super) fn arrive(&mut self, action: Action) {
        let call = action.call();
        if let Some(script) = self
            .scripted
            .get_mut(name_of(&action))
            .filter(|script| !script.is_empty())
        {
            match script.remove(0) {
                Outcome::Failed(failure) => return self.answer(&action, failed(&action, failure, false)),
                Outcome::Unknown(failure) => return self.answer(&action, failed(&action, failure, true)),
                Outcome::Done(()) => {}
            }
        } else if let Action::Prepare { executors, .. } = &action {
            return self.prepare(&action, executors);
        } else if self.now < self.outage_until {
            return self.answer(&action, failed(&action, unreachable(), false));
        } else if let Some(failure) = self.troubled(&action) {
            return self.answer(&action, failed(&action, failure, false));
        }
        if let Action::Watch { resource_version, .. } = &action {
            return self.open_watch(call, resource_version.as_deref());
        }
        if let Action::WatchClaims { resource_version, .. } = &action {
            return self.open_claim_watch(call, resource_version);
        }
        let timeout = |sim: &mut Sim| {
            let result = failed(&action, refuse(FailureClass::Timeout, "no answer"), true);
            let delay = Duration::from_millis(sim.rng.u64(1_000..30_000)).min(REQUEST_TIMEOUT);
            sim.later(delay, Happening::Answer(call, result));
            delay
        };
        match self.faults.draw(&mut self.rng, &action) {
            Course::Normal => {
                let result = self.apply(&action);
                self.answer(&action, result);
            }
            Course::Refused(failure) => {
                self.count("refused");
                self.answer(&action, failed(&action, failure, false));
            }
            Course::AnswerLost => {
                self.count("answers lost");
                let _ = self.apply(&action);
                timeout(self);
            }
            Course::RequestLost => {
                self.count("requests lost");
                timeout(self);
            }
            Course::Late(more) => {
                self.count("applied late");
                let delay = timeout(self);
                self.later(delay + more, Happening::ArriveLate(action));
            }
        }
    }

    fn answer(&mut self, action: &Action, result: CallResult) {
        let mut delay = self.latency();
        if matches!(action, Action::Create { .. }) {
            self.free_at = self.free_at.max(self.now) + self.create_time;
            delay += self.free_at.saturating_sub(self.now);
        }
        self.later(delay, Happening::Answer(action.call(), result));
    }

    /// Does what the request asks for.
    pub(super) fn apply(&mut self, action: &Action) -> CallResult {
        let result = match action {
            Action::GetDriverPod { .. } => CallResult::DriverPod(Outcome::Done(self.cluster.driver.clone())),
            Action::CreateConfigMap { .. } => {
                if self.cluster.config_maps > 0 {
                    failed(action, refuse(FailureClass::AlreadyExists, "exists"), false)
                } else {
                    self.cluster.config_maps += 1;
                    CallResult::ConfigMap(Outcome::Done(()))
                }
            }
            Action::List {
                continue_token,
                cached,
                ..
            } => match self.list(continue_token.as_deref(), *cached) {
                Ok(page) => CallResult::List(Outcome::Done(page)),
                Err(failure) => failed(action, failure, false),
            },
            Action::Watch { .. } | Action::WatchClaims { .. } => CallResult::Watch(Outcome::Done(())),
            Action::ListClaims { continue_token, .. } => match self.list_claims(continue_token.as_deref()) {
                Ok(page) => CallResult::Claims(Outcome::Done(page)),
                Err(failure) => failed(action, failure, false),
            },
            Action::Prepare { executors, .. } => {
                CallResult::Prepared(Outcome::Done(self.prepared(executors)))
            }
            Action::CreateClaim {
                executor,
                index,
                owner,
                ..
            } => {
                let name = self.claim_name(*executor, *index);
                match self.cluster.create_claim(&name, *executor, *index, owner) {
                    Ok(claim) => CallResult::Claim(Outcome::Done(claim)),
                    Err(failure) => failed(action, failure, false),
                }
            }
            Action::DeleteClaim { claim, .. } => match self.cluster.delete_claim(claim) {
                Ok(()) => CallResult::Empty(Outcome::Done(())),
                Err(failure) => failed(action, failure, false),
            },
            Action::DeleteCollection {
                selection: Selection::Claims,
                ..
            } => {
                self.cluster.delete_claims();
                CallResult::Empty(Outcome::Done(()))
            }
            Action::DeleteCollection {
                selection: Selection::Services,
                ..
            } => {
                self.cluster.services = 0;
                CallResult::Empty(Outcome::Done(()))
            }
            Action::Create {
                executor,
                profile,
                avoid,
                reused,
                ..
            } => match self.create_pod(*executor, *profile, avoid, reused) {
                Ok(pod) => CallResult::Pod(Outcome::Done(Some(Box::new(pod)))),
                Err(failure) => failed(action, failure, false),
            },
            Action::Get { name, .. } => {
                CallResult::Pod(Outcome::Done(self.cluster.pods.get(name).cloned().map(Box::new)))
            }
            Action::Delete { name, uid, .. } => match self.apply_delete(name, Some(uid)) {
                Ok(()) => CallResult::Empty(Outcome::Done(())),
                Err(failure) => failed(action, failure, false),
            },
            Action::Patch { name, patch, .. } => match self.apply_patch(name, patch) {
                Ok(()) => CallResult::Empty(Outcome::Done(())),
                Err(failure) => failed(action, failure, false),
            },
            Action::DeletePods { continue_token, .. } => match self.delete_pods(continue_token.as_deref()) {
                Ok(token) => CallResult::Deleted(Outcome::Done(token)),
                Err(failure) => failed(action, failure, false),
            },
            Action::CreateController { .. }
            | Action::ScaleController { .. }
            | Action::DeleteController { .. } => self.apply_to_controller(action),
            Action::DeleteConfigMap { .. } | Action::DeleteCollection { .. } => {
                self.cluster.config_maps = 0;
                CallResult::Empty(Outcome::Done(()))
            }
        };
        self.publish();
        result
    }

    fn list(&mut self, continue_token: Option<&str>, cached: bool) -> Result<ListPage, ApiFailure> {
        let lags = cached && self.rng.u32(0..100) < self.faults.stale_list;
        if cached {
            Ok(self.cluster.cached_list(APP, lags))
        } else {
            self.cluster.list(APP, continue_token)
        }
    }

    fn apply_patch(&mut self, name: &str, patch: &PodPatch) -> Result<(), ApiFailure> {
        let Some(uid) = self.cluster.pods.get(name).map(|pod| pod.uid.clone()) else {
            return Err(refuse(FailureClass::NotFound, "not found"));
        };
        self.cluster.modify(&uid, |pod| match patch {
            PodPatch::Inactive => pod.inactive = true,
            PodPatch::ExecutorId(id) => pod.executor = Some(*id),
            PodPatch::Decommission { .. } | PodPatch::DeletionCost(_) => {}
        });
        if let PodPatch::DeletionCost(cost) = patch {
            self.cluster.costs.insert(uid, *cost);
        }
        Ok(())
    }

    fn create_pod(
        &mut self,
        executor: ExecutorId,
        profile: ProfileId,
        avoid: &Arc<[String]>,
        reused: &[(usize, String)],
    ) -> Result<PodFacts, ApiFailure> {
        let name = format!("test-exec-{executor}");
        let owner = self.owner();
        let pod = PodFacts {
            claims: self.mounted_claims(executor, reused),
            ..Cluster::executor_pod(&name, APP, executor, profile, owner)
        };
        let pod = self.cluster.create(pod)?;
        self.cluster.keep_away(&pod.uid, avoid);
        self.check.on_pod(&pod, &self.cluster);
        self.start_later(&pod);
        Ok(pod)
    }

    /// Deletes the pods of a page of a list; the token of the next one.
    fn delete_pods(&mut self, continue_token: Option<&str>) -> Result<Option<String>, ApiFailure> {
        let page = self.cluster.list(APP, continue_token)?;
        for pod in page.pods {
            let _ = self.apply_delete(&pod.name, None);
        }
        Ok(page.continue_token)
    }

    /// The kubelet starts a new pod, where it can.
    pub(super) fn start_later(&mut self, pod: &PodFacts) {
        if let Some(time) = self.start_time {
            let spread = Duration::from_millis(self.rng.u64(0..500));
            self.later(time + spread, Happening::Start(pod.uid.clone()));
        }
    }

    /// Pods are built: at once without anybody's help, later with the JVM's, and not always for all.
    fn prepare(&mut self, action: &Action, executors: &[(ExecutorId, ProfileId)]) {
        let mut prepared = self.prepared(executors);
        let fails = self.rng.u32(0..100) < self.faults.fail_prepare;
        let result = if fails && self.rng.bool() {
            failed(action, refuse(FailureClass::Server, "not prepared"), false)
        } else {
            if fails {
                prepared.retain(|_| self.rng.bool());
            }
            CallResult::Prepared(Outcome::Done(prepared))
        };
        self.later(self.prepare_time, Happening::Answer(action.call(), result));
    }

    fn prepared(&self, executors: &[(ExecutorId, ProfileId)]) -> Vec<Prepared> {
        executors
            .iter()
            .map(|(executor, _)| Prepared {
                executor: *executor,
                claims: self.wanted_claims(*executor),
            })
            .collect()
    }

    pub(super) fn apply_delete(&mut self, name: &str, uid: Option<&str>) -> Result<(), ApiFailure> {
        if self.cluster.delete(name, uid)?
            && let Some(uid) = self.cluster.pods.get(name).map(|pod| pod.uid.clone())
        {
            if self.check.config().controller.is_some() {
                self.later(self.end_time / 2, Happening::Terminate(uid.clone()));
            }
            self.later(
                self.end_time,
                Happening::Vanish {
                    name: name.to_owned(),
                    uid,
                },
            );
        }
        Ok(())
    }
}
