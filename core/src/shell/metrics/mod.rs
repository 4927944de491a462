//! Metrics: one snapshot of an allocator, and the table that names every figure in it.
//!
//! The plan counts what it decides, [`calls`] measures what it asks for; the loop puts both into a [`Report`] when
//! somebody asks. The [`table`] makes numbers of it, and the page `docs/metrics.md`.

pub mod calls;
pub mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::plan::{Counters, Snapshot, Summary};

use self::calls::Verb;

/// The figures of an allocator at one moment.
#[derive(Debug, Clone)]
pub struct Report {
    /// What the plan holds.
    pub plan: Snapshot,
    /// How old what the plan knows of the cluster may be.
    pub staleness: Duration,
    /// What has happened since the start.
    pub counters: Counters,
    /// From the create of a pod until it runs.
    pub to_running: Summary,
    /// From the create of a pod until its executor has registered with the driver.
    pub to_registered: Summary,
    /// How long calls take, by what they do.
    pub latencies: BTreeMap<Verb, Summary>,
    /// What waits within the process.
    pub queues: Queues,
}

/// What waits within the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Queues {
    /// Commands of Spark that the loop has not taken.
    pub commands: usize,
    /// Answers and watch events that the plan has not seen.
    pub replies: usize,
    /// Notices that Spark has not taken.
    pub notices: usize,
    /// Log lines of the whole process that Java has not taken; only within a JVM.
    pub log_lines: usize,
    /// Log lines of the whole process that were dropped since its start; only within a JVM.
    pub log_lines_dropped: u64,
}
