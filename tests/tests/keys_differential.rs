//! What five versions of Spark say of their own keys, compared with the file that the table of keys is tested against.
//!
//! Needs `STOKER_SPARK_JARS`, a directory with the jars of each version, and a Java runtime. With `STOKER_BLESS=1` the
//! file is written anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the whole file is a test"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use stoker_core::conf::keys;

const VERSIONS: [&str; 5] = ["3.5.5", "4.0.1", "4.1.1", "4.2.1", "4.3.0"];

#[test]
fn the_expected_keys_are_those_of_stock() {
    let jars = std::env::var("STOKER_SPARK_JARS").expect(
        "STOKER_SPARK_JARS is not set: this test asks stock Spark; set it to the directory with one directory of jars \
         per version (scripts/spark-jars.sh fetches them)",
    );
    let mut names = tempfile::NamedTempFile::new().unwrap();
    for info in keys::all() {
        writeln!(names, "{}", info.name()).unwrap();
    }
    let theirs: String = VERSIONS
        .iter()
        .map(|version| key_table(&Path::new(&jars).join(version), names.path()))
        .collect();
    let file = directory().join("keys.tsv");
    if std::env::var_os("STOKER_BLESS").is_some() {
        fs::write(&file, &theirs).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap();
    let missing: Vec<&str> = theirs.lines().filter(|line| !expected.contains(line)).collect();
    assert!(
        theirs == expected,
        "keys.tsv is stale; write it anew with STOKER_BLESS=1. It lacks:\n{}",
        missing.join("\n")
    );
}

fn directory() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/conf/expected")
}

fn key_table(jars: &Path, names: &Path) -> String {
    let java = std::env::var("JAVA_HOME").map_or("java".into(), |home| Path::new(&home).join("bin/java"));
    let output = Command::new(java)
        .args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(jars.join("*"))
        .arg(directory().join("KeyTable.java"))
        .arg(names)
        .output()
        .expect("Java starts");
    assert!(
        output.status.success(),
        "{}: {}",
        jars.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
