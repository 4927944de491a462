//! The deterministic simulator and helpers shared by the test suites.

pub mod sim;
