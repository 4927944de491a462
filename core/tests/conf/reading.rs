//! Reading keys: references, deprecated names, fallbacks, versions, refusals.

use std::time::Duration;

use serde::Deserialize;
use stoker_core::conf::{ByteSize, Conf, ConfError, Note, Sources, SparkVersion, keys};

const V3_5: SparkVersion = SparkVersion::new(3, 5, 5);
const V4_1: SparkVersion = SparkVersion::new(4, 1, 1);
const V4_2: SparkVersion = SparkVersion::new(4, 2, 0);
const V4_3: SparkVersion = SparkVersion::new(4, 3, 0);

fn sources(entries: &[(&str, &str)]) -> Sources {
    let properties = entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Sources {
        properties,
        ..Sources::default()
    }
}

fn conf(version: SparkVersion, entries: &[(&str, &str)]) -> Conf {
    Conf::new(sources(entries), version).unwrap()
}

fn refusal(entries: &[(&str, &str)]) -> ConfError {
    Conf::new(sources(entries), V4_3).unwrap_err()
}

#[derive(Deserialize)]
struct Reference {
    text: String,
    value: Option<String>,
}

#[test]
fn references_are_resolved_as_spark_resolves_them() {
    for line in include_str!("expected/references.jsonl").lines() {
        let Reference { text, value } = serde_json::from_str(line).unwrap();
        let entries = [
            ("spark.plain", "P"),
            ("spark.nested", "[${spark.plain}]"),
            ("spark.loop", "${spark.loop}"),
            ("spark.circle", "${spark.round}"),
            ("spark.round", "${spark.circle}"),
            ("spark.twice", "${spark.nested}${spark.nested}"),
            ("spark.dollar", "$2 \\ ${none}"),
            ("spark.empty", ""),
            ("other.plain", "Q"),
            ("plain", "R"),
            ("spark.yarn.executor.memoryOverhead", "42"),
            ("spark.P", "indirect"),
            ("spark.é", "accent"),
            ("spark.kubernetes.container.image", "image:1"),
            ("spark.kubernetes.context", text.as_str()),
        ];
        let mut sources = sources(&entries);
        for (name, value) in [
            ("USER_X", "root"),
            ("REF_X", "<${spark.plain}>"),
            ("A:B", "colon"),
        ] {
            sources.env.insert(name.to_owned(), value.to_owned());
        }
        sources.system.insert("test.home".to_owned(), "/home".to_owned());
        sources
            .system
            .insert("test.ref".to_owned(), "${spark.plain}".to_owned());
        let read = Conf::new(sources, V4_3).and_then(|conf| conf.get(&keys::CONTEXT));
        match value {
            Some(value) => assert_eq!(read, Ok(Some(value)), "{text}"),
            None => assert!(
                matches!(read, Err(ConfError::CircularReference { .. })),
                "{text}: {read:?}"
            ),
        }
    }
}

#[test]
fn a_circle_is_named() {
    let error = refusal(&[
        ("spark.kubernetes.namespace", "a-${spark.driver.host}"),
        ("spark.driver.host", "${spark.kubernetes.namespace}"),
    ]);
    let shown = error.to_string();
    assert!(shown.contains("spark.driver.host: circular reference"), "{shown}");
    assert!(shown.contains("spark.kubernetes.namespace"), "{shown}");
}

/// Spark reads these by their names alone, without looking for references.
#[test]
fn what_an_application_is_called_stays_as_it_is_written() {
    let conf = conf(
        V4_3,
        &[
            ("spark.app.name", "${spark.app.name} of ${spark.app.id}"),
            ("spark.app.id", "a"),
            ("spark.kubernetes.namespace", "${spark.app.id}"),
        ],
    );
    let name = conf.get(&keys::APP_NAME).unwrap();
    assert_eq!(name.as_deref(), Some("${spark.app.name} of ${spark.app.id}"));
    assert_eq!(conf.get(&keys::NAMESPACE).unwrap(), "a");
}

#[test]
fn groups_stay_as_they_are_written() {
    let conf = conf(
        V4_3,
        &[
            ("spark.kubernetes.executor.label.a", "${spark.app.name}"),
            ("spark.kubernetes.executor.label.b.c/d", ""),
            ("spark.kubernetes.executor.label", "not one"),
            ("spark.kubernetes.executor.labels.x", "not one"),
        ],
    );
    let labels: Vec<_> = conf.prefixed(&keys::EXECUTOR_LABEL_PREFIX).collect();
    assert_eq!(labels, [("a", "${spark.app.name}"), ("b.c/d", "")]);
    assert_eq!(conf.prefixed("spark.executorEnv.").count(), 0);
}

#[test]
fn defaults_follow_the_version() {
    for (version, size, check, pod_ip) in [
        (V3_5, 5, false, false),
        (V4_1, 10, true, false),
        (V4_2, 20, true, false),
        (V4_3, 20, true, true),
    ] {
        let conf = conf(version, &[]);
        assert_eq!(conf.get(&keys::ALLOCATION_BATCH_SIZE), Ok(size));
        assert_eq!(conf.get(&keys::EXECUTOR_CHECK_ALL_CONTAINERS), Ok(check));
        assert_eq!(conf.get(&keys::EXECUTOR_USE_DRIVER_POD_IP), Ok(pod_ip));
    }
}

#[test]
fn a_key_of_a_later_version_counts_as_not_set() {
    let entries = [
        ("spark.kubernetes.allocation.maximum", "7"),
        ("spark.kubernetes.executor.useDriverPodIP", "true"),
    ];
    let old = conf(V3_5, &entries);
    assert_eq!(old.get(&keys::ALLOCATION_MAXIMUM), Ok(i32::MAX));
    assert_eq!(old.get(&keys::EXECUTOR_USE_DRIVER_POD_IP), Ok(false));
    assert!(!old.is_set(&keys::ALLOCATION_MAXIMUM) && !old.knows(&keys::ALLOCATION_MAXIMUM));
    let new = conf(V4_1, &entries);
    assert_eq!(new.get(&keys::ALLOCATION_MAXIMUM), Ok(7));
    assert_eq!(new.get(&keys::EXECUTOR_USE_DRIVER_POD_IP), Ok(true));
}

#[test]
fn fallbacks_and_deprecated_names() {
    let conf = conf(
        V4_3,
        &[
            ("spark.kubernetes.container.image", "both"),
            (
                "spark.kubernetes.securityContext.allowPrivilegeEscalation",
                "true",
            ),
            ("spark.yarn.executor.memoryOverhead", "1g"),
            ("spark.yarn.max.executor.failures", "3"),
            ("spark.executor.maxNumFailures", "5"),
            ("spark.driver.host", "driver.svc"),
        ],
    );
    assert_eq!(
        conf.get(&keys::EXECUTOR_CONTAINER_IMAGE).unwrap().as_deref(),
        Some("both")
    );
    assert!(!conf.is_set(&keys::EXECUTOR_CONTAINER_IMAGE));
    assert_eq!(conf.get(&keys::EXECUTOR_ALLOW_PRIVILEGE_ESCALATION), Ok(true));
    assert_eq!(
        conf.get(&keys::EXECUTOR_MEMORY_OVERHEAD)
            .unwrap()
            .map(ByteSize::mib),
        Some(1024)
    );
    assert!(conf.is_set(&keys::EXECUTOR_MEMORY_OVERHEAD));
    assert_eq!(conf.get(&keys::EXECUTOR_MAX_NUM_FAILURES), Ok(Some(5)));
    assert_eq!(
        conf.get(&keys::DRIVER_BIND_ADDRESS).unwrap().as_deref(),
        Some("driver.svc")
    );
    assert_eq!(conf.get(&keys::DYN_ALLOCATION_INITIAL_EXECUTORS), Ok(0));
    assert_eq!(
        conf.get(&keys::DYN_ALLOCATION_EXECUTOR_IDLE_TIMEOUT),
        Ok(Duration::from_mins(1))
    );
}

#[test]
fn options_stand_after_the_default_ones() {
    let before = ("spark.executor.defaultJavaOptions", "-Da=${spark.app.name}");
    let after = ("spark.executor.extraJavaOptions", "-Db");
    let name = ("spark.app.name", "n");
    for (entries, expected) in [
        (&[][..], None),
        (&[after], Some("-Db")),
        (&[before, name], Some("-Da=n")),
        (&[before, after, name], Some("-Da=n -Db")),
    ] {
        assert_eq!(
            conf(V4_3, entries)
                .get(&keys::EXECUTOR_JAVA_OPTIONS)
                .unwrap()
                .as_deref(),
            expected
        );
    }
    // Spark 3.5 has no default class path yet.
    let paths = [
        ("spark.executor.defaultExtraClassPath", "/a"),
        ("spark.executor.extraClassPath", "/b"),
    ];
    assert_eq!(
        conf(V3_5, &paths)
            .get(&keys::EXECUTOR_CLASS_PATH)
            .unwrap()
            .as_deref(),
        Some("/b")
    );
    assert_eq!(
        conf(V4_3, &paths)
            .get(&keys::EXECUTOR_CLASS_PATH)
            .unwrap()
            .as_deref(),
        Some("/a:/b")
    );
}

#[test]
fn recovery_mode_came_with_4_2() {
    let mode = |version| {
        let conf = conf(
            version,
            &[("spark.kubernetes.allocation.recoveryMode.enabled", "true")],
        );
        conf.get(&keys::ALLOCATION_RECOVERY_MODE).unwrap()
    };
    assert_eq!((mode(V4_1), mode(V4_2)), (None, Some(true)));
}

#[test]
fn a_configuration_that_hands_over_to_spark_is_not_looked_at() {
    let conf = conf(
        V4_3,
        &[("spark.stoker.enabled", "false"), ("spark.executor.cores", "x")],
    );
    assert_eq!(conf.get(&keys::STOKER_ENABLED), Ok(false));
}

#[test]
fn all_wrong_values_are_told_at_once() {
    let error = refusal(&[
        ("spark.executor.cores", "x"),
        ("spark.kubernetes.submitInDriver", "y"),
        ("spark.executor.memory", "1g"),
    ]);
    let ConfError::Several(errors) = &error else {
        panic!("{error}")
    };
    assert_eq!(errors.len(), 2);
    let shown = error.to_string();
    assert!(
        shown.contains("spark.executor.cores = \"x\"") && shown.contains("spark.kubernetes.submitInDriver"),
        "{shown}"
    );
}

#[test]
fn keys_without_effect_are_not_looked_at() {
    let conf = conf(
        V4_3,
        &[
            ("spark.kubernetes.report.interval", "often"),
            ("spark.kubernetes.executor.rollInterval", "-"),
        ],
    );
    assert_eq!(conf.notes().len(), 2);
}

#[test]
fn an_error_shows_no_secret() {
    let error = refusal(&[
        ("spark.redaction.regex", "cores|namespace"),
        ("spark.executor.cores", "hunter2"),
        (
            "spark.kubernetes.namespace",
            "hunter3${spark.kubernetes.namespace}",
        ),
    ]);
    assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
}

#[test]
fn the_fingerprint_tells_configurations_apart() {
    let one = conf(V4_3, &[("spark.a", "b")]);
    assert_eq!(one.fingerprint(), conf(V4_3, &[("spark.a", "b")]).fingerprint());
    assert_ne!(one.fingerprint(), conf(V4_3, &[("spark.a", "c")]).fingerprint());
    assert_ne!(one.fingerprint(), conf(V4_2, &[("spark.a", "b")]).fingerprint());
    assert_ne!(
        one.fingerprint(),
        conf(V4_3, &[("spark.a", "b"), ("spark.b", "")]).fingerprint()
    );
}

#[test]
fn the_keys_of_polling_have_an_effect_only_without_a_watch() {
    let watcher = "spark.kubernetes.executor.enableApiWatcher";
    let polling = [
        ("spark.kubernetes.executor.apiPollingInterval", "10s"),
        ("spark.kubernetes.executor.enableApiPolling", "true"),
        (
            "spark.kubernetes.executor.enablePollingWithResourceVersion",
            "true",
        ),
    ];
    let [interval, on, cached] = polling;
    let off = (on.0, "false");
    let told = |entries: &[(&str, &str)]| -> Vec<String> {
        let notes = conf(V4_3, entries).notes();
        let told = notes.iter().map(|note| match note {
            Note::NoEffect { key, .. } => key.clone(),
            other => panic!("{other}"),
        });
        told.collect()
    };
    assert_eq!(told(&polling), polling.map(|(key, _)| key));
    assert!(told(&[(watcher, "false"), interval, on, cached]).is_empty());
    assert_eq!(told(&[(watcher, "false"), off]), [on.0]);
    // They are looked at as others are.
    let shown = refusal(&[(interval.0, "0")]).to_string();
    assert!(shown.contains(interval.0), "{shown}");
}

#[test]
fn notes_name_what_has_no_effect() {
    let conf = conf(
        V4_1,
        &[
            ("other.key", "not ours"),
            ("spark.executor.memoryOverhead", "1g"),
            ("spark.kubernetes.executor.apiPollingInterval", "1s"),
            ("spark.kubernetes.executor.labels.x", "y"),
            (
                "spark.kubernetes.securityContext.allowPrivilegeEscalation",
                "true",
            ),
            ("spark.sql.shuffle.partitions", "not ours"),
            ("spark.yarn.executor.memoryOverhead", "2g"),
        ],
    );
    let notes = conf.notes();
    assert!(
        matches!(&notes[0], Note::NoEffect { key, .. } if key == "spark.kubernetes.executor.apiPollingInterval")
    );
    assert_eq!(
        notes[1].to_string(),
        "spark.kubernetes.executor.labels.x is not a key that Spark or Stoker know and has no effect; did you mean \
         spark.kubernetes.executor.label.x?"
    );
    assert!(matches!(&notes[2], Note::TooNew { since: (4, 3, 0), .. }));
    assert!(matches!(&notes[3], Note::Deprecated { overridden: true, .. }));
    assert_eq!(notes.len(), 4);
    assert!(
        notes[3]
            .to_string()
            .contains("spark.executor.memoryOverhead is set"),
        "{}",
        notes[3]
    );
}
