//! Times, sizes and numbers against Java and Spark's `JavaUtils`.

use proptest::prelude::*;
use serde::Deserialize;
use stoker_core::conf::{
    AnyKey, ByteSize, Conf, ConfError, Kind, SizeUnit, Sources, SparkVersion, TimeUnit, Value, keys,
    parse_size, parse_time,
};

#[derive(Deserialize)]
struct Case {
    kind: String,
    unit: String,
    text: String,
    value: Option<String>,
}

fn cases(file: &str) -> Vec<Case> {
    file.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn times_and_sizes_are_read_as_spark_reads_them() {
    let cases = cases(include_str!("expected/units.jsonl"));
    assert!(cases.len() > 1000);
    for Case {
        kind,
        unit,
        text,
        value,
    } in cases
    {
        let read = match (kind.as_str(), unit.as_str()) {
            ("time", "MILLISECONDS") => parse_time(&text, TimeUnit::Millis).map(i128::from),
            ("time", "SECONDS") => parse_time(&text, TimeUnit::Seconds).map(i128::from),
            ("time", "MINUTES") => parse_time(&text, TimeUnit::Minutes).map(i128::from),
            ("size", "BYTE") => parse_size(&text, SizeUnit::Bytes).map(i128::from),
            ("size", "KiB") => parse_size(&text, SizeUnit::Kib).map(i128::from),
            ("size", "MiB") => parse_size(&text, SizeUnit::Mib).map(i128::from),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            read.as_ref().ok().map(ToString::to_string),
            value,
            "{kind} in {unit}: {text:?}: {read:?}"
        );
    }
}

#[test]
fn numbers_are_read_as_java_reads_them() {
    for Case {
        kind, text, value, ..
    } in cases(include_str!("expected/numbers.jsonl"))
    {
        let info = |key: &dyn AnyInfo| key.row();
        let read = match kind.as_str() {
            "int" => i32::read(&text, info(&keys::EXECUTOR_CORES))
                .ok()
                .map(|n| n.to_string()),
            "long" => i64::read(&text, info(&keys::CONFIG_MAP_MAX_SIZE))
                .ok()
                .map(|n| n.to_string()),
            "double" => f64::read(&text, info(&keys::TASK_CPUS)).ok().map(|n| {
                if n.is_nan() { f64::NAN } else { n }
                    .to_bits()
                    .cast_signed()
                    .to_string()
            }),
            other => panic!("{other}"),
        };
        // The one long key of the table has a largest value.
        if kind == "long"
            && value
                .as_ref()
                .is_some_and(|value| value.parse::<i64>().unwrap() > 1_048_576)
        {
            assert_eq!(read, None, "{text:?}");
        } else {
            assert_eq!(read, value, "{kind}: {text:?}");
        }
    }
}

/// A row of the table behind any type of key.
trait AnyInfo {
    fn row(&self) -> &'static stoker_core::conf::KeyInfo;
}

impl<K: AnyKey> AnyInfo for K {
    fn row(&self) -> &'static stoker_core::conf::KeyInfo {
        keys::find(self.info().name()).unwrap()
    }
}

#[test]
fn booleans_and_lists() {
    let switch = keys::find("spark.authenticate").unwrap();
    for (text, value) in [
        ("true", Some(true)),
        (" FALSE\n", Some(false)),
        ("True", Some(true)),
        ("yes", None),
        ("1", None),
        ("", None),
    ] {
        assert_eq!(bool::read(text, switch).ok(), value, "{text:?}");
    }
    let list = keys::find("spark.kubernetes.container.image.pullSecrets").unwrap();
    for (text, value) in [
        ("", &[][..]),
        ("a", &["a"]),
        (" a , b ,, c ", &["a", "b", "c"]),
        (",", &[]),
        ("a b", &["a b"]),
    ] {
        assert_eq!(Vec::<String>::read(text, list).unwrap(), value, "{text:?}");
    }
}

#[test]
fn messages_say_what_would_be_right() {
    for (key, value, message) in [
        ("spark.executor.instances", "-1", "must be at least 0"),
        (
            "spark.kubernetes.allocation.batch.delay",
            "100ms",
            "must be more than 100ms",
        ),
        (
            "spark.kubernetes.allocation.batch.delay",
            "soon",
            "50s, 100ms or 2min",
        ),
        (
            "spark.kubernetes.allocation.batch.delay",
            "1w",
            "\"w\" is not a unit of time",
        ),
        (
            "spark.kubernetes.allocation.batch.size",
            "0",
            "must be at least 1",
        ),
        (
            "spark.kubernetes.allocation.batch.size",
            "many",
            "whole number from -2147483648 to 2147483647",
        ),
        (
            "spark.kubernetes.dynamicAllocation.deleteGracePeriod",
            "-5s",
            "a time must not be negative",
        ),
        (
            "spark.kubernetes.configMap.maxSize",
            "1048577",
            "must be at most 1048576",
        ),
        (
            "spark.kubernetes.memoryOverheadFactor",
            "-0.1",
            "must be at least 0",
        ),
        (
            "spark.kubernetes.memoryOverheadFactor",
            "NaN",
            "must be at least 0",
        ),
        ("spark.executor.memoryOverheadFactor", "0", "must be more than 0"),
        ("spark.executor.memory", "1.5g", "fractions are not allowed"),
        ("spark.executor.memory", "-1g", "a size must not be negative"),
        ("spark.executor.memory", "1gx", "\"gx\" is not a unit of size"),
        ("spark.executor.memory", "17592186044416m", "too large"),
        (
            "spark.kubernetes.container.image.pullPolicy",
            "always",
            "must be one of Always, Never, IfNotPresent",
        ),
        (
            "spark.kubernetes.executor.podNamePrefix",
            "Upper",
            "lower case letters",
        ),
        ("spark.kubernetes.submitInDriver", "yes", "must be true or false"),
    ] {
        let sources = Sources {
            properties: [(key.to_owned(), value.to_owned())].into(),
            ..Sources::default()
        };
        let error = Conf::new(sources, SparkVersion::new(4, 3, 0)).unwrap_err();
        let shown = error.to_string();
        assert!(matches!(error, ConfError::Value { .. }));
        assert!(shown.starts_with(&format!("{key} = {value:?}: ")), "{shown}");
        assert!(shown.contains(message), "{shown}");
    }
}

#[test]
fn the_units_of_keys() {
    assert_eq!(keys::EXECUTOR_MEMORY.info().kind(), Kind::Size(SizeUnit::Mib));
    assert_eq!(
        keys::MEMORY_OFF_HEAP_SIZE.info().kind(),
        Kind::Size(SizeUnit::Bytes)
    );
    assert_eq!(
        keys::ALLOCATION_BATCH_DELAY.info().kind(),
        Kind::Time(TimeUnit::Millis)
    );
    assert_eq!(
        keys::ALLOCATION_DRIVER_READINESS_TIMEOUT.info().kind(),
        Kind::Time(TimeUnit::Seconds)
    );
    assert_eq!(ByteSize::from_mib(3).bytes(), 3 << 20);
}

proptest! {
    #[test]
    fn a_time_written_in_a_unit_is_read_in_it(number in any::<i64>()) {
        prop_assert_eq!(parse_time(&format!("{number}ms"), TimeUnit::Millis), Ok(number));
        prop_assert_eq!(parse_time(&format!("{number}"), TimeUnit::Seconds), Ok(number));
        prop_assert_eq!(parse_time(&format!("{number}us"), TimeUnit::Millis), Ok(number / 1000));
    }

    #[test]
    fn a_size_survives_a_round_trip(bytes in 0..=u64::from(u32::MAX) << 20) {
        let size = ByteSize::from_bytes(bytes);
        prop_assert_eq!(parse_size(&size.to_string(), SizeUnit::Bytes), Ok(bytes));
        prop_assert_eq!(parse_size(&size.to_string(), SizeUnit::Mib), Ok(size.mib()));
        prop_assert_eq!(parse_size(&format!("{}m", size.mib()), SizeUnit::Bytes), Ok(size.mib() << 20));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,20}|-?[0-9]{0,22}[a-zA-Z]{0,3}") {
        let _ = parse_time(&text, TimeUnit::Seconds);
        let _ = parse_size(&text, SizeUnit::Mib);
    }
}
