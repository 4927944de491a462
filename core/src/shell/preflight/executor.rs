//! An executor as a run would create it.

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::conf::{ConfError, keys};
use crate::ids::ExecutorId;
use crate::preflight::{Candidate, Needs, Reference, TrialKind, references_of};
use crate::shell::clock::epoch_millis;
use crate::shell::conf_dir;
use crate::shell::pod_factory::random;
use crate::shell::settings::Settings;
use crate::spec::{self, AppContext, PodStamp, PodTemplate, ResourceProfile, Secret, SpecError};

/// The largest id that Spark gives: the longest name, and one that no running executor has.
const LAST: ExecutorId = ExecutorId(i32::MAX as u64);

/// Why there is no executor to be checked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecutorError {
    /// The pod cannot be built.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// What was built is not what Kubernetes knows under that name.
    #[error("the {what} has a field of a wrong type: correct the pod template or the key it comes from")]
    Malformed {
        /// The object.
        what: &'static str,
        /// The field, and what is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// No random numbers.
    #[error("the operating system gives no random numbers")]
    System(#[source] std::io::Error),
}

/// An executor of the default profile, and what is made with it.
#[derive(Debug)]
pub struct Executor {
    /// The objects, typed.
    pub candidate: Candidate,
    /// What has to exist before.
    pub references: Vec<Reference>,
    /// The rights that are used for it.
    pub needs: Needs,
    /// The objects as they are sent.
    pub bodies: Vec<(TrialKind, Vec<u8>)>,
    /// What of the configuration is not in the objects.
    pub warnings: Vec<String>,
}

impl Executor {
    /// Builds the executor without an owner.
    pub fn build(settings: &Settings) -> Result<Self, ExecutorError> {
        let conf = &settings.conf;
        let unique = spec::unique_id(random().map_err(ExecutorError::System)?, epoch_millis());
        let seed = u128::from_be_bytes(random().map_err(ExecutorError::System)?);
        let with_config_map = !of(conf.get(&keys::EXECUTOR_DISABLE_CONFIG_MAP))?;
        let files = if with_config_map {
            conf_dir::read(conf)?
        } else {
            Vec::new()
        };
        let template = settings.pod_template.as_deref().map(PodTemplate::parse);
        let context = AppContext {
            app_id: settings.app_id.clone(),
            spark_user: settings.spark_user.clone(),
            auth_secret: settings.auth_secret.as_ref().map(Secret::new),
            pod_name_prefix: spec::pod_name_prefix(conf, &unique)?,
            config_map_name: spec::config_map_name(&unique),
            driver_pod: None,
            conf_files: files.iter().map(|(name, _)| name.clone()).collect(),
            pod_template: template.transpose()?,
        };
        let profile = ResourceProfile::default_from(conf)?;
        let stamp = PodStamp::build(conf, &context, &profile)?;
        let stamped = stamp.stamp(LAST, seed);
        let mut bodies = Vec::new();
        if with_config_map {
            let config_map = spec::config_map(conf, &context, &files)?;
            bodies.push((TrialKind::ConfigMap, config_map.to_string().into_bytes()));
        }
        bodies.extend(
            stamped
                .claims
                .iter()
                .map(|claim| (TrialKind::Claim, claim.body(None))),
        );
        let candidate = Candidate {
            pod: typed("executor pod", &stamped.body)?,
            claims: bodies
                .iter()
                .filter(|(kind, _)| *kind == TrialKind::Claim)
                .map(|(_, body)| typed("volume claim", body))
                .collect::<Result<_, _>>()?,
            config_map: with_config_map,
        };
        bodies.push((TrialKind::Pod, stamped.body));
        let mut references = references_of(&candidate, Some(&context.config_map_name));
        references.extend(of(conf.get(&keys::DRIVER_POD_NAME))?.map(Reference::driver_pod));
        let mut warnings = stamp.warnings().to_vec();
        warnings.extend(spec::custom_steps(conf)?.into_iter().map(|class| {
            format!("the feature step {class} runs in the driver only: the pod is checked without it")
        }));
        let needs = of(Needs::of(conf, !candidate.claims.is_empty()))?;
        Ok(Self {
            candidate,
            references,
            needs,
            bodies,
            warnings,
        })
    }
}

fn of<T>(read: Result<T, ConfError>) -> Result<T, SpecError> {
    read.map_err(SpecError::from)
}

fn typed<T: DeserializeOwned>(what: &'static str, body: &[u8]) -> Result<T, ExecutorError> {
    serde_json::from_slice(body).map_err(|source| ExecutorError::Malformed { what, source })
}
