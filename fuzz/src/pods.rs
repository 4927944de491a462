//! From a configuration and a template to the bytes of a pod.

use std::collections::BTreeMap;

use serde_json::Value;
use stoker_core::conf::{Conf, SparkVersion};
use stoker_core::ids::ExecutorId;
use stoker_core::spec::{
    AppContext, OwnerPod, PodStamp, PodTemplate, ResourceProfile, Secret, config_map, config_map_name,
    pod_name_prefix,
};

use crate::{VERSIONS, configuration};

/// What no pod can do without.
const NEEDED: Entries = &[
    ("spark.driver.host", "driver"),
    ("spark.kubernetes.container.image", "image"),
];

/// Keys with a grammar of their own, and some whose value ends up in the pod as it is; and what they go with.
const KEYS: [(&str, Entries); 16] = [
    ("spark.executor.extraJavaOptions", &[]),
    ("spark.kubernetes.executor.request.cores", &[]),
    ("spark.kubernetes.executor.limit.cores", &[]),
    ("spark.app.name", &[]),
    ("spark.kubernetes.executor.podNamePrefix", &[]),
    ("spark.kubernetes.executor.label.a", &[]),
    ("spark.kubernetes.executor.annotation.a", &[]),
    ("spark.executorEnv.A", &[]),
    ("spark.local.dir", &[]),
    ("spark.driver.host", &[]),
    (
        "spark.executor.resource.gpu.amount",
        &[("spark.executor.resource.gpu.vendor", "nvidia.com")],
    ),
    ("spark.executor.memory", &[]),
    ("spark.executor.memoryOverheadFactor", &[]),
    ("spark.kubernetes.container.image.pullSecrets", &[]),
    ("spark.kubernetes.executor.secretKeyRef.A", &[]),
    (
        "spark.kubernetes.executor.volumes.persistentVolumeClaim.a.options.sizeLimit",
        &[
            (
                "spark.kubernetes.executor.volumes.persistentVolumeClaim.a.mount.path",
                "/a",
            ),
            (
                "spark.kubernetes.executor.volumes.persistentVolumeClaim.a.options.claimName",
                "OnDemand",
            ),
            (
                "spark.kubernetes.executor.volumes.persistentVolumeClaim.a.options.storageClass",
                "fast",
            ),
        ],
    ),
];

type Entries = &'static [(&'static str, &'static str)];

/// The first byte chooses a key and a version, the rest is its value.
pub fn texts(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let (key, companions) = KEYS[usize::from(*first) % KEYS.len()];
    let version = &VERSIONS[usize::from(*first) / KEYS.len() % VERSIONS.len()];
    let mut entries = owned(companions);
    entries.insert(key.to_owned(), String::from_utf8_lossy(rest).into_owned());
    build(entries, version, None, None);
}

/// A version, properties, a template and a resource profile, which lines with `---` separate.
pub fn pods(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(4, "\n---\n");
    let mut part = || parts.next().unwrap_or_default();
    let version = part().parse().unwrap_or(SparkVersion::new(4, 3, 0));
    let Ok(entries) = stoker_core::conf::properties::read(part().as_bytes()) else {
        return;
    };
    let template = Some(part())
        .filter(|text| !text.is_empty())
        .and_then(|text| PodTemplate::parse(text).ok());
    build(entries, &version, template, serde_saphyr::from_str(part()).ok());
}

/// The pod of two executors: refused, or two different pods in JSON.
fn build(
    entries: BTreeMap<String, String>,
    version: &SparkVersion,
    pod_template: Option<PodTemplate>,
    profile: Option<ResourceProfile>,
) {
    let mut with_needed = owned(NEEDED);
    with_needed.extend(entries);
    let Some(conf) = configuration(with_needed, version.clone()) else {
        return;
    };
    let Ok(pod_name_prefix) = pod_name_prefix(&conf, "0") else {
        return;
    };
    let context = AppContext {
        app_id: "app".to_owned(),
        spark_user: "user".to_owned(),
        auth_secret: Some(Secret::new("secret")),
        pod_name_prefix,
        config_map_name: config_map_name("0"),
        driver_pod: Some(OwnerPod {
            name: "driver".to_owned(),
            uid: "1-2".to_owned(),
        }),
        conf_files: vec!["log4j2.properties".to_owned()],
        pod_template,
    };
    let _ = config_map(&conf, &context, &[]);
    let Some(profile) = profile.or_else(|| ResourceProfile::default_from(&conf).ok()) else {
        return;
    };
    check(&conf, &context, &profile);
}

fn check(conf: &Conf, context: &AppContext, profile: &ResourceProfile) {
    let stamp = match PodStamp::build(conf, context, profile) {
        Ok(stamp) => stamp,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let one = stamp.stamp(ExecutorId(1), 1);
    let other = stamp.stamp(ExecutorId(2_147_483_647), u128::MAX);
    assert_ne!(one.body, other.body);
    for stamped in [one, other] {
        let pod: Value = serde_json::from_slice(&stamped.body).unwrap_or_default();
        assert_eq!(pod["metadata"]["name"], stamped.name);
    }
}

fn owned(entries: Entries) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
