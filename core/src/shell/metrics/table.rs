//! Every metric: its name, kind, unit and meaning, and where its number is in a report.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::plan::{Label, Summary};

use self::rows::TABLE;
use super::Report;

mod page;
mod rows;

pub use page::markdown;

/// The unit of all times.
const MILLIS: &str = "ms";

/// What a metric is to those who collect it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Never decreases as long as the application lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A counter `.count` and gauges `.mean`, `.p50`, `.p95`, `.p99` and `.max`.
    Distribution,
}

/// The value of a metric in a report.
enum Reading {
    Number(u64),
    Span(Duration),
    Distribution(Summary),
}

impl From<u64> for Reading {
    fn from(number: u64) -> Self {
        Reading::Number(number)
    }
}

impl From<usize> for Reading {
    fn from(number: usize) -> Self {
        Reading::Number(number as u64)
    }
}

impl From<bool> for Reading {
    fn from(holds: bool) -> Self {
        Reading::Number(holds.into())
    }
}

impl From<Duration> for Reading {
    fn from(span: Duration) -> Self {
        Reading::Span(span)
    }
}

impl From<Summary> for Reading {
    fn from(summary: Summary) -> Self {
        Reading::Distribution(summary)
    }
}

/// A row of the table.
struct Metric {
    name: String,
    kind: Kind,
    unit: &'static str,
    doc: String,
    read: Box<dyn Fn(&Report) -> Reading + Send + Sync>,
}

/// Metrics that belong together.
struct Section {
    title: &'static str,
    metrics: Vec<Metric>,
}

impl Section {
    fn new(title: &'static str) -> Self {
        Section {
            title,
            metrics: Vec::new(),
        }
    }

    fn add<R: Into<Reading>>(
        mut self,
        kind: Kind,
        name: impl Into<String>,
        unit: &'static str,
        doc: impl Into<String>,
        read: impl Fn(&Report) -> R + Send + Sync + 'static,
    ) -> Self {
        self.metrics.push(Metric {
            name: name.into(),
            kind,
            unit,
            doc: doc.into(),
            read: Box::new(move |report| read(report).into()),
        });
        self
    }

    fn gauge<R: Into<Reading>>(
        self,
        name: &str,
        unit: &'static str,
        doc: &str,
        read: impl Fn(&Report) -> R + Send + Sync + 'static,
    ) -> Self {
        self.add(Kind::Gauge, name, unit, doc, read)
    }

    fn counter(
        self,
        name: &str,
        unit: &'static str,
        doc: &str,
        read: impl Fn(&Report) -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.add(Kind::Counter, name, unit, doc, read)
    }

    /// A metric for each value of a label.
    fn by<L: Label + Send + Sync>(
        self,
        kind: Kind,
        prefix: &str,
        unit: &'static str,
        doc: &str,
        read: impl Fn(&Report, L) -> Reading + Copy + Send + Sync + 'static,
    ) -> Self {
        L::ALL.iter().copied().fold(self, |section, label| {
            section.add(
                kind,
                format!("{prefix}.{}", label.name()),
                unit,
                format!("{doc}: {}.", label.doc()),
                move |report| read(report, label),
            )
        })
    }

    fn distribution(
        self,
        name: &str,
        doc: &str,
        read: impl Fn(&Report) -> Summary + Send + Sync + 'static,
    ) -> Self {
        self.add(Kind::Distribution, name, MILLIS, doc, read)
    }
}

impl Report {
    /// All metrics as `{"counters": {name: number}, "gauges": {name: number}}`, in the order of the table. Times are in
    /// milliseconds with three decimals, all other numbers are whole.
    pub fn to_json(&self) -> Value {
        let mut counters = Map::new();
        let mut gauges = Map::new();
        for Metric { name, kind, read, .. } in TABLE.iter().flat_map(|section| &section.metrics) {
            let into = if *kind == Kind::Counter {
                &mut counters
            } else {
                &mut gauges
            };
            match read(self) {
                Reading::Number(number) => drop(into.insert(name.clone(), number.into())),
                Reading::Span(span) => drop(into.insert(name.clone(), millis(span))),
                Reading::Distribution(summary) => {
                    counters.insert(format!("{name}.count"), summary.count.into());
                    for (part, span) in parts(&summary) {
                        gauges.insert(format!("{name}.{part}"), millis(span));
                    }
                }
            }
        }
        json!({"counters": counters, "gauges": gauges})
    }
}

/// The gauges of a distribution.
fn parts(summary: &Summary) -> [(&'static str, Duration); 5] {
    [
        ("mean", summary.mean),
        ("p50", summary.p50),
        ("p95", summary.p95),
        ("p99", summary.p99),
        ("max", summary.max),
    ]
}

/// To the microsecond, as whole as the number is.
fn millis(span: Duration) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
    let micros = span.as_micros() as f64;
    (micros / 1000.0).into()
}

#[cfg(test)]
mod tests;
