//! The client against servers on the loopback: TLS, credentials, proxies, and connections that fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod authority;
mod credentials;
mod network;
mod support;
mod tls;
