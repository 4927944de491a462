//! Objects that an executor pod names and that have to exist.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, PersistentVolumeClaim, Pod, Volume};

use super::{Answer, Area, Candidate, Finding, Level};
use crate::plan::FailureClass;

/// The kind of an object that is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// A secret that is mounted or that environment variables come from.
    Secret,
    /// A secret of `imagePullSecrets`: without it the image is pulled without credentials.
    PullSecret,
    /// A `ConfigMap`.
    ConfigMap,
    /// A claim that is not made on demand.
    Claim,
    /// The pod's service account.
    ServiceAccount,
    /// The storage class of a claim.
    StorageClass,
    /// The pod's priority class.
    PriorityClass,
    /// The driver pod, `spark.kubernetes.driver.pod.name`.
    DriverPod,
}

impl ReferenceKind {
    fn title(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::PullSecret => "image pull secret",
            Self::ConfigMap => "ConfigMap",
            Self::Claim => "volume claim",
            Self::ServiceAccount => "service account",
            Self::StorageClass => "storage class",
            Self::PriorityClass => "priority class",
            Self::DriverPod => "driver pod",
        }
    }

    /// Whether the API server refuses a pod that names one that is missing.
    fn is_checked_at_admission(self) -> bool {
        matches!(self, Self::ServiceAccount | Self::PriorityClass)
    }

    fn without(self) -> &'static str {
        match self {
            Self::Secret | Self::ConfigMap => {
                "containers of executors would not start (CreateContainerConfigError, FailedMount)"
            }
            Self::PullSecret => {
                "images are pulled without credentials, which fails for private ones (ImagePullBackOff)"
            }
            Self::Claim => "executors would stay pending: they are not scheduled without it",
            Self::ServiceAccount | Self::PriorityClass => "the API server refuses the executor pod",
            Self::StorageClass => "volumes of executors would never be made, and executors stay pending",
            Self::DriverPod => "the allocation does not start without the owner of the executors",
        }
    }

    fn fix(self) -> &'static str {
        match self {
            Self::Secret => {
                "create it in the executors' namespace, or correct the key or the pod template that names it"
            }
            Self::PullSecret => "create it, or correct spark.kubernetes.container.image.pullSecrets",
            Self::ConfigMap | Self::Claim => {
                "create it in the executors' namespace, or correct the key or the pod template"
            }
            Self::ServiceAccount => {
                "create it, or correct spark.kubernetes.authenticate.executor.serviceAccountName (or the driver's)"
            }
            Self::StorageClass => "correct the storageClass of the volume, or have the class made",
            Self::PriorityClass => "correct priorityClassName in the pod template, or have the class made",
            Self::DriverPod => {
                "correct spark.kubernetes.driver.pod.name, or check again once the driver pod exists"
            }
        }
    }
}

/// An object that has to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its kind.
    pub kind: ReferenceKind,
    /// Its name.
    pub name: String,
    /// Entries it has to have, of a secret or `ConfigMap`.
    pub keys: BTreeSet<String>,
}

impl Reference {
    /// The driver pod.
    pub fn driver_pod(name: impl Into<String>) -> Self {
        Self {
            kind: ReferenceKind::DriverPod,
            name: name.into(),
            keys: BTreeSet::new(),
        }
    }
}

/// An object that exists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The names of its entries, where they were asked for.
    pub keys: BTreeSet<String>,
}

type Gathered = BTreeMap<(ReferenceKind, String), BTreeSet<String>>;

/// What the executor refers to, apart from what is made with it and from what it declares optional.
pub fn references_of(candidate: &Candidate, own_config_map: Option<&str>) -> Vec<Reference> {
    let mut all = Gathered::new();
    of_pod(&mut all, &candidate.pod);
    if let Some(name) = own_config_map {
        all.remove(&(ReferenceKind::ConfigMap, name.to_owned()));
    }
    for claim in &candidate.claims {
        if let Some(name) = &claim.metadata.name {
            all.remove(&(ReferenceKind::Claim, name.clone()));
        }
        of_claim(&mut all, claim);
    }
    all.into_iter()
        .map(|((kind, name), keys)| Reference { kind, name, keys })
        .collect()
}

fn of_pod(all: &mut Gathered, pod: &Pod) {
    let Some(spec) = &pod.spec else { return };
    for secret in spec.image_pull_secrets.iter().flatten() {
        name(all, ReferenceKind::PullSecret, &secret.name);
    }
    if let Some(account) = &spec.service_account_name {
        name(all, ReferenceKind::ServiceAccount, account);
    }
    if let Some(class) = &spec.priority_class_name {
        name(all, ReferenceKind::PriorityClass, class);
    }
    for container in spec
        .containers
        .iter()
        .chain(spec.init_containers.iter().flatten())
    {
        of_container(all, container);
    }
    for volume in spec.volumes.iter().flatten() {
        of_volume(all, volume);
    }
}

fn of_container(all: &mut Gathered, container: &Container) {
    for source in container.env_from.iter().flatten() {
        if let Some(secret) = source.secret_ref.as_ref().filter(|of| of.optional != Some(true)) {
            name(all, ReferenceKind::Secret, &secret.name);
        }
        if let Some(map) = source
            .config_map_ref
            .as_ref()
            .filter(|of| of.optional != Some(true))
        {
            name(all, ReferenceKind::ConfigMap, &map.name);
        }
    }
    for source in container
        .env
        .iter()
        .flatten()
        .filter_map(|env| env.value_from.as_ref())
    {
        if let Some(of) = source
            .secret_key_ref
            .as_ref()
            .filter(|of| of.optional != Some(true))
        {
            name(all, ReferenceKind::Secret, &of.name).insert(of.key.clone());
        }
        if let Some(of) = source
            .config_map_key_ref
            .as_ref()
            .filter(|of| of.optional != Some(true))
        {
            name(all, ReferenceKind::ConfigMap, &of.name).insert(of.key.clone());
        }
    }
}

fn of_volume(all: &mut Gathered, volume: &Volume) {
    use k8s_openapi::api::core::v1::KeyToPath;
    let keys = |items: Option<&Vec<KeyToPath>>| -> Vec<String> {
        items.into_iter().flatten().map(|item| item.key.clone()).collect()
    };
    let mut entries = |kind, of: &str, optional: Option<bool>, items: Option<&Vec<KeyToPath>>| {
        if optional != Some(true) {
            name(all, kind, of).extend(keys(items));
        }
    };
    if let Some(of) = &volume.secret {
        let secret = of.secret_name.as_deref().unwrap_or_default();
        entries(ReferenceKind::Secret, secret, of.optional, of.items.as_ref());
    }
    if let Some(of) = &volume.config_map {
        entries(ReferenceKind::ConfigMap, &of.name, of.optional, of.items.as_ref());
    }
    let projected = volume.projected.as_ref();
    for source in projected
        .into_iter()
        .flat_map(|projected| projected.sources.iter().flatten())
    {
        if let Some(of) = &source.secret {
            entries(ReferenceKind::Secret, &of.name, of.optional, of.items.as_ref());
        }
        if let Some(of) = &source.config_map {
            entries(ReferenceKind::ConfigMap, &of.name, of.optional, of.items.as_ref());
        }
    }
    if let Some(of) = &volume.persistent_volume_claim {
        name(all, ReferenceKind::Claim, &of.claim_name);
    }
    if let Some(of) = volume
        .csi
        .as_ref()
        .and_then(|csi| csi.node_publish_secret_ref.as_ref())
    {
        name(all, ReferenceKind::Secret, &of.name);
    }
    let template = volume
        .ephemeral
        .as_ref()
        .and_then(|of| of.volume_claim_template.as_ref());
    if let Some(class) = template.and_then(|template| template.spec.storage_class_name.as_ref()) {
        name(all, ReferenceKind::StorageClass, class);
    }
}

fn of_claim(all: &mut Gathered, claim: &PersistentVolumeClaim) {
    let class = claim
        .spec
        .as_ref()
        .and_then(|spec| spec.storage_class_name.as_ref());
    // An empty class asks for a volume without one.
    if let Some(class) = class.filter(|class| !class.is_empty()) {
        name(all, ReferenceKind::StorageClass, class);
    }
}

fn name<'a>(all: &'a mut Gathered, kind: ReferenceKind, name: &str) -> &'a mut BTreeSet<String> {
    all.entry((kind, name.to_owned())).or_default()
}

/// What the look-ups mean. `admitted`: the API server has accepted the pod.
pub(super) fn findings(references: &[(Reference, Answer<Found>)], admitted: bool) -> Vec<Finding> {
    references
        .iter()
        .map(|(reference, answer)| finding(reference, answer, admitted))
        .collect()
}

fn finding(reference: &Reference, answer: &Answer<Found>, admitted: bool) -> Finding {
    let Reference { kind, name, keys } = reference;
    let title = kind.title();
    match answer {
        Ok(found) => {
            let missing: Vec<&str> = keys.difference(&found.keys).map(String::as_str).collect();
            if missing.is_empty() {
                return Finding::ok(Area::References, format!("{title} {name} exists"), "it was read");
            }
            Finding::new(
                Level::Error,
                Area::References,
                format!("{title} {name} has no entry {}", missing.join(", ")),
                kind.without(),
                format!("add the entry to the {title}, or correct the key or the pod template that names it"),
            )
        }
        Err(failure) if failure.class == FailureClass::NotFound => {
            let level = match kind {
                ReferenceKind::PullSecret => Level::Warning,
                _ => Level::Error,
            };
            Finding::new(
                level,
                Area::References,
                format!("{title} {name} does not exist"),
                kind.without(),
                kind.fix(),
            )
        }
        Err(_) if admitted && kind.is_checked_at_admission() => Finding::ok(
            Area::References,
            format!("{title} {name} exists"),
            "the API server refuses pods that name a missing one, and accepts this one",
        ),
        Err(failure) => Finding::new(
            Level::Unknown,
            Area::References,
            format!("whether {title} {name} exists"),
            &failure.message,
            "look yourself, or run the check with credentials that may read it; a run does not need that right",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ApiFailure;
    use serde_json::json;

    fn candidate() -> Candidate {
        let pod = json!({"metadata": {}, "spec": {
            "serviceAccountName": "spark",
            "priorityClassName": "batch",
            "imagePullSecrets": [{"name": "registry"}],
            "initContainers": [{"name": "i", "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}]}],
            "containers": [{
                "name": "c",
                "envFrom": [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "maybe", "optional": true}}],
                "env": [
                    {"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                    {"name": "Q", "valueFrom": {"secretKeyRef": {"name": "db", "key": "gone", "optional": true}}},
                    {"name": "R", "value": "plain"},
                ],
            }],
            "volumes": [
                {"name": "1", "secret": {"secretName": "db", "items": [{"key": "user", "path": "u"}]}},
                {"name": "2", "configMap": {"name": "own"}},
                {"name": "3", "persistentVolumeClaim": {"claimName": "shared"}},
                {"name": "4", "persistentVolumeClaim": {"claimName": "on-demand"}},
                {"name": "5", "projected": {"sources": [{"secret": {"name": "projected"}}, {"serviceAccountToken": {"path": "t"}}]}},
                {"name": "6", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "scratch"}}}},
                {"name": "7", "emptyDir": {}},
            ],
        }});
        let claim = json!({"metadata": {"name": "on-demand"}, "spec": {"storageClassName": "fast"}});
        Candidate {
            pod: serde_json::from_value(pod).unwrap(),
            claims: vec![serde_json::from_value(claim).unwrap()],
            config_map: true,
        }
    }

    #[test]
    fn everything_the_pod_names_is_found_and_nothing_that_is_made_with_it() {
        let found: Vec<String> = references_of(&candidate(), Some("own"))
            .into_iter()
            .map(|of| {
                let keys: Vec<String> = of.keys.into_iter().collect();
                format!("{} {} [{}]", of.kind.title(), of.name, keys.join(" "))
            })
            .collect();
        assert_eq!(
            found,
            [
                "secret all []",
                "secret db [password user]",
                "secret projected []",
                "image pull secret registry []",
                "ConfigMap settings [a]",
                "volume claim shared []",
                "service account spark []",
                "storage class fast []",
                "storage class scratch []",
                "priority class batch []",
            ]
        );
    }

    fn level(kind: ReferenceKind, keys: &[&str], answer: &Answer<Found>, admitted: bool) -> Level {
        let reference = Reference {
            kind,
            name: "n".to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        finding(&reference, answer, admitted).level
    }

    fn failed(class: FailureClass) -> Answer<Found> {
        Err(ApiFailure {
            class,
            message: "m".to_owned(),
            retry_after: None,
        })
    }

    #[test]
    fn missing_is_an_error_and_unreadable_is_unknown() {
        let missing = failed(FailureClass::NotFound);
        let hidden = failed(FailureClass::Forbidden);
        let there = Ok(Found {
            keys: BTreeSet::from(["a".to_owned()]),
        });
        let of = |kind, answer: &Answer<Found>| level(kind, &["a"], answer, true);
        assert_eq!(of(ReferenceKind::Secret, &there), Level::Ok);
        assert_eq!(of(ReferenceKind::Secret, &Ok(Found::default())), Level::Error);
        assert_eq!(of(ReferenceKind::Secret, &missing), Level::Error);
        assert_eq!(of(ReferenceKind::PullSecret, &missing), Level::Warning);
        assert_eq!(of(ReferenceKind::Secret, &hidden), Level::Unknown);
        assert_eq!(of(ReferenceKind::ServiceAccount, &hidden), Level::Ok);
        assert_eq!(
            level(ReferenceKind::ServiceAccount, &[], &hidden, false),
            Level::Unknown
        );
    }
}
