mod controllers;
mod profiles;
mod stamping;
mod steps;
mod templates;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::conf::{Conf, Sources, SparkVersion};
use crate::ids::ExecutorId;

const SEED: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

fn sources(properties: &[(&str, &str)]) -> Sources {
    let base = [
        ("spark.app.name", "Spark Pi"),
        ("spark.driver.host", "driver-svc.jobs.svc"),
        (
            "spark.kubernetes.container.image",
            "registry/spark:{{SPARK_VERSION}}",
        ),
        ("spark.kubernetes.namespace", "jobs"),
    ];
    let properties = base
        .iter()
        .chain(properties)
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Sources {
        properties,
        ..Sources::default()
    }
}

fn conf(properties: &[(&str, &str)]) -> Conf {
    Conf::new(sources(properties), SparkVersion::new(4, 3, 0)).unwrap()
}

fn conf_without(key: &str) -> Conf {
    let mut sources = sources(&[]);
    sources.properties.remove(key);
    Conf::new(sources, SparkVersion::new(4, 3, 0)).unwrap()
}

fn context() -> AppContext {
    AppContext {
        app_id: "spark-app-1".to_owned(),
        spark_user: "root".to_owned(),
        auth_secret: None,
        pod_name_prefix: "pi-0001".to_owned(),
        config_map_name: config_map_name("00ff00aabbccddee"),
        driver_pod: Some(OwnerPod {
            name: "pi-driver".to_owned(),
            uid: "uid-1".to_owned(),
        }),
        conf_files: vec!["metrics.properties".to_owned(), "log4j2.properties".to_owned()],
        pod_template: None,
    }
}

fn default_profile() -> ResourceProfile {
    profile(0, &json!({}))
}

fn profile(id: u32, resources: &Value) -> ResourceProfile {
    serde_json::from_value(json!({"id": id, "executorResources": resources})).unwrap()
}

fn pod_of(conf: &Conf, context: &AppContext, profile: &ResourceProfile) -> Value {
    let stamped = PodStamp::build(conf, context, profile)
        .unwrap()
        .stamp(ExecutorId(7), SEED);
    serde_json::from_slice(&stamped.body).unwrap()
}

fn pod(properties: &[(&str, &str)]) -> Value {
    pod_of(&conf(properties), &context(), &default_profile())
}

fn error(properties: &[(&str, &str)]) -> SpecError {
    PodStamp::build(&conf(properties), &context(), &default_profile()).unwrap_err()
}

fn container(pod: &Value) -> &Value {
    &pod["spec"]["containers"][0]
}

fn env(pod: &Value) -> BTreeMap<&str, &str> {
    let variables = container(pod)["env"].as_array().unwrap();
    variables
        .iter()
        .filter_map(|v| Some((v["name"].as_str()?, v["value"].as_str()?)))
        .collect()
}

#[test]
fn a_pod_with_everything() {
    let conf = conf(&[
        ("spark.executor.cores", "4"),
        ("spark.executor.memory", "2g"),
        (
            "spark.executor.extraJavaOptions",
            "-XX:+UseG1GC -Dlog='{{APP_ID}} {{EXECUTOR_ID}}'",
        ),
        ("spark.executor.extraClassPath", "/opt/lib/*"),
        ("spark.executor.resource.gpu.amount", "2"),
        ("spark.executor.resource.gpu.vendor", "nvidia.com"),
        ("spark.executorEnv.LANG", "C.UTF-8"),
        ("spark.executorEnv.9bad", "x"),
        ("spark.driver.port", "7000"),
        ("spark.decommission.enabled", "true"),
        ("spark.kubernetes.authenticate.driver.serviceAccountName", "spark"),
        ("spark.kubernetes.container.image.pullSecrets", "pull-a, pull-b"),
        (
            "spark.kubernetes.executor.annotation.example.com/id",
            "{{EXECUTOR_ID}}",
        ),
        ("spark.kubernetes.executor.label.team", "{{APP_ID}}"),
        ("spark.kubernetes.executor.limit.cores", "4"),
        ("spark.kubernetes.executor.node.selector.disk", "ssd"),
        ("spark.kubernetes.node.selector.disk", "any"),
        ("spark.kubernetes.executor.scheduler.name", "volcano"),
    ]);
    let context = AppContext {
        auth_secret: Some(Secret::new("s3cret")),
        ..context()
    };
    insta::assert_json_snapshot!(pod_of(&conf, &context, &default_profile()));
    assert!(!format!("{context:?}").contains("s3cret"));
    let stamp = PodStamp::build(&conf, &context, &default_profile()).unwrap();
    assert_eq!(stamp.warnings().len(), 1);
    assert!(stamp.warnings()[0].contains("spark.executorEnv.9bad"));
}

#[test]
fn the_config_map() {
    let files = [(
        "log4j2.properties".to_owned(),
        "rootLogger.level = info\n".to_owned(),
    )];
    insta::assert_json_snapshot!(config_map(&conf(&[]), &context(), &files).unwrap());
    let outside = AppContext {
        driver_pod: None,
        ..context()
    };
    let map = config_map(&conf(&[]), &outside, &[]).unwrap();
    assert!(map["metadata"].get("ownerReferences").is_none());
}

#[test]
fn versions_of_spark_differ() {
    let of = |major, minor, patch| {
        let conf = Conf::new(
            sources(&[
                ("spark.executor.extraLibraryPath", "/lib/x"),
                ("spark.driver.bindAddress", "10.0.0.9"),
            ]),
            SparkVersion::new(major, minor, patch),
        );
        pod_of(&conf.unwrap(), &context(), &default_profile())
    };
    let (v40, v41, v42, v43) = (of(4, 0, 1), of(4, 1, 1), of(4, 2, 0), of(4, 3, 0));
    assert!(v40["spec"].get("terminationGracePeriodSeconds").is_none());
    assert_eq!(v41["spec"]["terminationGracePeriodSeconds"], 30);
    assert!(container(&v41).get("resizePolicy").is_none());
    assert!(container(&v42).get("resizePolicy").is_some());
    assert!(container(&v42).get("securityContext").is_none());
    assert_eq!(
        container(&v43)["securityContext"],
        json!({"allowPrivilegeEscalation": false})
    );
    assert!(!env(&v41).contains_key("SPARK_EXECUTOR_LIBRARY_PATH"));
    assert_eq!(env(&v42)["SPARK_EXECUTOR_LIBRARY_PATH"], "/lib/x");
    assert_eq!(
        env(&v41)["SPARK_DRIVER_URL"],
        "spark://CoarseGrainedScheduler@driver-svc.jobs.svc:7078"
    );
    assert_eq!(
        env(&v43)["SPARK_DRIVER_URL"],
        "spark://CoarseGrainedScheduler@10.0.0.9:7078"
    );
    assert_eq!(container(&v40)["image"], "registry/spark:{{SPARK_VERSION}}");
    assert_eq!(container(&v41)["image"], "registry/spark:4.1.1");
    assert_eq!(v43["metadata"]["labels"]["spark-version"], "4.3.0");
}

#[test]
fn the_driver_url_has_brackets_around_ipv6() {
    for (host, url) in [
        ("2001:0:0::5", "[2001::5]"),
        ("[2001:0:0::5]", "[2001::5]"),
        ("[fd00:0::5]", "[fd00:0::5]"),
        ("10.1.2.3", "10.1.2.3"),
        ("svc.ns.svc", "svc.ns.svc"),
    ] {
        let pod = pod(&[("spark.driver.bindAddress", host), ("spark.driver.port", "1")]);
        assert_eq!(
            env(&pod)["SPARK_DRIVER_URL"],
            format!("spark://CoarseGrainedScheduler@{url}:1")
        );
    }
}

#[test]
fn configured_local_dirs() {
    let volumes = |pod: &Value| -> Vec<Value> {
        let all = pod["spec"]["volumes"].as_array().unwrap().iter();
        all.filter(|v| v["name"].as_str().unwrap().starts_with("spark-local-dir-"))
            .cloned()
            .collect()
    };
    let shuffled = pod(&[
        ("spark.local.dir", "/a,/b\"q\",/c"),
        ("spark.kubernetes.local.dirs.tmpfs", "true"),
    ]);
    assert_eq!(volumes(&shuffled).len(), 3);
    assert_eq!(
        volumes(&shuffled)[0],
        json!({"name": "spark-local-dir-1", "emptyDir": {"medium": "Memory"}})
    );
    let mut dirs: Vec<&str> = env(&shuffled)["SPARK_LOCAL_DIRS"].split(',').collect();
    let mounts = container(&shuffled)["volumeMounts"].as_array().unwrap();
    let mounted: Vec<&str> = mounts[1..]
        .iter()
        .map(|m| m["mountPath"].as_str().unwrap())
        .collect();
    assert_eq!(mounted, dirs);
    dirs.sort_unstable();
    assert_eq!(dirs, ["/a", "/b\"q\"", "/c"]);

    let mut sources = sources(&[("spark.local.dir", "/a,/b")]);
    sources
        .env
        .insert("SPARK_LOCAL_DIRS".to_owned(), "/x,/y,/z".to_owned());
    let older = Conf::new(sources, SparkVersion::new(4, 1, 1)).unwrap();
    let pod = pod_of(&older, &context(), &default_profile());
    assert_eq!(env(&pod)["SPARK_LOCAL_DIRS"], "/x,/y,/z");
}

#[test]
fn without_config_map_and_driver_pod() {
    let conf = conf(&[
        ("spark.kubernetes.executor.disableConfigMap", "true"),
        ("spark.blockManager.port", "0"),
    ]);
    let pod = pod_of(
        &conf,
        &AppContext {
            driver_pod: None,
            ..context()
        },
        &default_profile(),
    );
    assert!(pod["metadata"].get("ownerReferences").is_none());
    assert_eq!(
        pod["spec"]["volumes"],
        json!([{"name": "spark-local-dir-1", "emptyDir": {}}])
    );
    assert_eq!(container(&pod)["volumeMounts"].as_array().unwrap().len(), 1);
    assert!(container(&pod).get("ports").is_none());
}

#[test]
fn a_secret_file_replaces_the_secret() {
    let with_secret = AppContext {
        auth_secret: Some(Secret::new("s3cret")),
        ..context()
    };
    let has_secret = |properties: &[(&str, &str)]| {
        let pod = pod_of(&conf(properties), &with_secret, &default_profile());
        env(&pod).contains_key("_SPARK_AUTH_SECRET")
    };
    assert!(has_secret(&[]));
    assert!(!has_secret(&[("spark.authenticate.secret.file", "/etc/secret")]));
}

#[test]
fn what_is_wrong_is_said() {
    let image = PodStamp::build(
        &conf_without("spark.kubernetes.container.image"),
        &context(),
        &default_profile(),
    );
    assert!(
        image
            .unwrap_err()
            .to_string()
            .starts_with("Must specify the executor container image")
    );
    let host = PodStamp::build(&conf_without("spark.driver.host"), &context(), &default_profile());
    assert!(matches!(host.unwrap_err(), SpecError::MissingDriverHost));
    assert!(matches!(
        error(&[("spark.driver.bindAddress", "1:2")]),
        SpecError::DriverHost { .. }
    ));
    let reserved = error(&[("spark.kubernetes.executor.label.spark-role", "x")]);
    assert!(
        reserved
            .to_string()
            .contains("cannot contain spark-role as it is reserved for Spark")
    );
    let cpu = [
        ("spark.kubernetes.executor.request.cores", "1"),
        ("spark.kubernetes.executor.limit.cores", "900m"),
    ];
    assert!(
        error(&cpu)
            .to_string()
            .contains("request (1) should be less than or equal to cpu limit (900m)")
    );
    assert!(matches!(
        error(&[("spark.kubernetes.executor.limit.cores", "two")]),
        SpecError::Quantity { .. }
    ));
    assert!(matches!(
        error(&[("spark.blockManager.port", "80")]),
        SpecError::BlockManagerPort { port: 80 }
    ));
    assert!(matches!(
        error(&[("spark.executor.resource.gpu", "1")]),
        SpecError::ResourceKey { .. }
    ));
    assert!(matches!(
        error(&[("spark.executor.resource.gpu.vendor", "a")]),
        SpecError::MissingAmount { .. }
    ));
    assert!(matches!(
        error(&[("spark.executor.resource.gpu.amount", "1.5")]),
        SpecError::BadAmount { .. }
    ));
    assert!(matches!(
        error(&[("spark.executor.resource.gpu.amount", "1")]),
        SpecError::MissingVendor { .. }
    ));
    assert!(matches!(
        error(&[("spark.memory.offHeap.enabled", "true")]),
        SpecError::OffHeapSize
    ));
    let prefix = AppContext {
        pod_name_prefix: "No".to_owned(),
        ..context()
    };
    let refused = PodStamp::build(&conf(&[]), &prefix, &default_profile()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("spark.kubernetes.executor.podNamePrefix")
    );
}

#[test]
fn the_pod_name_prefix_is_configured_or_derived() {
    let derived = pod_name_prefix(&conf(&[]), "00ff").unwrap();
    assert_eq!(derived, "spark-pi-00ff");
    let configured = pod_name_prefix(
        &conf(&[("spark.kubernetes.executor.podNamePrefix", "mine")]),
        "00ff",
    )
    .unwrap();
    assert_eq!(configured, "mine");
    let long = conf(&[("spark.app.name", &"n".repeat(300))]);
    assert!(matches!(
        pod_name_prefix(&long, "00ff"),
        Err(SpecError::PodNamePrefix { .. })
    ));
}

#[test]
fn prefixes_are_cut_on_demand() {
    let long = "n".repeat(300);
    let truncate = ("spark.stoker.names.truncate", "true");
    let prefix = "spark.kubernetes.executor.podNamePrefix";
    let derived = pod_name_prefix(&conf(&[("spark.app.name", &long), truncate]), "00ff").unwrap();
    assert_eq!(derived, format!("{}-00ff", "n".repeat(232)));
    let configured = pod_name_prefix(&conf(&[(prefix, &long), truncate]), "00ff").unwrap();
    assert_eq!(configured, derived);
    // The cut leaves no dot before the dash.
    let dotted = format!("{}.{}", "d".repeat(231), "e".repeat(100));
    let cut = pod_name_prefix(&conf(&[(prefix, &dotted), truncate]), "00ff").unwrap();
    assert_eq!(cut, format!("{}-00ff", "d".repeat(231)));
    let short = pod_name_prefix(&conf(&[(prefix, "short"), truncate]), "00ff").unwrap();
    assert_eq!(short, "short");
    let claim = (
        "spark.kubernetes.executor.volumes.persistentVolumeClaim.v.options.claimName",
        "OnDemand",
    );
    let with_claims = pod_name_prefix(&conf(&[(prefix, &long), truncate, claim]), "00ff").unwrap();
    assert_eq!(
        pod_name(&with_claims, ExecutorId(2_147_483_647)).len() + "-pvc-99".len(),
        253
    );
    let refused = pod_name_prefix(&conf(&[(prefix, &long)]), "00ff").unwrap_err();
    assert!(refused.to_string().contains("spark.stoker.names.truncate=true"));
}
