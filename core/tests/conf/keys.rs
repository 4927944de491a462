//! The table against the keys of stock Spark.

use std::collections::{BTreeMap, BTreeSet};

use stoker_core::conf::{ConfError, KeyInfo, Kind, SparkVersion, TimeUnit, keys, parse_size, parse_time};

struct Row {
    version: SparkVersion,
    key: &'static str,
    default: &'static str,
    since: &'static str,
    alternatives: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    include_str!("expected/keys.tsv")
        .lines()
        .map(|line| {
            let [version, key, default, since, alternatives] = line.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("{line}");
            };
            let alternatives = alternatives.split(',').filter(|name| !name.is_empty()).collect();
            Row {
                version: version.parse().unwrap(),
                key,
                default,
                since,
                alternatives,
            }
        })
        .collect()
}

fn versions() -> BTreeSet<SparkVersion> {
    rows().into_iter().map(|row| row.version).collect()
}

/// Keys that a later version no longer has.
const GONE: [&str; 1] = ["spark.kubernetes.pyspark.pythonVersion"];

/// A default that is never used: the value is only put before another one where it is set.
const UNUSED_DEFAULT: &str = "spark.executor.defaultExtraClassPath";

#[test]
fn every_key_of_spark_on_kubernetes_is_in_the_table() {
    for Row { key, since, .. } in rows() {
        let info = keys::find(key).unwrap_or_else(|| panic!("{key} is missing"));
        assert_eq!(info.name(), key);
        let (major, minor, patch) = info.since();
        assert_eq!(format!("{major}.{minor}.{patch}"), since, "{key}");
    }
    for prefix in [
        "spark.kubernetes.executor.label.",
        "spark.kubernetes.executor.annotation.",
        "spark.kubernetes.executor.secrets.",
        "spark.kubernetes.executor.secretKeyRef.",
        "spark.kubernetes.executor.volumes.",
        "spark.kubernetes.executor.node.selector.",
        "spark.kubernetes.node.selector.",
        "spark.kubernetes.driver.label.",
        "spark.kubernetes.driver.annotation.",
        "spark.kubernetes.driver.service.label.",
        "spark.kubernetes.driver.service.annotation.",
        "spark.kubernetes.driver.secrets.",
        "spark.kubernetes.driver.secretKeyRef.",
        "spark.kubernetes.driver.volumes.",
        "spark.kubernetes.driver.node.selector.",
        "spark.kubernetes.driverEnv.",
    ] {
        let found = keys::find(&format!("{prefix}x")).map(KeyInfo::name);
        assert_eq!(found, Some(prefix));
        assert!(keys::find(prefix).is_none(), "{prefix} alone is no key");
    }
}

#[test]
fn the_defaults_are_sparks_in_every_version() {
    assert_eq!(versions().len(), 5);
    for Row {
        version,
        key,
        default,
        ..
    } in rows()
    {
        let info = keys::find(key).unwrap();
        if key == UNUSED_DEFAULT {
            continue;
        }
        if let Some(fallback) = info.fallback() {
            assert_eq!(default, format!("<value of {}>", fallback.name()), "{key}");
            continue;
        }
        let ours = info.default_in(version.release()).unwrap_or("<undefined>");
        let same = match info.kind() {
            Kind::Time(_) if default != "<undefined>" => {
                parse_time(ours, unit_of(info)).unwrap() * scale_of(info)
                    == parse_time(default, TimeUnit::Millis).unwrap_or(-1)
                    || parse_time(ours, unit_of(info)) == parse_time(default, unit_of(info))
            }
            Kind::Size(unit) if default != "<undefined>" => {
                parse_size(ours, unit) == parse_size(default, unit)
            }
            Kind::Double if default != "<undefined>" => {
                ours.parse::<f64>().unwrap().to_bits() == default.parse::<f64>().unwrap().to_bits()
            }
            _ => ours == default,
        };
        assert!(same, "{key} in {version}: {ours:?} and not {default:?}");
    }
}

fn unit_of(info: &KeyInfo) -> TimeUnit {
    match info.kind() {
        Kind::Time(unit) => unit,
        other => panic!("{other:?}"),
    }
}

fn scale_of(info: &KeyInfo) -> i64 {
    match unit_of(info) {
        TimeUnit::Millis => 1,
        TimeUnit::Seconds => 1_000,
        TimeUnit::Minutes => 60_000,
    }
}

#[test]
fn a_version_knows_the_keys_that_it_has() {
    let mut present: BTreeMap<&str, BTreeSet<SparkVersion>> = BTreeMap::new();
    for row in rows() {
        present.entry(row.key).or_default().insert(row.version);
    }
    for (key, has) in present {
        let info = keys::find(key).unwrap();
        for version in versions() {
            let known = info.exists_in(version.release());
            assert!(
                known == has.contains(&version) || GONE.contains(&key),
                "{key} in {version}"
            );
        }
    }
}

#[test]
fn deprecated_names_are_sparks() {
    for Row {
        key, alternatives, ..
    } in rows()
    {
        let info = keys::find(key).unwrap();
        for name in alternatives {
            assert!(info.alternatives().contains(&name), "{key}: {name}");
        }
    }
}

#[test]
fn the_table_is_sound() {
    let mut names = BTreeSet::new();
    let stoker = |info: &KeyInfo| info.name().starts_with("spark.stoker.");
    for info in keys::all() {
        let name = info.name();
        assert!(names.insert(name), "{name} is there twice");
        assert!(
            name.starts_with("spark.") && name.ends_with('.') == (info.kind() == Kind::Prefix),
            "{name}"
        );
        assert!(info.doc().trim().ends_with('.'), "{name} has no sentence");
        assert_eq!(info.since() == (0, 0, 0), stoker(info), "{name}");
        let (first, changes) = info.defaults();
        for default in first
            .into_iter()
            .chain(changes.iter().map(|(_, default)| *default))
        {
            assert_eq!(
                info.validate(default),
                Ok(()),
                "{name}: its default is no value of it"
            );
        }
        assert!(changes.is_sorted_by(|(a, _), (b, _)| a < b), "{name}");
        assert!(changes.iter().all(|(since, _)| *since > info.since()), "{name}");
        if let Some(fallback) = info.fallback() {
            assert_eq!((fallback.kind(), first), (info.kind(), None), "{name}");
        }
    }
    for info in keys::all() {
        for alternative in info.alternatives() {
            assert!(names.insert(alternative), "{alternative} has two meanings");
        }
    }
}

#[test]
fn versions_that_make_no_sense_are_errors() {
    let error = "next".parse::<SparkVersion>().unwrap_err();
    assert_eq!(error, ConfError::Version("next".to_owned()));
    assert!(error.to_string().contains("4.3.0"));
}
