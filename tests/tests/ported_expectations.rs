//! `docs/ported-expectations.md` names every test of Spark's own suites, and tests of ours that exist.

#![expect(clippy::expect_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("../../docs/ported-expectations.md");
/// Suite and name of each test, from the `test-sources` jar of `spark-kubernetes_2.13` 4.1.1.
const SPARKS: &str = include_str!("../fixtures/spark-4.1.1-suites.tsv");

struct Row<'a> {
    suite: &'a str,
    sparks: &'a str,
    ours: Vec<&'a str>,
    difference: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let (mut suite, mut rows) = ("", Vec::new());
    for line in TABLE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            suite = heading;
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let ["", sparks, ours, difference, ""] = cells[..]
            && !sparks.starts_with("---")
            && sparks != "Spark's test"
        {
            let ours = ours.split(", ").filter(|test| !test.is_empty()).collect();
            rows.push(Row {
                suite,
                sparks,
                ours,
                difference,
            });
        }
    }
    rows
}

/// Sources in which tests may be.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the checkout") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path
            .extension()
            .is_some_and(|kind| kind == "rs" || kind == "java")
        {
            found.push(path);
        }
    }
}

/// Whether a source has a test of this name, and not only a function.
fn has_test(text: &str, name: &str) -> bool {
    let found = ["fn ", "void "]
        .iter()
        .find_map(|kind| text.find(&format!("{kind}{name}(")));
    let Some(at) = found else { return false };
    // What belongs to it begins after the end of what is before it.
    let own = text[..at].rsplit("}\n").next().unwrap_or_default();
    ["#[test]", "#[tokio::test", "@Test", "@ParameterizedTest"]
        .iter()
        .any(|mark| own.contains(mark))
}

#[test]
fn every_test_of_sparks_suites_has_a_row() {
    let sparks: BTreeSet<_> = SPARKS.lines().filter_map(|line| line.split_once('\t')).collect();
    assert_eq!(sparks.len(), 54);
    let rows = rows();
    let named: BTreeSet<_> = rows.iter().map(|row| (row.suite, row.sparks)).collect();
    assert_eq!(named.len(), rows.len(), "a test has two rows");
    let missing: Vec<_> = sparks.difference(&named).collect();
    let unknown: Vec<_> = named.difference(&sparks).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing: {missing:#?}, unknown: {unknown:#?}"
    );
}

#[test]
fn every_row_has_a_test_that_exists_or_says_why_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the checkout");
    let mut files = Vec::new();
    for folder in ["core", "tests", "java", "jni-bridge"] {
        sources(&root.join(folder), &mut files);
    }
    for Row {
        sparks,
        ours,
        difference,
        ..
    } in rows()
    {
        assert!(
            !ours.is_empty() || !difference.is_empty(),
            "{sparks}: neither a test nor a reason"
        );
        for test in ours {
            let test = test.trim_matches('`');
            let (file, name) = test.split_once("::").expect("file::name");
            let matching: Vec<_> = files.iter().filter(|path| path.ends_with(file)).collect();
            assert_eq!(matching.len(), 1, "{test}: {matching:?}");
            let content = fs::read_to_string(matching[0]).expect("a source");
            assert!(has_test(&content, name), "there is no test {test}");
        }
    }
}
