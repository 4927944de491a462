//! The table against a report.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::plan::{
    Counts, CreateResult, HoldCause, LossKind, PendingCause, Plan, PlanConfig, ProfileId, Snapshot,
};
use crate::shell::metrics::Queues;
use crate::shell::metrics::calls::Verb;

const MS: Duration = Duration::from_millis(1);

/// A report in which everything is 0.
fn report() -> Report {
    let plan = Plan::new(PlanConfig::new("app", "default", "test"), Duration::ZERO);
    Report {
        plan: Snapshot {
            open_calls: 0,
            create_limit: 0,
            ..plan.snapshot()
        },
        staleness: Duration::ZERO,
        counters: plan.counters().clone(),
        to_running: Summary::default(),
        to_registered: Summary::default(),
        latencies: BTreeMap::new(),
        queues: Queues::default(),
    }
}

/// The names of a report that are not 0, with their numbers.
fn set(kind: &str, report: &Report) -> BTreeMap<String, f64> {
    let json = report.to_json();
    let numbers = json[kind].as_object().unwrap().iter();
    numbers
        .map(|(name, number)| (name.clone(), number.as_f64().unwrap()))
        .filter(|(_, number)| *number != 0.0)
        .collect()
}

fn numbers<const N: usize>(expected: [(&str, f64); N]) -> BTreeMap<String, f64> {
    expected
        .into_iter()
        .map(|(name, number)| (name.to_owned(), number))
        .collect()
}

#[test]
fn names_are_unique_and_fit_for_every_sink() {
    let json = report().to_json();
    let names: Vec<_> = ["counters", "gauges"]
        .iter()
        .flat_map(|kind| json[kind].as_object().unwrap().keys())
        .collect();
    for name in &names {
        let parts = name.split('.');
        assert!(
            parts.clone().count() >= 2
                && parts
                    .clone()
                    .all(|part| part.starts_with(|c: char| c.is_ascii_lowercase())
                        && part.chars().all(|c| c.is_ascii_alphanumeric())),
            "{name}"
        );
    }
    // Prometheus sees no difference between a dot and an underscore, and sinks may see none in case.
    let distinct: BTreeSet<_> = names.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(distinct.len(), names.len());
}

#[test]
fn each_label_reads_its_own_count() {
    for (position, kind) in LossKind::ALL.iter().enumerate() {
        let mut report = report();
        let lost = position as u64 + 1;
        report.counters.losses.insert(*kind, lost);
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let lost = lost as f64;
        let name = format!("losses.{}", kind.name());
        assert_eq!(
            set("counters", &report),
            numbers([(name.as_str(), lost), ("losses.total", lost)])
        );
    }
}

#[test]
fn counts_of_executors_are_read() {
    let mut report = report();
    report.plan.total.live = 7;
    report.plan.total.pending = 3;
    report.plan.total.creating = 2;
    report.plan.pending.insert(PendingCause::Image, 1);
    report.plan.held_back.insert(HoldCause::CrashLoop, 2);
    report.counters.creates.insert(CreateResult::Throttled, 5);
    report.queues.notices = 4;
    assert_eq!(
        set("gauges", &report),
        numbers([
            ("executors.live", 7.0),
            ("executors.running", 4.0),
            ("executors.pending", 3.0),
            ("executors.creating", 2.0),
            ("pending.image", 1.0),
            ("heldBack.crashLoop", 2.0),
            ("queues.notices", 4.0),
        ])
    );
    assert_eq!(set("counters", &report), numbers([("creates.throttled", 5.0)]));
}

#[test]
fn a_distribution_is_a_counter_and_five_gauges_in_milliseconds() {
    let mut report = report();
    let summary = Summary {
        count: 9,
        mean: MS * 3 / 2,
        p50: MS,
        p95: MS * 2,
        p99: MS * 3,
        max: Duration::from_micros(4001),
    };
    report.latencies.insert(Verb::CreatePod, summary);
    assert_eq!(
        set("counters", &report),
        numbers([("latencyMs.createPod.count", 9.0)])
    );
    assert_eq!(
        set("gauges", &report),
        numbers([
            ("latencyMs.createPod.mean", 1.5),
            ("latencyMs.createPod.p50", 1.0),
            ("latencyMs.createPod.p95", 2.0),
            ("latencyMs.createPod.p99", 3.0),
            ("latencyMs.createPod.max", 4.001),
        ])
    );
}

#[test]
fn every_metric_is_on_the_page() {
    let page = markdown();
    for metric in TABLE.iter().flat_map(|section| &section.metrics) {
        assert!(
            page.contains(&format!("| `{}` |", metric.name)),
            "{}",
            metric.name
        );
    }
    for promised in [
        "executors.live",
        "losses.counted",
        "creates.limit",
        "failures.tooManyRequests",
    ] {
        assert!(
            page.contains(&format!("| `{promised}` |")),
            "{promised} of the head is no metric"
        );
    }
}

#[test]
fn a_report_has_a_line_for_people() {
    let mut report = report();
    assert_eq!(
        report.to_string(),
        "0 of 0 executors run; creates: none, p50 0 ms, p99 0 ms; losses: none"
    );
    report.plan.profiles = BTreeMap::from([(ProfileId(0), (5, Counts::default()))]);
    report.plan.total.live = 5;
    report.plan.total.pending = 1;
    report.counters.creates = BTreeMap::from([(CreateResult::Throttled, 1), (CreateResult::Created, 6)]);
    report.counters.losses.insert(LossKind::OomKilled, 1);
    let created = Summary {
        p50: MS * 12,
        p99: MS * 30,
        ..Summary::default()
    };
    report.latencies.insert(Verb::CreatePod, created);
    assert_eq!(
        report.to_string(),
        "4 of 5 executors run; creates: 6 created, 1 throttled, p50 12 ms, p99 30 ms; losses: 1 oomKilled"
    );
}
