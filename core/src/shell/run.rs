//! The loop: sole owner of the plan. It feeds the plan with what happens, starts the calls the plan asks for
//! and passes its notices on.

mod calls;
mod prepare;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::conf::Conf;
use crate::plan::{
    CallId, CallResult, ClaimEvent, ExecutorId, FatalKind, Notice, Outcome, Plan, ProfileId, WatchEvent,
};
use crate::spec::ResourceProfile;

use self::prepare::Asking;
use super::clock::Clock;
use super::metrics::calls::Meter;
use super::metrics::{Queues, Report};
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
    /// The JVM's answer to a request; false where nobody waits for it.
    Answer(u64, Value, oneshot::Sender<bool>),
    Report(std::sync::mpsc::SyncSender<Report>),
    Closing,
    Stop(Duration),
}

/// Whether the start was successful, or why not.
pub(super) type Started = Result<(), (FatalKind, String)>;

/// What the loop's own calls bring back.
enum Reply {
    /// The call's answer, and how long it took.
    Result(CallId, CallResult, Duration),
    Watch(WatchEvent),
    Claim(ClaimEvent),
    DriverJson(Value),
}

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
    meter: Meter,
    /// At most one: the plan prepares one batch after the other.
    asking: Option<Asking>,
    /// Taken by the first `ready` or `fatal`.
    started: Option<oneshot::Sender<Started>>,
}

impl Loop {
    pub(super) fn new(
        plan: Plan,
        factory: PodFactory,
        driver_pod: Option<String>,
        pods: PodApi,
        outbox: Arc<Outbox>,
        clock: Clock,
        started: oneshot::Sender<Started>,
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
            meter: Meter::default(),
            asking: None,
            started: Some(started),
        }
    }

    /// Runs until the plan has stopped or all command senders are gone. Returns how many executors the stop has left.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> usize {
        let mut batch = Vec::with_capacity(REPLY_BATCH);
        loop {
            self.drain();
            if self.plan.is_stopped() {
                break;
            }
            let reminder = self.asking.as_ref().map(|asking| asking.remind_at);
            let wake = [self.plan.poll_timeout(), reminder].into_iter().flatten().min();
            let wake = wake.map(|at| self.clock.instant(at));
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
                            Reply::Result(call, result, took) => {
                                self.meter.end(now, call, took);
                                self.result(now, call, result);
                            }
                            Reply::Watch(event) => self.plan.handle_watch(now, event),
                            Reply::Claim(event) => self.plan.handle_claim_event(now, event),
                            Reply::DriverJson(pod) => self.factory.set_driver_json(pod),
                        }
                    }
                }
                () = sleep_until(wake) => {
                    let now = self.clock.now();
                    self.remind(now);
                    self.plan.handle_timeout(now);
                }
                Some(ended) = self.calls.join_next(), if !self.calls.is_empty() => {
                    if let Err(error) = ended && error.is_panic() {
                        std::panic::resume_unwind(error.into_panic());
                    }
                }
            }
        }
        self.calls.abort_all();
        self.plan.left_behind()
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
            Command::ExecutorIdFor(pod, answer) => {
                let _ = answer.send(self.plan.handle_executor_id_for(now, &pod));
            }
            Command::UpdateConf(conf) => self.factory.set_conf(conf),
            Command::Answer(request, answer, taken) => {
                // As above.
                let _ = taken.send(self.answer(now, request, answer));
            }
            // As above.
            Command::Report(answer) => drop(answer.try_send(self.report())),
            Command::Closing => self.plan.handle_closing(now),
            Command::Stop(deadline) => {
                self.asking = None;
                self.plan.handle_stop(now, now + deadline);
            }
        }
    }

    fn report(&self) -> Report {
        let times = self.plan.times();
        let plan = self.plan.snapshot();
        Report {
            staleness: plan.staleness(self.clock.now()),
            plan,
            counters: self.plan.counters().clone(),
            to_running: times.to_running.summary(),
            to_registered: times.to_registered.summary(),
            latencies: self.meter.latencies(),
            queues: Queues {
                replies: self.replies.len(),
                notices: self.outbox.len(),
                ..Queues::default()
            },
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
            // First, since why an executor was lost may change how the next one is made.
            while let Some(notice) = self.plan.poll_notice() {
                self.tell(notice);
            }
            let Some(action) = self.plan.poll_action() else {
                break;
            };
            self.start(action);
        }
        if self.asking.is_none() {
            self.factory.keep_prepared(|id| self.plan.keeps_prepared(id));
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
                if cause.is_out_of_memory() && self.factory.recover() {
                    tracing::warn!(
                        "An executor ran out of memory: those made from now on run one task at a time. They stay as they \
                         are with spark.kubernetes.allocation.recoveryMode.enabled=false"
                    );
                }
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
}

async fn sleep_until(wake: Option<tokio::time::Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
