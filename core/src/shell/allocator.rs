//! The handle through which other threads use the loop.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use crate::conf::Conf;
use crate::plan::{ExecutorId, FatalKind, Notice, Plan, PlanConfig, ProfileId};
use crate::spec::ResourceProfile;

use super::access::{Access, Lookups};
use super::client;
use super::clock::Clock;
use super::conf_dir;
use super::error::StartError;
use super::metrics::Report;
use super::outbox::{NoticeFilter, Outbox};
use super::plan_config::plan_config;
use super::pod_factory::{PodFactory, random};
use super::pods::PodApi;
use super::run::{Command, Loop, Started};
use super::settings::Settings;

/// Commands waiting for the loop; a full queue blocks the caller.
const COMMAND_QUEUE: usize = 1024;
/// Threads of an allocator's runtime. None of them is ever attached to the JVM.
const WORKERS: usize = 2;
/// How long a start that failed may take to remove what it made.
const FAILED_START_STOP: Duration = Duration::from_secs(5);
/// How long the loop may take to report its figures.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the runtime may take to end after the loop has.
const RUNTIME_SHUTDOWN: Duration = Duration::from_secs(1);

/// A running allocator: one loop, one plan, one runtime of two threads.
///
/// All methods may be called from any thread that is not a thread of an async runtime. They do not wait for
/// the API server, except [`Allocator::start`] and [`Allocator::stop`].
#[derive(Debug)]
pub struct Allocator {
    commands: mpsc::Sender<Command>,
    outbox: Arc<Outbox>,
    /// Taken by the first `stop`.
    running: Mutex<Option<Running>>,
}

/// An answer that nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no request {0} waits for an answer")]
pub struct UnknownRequest(pub u64);

#[derive(Debug)]
struct Running {
    runtime: Runtime,
    /// How many executors were left when the loop ended.
    ended: oneshot::Receiver<usize>,
}

impl Allocator {
    /// Starts an allocator and waits until it can allocate: the driver pod is known and ready, the executor
    /// `ConfigMap` exists and the first list is complete.
    ///
    /// # Errors
    ///
    /// A configuration that cannot be used fails before any call is made. An API server that refuses (401,
    /// 403, untrusted certificate) fails at once, one that does not answer after `spark.stoker.startTimeout`.
    pub fn start(settings: &Settings) -> Result<Self, StartError> {
        Self::start_unless(settings, std::future::pending())
    }

    /// The same, given up as soon as `cancelled` is over: what was made is removed, as far as the API server answers
    /// within five seconds. `cancelled` is polled by the calling thread, within the allocator's runtime.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start); [`StartError::Cancelled`] where it was given up.
    pub fn start_unless(
        settings: &Settings,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Self, StartError> {
        let mut cancelled = pin!(cancelled);
        let clock = Clock::start();
        let conf = &settings.conf;
        for note in conf.notes() {
            tracing::warn!("{note}");
        }
        if let Some(mounted) = &settings.mounted_properties {
            conf_dir::log_differences(conf, mounted);
        }
        let lookups = Lookups::system(settings.kubeconfig.clone());
        let access = Access::resolve(conf, settings.master.as_deref(), &lookups)?;
        let factory = PodFactory::new(settings)?;
        if settings.notices == NoticeFilter::All && !factory.custom_steps().is_empty() {
            return Err(StartError::NeedsJvm {
                steps: factory.custom_steps().to_vec(),
            });
        }
        let seed = u64::from_be_bytes(random().map_err(StartError::System)?);
        let prefix = factory.pod_name_prefix();
        let mut config = plan_config(conf, &settings.app_id, prefix, factory.prepares(), seed)?;
        config.controller = factory.controller_kind();
        if settings.notices == NoticeFilter::All {
            // Without Spark nobody tells of registrations.
            config.registration_timeout = None;
        }

        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("stoker-io")
            .enable_all()
            .build()
            .map_err(StartError::System)?;
        let client = runtime.block_on(async {
            tokio::select! {
                client = client::connect(&access, client::USER_AGENT) => client.map_err(StartError::from),
                () = &mut cancelled => Err(StartError::Cancelled),
            }
        })?;
        let pods = PodApi::new(
            client,
            access.namespace(),
            &settings.app_id,
            access.request_timeout,
        );

        let handle = runtime.handle().clone();
        let (allocator, started) = Self::launch(runtime, config, factory, pods, settings.notices, clock);
        let started = handle.block_on(async {
            tokio::select! {
                started = started => Some(started),
                () = &mut cancelled => None,
            }
        });
        let failure = match started {
            Some(Ok(Ok(()))) => return Ok(allocator),
            Some(Ok(Err((kind, message)))) => StartError::Refused {
                kind,
                message: format!("{message} (API server: {})", access.server),
            },
            Some(Err(_)) => StartError::Refused {
                kind: FatalKind::Internal,
                message: "Stoker's allocation loop ended before it was ready. Please report this with the driver's log.".into(),
            },
            None => StartError::Cancelled,
        };
        // A ConfigMap may be there already, and without a driver pod nobody else would delete it.
        allocator.stop(FAILED_START_STOP);
        Err(failure)
    }

    /// Sets a loop off; what is returned beside the allocator says when it is ready.
    fn launch(
        runtime: Runtime,
        config: PlanConfig,
        factory: PodFactory,
        pods: PodApi,
        notices: NoticeFilter,
        clock: Clock,
    ) -> (Self, oneshot::Receiver<Started>) {
        let driver_pod = config.driver_pod.clone();
        let outbox = Arc::new(Outbox::new(notices));
        let (commands, receiver) = mpsc::channel(COMMAND_QUEUE);
        let (started, start) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let task = runtime.spawn(
            Loop::new(
                Plan::new(config, clock.now()),
                factory,
                driver_pod,
                pods,
                Arc::clone(&outbox),
                clock,
                started,
            )
            .run(receiver),
        );
        runtime.spawn({
            let outbox = Arc::clone(&outbox);
            async move {
                let left = task.await.unwrap_or_else(|error| {
                    outbox.push(Notice::Fatal {
                        kind: FatalKind::Internal,
                        message: format!("Stoker's allocation loop ended unexpectedly: {error}. Please report this with the driver's log."),
                    });
                    0
                });
                outbox.close();
                // Nobody waits where the allocator was dropped.
                let _ = end.send(left);
            }
        });

        let allocator = Self {
            commands,
            outbox,
            running: Mutex::new(Some(Running { runtime, ended })),
        };
        (allocator, start)
    }

    /// Makes a resource profile known; targets for it may follow.
    pub fn set_profile(&self, profile: ResourceProfile) {
        self.send(Command::SetProfile(profile));
    }

    /// Sets how many executors each of these profiles shall have; other profiles keep their target.
    pub fn set_targets(&self, targets: Vec<(ProfileId, u32)>) {
        self.send(Command::SetTargets(targets));
    }

    /// Spark has told these executors to exit; their pods go, if need be by force.
    pub fn kill(&self, executors: Vec<ExecutorId>) {
        self.send(Command::Kill(executors));
    }

    /// Spark decommissions these executors: their pods get `spark.kubernetes.executor.decommissionLabel`.
    pub fn decommission(&self, executors: Vec<ExecutorId>) {
        self.send(Command::Decommission(executors));
    }

    /// An executor has registered with the driver.
    pub fn registered(&self, executor: ExecutorId) {
        self.send(Command::Registered(executor));
    }

    /// An executor's connection to the driver has broken.
    pub fn disconnected(&self, executor: ExecutorId) {
        self.send(Command::Disconnected(executor));
    }

    /// Whether an executor is gone, so that Spark must not let it register.
    pub fn is_deleted(&self, executor: ExecutorId) -> bool {
        self.ask(|answer| Command::IsDeleted(executor, answer))
            .unwrap_or(false)
    }

    /// The executor whose pod has this name.
    pub fn executor_id_for(&self, pod: &str) -> Option<ExecutorId> {
        self.ask(|answer| Command::ExecutorIdFor(pod.to_owned(), answer))
            .flatten()
    }

    /// Replaces the configuration; pods made from now on follow the new one.
    pub fn update_conf(&self, conf: Conf) {
        self.send(Command::UpdateConf(conf));
    }

    /// Answers a [`Notice::Request`] with `{"ok": …}` or `{"error": "message"}`.
    ///
    /// # Errors
    ///
    /// Nobody waits for the answer: it was not asked for, was answered before or the allocator has stopped.
    pub fn answer(&self, request: u64, payload: serde_json::Value) -> Result<(), UnknownRequest> {
        match self.ask(|taken| Command::Answer(request, payload, taken)) {
            Some(true) => Ok(()),
            Some(false) | None => Err(UnknownRequest(request)),
        }
    }

    /// The figures of this moment, for metrics. None where the loop has ended or does not answer within a second: a report
    /// is never worth more than that to who waits for it.
    pub fn report(&self) -> Option<Report> {
        let commands = self.commands.max_capacity() - self.commands.capacity();
        let (answer, receiver) = std::sync::mpsc::sync_channel(1);
        self.commands.try_send(Command::Report(answer)).ok()?;
        let mut report = receiver.recv_timeout(REPORT_TIMEOUT).ok()?;
        report.queues.commands = commands;
        Some(report)
    }

    /// Blocks for the next notices. An empty batch means that `max_wait` is over, `None` that no more will
    /// come.
    pub fn next_notices(&self, max_wait: Duration) -> Option<Vec<Notice>> {
        self.outbox.take(max_wait)
    }

    /// Spark has begun to stop: no executor is made any more, and those that end are not replaced. [`stop`](Self::stop)
    /// follows.
    pub fn closing(&self) {
        self.send(Command::Closing);
    }

    /// Stops allocating, releases what was made as `spark.kubernetes.executor.deleteOnTermination` says and
    /// ends all threads, within `deadline` and a second. A second call does nothing.
    ///
    /// Returns how many executors the API server had not released by then: their pods may stay where no driver pod
    /// owns them.
    pub fn stop(&self, deadline: Duration) -> usize {
        let Some(Running { runtime, ended }) =
            self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            return 0;
        };
        self.send(Command::Stop(deadline));
        // The loop ends by the deadline; the margin is for a machine that is too busy to run it.
        let ended =
            runtime.block_on(async { tokio::time::timeout(deadline + RUNTIME_SHUTDOWN, ended).await });
        let left = if let Ok(ended) = ended {
            ended.unwrap_or_default()
        } else {
            tracing::warn!("the allocation loop did not end within {deadline:?}; calls may be cut off");
            0
        };
        self.outbox.close();
        runtime.shutdown_timeout(RUNTIME_SHUTDOWN);
        left
    }

    fn send(&self, command: Command) {
        // After the loop's end there is nothing left to command; its end is told by a notice.
        drop(self.commands.blocking_send(command));
    }

    fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (answer, receiver) = oneshot::channel();
        self.send(command(answer));
        receiver.blocking_recv().ok()
    }
}

impl Drop for Allocator {
    fn drop(&mut self) {
        if let Some(Running { runtime, .. }) = self
            .running
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
pub(in crate::shell) mod tests;
