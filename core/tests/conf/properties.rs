//! Properties against `java.util.Properties`.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use stoker_core::conf::{ConfError, properties};

#[derive(Deserialize)]
struct Case {
    text: String,
    /// Key, value, and the line that Java writes for them.
    entries: Option<Vec<(String, String, String)>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Comment {
    text: String,
    stored: String,
}

fn lines<T: for<'a> Deserialize<'a>>(file: &str) -> Vec<T> {
    file.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, K)>) -> BTreeMap<String, String> {
    entries
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

#[test]
fn reads_what_java_reads() {
    let cases: Vec<Case> = lines(include_str!("expected/properties.jsonl"));
    assert!(cases.len() > 800);
    for Case { text, entries, error } in cases {
        let read = properties::parse(&text);
        match (entries, error.as_deref()) {
            (Some(entries), _) => {
                let expected = map(entries.into_iter().map(|(key, value, _)| (key, value)));
                assert_eq!(read.map(map), Ok(expected), "{text:?}");
            }
            // Half a character before the malformed escape is found first; Java lets it pass.
            (None, Some("malformed")) => assert!(
                matches!(
                    read,
                    Err(ConfError::UnicodeEscape { .. } | ConfError::LoneSurrogate { .. })
                ),
                "{text:?}"
            ),
            (None, error) => {
                assert_eq!(error, Some("surrogate"));
                assert!(matches!(read, Err(ConfError::LoneSurrogate { .. })), "{text:?}");
            }
        }
    }
}

#[test]
fn writes_entries_as_java_writes_them() {
    let cases: Vec<Case> = lines(include_str!("expected/properties.jsonl"));
    for (key, value, stored) in cases.into_iter().filter_map(|case| case.entries).flatten() {
        let written = properties::write(&map([(key, value)]), "c", "d");
        assert_eq!(written, format!("#c\n#d\n{stored}\n"));
    }
}

#[test]
fn writes_comments_as_java_writes_them() {
    for Comment { text, stored } in lines(include_str!("expected/comments.jsonl")) {
        assert_eq!(
            properties::write(&BTreeMap::new(), &text, "d"),
            format!("{stored}#d\n"),
            "{text:?}"
        );
    }
}

#[test]
fn the_file_of_an_executor() {
    let entries = map([
        ("spark.master", "k8s://https://192.0.2.1"),
        ("spark.app.name", " a # b"),
    ]);
    assert_eq!(
        properties::write(
            &entries,
            "Java properties built from Kubernetes config map with name: c",
            "Thu Jan 01 00:00:00 UTC 1970"
        ),
        "#Java properties built from Kubernetes config map with name: c\n\
         #Thu Jan 01 00:00:00 UTC 1970\n\
         spark.app.name=\\ a \\# b\n\
         spark.master=k8s\\://https\\://192.0.2.1\n"
    );
}

#[test]
fn an_error_names_the_line() {
    let text = "a=b\n# c\r\n\rd=\\\n  e\\u00g0\n";
    assert_eq!(properties::parse(text), Err(ConfError::UnicodeEscape { line: 4 }));
    assert_eq!(
        properties::parse("a=b\n\nc=\\ud83d"),
        Err(ConfError::LoneSurrogate {
            line: 3,
            unit: 0xd83d
        })
    );
}

#[test]
fn a_file_is_read_as_spark_reads_it() {
    let bytes = b"spark.a =  x y \t \nspark.b=line\\n\nspark.c=\xff\nspark.a.b=\\ \\t\n\xc3\xa9=1\nspark.d=\x00z\x01\nspark.b.c=1\nspark.b.c=2\n";
    let read = properties::read(bytes).unwrap();
    let expected = [
        ("spark.a", "x y"),
        ("spark.a.b", ""),
        ("spark.b", "line\n"),
        ("spark.b.c", "2"),
        ("spark.c", "\u{fffd}"),
        ("spark.d", "z"),
        ("é", "1"),
    ];
    assert_eq!(read, map(expected));
}

proptest! {
    #[test]
    fn what_is_written_is_read(entries in proptest::collection::btree_map("\\PC{0,12}|[ \\t\\r\\n\\x0c=:#!\\\\ua0]{0,8}", "\\PC{0,20}|[ \\t\\r\\n\\x0c=:#!\\\\ua0]{0,8}", 0..8), comment in "[#!\\r\\n a\\\\é中]{0,12}") {
        let written = properties::write(&entries, &comment, "date");
        let read = map(properties::parse(&written).unwrap());
        prop_assert_eq!(read, entries);
    }

    #[test]
    fn no_text_panics(text in "([ \\t\\r\\n\\x0c=:#!\\\\ua0é]|\\PC){0,40}") {
        let _ = properties::parse(&text);
    }
}
