//! Stoker beside the raw API server and stock Spark on the local cluster, in one run, taking turns.
//!
//! `make bench` says where the programs are. What is measured is kept in a file of results and not measured again, so that a
//! run goes on where it was interrupted.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark says how far it is and fails where the cluster does"
)]

mod api;
mod audit;
mod field;
mod follow;
mod jvm;
mod parts;
mod raw;
mod relay;

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Parser, Subcommand, ValueEnum as _};
use stoker_benches::report::{self, About};
use stoker_benches::results::{Key, Kind, Results, Who};
use stoker_benches::schedule::{Extent, Part, schedule};
use stoker_benches::{criterion, machine};

use crate::field::Field;
use crate::jvm::Programs;

/// Measures Stoker beside the raw API server and stock Spark, and writes the report.
#[derive(Debug, Parser)]
struct Options {
    /// What has been measured: one JSON object a line.
    #[arg(long, global = true, default_value = "results.jsonl")]
    results: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures what has not been measured.
    Run(Run),
    /// Takes over what criterion has measured of the plan.
    Collect {
        /// Criterion's directory, in cargo's target directory.
        criterion: PathBuf,
    },
    /// Samples where the processor's time goes while executors are made.
    Flame {
        /// Where the samples go.
        directory: PathBuf,
    },
    /// Writes the report and its plots.
    Report {
        /// The report's file; the plots go beside it.
        file: PathBuf,
        /// What was measured with what: `Spark=4.3.0`, once for each.
        #[arg(long = "version")]
        versions: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// Parts of the report, all if none is named.
    #[arg(long, value_delimiter = ',')]
    parts: Vec<Part>,
    /// Rounds of what stock Spark takes no part in.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Rounds of what it takes part in.
    #[arg(long, default_value_t = 3)]
    stock_rounds: u32,
    /// Cuts larger numbers of executors to this: for a trial.
    #[arg(long, default_value_t = u32::MAX)]
    most: u32,
}

fn main() {
    let options = Options::parse();
    let mut results = Results::open(&options.results).expect("the results can be read");
    match options.command {
        Command::Run(run) => measure(&run, &mut results),
        Command::Collect { criterion } => collect(&criterion, &mut results),
        Command::Flame { directory } => parts::flame(&Field::start(), &directory),
        Command::Report { file, versions } => {
            let about = About {
                machine: machine::describe(),
                versions,
                date: jiff::Zoned::now().date().to_string(),
            };
            report::write(&results, &about, &file).expect("the report is written");
        }
    }
}

fn measure(run: &Run, results: &mut Results) {
    let extent = Extent {
        rounds: run.rounds,
        stock_rounds: run.stock_rounds,
        most: run.most,
    };
    let parts = if run.parts.is_empty() {
        Part::value_variants()
    } else {
        &run.parts
    };
    let missing: Vec<Key> = schedule(parts, extent)
        .into_iter()
        .filter(|key| !results.has(key))
        .collect();
    let mut field = None;
    let mut failed = 0;
    let began = Instant::now();
    for (done, key) in missing.iter().enumerate() {
        eprintln!(
            "[{}/{}, {:.0} min] {key}",
            done + 1,
            missing.len(),
            began.elapsed().as_secs_f64() / 60.0
        );
        // What fails is said, and measured again by the next run.
        let figures = panic::catch_unwind(AssertUnwindSafe(|| {
            if key.case.kind == Kind::Pods {
                parts::pods(&Programs::from_env(), key)
            } else {
                parts::measure(field.get_or_insert_with(Field::start), key)
            }
        }));
        let Ok(figures) = figures else {
            failed += 1;
            field = None;
            continue;
        };
        let said: Vec<String> = figures
            .iter()
            .map(|(name, value)| format!("{name} {value:.1}"))
            .collect();
        eprintln!("    {}", said.join(", "));
        results.add(*key, figures).expect("the results can be written");
    }
    assert!(
        failed == 0,
        "{failed} measurements failed: the same command tries them again"
    );
}

fn collect(directory: &Path, results: &mut Results) {
    for (executors, figures) in criterion::plan(directory).expect("criterion's estimates") {
        results
            .add(Key::first(Kind::Plan, Who::Stoker, executors), figures)
            .expect("the results can be written");
    }
}
