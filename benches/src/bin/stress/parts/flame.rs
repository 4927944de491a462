//! Where the processor's time goes while executors are made, of the raw loop and of ours: samples of `perf`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use stoker_tests::local_cluster::Allocate;

use super::creates::{await_created, raw};
use crate::field::Field;

const EXECUTORS: u32 = 2000;
/// Of the raw loop.
const CONNECTIONS: u32 = 64;
/// Samples a second. Each holds a copy of the stack, since the release is built without frame pointers.
const FREQUENCY: &str = "999";

/// Writes `raw.perf` and `stoker.perf` to this directory.
pub(crate) fn measure(field: &Field, directory: &Path) {
    let app = "flame-raw";
    let recording = Recording::start(std::process::id(), &directory.join("raw.perf"));
    let figures = raw(field, app, EXECUTORS, CONNECTIONS);
    recording.end();
    eprintln!("    raw API server: {:.0} creates per second", figures["rate"]);
    field.clear(app);

    let app = "flame-stoker";
    let stoker = Allocate::start(&field.cluster.properties(app), EXECUTORS);
    let recording = Recording::start(stoker.id(), &directory.join("stoker.perf"));
    await_created(&stoker, EXECUTORS);
    recording.end();
    drop(stoker);
    field.clear(app);
}

/// `perf`, which samples a process until its own child ends: that one waits for the end of its input.
struct Recording(Child);

impl Recording {
    fn start(process: u32, file: &Path) -> Self {
        let perf = Command::new("perf")
            .args([
                "record",
                "--quiet",
                "--call-graph",
                "dwarf,16384",
                "--freq",
                FREQUENCY,
            ])
            .args(["--pid", &process.to_string(), "--output"])
            .arg(file)
            .args(["--", "cat"])
            .stdin(Stdio::piped())
            .spawn();
        Self(perf.expect("perf starts"))
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        let status = self.0.wait().expect("perf ends");
        assert!(status.success(), "perf: {status}");
    }
}
