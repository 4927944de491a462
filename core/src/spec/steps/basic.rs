//! `BasicExecutorFeatureStep`: names, labels, resources, environment and configuration files.

use serde_json::{Value, json};

use super::driver::{block_manager_port, driver_url};
use super::{Request, SpecError, executor_env, recovery};
use crate::conf::{Conf, Prefix, keys};
use crate::spec::ids::substitute;
use crate::spec::names;
use crate::spec::object::{Object, append, edit, merge, set, text};
use crate::spec::profile::ExecutorResources;
use crate::spec::quantity::{Quantity, refuse_empty};
use crate::spec::spark_pod::SparkPod;
use crate::spec::{CONF_DIR, ControllerKind, OwnerPod};

const CONTAINER: &str = "spark-kubernetes-executor";
const CONF_VOLUME: &str = "spark-conf-volume-exec";
/// 0644
const CONF_FILE_MODE: u32 = 420;

pub(super) fn configure(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    names::check_prefix(&request.context.pod_name_prefix)?;
    let resources = ExecutorResources::resolve(request.conf, request.profile)?;
    configure_container(request, &resources, pod)?;
    configure_metadata(request, pod)?;
    configure_spec(request, pod)
}

fn configure_metadata(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    let labels = labels(request)?;
    let annotations = substituted(request, &keys::EXECUTOR_ANNOTATION_PREFIX);
    pod.metadata(|metadata| {
        set(metadata, "name", request.executor.pod_name());
        merge(metadata, "labels", labels);
        merge(metadata, "annotations", annotations);
        let owner = &request.context.driver_pod;
        append(metadata, "ownerReferences", owner.iter().map(OwnerPod::reference));
    });
    Ok(())
}

fn labels(request: &Request<'_>) -> Result<Object, SpecError> {
    let mut labels = substituted(request, &keys::EXECUTOR_LABEL_PREFIX);
    let presets = [
        ("spark-version", request.conf.version().to_string()),
        ("spark-exec-id", request.executor.id()),
        ("spark-app-selector", request.context.app_id.clone()),
        (
            "spark-app-name",
            names::app_name_label(names::app_name(request.conf)),
        ),
        ("spark-role", "executor".to_owned()),
        ("spark-exec-resourceprofile-id", request.profile.id.to_string()),
    ];
    for (label, value) in presets {
        if labels.insert(label.to_owned(), value.into()).is_some() {
            return Err(SpecError::ReservedLabel {
                label: label.to_owned(),
            });
        }
    }
    Ok(labels)
}

/// The entries with a prefix, with the placeholders for application and executor replaced. Spark 3.5 replaces them in
/// annotations only.
fn substituted(request: &Request<'_>, prefix: &Prefix) -> Object {
    let everywhere = request.conf.version().is_at_least(4, 0, 0);
    let replace = everywhere || prefix.name() == keys::EXECUTOR_ANNOTATION_PREFIX.name();
    request
        .conf
        .prefixed(prefix)
        .map(|(name, value)| {
            let value = if replace {
                substitute(value, &request.context.app_id, &request.executor.id())
            } else {
                value.to_owned()
            };
            (name.to_owned(), Value::String(value))
        })
        .collect()
}

fn configure_spec(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    let conf = request.conf;
    let controller = ControllerKind::of(conf)?;
    // Executors of a controller are restarted in place; those of Spark's or Stoker's own are replaced.
    let restart_policy = if controller.is_some() { "Always" } else { "Never" };
    let mut hostname = request.executor.hostname();
    // The API server reads the template of a Deployment; that of a StatefulSet has no say in host names.
    if controller == Some(ControllerKind::Deployment) {
        hostname.make_ascii_lowercase();
    }
    let grace = conf.get(&keys::EXECUTOR_TERMINATION_GRACE_PERIOD)?;
    let secrets = conf.get(&keys::IMAGE_PULL_SECRETS)?;
    let scheduler = match conf.get(&keys::EXECUTOR_SCHEDULER_NAME)? {
        None => conf.get(&keys::SCHEDULER_NAME)?,
        own => own,
    };
    pod.spec(|spec| {
        set(spec, "hostname", hostname);
        set(spec, "restartPolicy", restart_policy);
        if conf.knows(&keys::EXECUTOR_TERMINATION_GRACE_PERIOD) {
            set(spec, "terminationGracePeriodSeconds", grace.as_secs());
        }
        let selectors = conf
            .prefixed(&keys::NODE_SELECTOR_PREFIX)
            .chain(conf.prefixed(&keys::EXECUTOR_NODE_SELECTOR_PREFIX));
        merge(
            spec,
            "nodeSelector",
            selectors.map(|(name, value)| (name.to_owned(), value.into())),
        );
        append(
            spec,
            "imagePullSecrets",
            secrets.iter().map(|name| json!({"name": name})),
        );
        if let Some(scheduler) = scheduler {
            set(spec, "schedulerName", scheduler);
        }
    });
    if with_config_map(conf)? {
        pod.add_volumes([conf_volume(request)]);
    }
    Ok(())
}

fn with_config_map(conf: &Conf) -> Result<bool, SpecError> {
    Ok(!conf.get(&keys::EXECUTOR_DISABLE_CONFIG_MAP)?)
}

fn conf_volume(request: &Request<'_>) -> Value {
    let mut files: Vec<&String> = request.context.conf_files.iter().collect();
    files.sort_unstable();
    let mut config_map = json!({"name": request.context.config_map_name});
    // Without a list of files every entry of the ConfigMap becomes one, as with Spark.
    if !files.is_empty() {
        config_map["items"] = files
            .into_iter()
            .map(|file| json!({"key": file, "mode": CONF_FILE_MODE, "path": file}))
            .collect();
    }
    json!({"configMap": config_map, "name": CONF_VOLUME})
}

fn configure_container(
    request: &Request<'_>,
    resources: &ExecutorResources,
    pod: &mut SparkPod,
) -> Result<(), SpecError> {
    let conf = request.conf;
    let image = image(conf)?;
    let (cpu_request, cpu_limit) = cpu(request, resources)?;
    let port = block_manager_port(conf)?;
    let env = executor_env::variables(request, resources, &driver_url(conf)?)?;
    let allow_escalation = conf.get(&keys::EXECUTOR_ALLOW_PRIVILEGE_ESCALATION)?;
    pod.warnings.extend(executor_env::warnings(conf));
    pod.warnings.extend(recovery::recovery_warning(conf)?);

    let container = &mut pod.container;
    if text(container, "name").is_none() {
        set(container, "name", CONTAINER);
    }
    set(container, "image", image);
    set(
        container,
        "imagePullPolicy",
        conf.get(&keys::CONTAINER_IMAGE_PULL_POLICY)?,
    );
    if !request.profile.is_default() {
        container.remove("resources");
    }
    edit(container, "resources", |all| {
        let memory = format!("{}Mi", resources.total_memory);
        let custom = resources.custom.iter();
        let limits = custom.map(|(name, amount)| (name.clone(), amount.to_string().into()));
        merge(all, "limits", [("memory".to_owned(), memory.as_str().into())]);
        merge(all, "limits", limits);
        let cpu_limit = cpu_limit.map(|limit| ("cpu".to_owned(), limit.into()));
        merge(all, "limits", cpu_limit);
        merge(
            all,
            "requests",
            [
                ("cpu".to_owned(), cpu_request.into()),
                ("memory".to_owned(), memory.into()),
            ],
        );
    });
    // Spark 4.2 added these for in-place resizing (SPARK-55431).
    if conf.version().is_at_least(4, 2, 0) {
        let policy = |name| json!({"resourceName": name, "restartPolicy": "NotRequired"});
        append(container, "resizePolicy", ["cpu", "memory"].map(policy));
    }
    append(container, "env", env);
    append(
        container,
        "ports",
        port.map(|port| json!({"containerPort": port, "name": "blockmanager"})),
    );
    append(container, "args", [json!("executor")]);
    if conf.knows(&keys::EXECUTOR_ALLOW_PRIVILEGE_ESCALATION) {
        edit(container, "securityContext", |context| {
            set(context, "allowPrivilegeEscalation", allow_escalation);
        });
    }
    if conf.get(&keys::DECOMMISSION_ENABLED)? {
        let script = conf.get(&keys::DECOMMISSION_SCRIPT)?;
        set(
            container,
            "lifecycle",
            json!({"preStop": {"exec": {"command": [script]}}}),
        );
    }
    if with_config_map(conf)? {
        pod.add_mounts([json!({"mountPath": CONF_DIR, "name": CONF_VOLUME})]);
    }
    Ok(())
}

fn image(conf: &Conf) -> Result<String, SpecError> {
    let image = conf
        .get(&keys::EXECUTOR_CONTAINER_IMAGE)?
        .ok_or(SpecError::MissingImage)?;
    Ok(if conf.version().is_at_least(4, 1, 0) {
        image.replace("{{SPARK_VERSION}}", &conf.version().to_string())
    } else {
        image
    })
}

/// Request and limit. The Kubernetes keys are those of the default profile; another asks for its own cores.
fn cpu(request: &Request<'_>, resources: &ExecutorResources) -> Result<(String, Option<String>), SpecError> {
    let conf = request.conf;
    let cores = resources.cores.to_string();
    if !request.profile.is_default() {
        return Ok((cores, None));
    }
    let (request_key, request) = match conf.get(&keys::EXECUTOR_REQUEST_CORES)? {
        Some(request) => (keys::EXECUTOR_REQUEST_CORES.name(), request),
        None => (keys::EXECUTOR_CORES.name(), cores),
    };
    refuse_empty(request_key, &request)?;
    let limit_key = keys::EXECUTOR_LIMIT_CORES.name();
    let Some(limit) = conf.get(&keys::EXECUTOR_LIMIT_CORES)? else {
        return Ok((request, None));
    };
    refuse_empty(limit_key, &limit)?;
    // Before 4.1 it is the API server that refuses quantities that are none and limits that are too low.
    if conf.version().is_at_least(4, 1, 0) && quantity(limit_key, &limit)? < quantity(request_key, &request)?
    {
        return Err(SpecError::CpuLimit { request, limit });
    }
    Ok((request, Some(limit)))
}

fn quantity(key: &str, value: &str) -> Result<Quantity, SpecError> {
    Quantity::parse(value).ok_or_else(|| SpecError::Quantity {
        key: key.to_owned(),
        value: value.to_owned(),
    })
}
