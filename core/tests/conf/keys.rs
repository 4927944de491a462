//! The table against the keys of stock Spark.

use std::collections::{BTreeMap, BTreeSet};

use stoker_core::conf::{
    ConfError, KeyInfo, Kind, SizeUnit, SparkVersion, TimeUnit, keys, parse_size, parse_time,
};

/// What one version of Spark says of a key; `expected/KeyTable.java` says how the file was made.
struct Row {
    version: SparkVersion,
    key: &'static str,
    kind: &'static str,
    default: &'static str,
    since: &'static str,
    alternatives: Vec<&'static str>,
}

/// A constant of a class that looks like a key: a prefix, or a key without an entry.
const TEXT: &str = "text of a class";

fn all_rows() -> Vec<Row> {
    include_str!("expected/keys.tsv")
        .lines()
        .map(|line| {
            let [version, key, kind, default, since, alternatives] = line.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("{line}");
            };
            let alternatives = alternatives.split(',').filter(|name| !name.is_empty()).collect();
            Row {
                version: version.parse().unwrap(),
                key,
                kind,
                default,
                since,
                alternatives,
            }
        })
        .collect()
}

/// The keys with an entry, which has a type and a default.
fn rows() -> impl Iterator<Item = Row> {
    all_rows().into_iter().filter(|row| row.kind != TEXT)
}

/// The other texts.
fn texts() -> impl Iterator<Item = Row> {
    all_rows().into_iter().filter(|row| row.kind == TEXT)
}

fn versions() -> BTreeSet<SparkVersion> {
    rows().map(|row| row.version).collect()
}

/// Keys that a later version no longer has: where one is set all the same, nothing comes of it in any version.
const GONE: [&str; 1] = ["spark.kubernetes.pyspark.pythonVersion"];

/// A default that is never used: the value is only put before another one where it is set.
const UNUSED_DEFAULT: &str = "spark.executor.defaultExtraClassPath";

/// Keys that Spark reads by their names and not through an entry.
const WITHOUT_ENTRY: [&str; 8] = [
    "spark.app.id",
    "spark.app.name",
    "spark.executor.defaultJavaOptions",
    "spark.executor.resource.",
    "spark.executorEnv.",
    "spark.home",
    "spark.local.dir",
    "spark.master",
];

/// Keys whose type is not Spark's in every version, and why.
const OTHER_KINDS: [(&str, Kind, &str); 1] = [(
    "spark.task.cpus",
    Kind::Double,
    "whole until Spark 4.2, with a fraction since 4.3; no version's value is refused, and Spark itself checks it too",
)];

#[test]
fn every_key_of_spark_on_kubernetes_is_in_the_table() {
    assert_eq!(versions().len(), 5);
    for Row { key, since, .. } in rows() {
        let info = keys::find(key).unwrap_or_else(|| panic!("{key} is missing"));
        assert_eq!(info.name(), key);
        let (major, minor, patch) = info.since();
        assert_eq!(format!("{major}.{minor}.{patch}"), since, "{key}");
    }
    for Row { key, version, .. } in texts() {
        let known = match key.strip_suffix('.') {
            Some(_) => {
                assert!(keys::find(key).is_none(), "{key} alone is no key");
                keys::find(&format!("{key}x"))
            }
            None => keys::find(key),
        };
        // What Spark puts a dot and the rest of the name after.
        let beginning = || keys::all().any(|info| info.name().starts_with(&format!("{key}.")));
        match known {
            Some(info) => assert!(info.name() == key && info.exists_in(version.release()), "{key}"),
            None => assert!(beginning(), "{key} of {version} is missing"),
        }
    }
}

#[test]
fn every_key_in_the_table_is_sparks_or_ours() {
    let known: BTreeSet<&str> = all_rows().iter().map(|row| row.key).collect();
    let beginnings: Vec<&str> = texts()
        .map(|row| row.key)
        .filter(|key| !key.ends_with('.'))
        .collect();
    for info in keys::all() {
        let name = info.name();
        let continued = || {
            beginnings
                .iter()
                .any(|key| name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
        };
        assert!(
            known.contains(name)
                || WITHOUT_ENTRY.contains(&name)
                || name.starts_with("spark.stoker.")
                || continued(),
            "{name}"
        );
    }
}

#[test]
fn the_types_are_sparks() {
    for Row {
        version, key, kind, ..
    } in rows()
    {
        let ours = keys::find(key).unwrap().kind();
        let theirs = match kind {
            "bool" => Kind::Bool,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "double" | "decimal" => Kind::Double,
            "text" => Kind::Text,
            "list" => Kind::List,
            "time-ms" => Kind::Time(TimeUnit::Millis),
            "time-s" => Kind::Time(TimeUnit::Seconds),
            "time-min" => Kind::Time(TimeUnit::Minutes),
            "size-b" => Kind::Size(SizeUnit::Bytes),
            "size-k" => Kind::Size(SizeUnit::Kib),
            "size-m" => Kind::Size(SizeUnit::Mib),
            other => panic!("{key}: {other}"),
        };
        let on_purpose = OTHER_KINDS.iter().find(|(name, ..)| *name == key);
        let expected = on_purpose.map_or(theirs, |(_, kind, _)| *kind);
        assert_eq!(ours, expected, "{key} in {version}");
    }
}

#[test]
fn the_defaults_are_sparks_in_every_version() {
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
            Kind::Time(unit) if default != "<undefined>" => {
                parse_time(ours, unit).unwrap() == parse_time(default, unit).unwrap()
            }
            Kind::Size(unit) if default != "<undefined>" => {
                parse_size(ours, unit).unwrap() == parse_size(default, unit).unwrap()
            }
            Kind::Double if default != "<undefined>" => {
                ours.parse::<f64>().unwrap().to_bits() == default.parse::<f64>().unwrap().to_bits()
            }
            _ => ours == default,
        };
        assert!(same, "{key} in {version}: {ours:?} and not {default:?}");
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
        assert_eq!(info.alternatives(), alternatives, "{key}");
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
