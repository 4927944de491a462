//! Helpers shared by the test suites.

#[cfg(feature = "cluster")]
pub mod fault_proxy;
#[cfg(feature = "cluster")]
pub mod https_client;
#[cfg(feature = "cluster")]
pub mod local_cluster;
pub mod sim;
