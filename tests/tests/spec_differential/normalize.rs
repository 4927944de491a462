//! What two equal results may differ in: what is random, and the order of what stock keeps in hash maps.

use serde_json::{Value, json};

use crate::case::Case;

const LOCAL_DIR: &str = "spark-local-dir-";
const DEFAULT_LOCAL_DIR: &str = "/var/data/spark-";
const JAVA_OPTION: &str = "SPARK_JAVA_OPT_";
const VOLUMES: &str = "spark.kubernetes.executor.volumes.";
const SECRETS: &str = "spark.kubernetes.executor.secrets.";
const SECRET_KEY_REFS: &str = "spark.kubernetes.executor.secretKeyRef.";

/// A pod, the other resources of its executor, the `ConfigMap` of the application, and the controller of the profile.
pub(crate) struct Built {
    pub(crate) pod: Value,
    pub(crate) resources: Vec<Value>,
    pub(crate) config_map: Value,
    /// Null where none was asked for.
    pub(crate) controller: Value,
}

/// Fails where something is not even as random or unordered as it should be.
pub(crate) fn normalized(case: &Case, mut built: Built) -> Result<Built, String> {
    normalize_config_map(&mut built)?;
    let Built {
        pod,
        resources,
        controller,
        ..
    } = &mut built;
    name_claims(case, pod, resources)?;
    for claims in [
        Some(resources),
        controller
            .pointer_mut("/spec/volumeClaimTemplates")
            .and_then(Value::as_array_mut),
    ]
    .into_iter()
    .flatten()
    {
        claims.sort_by_key(|claim| text(&claim["metadata"]["name"]).to_owned());
    }
    normalize_pod(case, pod);
    if let Some(template) = controller.pointer_mut("/spec/template") {
        normalize_pod(case, template);
    }
    Ok(built)
}

fn normalize_pod(case: &Case, pod: &mut Value) {
    sort_runs(&mut pod["spec"]["volumes"], |volume| is_secret(case, volume));
    sort_runs(&mut pod["spec"]["volumes"], |volume| {
        is_users_volume(case, volume)
    });
    if let Some(container) = pod["spec"]["containers"]
        .as_array_mut()
        .and_then(|all| all.last_mut())
    {
        sort_runs(&mut container["volumeMounts"], |mount| is_secret(case, mount));
        sort_runs(&mut container["volumeMounts"], |mount| {
            is_users_volume(case, mount)
        });
        normalize_local_dirs(case, container);
        normalize_env(case, &mut container["env"]);
    }
}

/// The name is random. The date in the properties is a comment, which stock writes and we do not.
fn normalize_config_map(built: &mut Built) -> Result<(), String> {
    let name = text(&built.config_map["metadata"]["name"]).to_owned();
    if name.len() != "spark-exec--conf-map".len() + 16 || !name.starts_with("spark-exec-") {
        return Err(format!("name of the ConfigMap: {name}"));
    }
    let properties = &mut built.config_map["data"]["spark.properties"];
    let lines = text(properties)
        .lines()
        .filter(|line| !line.starts_with('#') || line.contains("Kubernetes config map"));
    *properties = json!(lines.collect::<Vec<_>>().join("\n"));
    replace(&mut built.pod, &name, "CONFIG-MAP");
    replace(&mut built.config_map, &name, "CONFIG-MAP");
    replace(&mut built.controller, &name, "CONFIG-MAP");
    Ok(())
}

/// `OnDemand` claims are numbered in the order of the volumes, which is the one of a hash map: they are named after
/// their volumes instead.
fn name_claims(case: &Case, pod: &mut Value, resources: &mut [Value]) -> Result<(), String> {
    let Some(volumes) = pod["spec"]["volumes"].as_array_mut() else {
        return Ok(());
    };
    let count = volumes
        .iter()
        .filter(|volume| is_users_volume(case, volume))
        .count();
    let mut numbers = Vec::new();
    for volume in volumes.iter_mut().filter(|volume| is_users_volume(case, volume)) {
        let volume_name = text(&volume["name"]).to_owned();
        let Some(claim) = volume.pointer_mut("/persistentVolumeClaim/claimName") else {
            continue;
        };
        let old = text(claim).to_owned();
        let Some((before, number)) = old.rsplit_once("-pvc-") else {
            continue;
        };
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let Ok(index) = number[..digits].parse::<usize>() else {
            continue;
        };
        if index >= count || numbers.contains(&index) {
            return Err(format!(
                "number {index} of claim {old}: {count} volumes, seen {numbers:?}"
            ));
        }
        numbers.push(index);
        let new = format!("{before}-pvc-{volume_name}{}", &number[digits..]);
        *claim = json!(new);
        for resource in resources
            .iter_mut()
            .filter(|r| r["metadata"]["name"] == old.as_str())
        {
            resource["metadata"]["name"] = json!(new);
        }
    }
    Ok(())
}

/// Whether a volume, or its mount, is of a secret. Their order is the one of a hash map, as is that of volumes.
fn is_secret(case: &Case, volume_or_mount: &Value) -> bool {
    text(&volume_or_mount["name"])
        .strip_suffix("-volume")
        .is_some_and(|secret| case.spark.contains_key(&format!("{SECRETS}{secret}")))
}

fn is_users_volume(case: &Case, volume_or_mount: &Value) -> bool {
    let name = text(&volume_or_mount["name"]);
    let names = case
        .spark
        .keys()
        .filter_map(|key| key.strip_prefix(VOLUMES)?.split('.').nth(1));
    names.into_iter().any(|volume| volume == name)
}

/// Within one run of variables that the user set, and within the settings that executors start with, the order is
/// that of a hash map.
fn normalize_env(case: &Case, env: &mut Value) {
    sort_runs(env, |v| {
        case.spark
            .contains_key(&format!("spark.executorEnv.{}", text(&v["name"])))
    });
    sort_runs(env, |v| {
        !v["valueFrom"]["secretKeyRef"].is_null()
            && case
                .spark
                .contains_key(&format!("{SECRET_KEY_REFS}{}", text(&v["name"])))
    });
    let Some(env) = env.as_array_mut() else {
        return;
    };
    let number = |v: &Value| text(&v["name"]).strip_prefix(JAVA_OPTION)?.parse::<usize>().ok();
    for run in env.chunk_by_mut(|a, b| number(a).is_some() == number(b).is_some()) {
        if run.iter().all(|v| number(v).is_some()) {
            run.sort_by_key(number);
            normalize_java_options(case, run);
        }
    }
}

/// Settings are passed on in the order of a hash map, after the user's options.
fn normalize_java_options(case: &Case, options: &mut [Value]) {
    let is_setting = |option: &Value| {
        let definition = text(&option["value"])
            .strip_prefix("-D")
            .and_then(|text| text.split_once('='));
        definition.is_some_and(|(key, _)| case.spark.contains_key(key))
    };
    let users = options.len()
        - options
            .iter()
            .rev()
            .take_while(|option| is_setting(option))
            .count();
    let mut values: Vec<String> = options[users..]
        .iter()
        .map(|option| text(&option["value"]).to_owned())
        .collect();
    values.sort();
    for (option, value) in options[users..].iter_mut().zip(values) {
        option["value"] = json!(value);
    }
}

/// Executors get their directories in a random order, and one with a random name where none are configured.
fn normalize_local_dirs(case: &Case, container: &mut Value) {
    let Some(variable) = container["env"]
        .as_array_mut()
        .and_then(|env| env.iter_mut().rfind(|v| v["name"] == "SPARK_LOCAL_DIRS"))
    else {
        return;
    };
    let joined = text(&variable["value"]).to_owned();
    let mut dirs: Vec<&str> = joined.split(',').collect();
    dirs.sort_unstable();
    variable["value"] = json!(dirs.join(","));
    let Some(mounts) = container["volumeMounts"].as_array_mut() else {
        return;
    };
    let mut mounts: Vec<&mut Value> = mounts
        .iter_mut()
        .filter(|mount| text(&mount["name"]).starts_with(LOCAL_DIR))
        .collect();
    let paths: Vec<String> = mounts
        .iter()
        .map(|mount| text(&mount["mountPath"]).to_owned())
        .collect();
    if is_default(&joined) {
        replace(container, &joined, &format!("{DEFAULT_LOCAL_DIR}UUID"));
    } else if paths.join(",") == joined && !has_own_local_dirs(case) {
        // Volumes of Spark's own making are numbered in the random order.
        for (mount, dir) in mounts.iter_mut().zip(dirs) {
            mount["mountPath"] = json!(dir);
        }
    }
}

fn is_default(dir: &str) -> bool {
    let uuid = dir.strip_prefix(DEFAULT_LOCAL_DIR).unwrap_or_default();
    uuid.len() == 36 && uuid.as_bytes()[14] == b'4'
}

/// Whether the user has volumes for local directories, whose names stay with their paths.
fn has_own_local_dirs(case: &Case) -> bool {
    let names = case
        .spark
        .keys()
        .filter_map(|key| key.strip_prefix(VOLUMES)?.split('.').nth(1));
    names.into_iter().any(|volume| volume.starts_with(LOCAL_DIR))
        || case.template().is_some_and(|text| text.contains(LOCAL_DIR))
}

/// Sorts each run of neighbours of this kind, however their fields are ordered.
fn sort_runs(list: &mut Value, is_unordered: impl Fn(&Value) -> bool) {
    let Some(list) = list.as_array_mut() else {
        return;
    };
    for run in list.chunk_by_mut(|a, b| is_unordered(a) && is_unordered(b)) {
        run.iter_mut().for_each(Value::sort_all_objects);
        run.sort_by_cached_key(Value::to_string);
    }
}

/// Replaces a part of all texts.
fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) => *text = text.replace(from, to),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Value::Object(entries) => entries.values_mut().for_each(|item| replace(item, from, to)),
        _ => {}
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
