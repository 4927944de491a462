//! What goes over the wire for each call of the plan, and what each answer means to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod calls;
mod claims;
mod controllers;
mod outcomes;
mod support;
mod watch;
