//! The parts of the report.

use super::plot::{Axes, Series, lines};
use super::table::{Table, number, optional, spread};
use super::{Section, case, growth, memory_growth, sizes};
use crate::results::{Case, Kind, Results, Who};
use crate::schedule::LATENCIES;

const KIB: f64 = 1024.0;

/// All parts of which something has been measured.
pub(super) fn all(results: &Results) -> Vec<Section> {
    let parts = [
        creates, latency, memory, calls, losses, scale_down, churn, plan, jni, pods,
    ];
    parts
        .into_iter()
        .map(|part| part(results))
        .filter(|section| !section.text.is_empty())
        .collect()
}

/// A part whose table has rows.
fn section(
    title: &str,
    what: &str,
    table: Table,
    rows: usize,
    plot: Option<(&'static str, String)>,
) -> Section {
    if rows == 0 {
        return Section::default();
    }
    Section {
        text: format!("\n## {title}\n\n{what}\n{}", table.text()),
        plots: plot.into_iter().collect(),
    }
}

/// The cases of these that have been measured, by executors and then by who.
fn measured(results: &Results, kind: Kind, latency: Option<u32>) -> Vec<Case> {
    let mut cases = results.cases(kind);
    cases.retain(|case| case.latency == latency);
    cases.sort_by_key(|case| (case.executors, case.who));
    cases
}

/// A line for each of them, by the number of executors.
fn by_executors(results: &Results, kind: Kind, value: impl Fn(Who, u32) -> Option<f64>) -> Vec<Series> {
    Who::ALL
        .into_iter()
        .map(|who| Series {
            name: who.to_string(),
            points: sizes(results, kind, who)
                .into_iter()
                .filter_map(|executors| Some((f64::from(executors), value(who, executors)?)))
                .collect(),
        })
        .filter(|series| !series.points.is_empty())
        .collect()
}

fn creates(results: &Results) -> Section {
    let mut table = Table::new(&[
        "Executors",
        "Who",
        "Creates per second",
        "Pods made",
        "Stoker's ratio",
    ]);
    let cases = measured(results, Kind::Creates, None);
    for one in &cases {
        let ours = case(Kind::Creates, Who::Stoker, one.executors);
        let ratio = results
            .paired_ratio(ours, *one, "rate")
            .filter(|_| one.who != Who::Stoker);
        let creates = results.median(*one, "creates");
        let cpu = results
            .median(*one, "cpu_s")
            .zip(creates)
            .map(|(cpu, creates)| cpu / creates * 1e3);
        table.row(&[
            number(f64::from(one.executors)),
            one.who.to_string(),
            spread(&results.values(*one, "rate")),
            spread(&results.values(*one, "creates")),
            optional(cpu),
            optional(ratio),
        ]);
    }
    let rate = |who, executors| results.median(case(Kind::Creates, who, executors), "rate");
    let axes = Axes {
        title: "Executor pods made per second",
        x: "executors",
        y: "creates per second",
    };
    let plot = lines(&axes, &by_executors(results, Kind::Creates, rate));
    section(
        "Creates per second",
        "By the API server's audit log, from the first request to the last answer. The raw API server gets the same bytes over \
         the number of connections it does best with, and one plain watch. The ratio is the median of the rounds' own. CPU is that of \
         the process that makes the pods, its start and a watch included; the rest is the control plane's.",
        table,
        cases.len(),
        plot.map(|svg| ("creates.svg", svg)),
    )
}

fn latency(results: &Results) -> Section {
    let mut table = Table::new(&[
        "Executors",
        "Who",
        "Milliseconds away",
        "Creates per second",
        "Of its own rate at 0",
    ]);
    let mut rows = 0;
    for latency in LATENCIES {
        for one in measured(results, Kind::Creates, Some(latency)) {
            let near = Case {
                latency: if one.who.is_stock() { None } else { Some(0) },
                ..one
            };
            table.row(&[
                number(f64::from(one.executors)),
                one.who.to_string(),
                number(f64::from(latency)),
                spread(&results.values(one, "rate")),
                optional(results.paired_ratio(one, near, "rate")),
            ]);
            rows += 1;
        }
    }
    section(
        "Creates per second from afar",
        "A relay of TCP connections adds these milliseconds to the way there and back; 0 is the relay alone. Stock Spark's own rate \
         is that without a relay.",
        table,
        rows,
        None,
    )
}

fn memory(results: &Results) -> Section {
    let mut table = Table::new(&[
        "Executors",
        "Who",
        "KiB of heap per executor",
        "KiB beside the heap per executor",
        "CPU milliseconds per executor",
    ]);
    let mut rows = 0;
    for kind in [Kind::Life, Kind::Native] {
        for one in measured(results, kind, None) {
            let of = |figure| growth(results, kind, one.who, one.executors, figure);
            let (Some(resident), Some(cpu)) = (of("resident_bytes"), of("cpu_s")) else {
                continue;
            };
            let who = match kind {
                Kind::Native => "`stoker allocate`, without a JVM".to_owned(),
                _ => one.who.to_string(),
            };
            table.row(&[
                number(f64::from(one.executors)),
                who,
                optional(of("heap_bytes").map(|bytes| bytes / KIB)),
                number(resident / KIB),
                number(cpu * 1e3),
            ]);
            rows += 1;
        }
    }
    let grown = |who, executors| {
        let bytes = memory_growth(results, who, executors)? * f64::from(executors);
        Some(bytes / KIB / KIB)
    };
    let axes = Axes {
        title: "Memory that live executors add to the driver",
        x: "executors",
        y: "MiB",
    };
    let plot = lines(&axes, &by_executors(results, Kind::Life, grown));
    section(
        "Memory and CPU of the driver",
        "What live executors add to a driver with one executor. The heap after a collection; beside it what is resident and of no \
         file (the heap is all touched at the start), which in a JVM comes and goes by some MiB: native memory is better seen in \
         `stoker allocate`. Plot and target add that to the heap for Stoker, and count nothing but the heap of stock Spark. CPU over \
         a minute from the moment the executors are wanted.",
        table,
        rows,
        plot.map(|svg| ("memory.svg", svg)),
    )
}

fn calls(results: &Results) -> Section {
    let mut table = Table::new(&["Executors", "Who", "Of an executor's life", "Per executor"]);
    let mut rows = 0;
    for one in measured(results, Kind::Life, None) {
        let Some(creates) = results.median(one, "creates").filter(|creates| *creates > 1.0) else {
            continue;
        };
        let mut row = |what: String, value: Option<f64>| {
            let executors = number(f64::from(one.executors));
            let value = optional(value.map(|value| value / creates));
            table.row(&[executors, one.who.to_string(), what, value]);
            rows += 1;
        };
        for call in results.names(one, "calls ") {
            let count = results.median(one, &format!("calls {call}"));
            row(format!("calls: {call}"), count);
        }
        row("bytes sent".to_owned(), results.median(one, "sent_bytes"));
        row("bytes received".to_owned(), results.median(one, "received_bytes"));
    }
    section(
        "API calls and bytes",
        "From the moment the executors are wanted, over a minute of steady state, until all are killed and gone: by the API server's \
         audit log, and the bytes on the wire (TLS included) by a relay.",
        table,
        rows,
        None,
    )
}

fn losses(results: &Results) -> Section {
    let mut table = Table::new(&["Executors", "Who", "Losses", "p50, ms", "p99, ms", "Most, ms"]);
    let cases = measured(results, Kind::Losses, None);
    for one in &cases {
        let of = |figure| spread(&results.values(*one, figure));
        table.row(&[
            number(f64::from(one.executors)),
            one.who.to_string(),
            of("losses"),
            of("p50_ms"),
            of("p99_ms"),
            of("most_ms"),
        ]);
    }
    section(
        "Losses",
        "Pods of registered executors are deleted and fail in turn, twenty a second: from the API server's event, as a plain watch \
         sees it, until Spark is asked to remove the executor.",
        table,
        cases.len(),
        None,
    )
}

fn scale_down(results: &Results) -> Section {
    let mut table = Table::new(&["Executors", "Who", "Seconds until all are gone"]);
    let mut cases = measured(results, Kind::Life, None);
    cases.retain(|case| case.executors > 1);
    for one in &cases {
        table.row(&[
            number(f64::from(one.executors)),
            one.who.to_string(),
            spread(&results.values(*one, "gone_s")),
        ]);
    }
    section(
        "Scale-down",
        "All executors are killed as dynamic allocation does it. 5 s of it are `spark.kubernetes.dynamicAllocation.deleteGracePeriod`.",
        table,
        cases.len(),
        None,
    )
}

fn churn(results: &Results) -> Section {
    let mut table = Table::new(&[
        "Executors",
        "Who",
        "Seconds of the losses",
        "Seconds until the target is reached again",
        "Most at once",
        "Pods too many",
    ]);
    let cases = measured(results, Kind::Churn, None);
    for one in &cases {
        let of = |figure| spread(&results.values(*one, figure));
        table.row(&[
            number(f64::from(one.executors)),
            one.who.to_string(),
            of("deleted_s"),
            of("back_s"),
            of("most"),
            of("too_many"),
        ]);
    }
    section(
        "Churn",
        "Half of the executors are deleted as fast as the API server can. Both times begin with the first loss.",
        table,
        cases.len(),
        None,
    )
}

fn plan(results: &Results) -> Section {
    let mut table = Table::new(&["Executors", "Nanoseconds of an event", "Events per second"]);
    let cases = measured(results, Kind::Plan, None);
    for one in &cases {
        let nanos = results.median(*one, "event_ns");
        table.row(&[
            number(f64::from(one.executors)),
            optional(nanos),
            optional(nanos.map(|nanos| 1e9 / nanos)),
        ]);
    }
    let event = |who, executors| results.median(case(Kind::Plan, who, executors), "event_ns");
    let axes = Axes {
        title: "The plan alone: what an event costs",
        x: "live executors",
        y: "nanoseconds",
    };
    let plot = lines(&axes, &by_executors(results, Kind::Plan, event));
    section(
        "The plan alone",
        "Executors are lost and replaced; the time of the processor, on one thread.",
        table,
        cases.len(),
        plot.map(|svg| ("plan.svg", svg)),
    )
}

fn jni(results: &Results) -> Section {
    let mut table = Table::new(&["What", "Microseconds"]);
    let cases = measured(results, Kind::Jni, None);
    for one in &cases {
        let micros = |figure| {
            let nanos = results.values(*one, figure);
            spread(&nanos.iter().map(|nanos| nanos / 1e3).collect::<Vec<_>>())
        };
        let notices = optional(results.median(*one, "notices_per_batch"));
        for (what, figure) in [
            ("a call that sets targets, mean".to_owned(), "targets_mean_ns"),
            ("a call that sets targets, median".to_owned(), "targets_p50_ns"),
            ("a call that sets targets, p99".to_owned(), "targets_p99_ns"),
            (format!("a batch of notices ({notices} losses)"), "batch_ns"),
        ] {
            table.row(&[what, micros(figure)]);
        }
    }
    section(
        "Between the JVM and the native library",
        "A JVM with the allocator and a cluster behind it.",
        table,
        cases.len(),
        None,
    )
}

fn pods(results: &Results) -> Section {
    let mut table = Table::new(&[
        "Who",
        "Microseconds of the pod",
        "Microseconds with its JSON",
        "Stoker's ratio",
    ]);
    let cases = measured(results, Kind::Pods, None);
    for one in &cases {
        let stoker = case(Kind::Pods, Who::Stoker, one.executors);
        let ratio = results
            .paired_ratio(*one, stoker, "with_json_us")
            .filter(|_| one.who.is_stock());
        table.row(&[
            one.who.to_string(),
            spread(&results.values(*one, "build_us")),
            spread(&results.values(*one, "with_json_us")),
            optional(ratio),
        ]);
    }
    section(
        "Pods built",
        "The time of the processor per executor pod; stock Spark's warm. Stoker writes the JSON once for a profile.",
        table,
        cases.len(),
        None,
    )
}
