//! The start: driver pod, `ConfigMap`, first list, and what may go wrong meanwhile.

use std::time::Duration;

use super::action::Action;
use super::backoff::Backoff;
use super::event::{ApiFailure, DriverPod, FailureClass, Outcome};
use super::expect::Call;
use super::notice::{FatalKind, Notice};
use super::timer::Timer;
use super::types::{ExecutorId, PodFacts};
use super::{Phase, Plan};

/// The first delay between two attempts of the start.
const RETRY: Duration = Duration::from_millis(500);
/// The longest delay between two attempts of the start.
const RETRY_MAX: Duration = Duration::from_secs(8);
/// Bounds of the interval at which the driver pod is asked whether it is ready.
const DRIVER_POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// How far the start is.
#[derive(Debug, Clone)]
pub(super) struct Startup {
    driver: Driver,
    config_map: ConfigMap,
    listed: bool,
    driver_backoff: Backoff,
    config_map_backoff: Backoff,
    last_failure: Option<String>,
    /// Pods of this application in the first list, until the owner is known.
    found: Vec<Found>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Driver {
    /// There is none, or it is ready, or it was waited for long enough.
    Settled,
    /// Its UID is not known.
    Unknown,
    /// Its UID is known, it is not ready.
    NotReady,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConfigMap {
    /// The user has turned it off.
    Unwanted,
    /// Waits for the owner's UID.
    Wanted,
    /// Asked for: it may exist.
    Requested,
    /// It exists.
    Made,
}

#[derive(Debug, Clone)]
struct Found {
    id: ExecutorId,
    name: String,
    uid: String,
    owner: Option<String>,
}

impl Startup {
    pub(super) fn new(has_driver: bool, config_map: bool) -> Self {
        Startup {
            driver: if has_driver {
                Driver::Unknown
            } else {
                Driver::Settled
            },
            config_map: if config_map {
                ConfigMap::Wanted
            } else {
                ConfigMap::Unwanted
            },
            listed: false,
            driver_backoff: Backoff::new(RETRY, RETRY_MAX),
            config_map_backoff: Backoff::new(RETRY, RETRY_MAX),
            last_failure: None,
            found: Vec::new(),
        }
    }

    pub(super) fn is_listed(&self) -> bool {
        self.listed
    }

    /// Whether there may be a `ConfigMap` to delete.
    pub(super) fn config_map_may_exist(&self) -> bool {
        matches!(self.config_map, ConfigMap::Requested | ConfigMap::Made)
    }

    fn has_config_map(&self) -> bool {
        matches!(self.config_map, ConfigMap::Unwanted | ConfigMap::Made)
    }
}

impl Plan {
    /// The first calls.
    pub(super) fn begin(&mut self, now: Duration) {
        self.timers
            .set(Timer::StartDeadline, now + self.cfg.start_timeout);
        self.ask_driver_pod();
        self.ask_config_map();
        self.start_list(now);
    }

    pub(super) fn ask_driver_pod(&mut self) {
        if self.startup.driver != Driver::Settled {
            let call = self.calls.begin(Call::DriverPod);
            self.actions.push_back(Action::GetDriverPod { call });
        }
    }

    /// Asks for the `ConfigMap` once its owner is known.
    pub(super) fn ask_config_map(&mut self) {
        if !self.startup.has_config_map()
            && self.startup.driver != Driver::Unknown
            && !self.calls.is_open(&Call::ConfigMap)
        {
            self.startup.config_map = ConfigMap::Requested;
            let call = self.calls.begin(Call::ConfigMap);
            self.actions.push_back(Action::CreateConfigMap { call });
        }
    }

    pub(super) fn on_driver_pod(&mut self, now: Duration, outcome: Outcome<Option<DriverPod>>) {
        if self.startup.driver == Driver::Settled || self.is_halted() {
            return;
        }
        match outcome {
            Outcome::Done(Some(pod)) => self.on_driver_seen(now, pod),
            Outcome::Done(None) => self.on_driver_missing(),
            Outcome::Failed(failure) if failure.class == FailureClass::NotFound => self.on_driver_missing(),
            Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                let delay = self
                    .startup
                    .driver_backoff
                    .next(&mut self.rng, failure.retry_after);
                self.retry_start(now, Timer::DriverPod, delay, "the driver pod", &failure);
            }
        }
    }

    fn on_driver_seen(&mut self, now: Duration, pod: DriverPod) {
        self.startup.driver_backoff.reset();
        if self.startup.driver == Driver::Unknown {
            self.owner = Some(pod.uid);
            self.startup.driver = Driver::NotReady;
            self.timers
                .set(Timer::DriverReady, now + self.cfg.driver_readiness_timeout);
            self.ask_config_map();
            self.sweep();
            if self.reuses_claims() {
                self.list_claims(now);
            }
        }
        if pod.ready || self.cfg.driver_readiness_timeout.is_zero() {
            self.settle_driver(now);
        } else {
            let interval = (self.cfg.driver_readiness_timeout / 4).clamp(DRIVER_POLL.0, DRIVER_POLL.1);
            self.timers.set(Timer::DriverPod, now + interval);
        }
    }

    fn on_driver_missing(&mut self) {
        let name = self.cfg.driver_pod.as_deref().unwrap_or_default();
        let message = format!(
            "No pod was found named {name} in the cluster in the namespace {} (this was supposed to be the driver \
             pod.). Check spark.kubernetes.driver.pod.name and spark.kubernetes.namespace.",
            self.cfg.namespace
        );
        self.fatal(FatalKind::DriverPodMissing, message);
    }

    /// Executors are made although the driver pod is not ready, as stock does.
    pub(super) fn on_driver_not_ready(&mut self, now: Duration) {
        tracing::warn!(
            pod = self.cfg.driver_pod.as_deref().unwrap_or_default(),
            timeout = ?self.cfg.driver_readiness_timeout,
            "the driver pod is not ready within spark.kubernetes.allocation.driver.readinessTimeout; executors are \
             made all the same and may not resolve the driver's host name at first"
        );
        self.settle_driver(now);
    }

    fn settle_driver(&mut self, now: Duration) {
        self.startup.driver = Driver::Settled;
        self.timers.stop(Timer::DriverReady);
        self.timers.stop(Timer::DriverPod);
        self.check_ready(now);
    }

    pub(super) fn on_config_map(&mut self, now: Duration, outcome: Outcome<()>) {
        match outcome {
            Outcome::Done(()) => self.settle_config_map(now),
            // The name is unique to this context: an earlier attempt of ours was applied.
            Outcome::Failed(failure) if failure.class == FailureClass::AlreadyExists => {
                self.settle_config_map(now);
            }
            Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                if !self.is_halted() {
                    let delay = self
                        .startup
                        .config_map_backoff
                        .next(&mut self.rng, failure.retry_after);
                    self.retry_start(now, Timer::ConfigMap, delay, "the executor ConfigMap", &failure);
                }
            }
        }
    }

    fn settle_config_map(&mut self, now: Duration) {
        self.startup.config_map = ConfigMap::Made;
        self.check_ready(now);
    }

    /// Takes note of a pod in the first list.
    pub(super) fn on_first_list_pod(&mut self, pod: &PodFacts) {
        let Some(id) = pod
            .executor
            .filter(|_| pod.app_id.as_deref() == Some(&self.cfg.app_id))
        else {
            return;
        };
        self.ledger.start_above(id);
        self.volumes.pod_shown(&pod.uid, &pod.claims, None);
        if self.cfg.delete_executors && !pod.deleting {
            self.startup.found.push(Found {
                id,
                name: pod.name.clone(),
                uid: pod.uid.clone(),
                owner: pod.owner_uid.clone(),
            });
        }
    }

    pub(super) fn on_first_list_complete(&mut self, now: Duration) {
        self.startup.listed = true;
        self.sweep();
        self.check_ready(now);
    }

    /// Deletes the executors that an earlier container of the driver pod has left.
    fn sweep(&mut self) {
        let Some(owner) = self.owner.as_deref().filter(|_| self.startup.listed) else {
            return;
        };
        for found in std::mem::take(&mut self.startup.found) {
            if found.owner.as_deref() == Some(owner) {
                self.chores.delete_stray(found.id, &found.name, &found.uid);
            }
        }
    }

    pub(super) fn check_ready(&mut self, now: Duration) {
        let ready =
            self.startup.listed && self.startup.driver == Driver::Settled && self.startup.has_config_map();
        let ready = ready && self.has_claims_listed();
        if ready && self.phase == Phase::Starting && self.stop.is_none() {
            self.phase = Phase::Allocating;
            self.startup.found = Vec::new();
            self.timers.stop(Timer::StartDeadline);
            self.notices.push_back(Notice::Ready);
            self.trim(now);
        }
    }

    /// Decides whether a failure ends the start; if not, tries again after `delay`.
    pub(super) fn retry_start(
        &mut self,
        now: Duration,
        timer: Timer,
        delay: Duration,
        what: &str,
        failure: &ApiFailure,
    ) {
        let said = &failure.message;
        let (kind, advice) = match failure.class {
            FailureClass::Unauthorized => (
                FatalKind::Unauthorized,
                "the API server does not accept the credentials; check the token or the client certificate",
            ),
            FailureClass::Forbidden => (
                FatalKind::Forbidden,
                "the service account may not do this; give its role the verbs that Spark needs on pods and configmaps",
            ),
            FailureClass::BadCertificate => (
                FatalKind::BadCertificate,
                "the API server's certificate is not trusted; check the CA file",
            ),
            FailureClass::Unbuildable | FailureClass::Invalid | FailureClass::NotFound => (
                FatalKind::InvalidConfiguration,
                "this cannot succeed; check the namespace and the configuration",
            ),
            FailureClass::QuotaExceeded
            | FailureClass::AlreadyExists
            | FailureClass::Conflict
            | FailureClass::Gone
            | FailureClass::TooManyRequests
            | FailureClass::Server
            | FailureClass::Timeout
            | FailureClass::Unreachable => {
                self.startup.last_failure = Some(format!("{what}: {said}"));
                self.timers.set(timer, now + delay);
                return;
            }
        };
        self.fatal(kind, format!("Asking for {what} failed: {said} ({advice})"));
    }

    pub(super) fn on_start_deadline(&mut self) {
        if self.startup.listed && self.startup.has_config_map() && self.startup.driver == Driver::NotReady {
            // The API server answers; only the driver pod's own, longer timeout is left.
            return;
        }
        let last = self.startup.last_failure.as_deref().unwrap_or("no answer at all");
        let message = format!(
            "The Kubernetes API server was not usable within {} s (spark.stoker.startTimeout). Last failure: {last}",
            self.cfg.start_timeout.as_secs_f64()
        );
        self.fatal(FatalKind::Unreachable, message);
    }
}
