//! Executor pods, their volume claims and the executor `ConfigMap`, as pure functions of the configuration.
//!
//! A pod is what stock's feature steps make of an empty pod or the user's template, as JSON: a [`PodStamp`] is built
//! once per resource profile and then stamped per executor. What is random comes from the caller.

mod avoid;
mod claim;
pub mod conf_dir;
mod config_map;
mod context;
mod controller;
mod error;
mod executor;
mod ids;
mod java;
mod names;
mod object;
mod profile;
pub(crate) mod quantity;
mod spark_pod;
mod stamp;
mod steps;
mod template;

pub use avoid::avoid_nodes;
pub use claim::{ClaimShape, VolumeClaim, claim_names, rename_claims};
pub use config_map::config_map;
pub use context::{AUTH_SECRET_VARIABLE, AppContext, OwnerPod, Secret};
pub use controller::{Controller, ControllerKind, DELETION_COST};
pub use error::SpecError;
pub use names::{config_map_name, hostname, pod_name, pod_name_prefix, unique_id};
pub use profile::{ExecutorResource, ResourceProfile};
pub use stamp::{PodStamp, StampedPod};
pub use steps::{custom_steps, in_recovery, may_recover, recovery_warning};
pub use template::PodTemplate;

/// Where executors have the files of the `ConfigMap`.
const CONF_DIR: &str = "/opt/spark/conf";

#[cfg(test)]
mod tests;
