//! What may be fed with any bytes and must not panic: what reads the user's texts, from the properties to the pod.
//!
//! `make fuzz` lets libFuzzer look for inputs; the committed ones in `corpus` are run by `cargo test` too.

#![allow(
    clippy::missing_panics_doc,
    reason = "a target panics where it finds a mistake"
)]

mod pods;

use std::collections::BTreeMap;

use stoker_core::conf::{
    Conf, Redactor, SizeUnit, Sources, SparkVersion, TimeUnit, diff, keys, parse_size, parse_time,
};

pub use pods::{pods, texts};

/// A function that takes any bytes.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 4] = [
    ("properties", properties),
    ("values", values),
    ("texts", texts),
    ("pods", pods),
];

const VERSIONS: [SparkVersion; 5] = [
    SparkVersion::new(4, 3, 0),
    SparkVersion::new(4, 2, 1),
    SparkVersion::new(4, 1, 1),
    SparkVersion::new(4, 0, 1),
    SparkVersion::new(3, 5, 5),
];

/// A properties file: what is read from it is written and read again as the same, and a configuration of it is valid or
/// refused.
pub fn properties(data: &[u8]) {
    let Ok(entries) = stoker_core::conf::properties::read(data) else {
        return;
    };
    let written = stoker_core::conf::properties::write(&entries, "", "");
    let again: BTreeMap<String, String> = stoker_core::conf::properties::parse(&written)
        .map(|entries| entries.into_iter().collect())
        .unwrap_or_default();
    assert_eq!(entries, again, "{written}");
    assert!(diff(&entries, &again).is_empty());
    for version in VERSIONS {
        let _ = configuration(entries.clone(), version);
    }
}

/// One text as the value of every key, and as a time, a size, a version and an expression.
pub fn values(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for info in keys::all() {
        let _ = info.validate(&text);
    }
    for unit in [TimeUnit::Millis, TimeUnit::Seconds, TimeUnit::Minutes] {
        let _ = parse_time(&text, unit);
    }
    for unit in [SizeUnit::Bytes, SizeUnit::Kib, SizeUnit::Mib] {
        let _ = parse_size(&text, unit);
    }
    if let Ok(version) = text.parse::<SparkVersion>() {
        assert_eq!(version.to_string().parse().as_ref(), Ok(&version));
    }
    let _ = Redactor::new(Some(&text)).redact("spark.app.name", &text);
}

/// The configuration of some entries, read in every way; `None` where it is refused.
fn configuration(properties: BTreeMap<String, String>, version: SparkVersion) -> Option<Conf> {
    let sources = Sources {
        env: properties.clone(),
        system: properties.clone(),
        properties,
    };
    let conf = Conf::new(sources, version)
        .map_err(|error| error.to_string())
        .ok()?;
    for note in conf.notes() {
        assert!(!note.to_string().is_empty());
    }
    let redactor = Redactor::of(&conf);
    for (key, value) in conf.iter() {
        let _ = redactor.redact(key, value);
    }
    Some(conf)
}
