//! The targets, and whether they are met.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::table::{Table, number};
use super::{case, growth, memory_growth, sizes};
use crate::results::{Case, Kind, Results, Who};
use crate::statistics::range;

const KIB: f64 = 1024.0;

/// What is asked of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Bound::AtLeast(bound) => value >= bound,
            Bound::AtMost(bound) => value <= bound,
        }
    }

    fn text(self) -> String {
        match self {
            Bound::AtLeast(bound) => format!("≥ {}", number(bound)),
            Bound::AtMost(bound) => format!("≤ {}", number(bound)),
        }
    }
}

/// A target beside what was measured.
#[derive(Debug)]
pub(super) struct Target {
    /// Where its reason is found.
    name: String,
    what: String,
    bound: Bound,
    measured: Option<f64>,
}

/// All targets.
pub(super) fn all(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    creates(results, &mut targets);
    latency(results, &mut targets);
    resources(results, &mut targets);
    calls(results, &mut targets);
    rest(results, &mut targets);
    targets
}

/// The sizes that targets are for: 1,000 and more, or what a trial has.
fn targeted(results: &Results, kind: Kind, who: Who) -> Vec<u32> {
    let sizes = sizes(results, kind, who);
    let large: Vec<u32> = sizes.iter().copied().filter(|size| *size >= 1000).collect();
    if large.is_empty() { sizes } else { large }
}

fn creates(results: &Results, targets: &mut Vec<Target>) {
    let ours = |executors| case(Kind::Creates, Who::Stoker, executors);
    for executors in targeted(results, Kind::Creates, Who::Raw) {
        let raw = case(Kind::Creates, Who::Raw, executors);
        targets.push(Target {
            name: format!("creates-raw-{executors}"),
            what: format!("Creates per second of {executors} executors, of the raw limit"),
            bound: Bound::AtLeast(0.95),
            measured: results.paired_ratio(ours(executors), raw, "rate"),
        });
    }
    for (who, least) in [(Who::StockTuned, 10.0), (Who::Stock, 20.0)] {
        for executors in targeted(results, Kind::Creates, who) {
            let stock = case(Kind::Creates, who, executors);
            targets.push(Target {
                name: format!("creates-{}", if who == Who::Stock { "stock" } else { "tuned" }),
                what: format!("Creates per second of {executors} executors, times those of {who}"),
                bound: Bound::AtLeast(least),
                measured: results.paired_ratio(ours(executors), stock, "rate"),
            });
        }
    }
    let too_many = results
        .cases(Kind::Creates)
        .into_iter()
        .filter(|case| case.who == Who::Stoker)
        .flat_map(|case| {
            let wanted = results.rounds(case, "wanted");
            let made = results.rounds(case, "creates");
            let above = move |(round, made)| wanted.get(&round).map(|wanted| made - wanted);
            made.into_iter().filter_map(above).collect::<Vec<f64>>()
        });
    let churn = results
        .cases(Kind::Churn)
        .into_iter()
        .filter(|case| case.who == Who::Stoker)
        .flat_map(|case| results.values(case, "too_many"));
    targets.push(Target {
        name: "never-above".to_owned(),
        what: "Pods made above the target, the most of any round".to_owned(),
        bound: Bound::AtMost(0.0),
        measured: range(&too_many.chain(churn).collect::<Vec<_>>()).map(|range| range.1),
    });
}

fn latency(results: &Results, targets: &mut Vec<Target>) {
    let away: Vec<Case> = results
        .cases(Kind::Creates)
        .into_iter()
        .filter(|case| case.who == Who::Stoker && case.latency.is_some_and(|latency| latency > 0))
        .collect();
    for case in away {
        let near = Case {
            latency: Some(0),
            ..case
        };
        let latency = case.latency.unwrap_or_default();
        targets.push(Target {
            name: format!("latency-{latency}"),
            what: format!(
                "Creates per second of {} executors {latency} ms away, of its own rate without",
                case.executors
            ),
            bound: Bound::AtLeast(0.9),
            measured: results.paired_ratio(case, near, "rate"),
        });
    }
}

fn resources(results: &Results, targets: &mut Vec<Target>) {
    let native = sizes(results, Kind::Native, Who::Stoker).last().copied();
    let native = native.and_then(|most| growth(results, Kind::Native, Who::Stoker, most, "resident_bytes"));
    targets.push(Target {
        name: "memory-native".to_owned(),
        what: "KiB of native memory per live executor".to_owned(),
        bound: Bound::AtMost(3.0),
        measured: native.map(|bytes| bytes / KIB),
    });
    // The most executors that both were measured with.
    let most = sizes(results, Kind::Life, Who::StockTuned).last().copied();
    let ratio = |of: &dyn Fn(Who, u32) -> Option<f64>| {
        let most = most?;
        Some(of(Who::Stoker, most)? / of(Who::StockTuned, most)?)
    };
    let cpu = |who, most| growth(results, Kind::Life, who, most, "cpu_s");
    let memory = |who, most| memory_growth(results, who, most);
    targets.push(Target {
        name: "memory-stock".to_owned(),
        what: "Growth of the driver's memory per executor, of stock's".to_owned(),
        bound: Bound::AtMost(0.1),
        measured: ratio(&memory),
    });
    targets.push(Target {
        name: "cpu-stock".to_owned(),
        what: "CPU seconds per executor, of stock's".to_owned(),
        bound: Bound::AtMost(0.2),
        measured: ratio(&cpu),
    });
}

fn calls(results: &Results, targets: &mut Vec<Target>) {
    let most = sizes(results, Kind::Life, Who::StockTuned)
        .into_iter()
        .find(|size| *size > 1);
    let ours = most.map(|most| case(Kind::Life, Who::Stoker, most));
    let stock = most.map(|most| case(Kind::Life, Who::StockTuned, most));
    // A call that was not made is not recorded.
    let count = |call: &str| {
        let ours = ours?;
        results.median(ours, "cpu_s")?;
        Some(results.median(ours, call).unwrap_or(0.0))
    };
    let per_executor = |call: &str| Some(count(call)? / results.median(ours?, "creates")?);
    for (name, what, bound, measured) in [
        (
            "calls-post",
            "POSTs of pods per executor",
            1.0,
            per_executor("calls create pods"),
        ),
        (
            "calls-delete",
            "DELETEs of pods per executor",
            1.0,
            per_executor("calls delete pods"),
        ),
        (
            "calls-list",
            "LISTs of pods after the start",
            0.0,
            count("calls list pods"),
        ),
        (
            "bytes-received",
            "Bytes received, of stock's",
            1.0,
            ours.zip(stock)
                .and_then(|(ours, stock)| results.paired_ratio(ours, stock, "received_bytes")),
        ),
    ] {
        targets.push(Target {
            name: name.to_owned(),
            what: what.to_owned(),
            bound: Bound::AtMost(bound),
            measured,
        });
    }
}

fn rest(results: &Results, targets: &mut Vec<Target>) {
    let one = |kind, figure| {
        let case = results
            .cases(kind)
            .into_iter()
            .find(|case| case.who == Who::Stoker)?;
        results.median(case, figure)
    };
    let plan = sizes(results, Kind::Plan, Who::Stoker);
    let event = |executors| results.median(case(Kind::Plan, Who::Stoker, executors), "event_ns");
    let slowest = plan.iter().filter_map(|size| event(*size)).max_by(f64::total_cmp);
    let (fewest, most) = (plan.first().copied(), plan.last().copied());
    let ends = fewest.zip(most).filter(|(fewest, most)| fewest < most);
    let log_growth = ends.map(|(fewest, most)| f64::from(most).ln() / f64::from(fewest).ln());
    targets.extend([
        Target {
            name: "loss".to_owned(),
            what: "Milliseconds from the API server's event to Spark's removeExecutor, p99".to_owned(),
            bound: Bound::AtMost(50.0),
            measured: one(Kind::Losses, "p99_ms"),
        },
        Target {
            name: "plan-rate".to_owned(),
            what: "Events of the plan per second, the least of all sizes".to_owned(),
            bound: Bound::AtLeast(1e6),
            measured: slowest.map(|nanos| 1e9 / nanos),
        },
        Target {
            name: "plan-growth".to_owned(),
            what: "Cost of an event with the most executors, times that with the fewest; bound: log n"
                .to_owned(),
            bound: Bound::AtMost(log_growth.unwrap_or(1.0)),
            measured: ends.and_then(|(fewest, most)| Some(event(most)? / event(fewest)?)),
        },
        Target {
            name: "jni-targets".to_owned(),
            what: "Microseconds of a JNI call that sets targets".to_owned(),
            bound: Bound::AtMost(5.0),
            measured: one(Kind::Jni, "targets_mean_ns").map(|nanos| nanos / 1e3),
        },
    ]);
}

/// The table, and the reasons of what is missed.
pub(super) fn section(targets: &[Target], reasons: &BTreeMap<String, String>) -> String {
    let mut table = Table::new(&["Target", "Bound", "Measured", ""]);
    let mut missed = String::new();
    for target in targets {
        let (measured, verdict) = match target.measured {
            None => (String::new(), "not measured"),
            Some(value) if target.bound.holds(value) => (number(value), "met"),
            Some(value) => {
                let reason = reasons
                    .get(&target.name)
                    .map_or("not looked into yet", String::as_str);
                // Writing to a String cannot fail.
                let _ = writeln!(missed, "- {}: {reason}", target.what);
                (number(value), "**missed**")
            }
        };
        let cells = [target.what.as_str(), &target.bound.text(), &measured, verdict];
        table.row(&cells);
    }
    let mut text = format!("\n## Targets\n{}", table.text());
    if !missed.is_empty() {
        let _ = write!(text, "\nWhy targets are missed:\n\n{missed}");
    }
    text
}
