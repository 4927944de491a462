//! Executor allocation for Spark on Kubernetes.
//!
//! ```text
//! spark.properties ─▶ conf ─▶ spec ─▶ plan ─▶ shell ─▶ Kubernetes API
//! ```
//!
//! Imports point left only: [`conf`] knows nobody, [`spec`] knows [`conf`], [`plan`] knows neither tokio nor
//! kube, and `shell` is the only module with I/O and a clock. Beside them, `preflight` judges what the shell finds in a
//! cluster before anything is allocated, and `sim` runs the plan against a cluster that is simulated.

mod causes;
pub mod conf;
pub mod ids;
pub mod plan;
pub mod spec;

#[cfg(feature = "shell")]
pub mod preflight;
#[cfg(feature = "shell")]
pub mod shell;

#[cfg(feature = "sim")]
pub mod sim;

pub use causes::with_causes;
