//! Creates per second on the local cluster: Stoker, the raw API server and stock Spark in one run, interleaved.
//!
//! Needs `STOKER_CLUSTER_BIN`, `STOKER_BIN` and, for stock Spark, `STOKER_SPARK_HOME` and `STOKER_APPS`: `make stress` sets
//! them. What is measured is kept in `--results` and not measured again, so that a run goes on where it was interrupted.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its result and fails where the cluster does"
)]

mod audit;
mod contenders;
mod raw;
mod report;
mod results;

use std::path::PathBuf;

use clap::Parser;
use contenders::{Contender, Field};
use results::{Key, Results};

/// Creates of executor pods per second: Stoker beside the raw API server and stock Spark.
#[derive(Debug, Parser)]
struct Options {
    /// Numbers of executors.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1000, 5000])]
    executors: Vec<u32>,
    /// Rounds of Stoker and the raw API server.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Rounds of stock Spark, up to 1,000 executors.
    #[arg(long, default_value_t = 3)]
    stock_rounds: u32,
    /// What has been measured: one JSON object a line.
    #[arg(long)]
    results: PathBuf,
    /// The report to be written.
    #[arg(long)]
    report: PathBuf,
}

/// Stock Spark is slow: more executors would take it too long.
const STOCK_EXECUTORS: u32 = 1000;

fn main() {
    let options = Options::parse();
    let mut results = Results::open(&options.results);
    let planned = plan(&options);
    let missing: Vec<_> = planned.iter().filter(|key| !results.has(key)).cloned().collect();
    if !missing.is_empty() {
        let field = Field::start();
        for (done, key) in missing.iter().enumerate() {
            eprintln!("[{}/{}] {key}", done + 1, missing.len());
            let measured = field.measure(key);
            eprintln!("    {:.1} creates per second", measured.rate);
            results.add(key.clone(), measured);
        }
    }
    let report = report::creates(&results, &planned);
    std::fs::write(&options.report, &report).expect("the report is written");
    println!("{report}");
}

/// All measurements, interleaved: what changes on the machine meanwhile changes for all.
fn plan(options: &Options) -> Vec<Key> {
    let mut keys = Vec::new();
    for executors in options.executors.iter().copied() {
        for round in 1..=options.rounds.max(options.stock_rounds) {
            for contender in Contender::ALL {
                let rounds = if contender.is_stock() {
                    options.stock_rounds * u32::from(executors <= STOCK_EXECUTORS)
                } else {
                    options.rounds
                };
                if round <= rounds {
                    keys.push(Key {
                        executors,
                        contender,
                        round,
                    });
                }
            }
        }
    }
    keys
}
