//! The fields of a pod that decide something, and nothing else, out of the API server's JSON.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::plan::{
    Condition, ContainerFacts, ContainerState, DriverPod, ExecutorId, ListPage, PodFacts, PodPhase, ProfileId,
};

/// `v1.PodList`
#[derive(Debug, Deserialize)]
pub(super) struct ListAnswer {
    #[serde(default)]
    metadata: ListMeta,
    items: Option<Vec<PodAnswer>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListMeta {
    pub(super) resource_version: String,
    pub(super) r#continue: Option<String>,
}

impl From<ListAnswer> for ListPage {
    fn from(list: ListAnswer) -> Self {
        Self {
            pods: list
                .items
                .unwrap_or_default()
                .into_iter()
                .map(PodFacts::from)
                .collect(),
            continue_token: list.metadata.r#continue.filter(|token| !token.is_empty()),
            resource_version: list.metadata.resource_version,
        }
    }
}

/// What was deleted of a collection: a page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct DeletedAnswer {
    #[serde(default)]
    metadata: ListMeta,
}

impl DeletedAnswer {
    pub(super) fn continue_token(self) -> Option<String> {
        self.metadata.r#continue.filter(|token| !token.is_empty())
    }
}

/// `v1.Pod`
#[derive(Debug, Deserialize)]
pub(super) struct PodAnswer {
    metadata: Meta,
    #[serde(default)]
    spec: Option<Spec>,
    #[serde(default)]
    status: Option<PodStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    name: String,
    uid: String,
    #[serde(default)]
    resource_version: String,
    #[serde(default)]
    labels: Option<Labels>,
    #[serde(default)]
    owner_references: Option<Vec<Owner>>,
    #[serde(default)]
    deletion_timestamp: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
struct Labels {
    #[serde(rename = "spark-app-selector")]
    app_id: Option<String>,
    #[serde(rename = "spark-exec-id")]
    executor: Option<String>,
    #[serde(rename = "spark-exec-resourceprofile-id")]
    profile: Option<String>,
    #[serde(rename = "spark-exec-inactive")]
    inactive: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Owner {
    uid: String,
    #[serde(default)]
    controller: Option<bool>,
}

/// UID of the owner that manages the object.
pub(super) fn controller(owners: Vec<Owner>) -> Option<String> {
    owners
        .into_iter()
        .find(|owner| owner.controller == Some(true))
        .map(|owner| owner.uid)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
    volumes: Option<Vec<VolumeAnswer>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VolumeAnswer {
    persistent_volume_claim: Option<ClaimSource>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimSource {
    claim_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    phase: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    conditions: Option<Vec<ConditionAnswer>>,
    init_container_statuses: Option<Vec<ContainerAnswer>>,
    container_statuses: Option<Vec<ContainerAnswer>>,
}

#[derive(Debug, Deserialize)]
struct ConditionAnswer {
    r#type: String,
    #[serde(default)]
    status: String,
    reason: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ContainerAnswer {
    name: String,
    #[serde(default)]
    state: Option<StateAnswer>,
    #[serde(default, rename = "lastState")]
    last_state: Option<StateAnswer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StateAnswer {
    waiting: Option<Reason>,
    running: Option<IgnoredAny>,
    terminated: Option<Terminated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Terminated {
    exit_code: i32,
    reason: Option<String>,
    message: Option<String>,
}

impl PodAnswer {
    pub(super) fn resource_version(&self) -> &str {
        &self.metadata.resource_version
    }
}

impl From<PodAnswer> for PodFacts {
    fn from(pod: PodAnswer) -> Self {
        let labels = pod.metadata.labels.unwrap_or_default();
        let status = pod.status.unwrap_or_default();
        let spec = pod.spec.unwrap_or_default();
        let claim = |volume: VolumeAnswer| Some(volume.persistent_volume_claim?.claim_name);
        let owners = pod.metadata.owner_references.unwrap_or_default();
        let init = status.init_container_statuses.unwrap_or_default().into_iter();
        let main = status.container_statuses.unwrap_or_default().into_iter();
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        Self {
            name: pod.metadata.name,
            uid: pod.metadata.uid,
            app_id: labels.app_id,
            executor: number(labels.executor).map(ExecutorId),
            profile: labels.profile.and_then(|text| text.parse().ok()).map(ProfileId),
            owner_uid: controller(owners),
            inactive: labels.inactive.as_deref() == Some("true"),
            deleting: pod.metadata.deletion_timestamp.is_some(),
            phase: phase(status.phase.as_deref()),
            node: spec.node_name,
            claims: spec.volumes.into_iter().flatten().filter_map(claim).collect(),
            reason: status.reason,
            message: status.message,
            conditions: status
                .conditions
                .unwrap_or_default()
                .into_iter()
                .filter_map(condition)
                .collect(),
            containers: init
                .map(|answer| container(answer, true))
                .chain(main.map(|answer| container(answer, false)))
                .collect(),
        }
    }
}

fn phase(phase: Option<&str>) -> PodPhase {
    match phase {
        None | Some("" | "Pending") => PodPhase::Pending,
        Some("Running") => PodPhase::Running,
        Some("Succeeded") => PodPhase::Succeeded,
        Some("Failed") => PodPhase::Failed,
        Some(_) => PodPhase::Unknown,
    }
}

fn condition(answer: ConditionAnswer) -> Option<Condition> {
    matches!(answer.r#type.as_str(), "PodScheduled" | "DisruptionTarget").then_some(Condition {
        kind: answer.r#type,
        status: answer.status,
        reason: answer.reason,
        message: answer.message,
    })
}

fn container(answer: ContainerAnswer, init: bool) -> ContainerFacts {
    let mut state = answer.state.unwrap_or_default();
    let last = answer.last_state.unwrap_or_default();
    // Between two runs a container waits: it has ended all the same.
    if !init && state.running.is_none() && state.terminated.is_none() {
        state.terminated = last.terminated;
    }
    let state = match (state.terminated, state.running) {
        (
            Some(Terminated {
                exit_code,
                reason,
                message,
            }),
            _,
        ) => ContainerState::Terminated {
            exit_code,
            reason,
            message,
        },
        (None, Some(_)) => ContainerState::Running,
        (None, None) => {
            let Reason { reason, message } = state.waiting.unwrap_or_default();
            ContainerState::Waiting { reason, message }
        }
    };
    ContainerFacts {
        name: answer.name,
        init,
        state,
    }
}

/// The driver's `v1.Pod`
#[derive(Debug, Deserialize)]
pub(super) struct DriverAnswer {
    metadata: DriverMeta,
    #[serde(default)]
    status: Option<DriverStatus>,
}

#[derive(Debug, Deserialize)]
struct DriverMeta {
    uid: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DriverStatus {
    conditions: Option<Vec<ConditionAnswer>>,
}

impl From<DriverAnswer> for DriverPod {
    fn from(pod: DriverAnswer) -> Self {
        let conditions = pod.status.unwrap_or_default().conditions.unwrap_or_default();
        let ready = conditions
            .iter()
            .any(|condition| condition.r#type == "Ready" && condition.status == "True");
        Self {
            uid: pod.metadata.uid,
            ready,
        }
    }
}
