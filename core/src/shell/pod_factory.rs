//! Makes the bytes that are sent: each profile's pod is built once and stamped per executor.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde_json::Value;

use crate::conf::{Conf, keys};
use crate::plan::{ExecutorId, ObjectRef, Prepared, ProfileId, WantedClaim};
use crate::spec::{
    self, AppContext, Controller, ControllerKind, OwnerPod, PodStamp, PodTemplate, ResourceProfile, Secret,
    StampedPod,
};
use crate::with_causes;

use super::clock::epoch_millis;
use super::conf_dir;
use super::error::StartError;
use super::feature_steps;
use super::settings::Settings;

/// Configuration, what it does not hold, and the profiles Spark has made known.
#[derive(Debug)]
pub(super) struct PodFactory {
    conf: Conf,
    context: AppContext,
    /// Files of `SPARK_CONF_DIR` for the `ConfigMap`.
    files: Vec<(String, String)>,
    profiles: BTreeMap<ProfileId, ResourceProfile>,
    stamps: BTreeMap<ProfileId, PodStamp>,
    /// What was prepared and may still be sent.
    prepared: BTreeMap<ExecutorId, StampedPod>,
    /// Classes of users that customise pods in the JVM.
    custom_steps: Vec<String>,
    /// The driver pod as the API server has it, for custom steps.
    driver_json: Option<Value>,
    /// Whether executors have claims or custom pods.
    prepares: bool,
    /// An executor was lost for want of memory.
    recovering: bool,
    /// What makes the executor pods; Stoker itself where there is none.
    controller: Option<ControllerKind>,
    /// Kinds of resources that custom steps want and that are not made: each is told once.
    dropped_kinds: BTreeSet<String>,
}

impl PodFactory {
    /// Fails where the default profile's pod cannot be built, before anything is asked of the API server.
    pub(super) fn new(settings: &Settings) -> Result<Self, StartError> {
        let conf = settings.conf.clone();
        let custom_steps = spec::custom_steps(&conf)?;
        let unique = spec::unique_id(random().map_err(StartError::System)?, epoch_millis());
        let files = if conf.get(&keys::EXECUTOR_DISABLE_CONFIG_MAP)? {
            Vec::new()
        } else {
            conf_dir::read(&conf)?
        };
        let context = AppContext {
            app_id: settings.app_id.clone(),
            spark_user: settings.spark_user.clone(),
            auth_secret: settings.auth_secret.as_ref().map(Secret::new),
            pod_name_prefix: spec::pod_name_prefix(&conf, &unique)?,
            config_map_name: spec::config_map_name(&unique),
            driver_pod: None,
            conf_files: files.iter().map(|(name, _)| name.clone()).collect(),
            pod_template: settings
                .pod_template
                .as_deref()
                .map(PodTemplate::parse)
                .transpose()?,
        };
        let profile = ResourceProfile::default_from(&conf)?;
        let stamp = PodStamp::build(&conf, &context, &profile)?;
        for warning in stamp.warnings() {
            tracing::warn!("{warning}");
        }
        let has_claims = !stamp.stamp(ExecutorId(1), 0).claims.is_empty();
        let controller = ControllerKind::of(&conf)?;
        if let Some(kind) = controller {
            if !custom_steps.is_empty() {
                return Err(StartError::StepsOfController {
                    steps: custom_steps.join(", "),
                });
            }
            // Nothing of it is used: it only has to be possible.
            Controller::build(kind, &conf, &context, &profile, 0, 0)?;
        }
        let profiles = BTreeMap::from([(ProfileId(0), profile)]);
        Ok(Self {
            conf,
            context,
            files,
            profiles,
            stamps: BTreeMap::new(),
            prepared: BTreeMap::new(),
            prepares: !custom_steps.is_empty() || has_claims,
            custom_steps,
            driver_json: None,
            recovering: false,
            controller,
            dropped_kinds: BTreeSet::new(),
        })
    }

    pub(super) fn pod_name_prefix(&self) -> &str {
        &self.context.pod_name_prefix
    }

    pub(super) fn config_map_name(&self) -> &str {
        &self.context.config_map_name
    }

    /// The driver pod owns whatever is made from now on.
    pub(super) fn set_owner(&mut self, name: &str, uid: &str) {
        self.context.driver_pod = Some(OwnerPod {
            name: name.to_owned(),
            uid: uid.to_owned(),
        });
        self.stamps.clear();
    }

    pub(super) fn set_profile(&mut self, profile: ResourceProfile) {
        self.stamps.remove(&profile.id);
        self.profiles.insert(profile.id, profile);
    }

    /// An executor was lost for want of memory: those made from now on run one task at a time, unless the user has said
    /// whether they do. Returns whether that is new.
    pub(super) fn recover(&mut self) -> bool {
        if self.recovering || !spec::may_recover(&self.conf) {
            return false;
        }
        self.recovering = true;
        self.set_conf(self.conf.clone());
        if let Ok(Some(warning)) = spec::recovery_warning(&self.conf) {
            tracing::warn!("{warning}");
        }
        true
    }

    pub(super) fn set_conf(&mut self, conf: Conf) {
        let conf = if self.recovering {
            spec::in_recovery(&conf)
        } else {
            conf
        };
        if self.conf.fingerprint() != conf.fingerprint() {
            self.conf = conf;
            self.stamps.clear();
        }
    }

    /// Classes of users that customise pods in the JVM.
    pub(super) fn custom_steps(&self) -> &[String] {
        &self.custom_steps
    }

    /// Whether executors are prepared before their creates: they have volume claims or custom pods.
    pub(super) fn prepares(&self) -> bool {
        self.prepares
    }

    /// The driver pod as the API server has it.
    pub(super) fn set_driver_json(&mut self, pod: Value) {
        self.driver_json = Some(pod);
    }

    /// Builds the pods and claims of executors, or says why there are none, for people. Where custom steps have to
    /// customise them, returns what the JVM is to be asked.
    pub(super) fn prepare(&mut self, executors: &[(ExecutorId, ProfileId)]) -> Result<Option<Value>, String> {
        for (executor, profile) in executors {
            let pod = self.stamp(*executor, *profile)?;
            self.prepared.insert(*executor, pod);
        }
        if self.custom_steps.is_empty() {
            return Ok(None);
        }
        let pods = executors.iter().filter_map(|(executor, profile)| {
            let pod = self.prepared.get(executor)?;
            Some((*executor, *profile, pod))
        });
        feature_steps::request(&self.custom_steps, self.driver_json.as_ref(), pods)
            .map(Some)
            .map_err(|error| with_causes(&error))
    }

    /// Takes the JVM's answer, or says why it cannot be used, for people.
    pub(super) fn customise(&mut self, executors: &[ExecutorId], answer: Value) -> Result<(), String> {
        let dropped_kinds = &mut self.dropped_kinds;
        let dropped = |kind: &str| {
            if dropped_kinds.insert(kind.to_owned()) {
                tracing::warn!(
                    kind,
                    "custom feature steps return resources of this kind; of additional resources of executors only \
                     PersistentVolumeClaims are made, as in stock Spark"
                );
            }
        };
        feature_steps::accept(answer, executors, &mut self.prepared, dropped)
            .map_err(|error| with_causes(&error))
    }

    /// What these executors need, once they are prepared.
    pub(super) fn prepared(&self, executors: &[ExecutorId]) -> Vec<Prepared> {
        executors
            .iter()
            .filter_map(|executor| {
                Some(Prepared {
                    executor: *executor,
                    claims: wanted(self.prepared.get(executor)?),
                })
            })
            .collect()
    }

    /// Drops what was prepared for executors that no longer need it.
    pub(super) fn keep_prepared(&mut self, needed: impl Fn(ExecutorId) -> bool) {
        self.prepared.retain(|executor, _| needed(*executor));
    }

    /// A claim of an executor that was prepared, in JSON.
    pub(super) fn claim(&self, executor: ExecutorId, index: usize, owner: ObjectRef) -> Option<Vec<u8>> {
        let claim = self.prepared.get(&executor)?.claims.get(index)?;
        let ObjectRef { name, uid } = owner;
        Some(claim.body(Some(&OwnerPod { name, uid })))
    }

    /// The executor's pod in JSON, kept away from nodes, or why there is none, for people. `reused`: claims that stand in
    /// for its own, by the index of those.
    pub(super) fn pod(
        &mut self,
        executor: ExecutorId,
        profile: ProfileId,
        avoid: &[String],
        reused: &[(usize, String)],
    ) -> Result<Vec<u8>, String> {
        let body = match self.prepared.get(&executor) {
            Some(pod) if reused.is_empty() => pod.body.clone(),
            Some(pod) => with_claims(pod, reused).map_err(|error| with_causes(&error))?,
            None => self.stamp(executor, profile)?.body,
        };
        Ok(spec::avoid_nodes(body, avoid))
    }

    fn stamp(&mut self, executor: ExecutorId, profile: ProfileId) -> Result<StampedPod, String> {
        let seed = u128::from_be_bytes(random().map_err(|error| with_causes(&error))?);
        if !self.stamps.contains_key(&profile) {
            let described = self.described(profile)?;
            let stamp =
                PodStamp::build(&self.conf, &self.context, described).map_err(|error| with_causes(&error))?;
            self.stamps.insert(profile, stamp);
        }
        Ok(self.stamps[&profile].stamp(executor, seed))
    }

    /// What makes the executor pods; Stoker itself where there is none.
    pub(super) fn controller_kind(&self) -> Option<ControllerKind> {
        self.controller
    }

    /// The controller of a profile in JSON, or why there is none, for people.
    pub(super) fn controller(&self, profile: ProfileId, replicas: u32) -> Result<Vec<u8>, String> {
        let kind = self.controller.ok_or("executor pods are made one by one")?;
        let seed = u128::from_be_bytes(random().map_err(|error| with_causes(&error))?);
        let described = self.described(profile)?;
        let controller = Controller::build(kind, &self.conf, &self.context, described, replicas, seed)
            .map_err(|error| with_causes(&error))?;
        Ok(controller.manifest.to_string().into_bytes())
    }

    fn described(&self, profile: ProfileId) -> Result<&ResourceProfile, String> {
        self.profiles
            .get(&profile)
            .ok_or_else(|| format!("Spark has not described resource profile {profile} yet"))
    }

    /// The executor `ConfigMap` in JSON, or why there is none, for people.
    pub(super) fn config_map(&self) -> Result<Vec<u8>, String> {
        let config_map =
            spec::config_map(&self.conf, &self.context, &self.files).map_err(|error| with_causes(&error))?;
        Ok(config_map.to_string().into_bytes())
    }
}

/// What the plan is to know of the claims of a pod.
fn wanted(pod: &StampedPod) -> Vec<WantedClaim> {
    if pod.claims.is_empty() {
        return Vec::new();
    }
    let body = serde_json::from_slice(&pod.body).unwrap_or_default();
    let mounted: BTreeSet<_> = spec::claim_names(&body).collect();
    let claims = pod.claims.iter().map(|claim| WantedClaim {
        name: claim.name.clone(),
        shape: claim.shape(),
        replaceable: claim.is_replaceable() && mounted.contains(claim.name.as_str()),
    });
    claims.collect()
}

/// A pod with other claims in the place of some of its own.
fn with_claims(pod: &StampedPod, reused: &[(usize, String)]) -> serde_json::Result<Vec<u8>> {
    let mut body = serde_json::from_slice(&pod.body)?;
    let others = reused.iter();
    let others: BTreeMap<_, _> = others
        .filter_map(|(index, other)| Some((pod.claims.get(*index)?.name.as_str(), other.as_str())))
        .collect();
    spec::rename_claims(&mut body, |name| others.get(name).copied());
    serde_json::to_vec(&body)
}

/// Bytes of the operating system's random number generator.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
