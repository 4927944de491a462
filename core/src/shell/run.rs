//! The loop: sole owner of the plan. It feeds the plan with what happens, starts the calls the plan asks for
//! and passes its notices on.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::conf::Conf;
use crate::plan::{
    Action, ApiFailure, CallId, CallResult, ExecutorId, FailureClass, FatalKind, Notice, Outcome, Plan,
    PodPatch, ProfileId, WatchEvent,
};
use crate::spec::ResourceProfile;

use super::clock::Clock;
use super::outbox::Outbox;
use super::pod_factory::PodFactory;
use super::pods::PodApi;

/// What the other threads want of the loop.
pub(super) enum Command {
    SetProfile(ResourceProfile),
    SetTargets(Vec<(ProfileId, u32)>),
    Kill(Vec<ExecutorId>),
    Decommission(Vec<ExecutorId>),
    Registered(ExecutorId),
    Disconnected(ExecutorId),
    IsDeleted(ExecutorId, oneshot::Sender<bool>),
    ExecutorIdFor(String, oneshot::Sender<Option<ExecutorId>>),
    UpdateConf(Conf),
    Stop(Duration),
}

/// What the loop's own calls bring back.
enum Reply {
    Result(CallId, CallResult),
    Watch(WatchEvent),
}

/// Set on the pods of ended executors that are kept; such a pod is an executor no more.
const INACTIVE_LABEL: &str = "spark-exec-inactive";
/// Replies waiting to be handled; a full queue holds the watch back, and with it the API server.
const REPLY_QUEUE: usize = 1024;
/// Replies handled before the plan is asked what to do next.
const REPLY_BATCH: usize = 256;

pub(super) struct Loop {
    plan: Plan,
    factory: PodFactory,
    driver_pod: Option<String>,
    pods: Arc<PodApi>,
    outbox: Arc<Outbox>,
    clock: Clock,
    calls: JoinSet<()>,
    reply: mpsc::Sender<Reply>,
    replies: mpsc::Receiver<Reply>,
    /// Taken by the first `ready` or `fatal`.
    started: Option<oneshot::Sender<Result<(), (FatalKind, String)>>>,
}

impl Loop {
    pub(super) fn new(
        plan: Plan,
        factory: PodFactory,
        driver_pod: Option<String>,
        pods: PodApi,
        outbox: Arc<Outbox>,
        clock: Clock,
        started: oneshot::Sender<Result<(), (FatalKind, String)>>,
    ) -> Self {
        let (reply, replies) = mpsc::channel(REPLY_QUEUE);
        Self {
            plan,
            factory,
            driver_pod,
            pods: Arc::new(pods),
            outbox,
            clock,
            calls: JoinSet::new(),
            reply,
            replies,
            started: Some(started),
        }
    }

    /// Runs until the plan has stopped or all command senders are gone.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut batch = Vec::with_capacity(REPLY_BATCH);
        loop {
            self.drain();
            if self.plan.is_stopped() {
                break;
            }
            let wake = self.plan.poll_timeout().map(|at| self.clock.instant(at));
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    // Whoever held the allocator has dropped it without a stop: leave everything as it is.
                    None => break,
                },
                count = self.replies.recv_many(&mut batch, REPLY_BATCH) => {
                    debug_assert!(count > 0, "the loop holds a sender");
                    let now = self.clock.now();
                    for reply in batch.drain(..) {
                        match reply {
                            Reply::Result(call, result) => self.result(now, call, result),
                            Reply::Watch(event) => self.plan.handle_watch(now, event),
                        }
                    }
                }
                () = sleep_until(wake) => self.plan.handle_timeout(self.clock.now()),
                Some(ended) = self.calls.join_next(), if !self.calls.is_empty() => {
                    if let Err(error) = ended && error.is_panic() {
                        std::panic::resume_unwind(error.into_panic());
                    }
                }
            }
        }
        self.calls.abort_all();
    }

    fn command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::SetProfile(profile) => self.factory.set_profile(profile),
            Command::SetTargets(targets) => self.plan.handle_targets(now, &targets),
            Command::Kill(ids) => self.plan.handle_kill(now, &ids),
            Command::Decommission(ids) => self.plan.handle_decommission(now, &ids),
            Command::Registered(id) => self.plan.handle_registered(now, id),
            Command::Disconnected(id) => self.plan.handle_disconnected(now, id),
            // A receiver that is gone no longer wants the answer.
            Command::IsDeleted(id, answer) => drop(answer.send(self.plan.is_deleted(id))),
            Command::ExecutorIdFor(pod, answer) => drop(answer.send(self.factory.executor_of(&pod))),
            Command::UpdateConf(conf) => self.factory.set_conf(conf),
            Command::Stop(deadline) => self.plan.handle_stop(now, now + deadline),
        }
    }

    fn result(&mut self, now: Duration, call: CallId, result: CallResult) {
        if let (CallResult::DriverPod(Outcome::Done(Some(driver))), Some(name)) = (&result, &self.driver_pod)
        {
            self.factory.set_owner(name, &driver.uid);
        }
        self.plan.handle_result(now, call, result);
    }

    /// Does all the plan wants done now.
    fn drain(&mut self) {
        loop {
            while let Some(action) = self.plan.poll_action() {
                self.start(action);
            }
            let Some(notice) = self.plan.poll_notice() else {
                break;
            };
            self.tell(notice);
        }
    }

    fn tell(&mut self, notice: Notice) {
        match &notice {
            Notice::Ready => {
                if let Some(started) = self.started.take() {
                    drop(started.send(Ok(())));
                }
            }
            Notice::Fatal { kind, message } => {
                if let Some(started) = self.started.take() {
                    // `start` reports it; there is nobody yet who takes notices.
                    drop(started.send(Err((*kind, message.clone()))));
                    return;
                }
                tracing::error!(kind = ?kind, "{message}");
            }
            Notice::Waiting { profile, message } => tracing::warn!(%profile, "{message}"),
            Notice::Lost {
                executor_id,
                pod,
                cause,
                ..
            } => {
                tracing::warn!(executor = %executor_id, pod, kind = ?cause.kind, "{}", cause.message);
            }
            Notice::Abort { exit_code, message } => tracing::error!(exit_code, "{message}"),
            Notice::Created { executor_id, pod, .. } => {
                tracing::info!(executor = %executor_id, pod, "executor pod created");
            }
            Notice::Running { executor_id, pod, .. } => {
                tracing::info!(executor = %executor_id, pod, "executor pod runs");
            }
            Notice::Released { executor_id, pod, .. } => {
                tracing::info!(executor = %executor_id, pod, "executor pod released");
            }
            Notice::Request { .. } => {}
        }
        self.outbox.push(notice);
    }

    fn start(&mut self, action: Action) {
        let call = action.call();
        let pods = Arc::clone(&self.pods);
        match action {
            Action::GetDriverPod { .. } => {
                let name = self.driver_pod.clone().unwrap_or_default();
                self.spawn(call, async move {
                    CallResult::DriverPod(pods.get_driver_pod(&name).await)
                });
            }
            Action::CreateConfigMap { .. } => match self.factory.config_map() {
                Ok(body) => {
                    self.spawn(call, async move {
                        CallResult::ConfigMap(pods.create_config_map(body).await)
                    });
                }
                Err(message) => self.refuse(call, CallResult::ConfigMap(unbuildable(message))),
            },
            Action::List { continue_token, .. } => {
                self.spawn(call, async move {
                    CallResult::List(pods.list(continue_token.as_deref()).await)
                });
            }
            Action::Watch { resource_version, .. } => self.watch(call, resource_version),
            Action::Prepare { executors, .. } => {
                let outcome = match self.factory.prepare(&executors) {
                    Ok(prepared) => Outcome::Done(prepared),
                    Err(message) => unbuildable(message),
                };
                self.refuse(call, CallResult::Prepared(outcome));
            }
            Action::CreateClaim {
                executor,
                index,
                owner,
                ..
            } => match self.factory.claim(executor, index, owner) {
                Some(claim) => {
                    self.spawn(
                        call,
                        async move { CallResult::Claim(pods.create_claim(claim).await) },
                    );
                }
                None => {
                    let message = format!("claim {index} of executor {executor} was not prepared");
                    self.refuse(call, CallResult::Claim(unbuildable(message)));
                }
            },
            Action::DeleteClaim { claim, .. } => {
                self.spawn(
                    call,
                    async move { CallResult::Empty(pods.delete_claim(&claim).await) },
                );
            }
            Action::Create {
                executor, profile, ..
            } => match self.factory.pod(executor, profile) {
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
            Action::Patch { name, patch, .. } => {
                let (label, value) = match patch {
                    PodPatch::Inactive => (INACTIVE_LABEL.to_owned(), "true".to_owned()),
                    PodPatch::Decommission { label, value } => (label, value),
                };
                self.spawn(call, async move {
                    CallResult::Empty(pods.label(&name, &label, &value).await)
                });
            }
            Action::DeleteConfigMap { .. } => {
                let name = self.factory.config_map_name().to_owned();
                self.spawn(call, async move {
                    CallResult::Empty(pods.delete_config_map(&name).await)
                });
            }
            Action::DeleteCollection { selection, .. } => {
                self.spawn(call, async move {
                    CallResult::Empty(pods.delete_collection(selection).await)
                });
            }
        }
    }

    fn watch(&mut self, call: CallId, resource_version: String) {
        let pods = Arc::clone(&self.pods);
        let events = self.reply.clone();
        self.spawn(call, async move {
            let mut watch = match pods.watch(&resource_version).await {
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
        self.calls.spawn(async move {
            let result = answer.await;
            // The receiver outlives the calls except at the very end, when no result matters.
            drop(reply.send(Reply::Result(call, result)).await);
        });
    }

    fn refuse(&mut self, call: CallId, result: CallResult) {
        self.plan.handle_result(self.clock.now(), call, result);
    }
}

fn unbuildable<T>(message: String) -> Outcome<T> {
    Outcome::Failed(ApiFailure {
        class: FailureClass::Unbuildable,
        message,
        retry_after: None,
    })
}

async fn sleep_until(wake: Option<tokio::time::Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
