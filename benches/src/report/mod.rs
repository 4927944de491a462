//! The report: what was measured, beside its targets, in tables and plots.

mod plot;
mod sections;
mod table;
mod targets;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use crate::results::{Case, Kind, Results, Who};

/// Why a target is missed, by its name: written by those who have looked into it.
const REASONS: &str = include_str!("../../reasons.json");

/// What the figures are worth nothing without.
#[derive(Debug, Clone)]
pub struct About {
    /// Processors, memory and kernel.
    pub machine: String,
    /// `Spark=4.3.0`, one for each.
    pub versions: Vec<String>,
    /// Day of the report.
    pub date: String,
}

/// A plot's file name and its SVG.
type Plot = (&'static str, String);

/// One part of the report.
#[derive(Debug, Default)]
struct Section {
    text: String,
    plots: Vec<Plot>,
}

/// Writes the report to this file, and its plots into the directory `plots` beside it.
pub fn write(results: &Results, about: &About, file: &Path) -> io::Result<()> {
    let reasons: BTreeMap<String, String> = serde_json::from_str(REASONS)?;
    let sections = sections::all(results);
    fs::write(file, text(results, about, &reasons, &sections))?;
    let plots = file.with_file_name("plots");
    fs::create_dir_all(&plots)?;
    for (name, svg) in sections.iter().flat_map(|section| &section.plots) {
        fs::write(plots.join(name), svg)?;
    }
    Ok(())
}

fn text(
    results: &Results,
    about: &About,
    reasons: &BTreeMap<String, String>,
    sections: &[Section],
) -> String {
    let mut text = format!(
        "# Benchmarks\n\nWritten by `make bench` on {}. Machine: {}.",
        about.date, about.machine
    );
    for version in &about.versions {
        let (name, version) = version.split_once('=').unwrap_or((version, ""));
        // Writing to a String cannot fail.
        let _ = write!(text, " {name} {version}.");
    }
    text.push_str(
        "\n\nEverything runs on this one machine: the control plane, KWOK's nodes, the driver and the benchmark share its processors. \
         So only ratios of what was measured in one run, taking turns, mean anything elsewhere. Figures are medians of all rounds, \
         in brackets the least and the most. Tuned stock Spark has `batch.size` of all executors and `batch.delay` of a second.\n",
    );
    let rounds: Vec<String> = Kind::ALL
        .into_iter()
        .filter_map(|kind| Some(format!("{kind} {}", results.most_rounds(kind)?)))
        .collect();
    if !rounds.is_empty() {
        let _ = write!(text, "\nRounds: {}.\n", rounds.join(", "));
    }
    text.push_str(&targets::section(&targets::all(results), reasons));
    for section in sections {
        text.push_str(&section.text);
        for (name, _) in &section.plots {
            let _ = write!(text, "\n![{}](plots/{name})\n", name.trim_end_matches(".svg"));
        }
    }
    text
}

/// The same without a proxy.
fn case(kind: Kind, who: Who, executors: u32) -> Case {
    Case {
        kind,
        executors,
        latency: None,
        who,
    }
}

/// The numbers of executors with which somebody was measured, ascending.
fn sizes(results: &Results, kind: Kind, who: Who) -> Vec<u32> {
    let mut sizes: Vec<u32> = results
        .cases(kind)
        .into_iter()
        .filter(|case| case.who == who)
        .map(|case| case.executors)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// What an executor adds to a figure: its growth from the fewest executors to this many.
fn growth(results: &Results, kind: Kind, who: Who, executors: u32, figure: &str) -> Option<f64> {
    let fewest = *sizes(results, kind, who).first()?;
    if executors <= fewest {
        return None;
    }
    let at = |executors| results.median(case(kind, who, executors), figure);
    Some((at(executors)? - at(fewest)?) / f64::from(executors - fewest))
}

/// What an executor adds to a driver's memory: on the heap and, with Stoker, in native memory. The latter is that of
/// `stoker allocate`, as what a JVM has beside its heap comes and goes by more. Of stock Spark nothing but the heap is counted.
fn memory_growth(results: &Results, who: Who, executors: u32) -> Option<f64> {
    let heap = growth(results, Kind::Life, who, executors, "heap_bytes")?;
    let native = match who {
        Who::Stoker => growth(results, Kind::Native, who, executors, "resident_bytes")?,
        _ => 0.0,
    };
    Some(heap + native)
}

#[cfg(test)]
mod tests;
