//! `stoker allocate` on a real API server behind a proxy that makes calls and watches go wrong: one test for
//! each fault mode. Each has an application of its own on one control plane, several run at once.
//!
//! `cargo test -p stoker-tests --features cluster --test faults -- NAME` runs the modes whose names contain
//! `NAME`; `STOKER_FAULTS_SEED` repeats a run's random choices.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test"
)]

mod executors;
mod modes;
mod scenario;

use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Trial};
use stoker_tests::local_cluster::LocalCluster;

/// Modes that run at once: they mostly wait.
const AT_ONCE: usize = 4;
const KWOK_NODES: u32 = 20;

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads.get_or_insert(AT_ONCE);
    let seed = std::env::var("STOKER_FAULTS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..1_000_000));
    eprintln!("STOKER_FAULTS_SEED={seed}");
    let cluster = Arc::new(OnceLock::new());
    let trials = modes::all()
        .into_iter()
        .map(|mode| {
            let cluster = Arc::clone(&cluster);
            let name = mode.name;
            Trial::test(name, move || {
                let cluster = cluster.get_or_init(|| LocalCluster::start(KWOK_NODES));
                scenario::run(cluster, &mode, seed);
                Ok(())
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&args, trials);
    // The cluster ends before the process does.
    drop(cluster);
    conclusion.exit();
}
