//! The tokio loop that owns the plan: the only module with I/O and a clock.
//!
//! ```text
//! Allocator ──commands──▶ run ──actions──▶ pods ──▶ client ──▶ API server
//!     ▲                    │ ◀──results, watch events──┘
//!     └──notices── outbox ◀┘        pod_factory: profile + id → the bytes to send, with the JVM's help where users
//!                                   have feature steps of their own (feature_steps)
//! ```

mod allocator;
mod clock;
mod conf_dir;
mod error;
mod feature_steps;
mod outbox;
mod plan_config;
mod pod_factory;
mod run;
mod settings;

pub mod access;
pub mod client;
pub mod metrics;
pub mod pods;
pub mod preflight;

pub use allocator::{Allocator, UnknownRequest};
pub use conf_dir::read as conf_files;
pub use error::StartError;
pub use outbox::NoticeFilter;
pub use settings::Settings;
