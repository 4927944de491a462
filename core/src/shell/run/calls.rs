//! The calls of the plan: each becomes a task that brings its result back.

use std::future::Future;
use std::sync::Arc;

use futures::StreamExt;

use crate::plan::{Action, ApiFailure, CallId, CallResult, FailureClass, Outcome, PodPatch};

use super::{Loop, Reply};
use crate::spec::DELETION_COST;

/// The number of the executor in a pod.
const EXECUTOR_ID_LABEL: &str = "spark-exec-id";
/// Set on the pods of ended executors that are kept; such a pod is an executor no more.
const INACTIVE_LABEL: &str = "spark-exec-inactive";

impl Loop {
    /// Starts a call of the plan.
    pub(super) fn start(&mut self, action: Action) {
        self.meter.begin(&action);
        let call = action.call();
        let pods = Arc::clone(&self.pods);
        match action {
            Action::GetDriverPod { .. } => {
                let name = self.driver_pod.clone().unwrap_or_default();
                if self.factory.custom_steps().is_empty() {
                    self.spawn(call, async move {
                        CallResult::DriverPod(pods.get_driver_pod(&name).await)
                    });
                } else {
                    self.get_driver_json(call, name);
                }
            }
            Action::CreateConfigMap { .. } => match self.factory.config_map() {
                Ok(body) => {
                    self.spawn(call, async move {
                        CallResult::ConfigMap(pods.create_config_map(body).await)
                    });
                }
                Err(message) => self.refuse(call, CallResult::ConfigMap(unbuildable(message))),
            },
            Action::List {
                continue_token,
                cached,
                ..
            } => {
                self.spawn(call, async move {
                    CallResult::List(pods.list(continue_token.as_deref(), cached).await)
                });
            }
            Action::Watch { resource_version, .. } => self.watch(call, resource_version),
            Action::Prepare { executors, .. } => self.prepare(call, &executors),
            Action::Create {
                executor,
                profile,
                avoid,
                reused,
                ..
            } => match self.factory.pod(executor, profile, &avoid, &reused) {
                Ok(pod) => {
                    self.spawn(call, async move { CallResult::Pod(pods.create(pod).await) });
                }
                Err(message) => self.refuse(call, CallResult::Pod(unbuildable(message))),
            },
            Action::Get { name, .. } => {
                self.spawn(call, async move { CallResult::Pod(pods.get(&name).await) });
            }
            Action::Delete { name, uid, grace, .. } => {
                self.spawn(call, async move {
                    CallResult::Empty(pods.delete(&name, &uid, grace).await)
                });
            }
            Action::Patch { name, patch, .. } => self.patch(call, name, patch),
            Action::DeleteConfigMap { .. } => {
                let name = self.factory.config_map_name().to_owned();
                self.spawn(call, async move {
                    CallResult::Empty(pods.delete_config_map(&name).await)
                });
            }
            action @ (Action::CreateController { .. }
            | Action::ScaleController { .. }
            | Action::DeleteController { .. }) => self.change_controller(call, action),
            claims @ (Action::CreateClaim { .. }
            | Action::DeleteClaim { .. }
            | Action::ListClaims { .. }
            | Action::WatchClaims { .. }) => self.start_of_claims(call, claims),
            Action::DeletePods { continue_token, .. } => {
                self.spawn(call, async move {
                    CallResult::Deleted(pods.delete_page(continue_token.as_deref()).await)
                });
            }
            Action::DeleteCollection { selection, .. } => {
                self.spawn(call, async move {
                    CallResult::Empty(pods.delete_collection(selection).await)
                });
            }
        }
    }

    fn patch(&mut self, call: CallId, name: String, patch: PodPatch) {
        let pods = Arc::clone(&self.pods);
        let (label, value) = match patch {
            PodPatch::Inactive => (INACTIVE_LABEL.to_owned(), "true".to_owned()),
            PodPatch::Decommission { label, value } => (label, value),
            PodPatch::ExecutorId(id) => (EXECUTOR_ID_LABEL.to_owned(), id.to_string()),
            PodPatch::DeletionCost(cost) => {
                return self.spawn(call, async move {
                    CallResult::Empty(pods.annotate(&name, DELETION_COST, &cost.to_string()).await)
                });
            }
        };
        self.spawn(call, async move {
            CallResult::Empty(pods.label(&name, &label, &value).await)
        });
    }

    fn change_controller(&mut self, call: CallId, action: Action) {
        let pods = Arc::clone(&self.pods);
        match action {
            Action::CreateController {
                kind,
                profile,
                replicas,
                ..
            } => match self.factory.controller(profile, replicas) {
                Ok(body) => {
                    self.spawn(call, async move {
                        CallResult::Empty(pods.create_controller(kind, body).await)
                    });
                }
                Err(message) => self.refuse(call, CallResult::Empty(unbuildable(message))),
            },
            Action::ScaleController {
                kind, name, replicas, ..
            } => {
                self.spawn(call, async move {
                    CallResult::Empty(pods.scale_controller(kind, &name, replicas).await)
                });
            }
            Action::DeleteController { kind, name, .. } => {
                self.spawn(call, async move {
                    CallResult::Empty(pods.delete_controller(kind, &name).await)
                });
            }
            _ => {}
        }
    }

    /// Starts a call on volume claims.
    fn start_of_claims(&mut self, call: CallId, action: Action) {
        let pods = Arc::clone(&self.pods);
        match action {
            Action::CreateClaim {
                executor,
                index,
                owner,
                ..
            } => {
                if let Some(claim) = self.factory.claim(executor, index, owner) {
                    self.spawn(
                        call,
                        async move { CallResult::Claim(pods.create_claim(claim).await) },
                    );
                } else {
                    let message = format!("claim {index} of executor {executor} was not prepared");
                    self.refuse(call, CallResult::Claim(unbuildable(message)));
                }
            }
            Action::DeleteClaim { claim, .. } => {
                self.spawn(
                    call,
                    async move { CallResult::Empty(pods.delete_claim(&claim).await) },
                );
            }
            Action::ListClaims { continue_token, .. } => {
                self.spawn(call, async move {
                    CallResult::Claims(pods.list_claims(continue_token.as_deref()).await)
                });
            }
            Action::WatchClaims { resource_version, .. } => self.watch_claims(call, resource_version),
            _ => {}
        }
    }

    fn watch_claims(&mut self, call: CallId, resource_version: String) {
        let pods = Arc::clone(&self.pods);
        let events = self.reply.clone();
        self.spawn(call, async move {
            let mut watch = match pods.watch_claims(&resource_version).await {
                Ok(watch) => watch,
                Err(failure) => return CallResult::Watch(Outcome::Failed(failure)),
            };
            while let Some(event) = watch.next().await {
                match event {
                    Ok(event) => {
                        if events.send(Reply::Claim(event)).await.is_err() {
                            break;
                        }
                    }
                    Err(failure) => return CallResult::Watch(Outcome::Failed(failure)),
                }
            }
            CallResult::Watch(Outcome::Done(()))
        });
    }

    /// Custom steps get to see the driver pod: it comes before the result that lets executors be prepared.
    fn get_driver_json(&mut self, call: CallId, name: String) {
        let pods = Arc::clone(&self.pods);
        let reply = self.reply.clone();
        self.spawn(call, async move {
            let outcome = match pods.get_driver_pod_json(&name).await {
                Outcome::Done(Some((pod, json))) => {
                    drop(reply.send(Reply::DriverJson(json)).await);
                    Outcome::Done(Some(pod))
                }
                Outcome::Done(None) => Outcome::Done(None),
                Outcome::Failed(failure) => Outcome::Failed(failure),
                Outcome::Unknown(failure) => Outcome::Unknown(failure),
            };
            CallResult::DriverPod(outcome)
        });
    }

    fn watch(&mut self, call: CallId, resource_version: Option<String>) {
        let pods = Arc::clone(&self.pods);
        let events = self.reply.clone();
        self.spawn(call, async move {
            let mut watch = match pods.watch(resource_version.as_deref()).await {
                Ok(watch) => std::pin::pin!(watch),
                Err(failure) => return CallResult::Watch(Outcome::Failed(failure)),
            };
            while let Some(event) = watch.next().await {
                match event {
                    Ok(event) => {
                        if events.send(Reply::Watch(event)).await.is_err() {
                            break;
                        }
                    }
                    Err(failure) => return CallResult::Watch(Outcome::Failed(failure)),
                }
            }
            CallResult::Watch(Outcome::Done(()))
        });
    }

    fn spawn(&mut self, call: CallId, answer: impl Future<Output = CallResult> + Send + 'static) {
        let reply = self.reply.clone();
        let clock = self.clock;
        self.calls.spawn(async move {
            let started = clock.now();
            let result = answer.await;
            let took = clock.now().saturating_sub(started);
            // The receiver outlives the calls except at the very end, when no result matters.
            drop(reply.send(Reply::Result(call, result, took)).await);
        });
    }

    /// Answers a call of the plan that is not made.
    pub(super) fn refuse(&mut self, call: CallId, result: CallResult) {
        self.meter.forget(call);
        self.plan.handle_result(self.clock.now(), call, result);
    }
}

/// Nothing can be sent; `message` is for people.
pub(super) fn unbuildable<T>(message: String) -> Outcome<T> {
    Outcome::Failed(ApiFailure {
        class: FailureClass::Unbuildable,
        message,
        retry_after: None,
    })
}
