//! Spark's feature steps: each adds its part to a pod under construction.

mod basic;
mod command_line;
mod credentials;
mod driver;
mod env_secrets;
mod executor_env;
mod hadoop_conf;
pub(super) mod local_dirs;
mod mount_secrets;
mod mount_volumes;
mod recovery;
mod volcano;
mod volumes;

pub use recovery::{in_recovery, may_recover, recovery_warning};

use super::executor::Executor;
use super::spark_pod::SparkPod;
use super::{AppContext, ResourceProfile, SpecError};
use crate::conf::{Conf, keys};

/// What a pod is built for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) conf: &'a Conf,
    pub(super) context: &'a AppContext,
    pub(super) profile: &'a ResourceProfile,
    pub(super) executor: Executor<'a>,
}

/// A step: the class of Spark that it does the work of, by which users exclude it, and the work.
struct Step {
    class: &'static str,
    configure: fn(&Request<'_>, &mut SparkPod) -> Result<(), SpecError>,
}

/// In Spark's order.
const STEPS: [Step; 7] = [
    Step {
        class: "org.apache.spark.deploy.k8s.features.BasicExecutorFeatureStep",
        configure: basic::configure,
    },
    Step {
        class: "org.apache.spark.deploy.k8s.features.ExecutorKubernetesCredentialsFeatureStep",
        configure: credentials::configure,
    },
    Step {
        class: "org.apache.spark.deploy.k8s.features.MountSecretsFeatureStep",
        configure: mount_secrets::configure,
    },
    Step {
        class: "org.apache.spark.deploy.k8s.features.EnvSecretsFeatureStep",
        configure: env_secrets::configure,
    },
    Step {
        class: "org.apache.spark.deploy.k8s.features.MountVolumesFeatureStep",
        configure: mount_volumes::configure,
    },
    Step {
        class: "org.apache.spark.deploy.k8s.features.HadoopConfExecutorFeatureStep",
        configure: hadoop_conf::configure,
    },
    Step {
        class: "org.apache.spark.deploy.k8s.features.LocalDirsFeatureStep",
        configure: local_dirs::configure,
    },
];

/// Steps that users list in `spark.kubernetes.executor.pod.featureSteps` and that need no JVM.
const NATIVE_CUSTOM_STEPS: [Step; 1] = [Step {
    class: "org.apache.spark.deploy.k8s.features.VolcanoFeatureStep",
    configure: volcano::configure,
}];

/// Runs all steps that are not excluded on the pod that is begun with.
pub(super) fn run(request: &Request<'_>, mut pod: SparkPod) -> Result<SparkPod, SpecError> {
    let excluded = request.conf.get(&keys::EXECUTOR_POD_EXCLUDED_FEATURE_STEPS)?;
    let listed = request.conf.get(&keys::EXECUTOR_POD_FEATURE_STEPS)?;
    let native = listed
        .iter()
        .filter_map(|class| NATIVE_CUSTOM_STEPS.iter().find(|step| step.class == class));
    for step in STEPS.iter().chain(native) {
        if !excluded.iter().any(|class| class == step.class) {
            (step.configure)(request, &mut pod)?;
        }
    }
    Ok(pod)
}

/// The classes of `spark.kubernetes.executor.pod.featureSteps` that only a JVM can run, in their order: without those
/// that are built in (Volcano's) and without those in `spark.kubernetes.executor.pod.excludedFeatureSteps`.
pub fn custom_steps(conf: &Conf) -> Result<Vec<String>, SpecError> {
    let excluded = conf.get(&keys::EXECUTOR_POD_EXCLUDED_FEATURE_STEPS)?;
    let mut classes = conf.get(&keys::EXECUTOR_POD_FEATURE_STEPS)?;
    classes.retain(|class| {
        !excluded.contains(class) && NATIVE_CUSTOM_STEPS.iter().all(|step| step.class != class)
    });
    Ok(classes)
}
