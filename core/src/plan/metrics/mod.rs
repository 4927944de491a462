//! What the plan counts: plain numbers that its inputs and outputs move, for metrics.

mod distribution;
mod labels;

use std::collections::BTreeMap;
use std::time::Duration;

pub use distribution::{Distribution, Summary};
pub use labels::Label;
#[cfg(feature = "shell")]
pub(crate) use labels::labels;

use super::action::Action;
use super::event::{CallResult, FailureClass, Outcome};
use super::expect::Call;
use super::ledger::{Executor, Stage};
use super::notice::{LossKind, Notice};
use super::types::PodFacts;

/// How the create of a pod ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CreateResult {
    /// The API server has made the pod.
    Created,
    /// A pod of that name was there.
    AlreadyExists,
    /// 403 by a resource quota.
    QuotaExceeded,
    /// The API server will not take the pod, or not from this account.
    Refused,
    /// 429
    Throttled,
    /// 5xx
    ServerError,
    /// No connection.
    Unreachable,
    /// The answer was lost or late.
    Unknown,
}

impl CreateResult {
    fn of(outcome: &Outcome<Option<Box<PodFacts>>>) -> Self {
        match outcome {
            Outcome::Done(Some(_)) => Self::Created,
            Outcome::Done(None) | Outcome::Unknown(_) => Self::Unknown,
            Outcome::Failed(failure) => match failure.class {
                FailureClass::AlreadyExists => Self::AlreadyExists,
                FailureClass::QuotaExceeded => Self::QuotaExceeded,
                FailureClass::TooManyRequests => Self::Throttled,
                FailureClass::Server => Self::ServerError,
                FailureClass::Unreachable | FailureClass::BadCertificate | FailureClass::Timeout => {
                    Self::Unreachable
                }
                FailureClass::Unbuildable
                | FailureClass::Unauthorized
                | FailureClass::Forbidden
                | FailureClass::NotFound
                | FailureClass::Conflict
                | FailureClass::Gone
                | FailureClass::Invalid => Self::Refused,
            },
        }
    }
}

/// What has happened since the start. Nothing here ever decreases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Creates of pods that were sent.
    pub creates_sent: u64,
    /// Creates of pods that were answered, or given up as lost, by their result.
    pub creates: BTreeMap<CreateResult, u64>,
    /// Volume claims that were made.
    pub claims_created: u64,
    /// Executors whose pods are known to exist, or to have existed.
    pub confirmed: u64,
    /// Of these, found by a get or the watch after their create's answer was lost or said that the name is taken.
    pub adopted: u64,
    /// Executors whose pods have run.
    pub started: u64,
    /// Executors that have registered with the driver.
    pub registered: u64,
    /// Executors that were lost, by cause: one for each `Notice::Lost`.
    pub losses: BTreeMap<LossKind, u64>,
    /// Of these, blamed on the application.
    pub app_caused: u64,
    /// Of these, counted against `spark.executor.maxNumFailures`.
    pub failures: u64,
    /// Executors that have gone as they were asked to.
    pub released: u64,
    /// Calls that did not succeed, or not for certain, by class.
    pub failed_calls: BTreeMap<FailureClass, u64>,
    /// Lists of the pods that were begun, the one of the start included.
    pub lists: u64,
    /// Watches that were opened.
    pub watches: u64,
    /// Watches that ended in a failure.
    pub broken_watches: u64,
    /// Events of the watch, bookmarks included.
    pub events: u64,
}

/// How long executors take.
#[derive(Debug, Clone, Default)]
pub struct Times {
    /// From the create of a pod until it runs.
    pub to_running: Distribution,
    /// From the create of a pod until its executor has registered with the driver.
    pub to_registered: Distribution,
}

/// The counters, and the times that executors take.
#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    pub(super) counters: Counters,
    pub(super) times: Times,
}

impl Metrics {
    /// An action goes out.
    pub(super) fn sent(&mut self, action: &Action) {
        let counters = &mut self.counters;
        match action {
            Action::Create { .. } => counters.creates_sent += 1,
            Action::List {
                continue_token: None, ..
            } => counters.lists += 1,
            Action::Watch { resource_version, .. } => {
                counters.watches += 1;
                // Without a version it begins with a list.
                counters.lists += u64::from(resource_version.is_none());
            }
            _ => {}
        }
    }

    /// An answer has come in.
    pub(super) fn answered(&mut self, call: &Call, result: &CallResult) {
        let counters = &mut self.counters;
        if let Some(failure) = result.failure() {
            *counters.failed_calls.entry(failure.class).or_default() += 1;
        }
        match (call, result) {
            (Call::Create { .. }, CallResult::Pod(outcome)) => {
                *counters.creates.entry(CreateResult::of(outcome)).or_default() += 1;
            }
            (_, CallResult::Claim(Outcome::Done(_))) => counters.claims_created += 1,
            (_, CallResult::Watch(Outcome::Failed(_) | Outcome::Unknown(_))) => counters.broken_watches += 1,
            _ => {}
        }
    }

    /// A notice goes out.
    pub(super) fn told(&mut self, notice: &Notice) {
        let counters = &mut self.counters;
        match notice {
            Notice::Created { .. } => counters.confirmed += 1,
            Notice::Running { .. } => counters.started += 1,
            Notice::Lost { cause, .. } => {
                *counters.losses.entry(cause.kind).or_default() += 1;
                counters.app_caused += u64::from(cause.app_caused);
            }
            Notice::Released { .. } => counters.released += 1,
            _ => {}
        }
    }

    /// The pod of an executor was seen for the first time.
    pub(super) fn confirmed(&mut self, executor: &Executor) {
        self.counters.adopted += u64::from(executor.stage != Stage::Creating);
    }

    /// The pod of an executor runs, for the first time.
    pub(super) fn runs(&mut self, now: Duration, executor: &Executor) {
        let took = now.saturating_sub(executor.sent_at);
        self.times.to_running.record(now, took);
    }

    /// An executor has registered, for the first time.
    pub(super) fn registered(&mut self, now: Duration, executor: &Executor) {
        self.counters.registered += 1;
        let took = now.saturating_sub(executor.sent_at);
        self.times.to_registered.record(now, took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ApiFailure, CallId, ExecutorId, ObjectRef};

    fn failed(class: FailureClass) -> ApiFailure {
        ApiFailure {
            class,
            message: String::new(),
            retry_after: None,
        }
    }

    fn create() -> Call {
        Call::Create {
            id: ExecutorId(1),
            sent_at: Duration::ZERO,
        }
    }

    #[test]
    fn creates_are_counted_by_result_and_failures_by_class() {
        let mut metrics = Metrics::default();
        for outcome in [
            Outcome::Done(Some(Box::default())),
            Outcome::Done(None),
            Outcome::Failed(failed(FailureClass::TooManyRequests)),
            Outcome::Failed(failed(FailureClass::TooManyRequests)),
            Outcome::Unknown(failed(FailureClass::Server)),
        ] {
            metrics.answered(&create(), &CallResult::Pod(outcome));
        }
        // A get of a pod is no create.
        metrics.answered(&Call::DriverPod, &CallResult::Pod(Outcome::Done(None)));
        assert_eq!(
            metrics.counters.creates,
            BTreeMap::from([
                (CreateResult::Created, 1),
                (CreateResult::Throttled, 2),
                (CreateResult::Unknown, 2)
            ])
        );
        assert_eq!(
            metrics.counters.failed_calls,
            BTreeMap::from([(FailureClass::TooManyRequests, 2), (FailureClass::Server, 1)])
        );
    }

    #[test]
    fn a_list_is_one_however_many_pages_it_has() {
        let mut metrics = Metrics::default();
        for continue_token in [None, Some("next".to_owned()), Some("last".to_owned())] {
            metrics.sent(&Action::List {
                call: CallId(1),
                continue_token,
                cached: false,
            });
        }
        assert_eq!(metrics.counters.lists, 1);
    }

    #[test]
    fn claims_and_broken_watches_are_counted() {
        let mut metrics = Metrics::default();
        let claim = ObjectRef {
            name: String::new(),
            uid: String::new(),
        };
        metrics.answered(&Call::Watch, &CallResult::Claim(Outcome::Done(claim)));
        metrics.answered(&Call::Watch, &CallResult::Watch(Outcome::Done(())));
        let gone = Outcome::Failed(failed(FailureClass::Gone));
        metrics.answered(&Call::Watch, &CallResult::Watch(gone));
        let counters = metrics.counters;
        assert_eq!((counters.claims_created, counters.broken_watches), (1, 1));
    }
}
