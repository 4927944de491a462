//! Executor pods, their volume claims and `ConfigMap`s compared with those that stock Spark's own classes build.
//!
//! Needs `STOKER_SPARK_JARS`, a directory with the jars of each Spark version, and a Java runtime. See
//! `tests/differential/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the whole file is a test"
)]

mod case;
mod claims;
mod compare;
mod fragments;
mod generated;
mod normalize;
mod ours;
mod stock;

use std::fs;
use std::path::{Path, PathBuf};

use case::Case;
use stock::Stock;

/// One test per version, so that a failure names it.
macro_rules! versions {
    ($($name:ident: $version:literal,)*) => {
        $(
            #[test]
            fn $name() {
                compare_all($version);
            }
        )*
    };
}

versions! {
    stock_3_5_5: "3.5.5",
    stock_4_0_1: "4.0.1",
    stock_4_1_1: "4.1.1",
    stock_4_2_1: "4.2.1",
    stock_4_3_0: "4.3.0",
}

fn compare_all(version: &str) {
    let mut stock = Stock::start(version);
    let mut failures = compare_corpus(&mut stock);
    if wanted().is_empty() {
        let seed = generated::seed();
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut generated = generated::compare_pairs(&mut stock, &mut rng);
        generated.extend(generated::compare_random(&mut stock, &mut rng));
        generated.extend(claims::compare(&mut stock, &mut rng));
        if !generated.is_empty() {
            failures.push(format!("STOKER_SEED={seed} repeats these:"));
            failures.append(&mut generated);
        }
    }
    assert!(
        failures.is_empty(),
        "stock Spark {version} builds something else:\n{}",
        failures.join("\n")
    );
}

fn compare_corpus(stock: &mut Stock) -> Vec<String> {
    let cases: Vec<(String, Case)> = corpus()
        .filter(|(_, case)| case.is_for(stock.version()))
        .collect();
    assert!(!cases.is_empty(), "no case is compared");
    let failure = |(name, case): (String, Case)| {
        let theirs = stock.build(&case);
        let difference = compare::compare(&case, stock, &theirs).err()?;
        Some(format!("== {} {name}\n{difference}", stock.version()))
    };
    cases.into_iter().filter_map(failure).collect()
}

/// `STOKER_DIFF_CASES`: only the cases written by hand whose name contains this text.
fn wanted() -> String {
    std::env::var("STOKER_DIFF_CASES").unwrap_or_default()
}

/// The cases written by hand.
fn corpus() -> impl Iterator<Item = (String, Case)> {
    let wanted = wanted();
    let mut files: Vec<PathBuf> = fs::read_dir(directory().join("corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|file| (file.file_stem().unwrap().to_string_lossy().into_owned(), file))
        .filter(move |(name, _)| name.contains(&wanted))
        .map(|(name, file)| (name, Case::read(&file)))
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("differential")
}
