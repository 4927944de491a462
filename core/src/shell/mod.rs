//! The tokio loop that owns the plan: the only module with I/O and a clock.

pub mod access;
pub mod client;
pub mod pods;
