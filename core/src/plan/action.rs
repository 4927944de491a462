//! Outputs of the plan towards the API server.

use std::sync::Arc;
use std::time::Duration;

use super::types::{CallId, ExecutorId, ObjectRef, ProfileId};
use crate::spec::ControllerKind;

/// An API call to be started. Each is answered exactly once through `Plan::handle_result`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `GET` the driver pod: its UID becomes the owner of everything.
    GetDriverPod {
        /// Identifies the result.
        call: CallId,
    },
    /// `POST` the executor `ConfigMap`.
    CreateConfigMap {
        /// Identifies the result.
        call: CallId,
    },
    /// `GET` one page of the application's executor pods.
    List {
        /// Identifies the result.
        call: CallId,
        /// Token of the next page, none for the first.
        continue_token: Option<String>,
        /// May be answered from the API server's cache, in one page. Otherwise the first page is consistent with all
        /// writes before it.
        cached: bool,
    },
    /// Open the watch on the application's executor pods. Answered when it ends; while it is open its events
    /// come through `Plan::handle_watch`.
    Watch {
        /// Identifies the result.
        call: CallId,
        /// Resource version to start from. None asks for all the pods there are first, up to
        /// [`WatchEvent::Listed`](super::WatchEvent::Listed): a streaming list.
        resource_version: Option<String>,
    },
    /// Build the pods and volume claims of executors, to be sent by `Create` and `CreateClaim`. This is no API call;
    /// where users have feature steps of their own it asks the JVM.
    Prepare {
        /// Identifies the result.
        call: CallId,
        /// The executors and their resource profiles.
        executors: Vec<(ExecutorId, ProfileId)>,
    },
    /// `POST` a volume claim of an executor that was prepared.
    CreateClaim {
        /// Identifies the result.
        call: CallId,
        /// The executor.
        executor: ExecutorId,
        /// Which of its claims, from 0.
        index: usize,
        /// The pod that owns the claim.
        owner: ObjectRef,
    },
    /// `DELETE` a volume claim with a UID precondition.
    DeleteClaim {
        /// Identifies the result.
        call: CallId,
        /// The claim.
        claim: ObjectRef,
    },
    /// `POST` an executor pod.
    Create {
        /// Identifies the result.
        call: CallId,
        /// The executor.
        executor: ExecutorId,
        /// Its resource profile.
        profile: ProfileId,
        /// Names of the nodes that its pod keeps away from.
        avoid: Arc<[String]>,
        /// Which of its claims are not its own but others' of before: by index, with the name.
        reused: Vec<(usize, String)>,
    },
    /// `GET` one executor pod, to learn what became of a create or of an expected event.
    Get {
        /// Identifies the result.
        call: CallId,
        /// The executor.
        executor: ExecutorId,
        /// Pod name.
        name: String,
    },
    /// `DELETE` one executor pod with a UID precondition.
    Delete {
        /// Identifies the result.
        call: CallId,
        /// The executor.
        executor: ExecutorId,
        /// Pod name.
        name: String,
        /// Precondition: a pod of that name with another UID is not ours.
        uid: String,
        /// `gracePeriodSeconds`; `None` leaves it to the pod.
        grace: Option<Duration>,
    },
    /// `PATCH` labels or annotations of one executor pod.
    Patch {
        /// Identifies the result.
        call: CallId,
        /// The executor.
        executor: ExecutorId,
        /// Pod name.
        name: String,
        /// What to change.
        patch: PodPatch,
    },
    /// `DELETE` the executor `ConfigMap` by name, where deleting collections is forbidden.
    DeleteConfigMap {
        /// Identifies the result.
        call: CallId,
    },
    /// `POST` the `StatefulSet` or `Deployment` that makes the executor pods of a profile.
    CreateController {
        /// Identifies the result.
        call: CallId,
        /// What it is.
        kind: ControllerKind,
        /// The profile.
        profile: ProfileId,
        /// `metadata.name`
        name: String,
        /// `spec.replicas`
        replicas: u32,
    },
    /// `PUT` the size of a controller.
    ScaleController {
        /// Identifies the result.
        call: CallId,
        /// What it is.
        kind: ControllerKind,
        /// `metadata.name`
        name: String,
        /// `spec.replicas`
        replicas: u32,
    },
    /// `DELETE` a controller, and in the background its pods.
    DeleteController {
        /// Identifies the result.
        call: CallId,
        /// What it is.
        kind: ControllerKind,
        /// `metadata.name`
        name: String,
    },
    /// `DELETE` on a page of the collection of executor pods, selected by the application's labels.
    DeletePods {
        /// Identifies the result.
        call: CallId,
        /// Token of the next page, none for the first.
        continue_token: Option<String>,
    },
    /// `DELETE` on another collection, selected by the application's labels.
    DeleteCollection {
        /// Identifies the result.
        call: CallId,
        /// Which collection.
        selection: Selection,
    },
    /// `GET` one page of the application's volume claims.
    ListClaims {
        /// Identifies the result.
        call: CallId,
        /// Token of the next page, none for the first.
        continue_token: Option<String>,
    },
    /// Open the watch on the application's volume claims. Answered when it ends, as `Watch` is; its events come through
    /// `Plan::handle_claim_event`.
    WatchClaims {
        /// Identifies the result.
        call: CallId,
        /// Resource version to start from.
        resource_version: String,
    },
}

impl Action {
    /// The identifier its result carries.
    pub fn call(&self) -> CallId {
        match self {
            Action::GetDriverPod { call }
            | Action::CreateConfigMap { call }
            | Action::List { call, .. }
            | Action::Watch { call, .. }
            | Action::Prepare { call, .. }
            | Action::CreateClaim { call, .. }
            | Action::DeleteClaim { call, .. }
            | Action::Create { call, .. }
            | Action::Get { call, .. }
            | Action::Delete { call, .. }
            | Action::Patch { call, .. }
            | Action::DeleteConfigMap { call }
            | Action::CreateController { call, .. }
            | Action::ScaleController { call, .. }
            | Action::DeleteController { call, .. }
            | Action::DeletePods { call, .. }
            | Action::DeleteCollection { call, .. }
            | Action::ListClaims { call, .. }
            | Action::WatchClaims { call, .. } => *call,
        }
    }
}

/// A change of a pod's labels or annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodPatch {
    /// `spark-exec-inactive=true`: kept because `spark.kubernetes.executor.deleteOnTermination=false`.
    Inactive,
    /// `spark.kubernetes.executor.decommissionLabel` with its value.
    Decommission {
        /// Label name.
        label: String,
        /// Label value.
        value: String,
    },
    /// `spark-exec-id`: the number of the executor that has asked for it.
    ExecutorId(ExecutorId),
    /// The annotation `controller.kubernetes.io/pod-deletion-cost`.
    DeletionCost(i32),
}

/// A collection deleted as a whole, by the label `spark-app-selector` and, of `ConfigMap`s, `spark-role=executor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The executor `ConfigMap`.
    ConfigMaps,
    /// Volume claims.
    Claims,
    /// The driver's service.
    Services,
}
