//! Inputs of the plan from the API server.

use std::time::Duration;

use super::types::{ExecutorId, ObjectRef, PodFacts};
use crate::spec::ClaimShape;

/// The answer to an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallResult {
    /// Answers `GetDriverPod`; `None` when there is no such pod.
    DriverPod(Outcome<Option<DriverPod>>),
    /// Answers `CreateConfigMap`.
    ConfigMap(Outcome<()>),
    /// Answers `List`.
    List(Outcome<ListPage>),
    /// Answers `Watch`: the watch has ended, in order (`Done`) or not.
    Watch(Outcome<()>),
    /// Answers `Create` and `Get`; a `Get` of an absent pod is `Done(None)`.
    Pod(Outcome<Option<Box<PodFacts>>>),
    /// Answers `Prepare`.
    Prepared(Outcome<Vec<Prepared>>),
    /// Answers `CreateClaim` with the claim.
    Claim(Outcome<ObjectRef>),
    /// Answers `Delete`, `DeleteClaim`, `Patch`, `DeleteCollection` and the calls on controllers. Absence (404) and a UID conflict (409) are `Failed`
    /// with their class; the plan takes them as done.
    Empty(Outcome<()>),
    /// Answers `DeletePods` with the token of the next page, if there is one.
    Deleted(Outcome<Option<String>>),
    /// Answers `ListClaims`.
    Claims(Outcome<ClaimPage>),
}

impl CallResult {
    /// Why the call did not succeed, or not for certain.
    pub fn failure(&self) -> Option<&ApiFailure> {
        match self {
            CallResult::DriverPod(outcome) => outcome.failure(),
            CallResult::ConfigMap(outcome) | CallResult::Watch(outcome) | CallResult::Empty(outcome) => {
                outcome.failure()
            }
            CallResult::List(outcome) => outcome.failure(),
            CallResult::Pod(outcome) => outcome.failure(),
            CallResult::Prepared(outcome) => outcome.failure(),
            CallResult::Claim(outcome) => outcome.failure(),
            CallResult::Deleted(outcome) => outcome.failure(),
            CallResult::Claims(outcome) => outcome.failure(),
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The API server did it.
    Done(T),
    /// The API server refused, or the request never left.
    Failed(ApiFailure),
    /// The request may have been applied: the answer was lost or did not come in time.
    Unknown(ApiFailure),
}

impl<T> Outcome<T> {
    fn failure(&self) -> Option<&ApiFailure> {
        match self {
            Outcome::Done(_) => None,
            Outcome::Failed(failure) | Outcome::Unknown(failure) => Some(failure),
        }
    }
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiFailure {
    /// What it means for the plan.
    pub class: FailureClass,
    /// For people; secrets redacted.
    pub message: String,
    /// `Retry-After` of the answer.
    pub retry_after: Option<Duration>,
}

/// The classes of failure that the plan tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureClass {
    /// The pod cannot be built from the configuration: no request was made.
    Unbuildable,
    /// 401
    Unauthorized,
    /// 403 by authorization.
    Forbidden,
    /// 403 by a resource quota.
    QuotaExceeded,
    /// 404
    NotFound,
    /// 409 `AlreadyExists`
    AlreadyExists,
    /// 409 of another reason: a failed precondition.
    Conflict,
    /// 410: the resource version or the continue token is too old.
    Gone,
    /// 400 or 422: the API server will never take this object.
    Invalid,
    /// 429
    TooManyRequests,
    /// 5xx
    Server,
    /// No answer within the call's timeout, or the connection broke while waiting for it.
    Timeout,
    /// No connection: refused, unresolvable, unreachable.
    Unreachable,
    /// The server's certificate is not trusted.
    BadCertificate,
}

/// The driver pod, as far as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverPod {
    /// `metadata.uid`
    pub uid: String,
    /// Condition `Ready` is `True`.
    pub ready: bool,
}

/// An executor that can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The executor.
    pub executor: ExecutorId,
    /// The volume claims that go with its pod.
    pub claims: Vec<WantedClaim>,
}

/// A volume claim that an executor is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedClaim {
    /// `metadata.name`
    pub name: String,
    /// What another claim has to be to stand in for it.
    pub shape: ClaimShape,
    /// Whether another claim may stand in: the pod mounts this one, which asks for no data of its own.
    pub replaceable: bool,
}

/// What the plan knows of a volume claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimFacts {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
    /// UID of the owner reference with `controller: true`.
    pub owner_uid: Option<String>,
    /// Storage class, size, modes and labels.
    pub shape: ClaimShape,
    /// No pod can use it any more: `metadata.deletionTimestamp` is set, or its `status.phase` is `Lost`.
    pub spoiled: bool,
}

/// A page of a list of volume claims.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimPage {
    /// The claims of this page.
    pub claims: Vec<ClaimFacts>,
    /// `metadata.continue`, none on the last page.
    pub continue_token: Option<String>,
    /// `metadata.resourceVersion` of the list.
    pub resource_version: String,
}

/// An event of the open watch on volume claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimEvent {
    /// `ADDED` or `MODIFIED`.
    Applied {
        /// The claim.
        claim: Box<ClaimFacts>,
        /// `metadata.resourceVersion`
        resource_version: String,
    },
    /// `DELETED`, with the claim's last state.
    Deleted {
        /// The claim.
        claim: Box<ClaimFacts>,
        /// `metadata.resourceVersion`
        resource_version: String,
    },
    /// `BOOKMARK`
    Bookmark {
        /// `metadata.resourceVersion`
        resource_version: String,
    },
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPage {
    /// The pods of this page.
    pub pods: Vec<PodFacts>,
    /// `metadata.continue`, none on the last page.
    pub continue_token: Option<String>,
    /// `metadata.resourceVersion` of the list.
    pub resource_version: String,
}

/// An event of an open watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// `ADDED` or `MODIFIED`.
    Applied {
        /// The pod.
        pod: Box<PodFacts>,
        /// `metadata.resourceVersion`
        resource_version: String,
    },
    /// `DELETED`, with the pod's last state.
    Deleted {
        /// The pod.
        pod: Box<PodFacts>,
        /// `metadata.resourceVersion`
        resource_version: String,
    },
    /// `BOOKMARK`
    Bookmark {
        /// `metadata.resourceVersion`
        resource_version: String,
    },
    /// The `BOOKMARK` that ends the list at the beginning of a watch: annotation `k8s.io/initial-events-end`.
    Listed {
        /// `metadata.resourceVersion`
        resource_version: String,
    },
}
