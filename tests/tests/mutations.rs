//! The deliberate bugs of `make mutations` can still be put into the tree.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bug {
    breaks: String,
    file: String,
    text: String,
    replacement: String,
}

#[test]
fn each_bug_has_its_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let list = std::fs::read_to_string(root.join("tests/mutations/plan.json")).expect("the list");
    let bugs: Vec<Bug> = serde_json::from_str(&list).expect("a list of bugs");
    let names: BTreeSet<_> = bugs.iter().map(|bug| &bug.breaks).collect();
    assert_eq!(names.len(), bugs.len(), "a bug comes twice");
    assert!(bugs.len() >= 15, "{} bugs", bugs.len());
    for bug in &bugs {
        let code = std::fs::read_to_string(root.join(&bug.file)).expect(&bug.file);
        let places = code.matches(&bug.text).count();
        assert_eq!(places, 1, "{bug:?} has {places} places in {}", bug.file);
        assert_ne!(bug.text, bug.replacement, "{bug:?} changes nothing");
    }
}
