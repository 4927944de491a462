//! `StatefulSet`s and `Deployment`s that keep executor pods, as stock's allocators of these names make them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use super::executor::Executor;
use super::steps::{self, Request};
use super::{AppContext, PodTemplate, ResourceProfile, SpecError};
use crate::conf::{Conf, ConfError, keys};
use crate::ids::ProfileId;

/// Among pods of a `Deployment` that are too many, the one with the lowest cost goes first.
pub const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// What keeps the executor pods of a profile where Stoker does not make them itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerKind {
    /// `spark.kubernetes.allocation.pods.allocator=statefulset`
    StatefulSet,
    /// `spark.kubernetes.allocation.pods.allocator=deployment`, since Spark 4.2.
    Deployment,
}

impl ControllerKind {
    /// The controller that the user has chosen; none for `direct` and for class names.
    pub fn of(conf: &Conf) -> Result<Option<ControllerKind>, ConfError> {
        let allocator = conf.get(&keys::ALLOCATION_PODS_ALLOCATOR)?;
        Ok(match allocator.as_str() {
            "statefulset" => Some(ControllerKind::StatefulSet),
            "deployment" if conf.version().is_at_least(4, 2, 0) => Some(ControllerKind::Deployment),
            _ => None,
        })
    }

    /// Name of the controller of a profile. Its pods are named after it, with a dash in between.
    pub fn name(self, app_id: &str, profile: ProfileId) -> String {
        format!("spark-{}-{app_id}-{profile}", self.letter())
    }

    /// The profile of the controller that a pod is named after.
    pub fn profile_of(self, pod: &str, app_id: &str) -> Option<ProfileId> {
        let rest = pod.strip_prefix("spark-")?.strip_prefix(self.letter())?;
        let rest = rest.strip_prefix('-')?.strip_prefix(app_id)?.strip_prefix('-')?;
        let (profile, _) = rest.split_once('-')?;
        let exact = profile == "0" || !profile.starts_with(['0', '+']);
        profile.parse().ok().filter(|_| exact).map(ProfileId)
    }

    fn letter(self) -> char {
        match self {
            ControllerKind::StatefulSet => 's',
            ControllerKind::Deployment => 'd',
        }
    }
}

impl fmt::Display for ControllerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ControllerKind::StatefulSet => "StatefulSet",
            ControllerKind::Deployment => "Deployment",
        })
    }
}

/// The `StatefulSet` or `Deployment` of a profile.
#[derive(Debug)]
pub struct Controller {
    /// The `apps/v1` object in JSON.
    pub manifest: Value,
    /// What of configuration and template was left out, to be logged once.
    pub warnings: Vec<String>,
}

impl Controller {
    /// The controller of a profile with so many executors. Its pods are those of single executors, but for the
    /// executor's number, for which they ask the driver, and for claims, which a `StatefulSet` makes from templates.
    ///
    /// `seed`: random bits; they make the name of the default local directory or the order of configured ones, which
    /// are the same for all executors.
    ///
    /// # Errors
    ///
    /// As [`PodStamp::build`](super::PodStamp::build), and where a `Deployment` would need volume claims.
    pub fn build(
        kind: ControllerKind,
        conf: &Conf,
        context: &AppContext,
        profile: &ResourceProfile,
        replicas: u32,
        seed: u128,
    ) -> Result<Controller, SpecError> {
        let prefix = context.pod_name_prefix.as_str();
        let executor = Executor::Template { prefix, seed };
        let request = Request {
            conf,
            context,
            profile,
            executor,
        };
        let begun = PodTemplate::begin(context.pod_template.as_ref(), conf)?;
        let mut pod = steps::run(&request, begun)?;
        let mut template = pod.finish();
        let (metadata, spec) = (template["metadata"].take(), template["spec"].take());
        let template = json!({"metadata": metadata, "spec": spec});
        let labels = json!({
            "spark-app-selector": context.app_id,
            "spark-role": "executor",
            "spark-exec-resourceprofile-id": profile.id.to_string(),
        });
        let mut spec = json!({
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template,
        });
        match kind {
            ControllerKind::StatefulSet => {
                spec["podManagementPolicy"] = json!("Parallel");
                let templates = claim_templates(&mut spec["template"], pod.claims);
                if !templates.is_empty() {
                    spec["volumeClaimTemplates"] = json!(templates);
                }
            }
            ControllerKind::Deployment => {
                refuse_claims(&spec["template"])?;
                let annotations = &mut spec["template"]["metadata"]["annotations"];
                if annotations[DELETION_COST].is_null() {
                    annotations[DELETION_COST] = json!("0");
                }
            }
        }
        let mut metadata = json!({
            "name": kind.name(&context.app_id, profile.id),
            "namespace": conf.get(&keys::NAMESPACE)?,
        });
        if let Some(driver) = &context.driver_pod {
            metadata["ownerReferences"] = json!([driver.reference()]);
        }
        let manifest = json!({
            "apiVersion": "apps/v1",
            "kind": kind.to_string(),
            "metadata": metadata,
            "spec": spec,
        });
        Ok(Controller {
            manifest,
            warnings: pod.warnings,
        })
    }
}

/// Takes the volumes of claims that are made for the executor out of the pod: the `StatefulSet` adds them to each pod,
/// by the names of their claims.
fn claim_templates(template: &mut Value, claims: Vec<Value>) -> Vec<Value> {
    let Some(volumes) = template["spec"]["volumes"].as_array_mut() else {
        return Vec::new();
    };
    let made: BTreeSet<String> = claims
        .iter()
        .filter_map(|claim| Some(claim["metadata"]["name"].as_str()?.to_owned()))
        .collect();
    let mut volume_of = BTreeMap::new();
    volumes.retain(|volume| {
        let claim = volume["persistentVolumeClaim"]["claimName"].as_str();
        let Some(claim) = claim.filter(|claim| made.contains(*claim)) else {
            return true;
        };
        volume_of.insert(claim.to_owned(), volume["name"].clone());
        false
    });
    let rename = |mut claim: Value| {
        let name = claim["metadata"]["name"].as_str().unwrap_or_default();
        if let Some(volume) = volume_of.get(name) {
            claim["metadata"]["name"] = volume.clone();
        }
        claim
    };
    claims.into_iter().map(rename).collect()
}

/// Pods of a `Deployment` are all alike, so that none could have a claim of its own.
fn refuse_claims(template: &Value) -> Result<(), SpecError> {
    let volumes = template["spec"]["volumes"].as_array();
    let claimed = volumes
        .into_iter()
        .flatten()
        .find(|volume| !volume["persistentVolumeClaim"].is_null());
    match claimed {
        Some(volume) => Err(SpecError::DeploymentClaim {
            volume: volume["name"].as_str().unwrap_or_default().to_owned(),
        }),
        None => Ok(()),
    }
}
