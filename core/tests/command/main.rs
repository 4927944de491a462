//! The `stoker` command, used as a user does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the whole file is a test")]

mod render;
mod simulate;
mod support;
