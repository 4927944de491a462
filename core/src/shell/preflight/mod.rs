//! The calls of `stoker check`: what [`crate::preflight`] judges. Nothing is created, changed or deleted.

mod cluster;
mod executor;

pub use cluster::{Cluster, Objects};
pub use executor::{Executor, ExecutorError};
