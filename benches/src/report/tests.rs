use super::*;
use crate::results::{Figures, Key};

fn measured(kind: Kind, who: Who, executors: u32, figures: &[(&str, f64)]) -> (Key, Figures) {
    let figures = figures
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    (Key::first(kind, who, executors), figures)
}

fn about() -> About {
    About {
        machine: "2 × Some CPU, 16 GiB, Linux 6.1".to_owned(),
        versions: vec!["Spark=4.3.0".to_owned()],
        date: "2026-01-01".to_owned(),
    }
}

fn report(results: &Results, reasons: &[(&str, &str)]) -> String {
    let reasons = reasons
        .iter()
        .map(|(name, reason)| ((*name).to_owned(), (*reason).to_owned()))
        .collect();
    text(results, &about(), &reasons, &sections::all(results))
}

#[test]
fn nothing_measured_is_nothing_met() {
    let text = report(&Results::default(), &[]);
    assert!(text.contains("on 2026-01-01. Machine: 2 × Some CPU, 16 GiB, Linux 6.1. Spark 4.3.0."));
    assert!(text.contains("not measured"));
    assert!(!text.contains("| met |"), "{text}");
    assert!(!text.contains("missed"), "{text}");
    assert!(!text.contains("## Churn"), "{text}");
}

#[test]
fn what_is_missed_is_said_with_its_reason() {
    let results = Results::of([
        measured(
            Kind::Creates,
            Who::Raw,
            1000,
            &[("rate", 200.0), ("creates", 1000.0)],
        ),
        measured(
            Kind::Creates,
            Who::Stoker,
            1000,
            &[("rate", 150.0), ("creates", 1000.0), ("wanted", 1000.0)],
        ),
        measured(
            Kind::Creates,
            Who::StockTuned,
            1000,
            &[("rate", 10.0), ("creates", 600.0)],
        ),
        measured(Kind::Losses, Who::Stoker, 1000, &[("p99_ms", 60.0)]),
    ]);
    let text = report(&results, &[("creates-raw-1000", "the machine is small")]);
    assert!(text.contains("| ≥ 0.950 | 0.750 | **missed** |"), "{text}");
    assert!(
        text.contains("of the raw limit: the machine is small\n"),
        "{text}"
    );
    assert!(text.contains("| ≥ 10 | 15 | met |"), "{text}");
    assert!(
        text.contains("| Pods made above the target, the most of any round | ≤ 0 | 0 | met |"),
        "{text}"
    );
    assert!(text.contains("p99: not looked into yet\n"), "{text}");
    assert!(text.contains("![creates](plots/creates.svg)"), "{text}");
    assert!(text.contains("\n\nRounds: creates 1, losses 1.\n"), "{text}");
}

#[test]
fn growth_is_what_executors_add_to_the_fewest() {
    let life = |who, executors, heap, cpu| {
        let figures = [
            ("heap_bytes", heap),
            ("resident_bytes", 0.0),
            ("cpu_s", cpu),
            ("creates", f64::from(executors)),
        ];
        measured(Kind::Life, who, executors, &figures)
    };
    let results = Results::of([
        life(Who::Stoker, 1, 1e6, 1.0),
        life(Who::Stoker, 1001, 1e6 + 1024.0 * 1000.0, 1.5),
        measured(Kind::Native, Who::Stoker, 1, &[("resident_bytes", 1e6)]),
        measured(
            Kind::Native,
            Who::Stoker,
            1001,
            &[("resident_bytes", 1e6 + 1024.0 * 500.0)],
        ),
        life(Who::StockTuned, 1, 2e6, 1.0),
        life(Who::StockTuned, 1001, 2e6 + 1024.0 * 20_000.0, 11.0),
    ]);
    let text = report(&results, &[]);
    assert!(text.contains("| ≤ 0.100 | 0.075 | met |"), "{text}");
    assert!(text.contains("| ≤ 3 | 0.500 | met |"), "{text}");
    assert!(
        text.contains("| CPU seconds per executor, of stock's | ≤ 0.200 | 0.050 | met |"),
        "{text}"
    );
    assert!(
        text.contains("| 1,001 | stock Spark, tuned | 20 | 0 | 10 |"),
        "{text}"
    );
    // What was not called is not "not measured".
    assert!(
        text.contains("| LISTs of pods after the start | ≤ 0 | 0 | met |"),
        "{text}"
    );
}

#[test]
fn the_report_and_its_plots_are_written() -> io::Result<()> {
    let results = Results::of([1000, 10_000, 100_000].map(|executors| {
        // A little less than log n at the end.
        let nanos = f64::from(executors).ln() * 50.0 - f64::from(executors) / 1e6;
        measured(Kind::Plan, Who::Stoker, executors, &[("event_ns", nanos)])
    }));
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("REPORT.md");
    write(&results, &about(), &file)?;
    let text = fs::read_to_string(file)?;
    assert!(text.contains("| ≤ 1.67 | 1.67 | met |"), "{text}");
    assert!(fs::read_to_string(directory.path().join("plots/plan.svg"))?.contains("<svg"));
    Ok(())
}
