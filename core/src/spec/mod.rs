//! Executor pods and the executor `ConfigMap`, as pure functions of the configuration.
//!
//! The pod is the one of stock's `BasicExecutorFeatureStep`, `ExecutorKubernetesCredentialsFeatureStep` and
//! `LocalDirsFeatureStep`, as JSON: a [`PodStamp`] is built once per resource profile and then stamped per
//! executor. What is random comes from the caller.

mod blueprint;
mod claim;
mod command_line;
pub mod conf_dir;
mod config_map;
mod context;
mod env;
mod error;
mod local_dirs;
mod names;
mod profile;
pub(crate) mod quantity;
mod stamp;
mod template;

pub use claim::VolumeClaim;
pub use config_map::config_map;
pub use context::{AppContext, OwnerPod, Secret};
pub use error::SpecError;
pub use names::{config_map_name, hostname, pod_name, pod_name_prefix, unique_id};
pub use profile::{ExecutorResource, ResourceProfile};
pub use stamp::{PodStamp, StampedPod};
pub use template::PodTemplate;

/// Where executors have the files of the `ConfigMap`.
const CONF_DIR: &str = "/opt/spark/conf";

#[cfg(test)]
mod tests;
