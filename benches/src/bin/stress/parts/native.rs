//! The memory of `stoker allocate` alone, without a JVM around it.

use std::thread;
use std::time::Duration;

use stoker_benches::results::{Figures, Key};
use stoker_tests::local_cluster::{Allocate, DEADLINE};

use super::creates::await_created;
use super::figures;
use crate::field::{Field, app};
use crate::jvm::{processor_seconds, resident_bytes};

/// Until all pods run and nothing happens any more.
const SETTLE: Duration = Duration::from_secs(5);

pub(super) fn measure(field: &Field, key: &Key) -> Figures {
    let app = app(key);
    let executors = key.case.executors;
    let follow = field.follow(&app);
    let stoker = Allocate::start(&field.cluster.properties(&app), executors);
    await_created(&stoker, executors);
    assert!(
        follow.wait(DEADLINE, |seen| seen.live() == executors as usize),
        "{executors} live executors"
    );
    thread::sleep(SETTLE);
    let measured = figures([
        ("resident_bytes", resident_bytes(stoker.id())),
        ("cpu_s", processor_seconds(stoker.id())),
    ]);
    // Killed, not asked to end: releasing thousands is no part of this.
    drop(stoker);
    field.clear(&app);
    measured
}
