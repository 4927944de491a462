//! The executor pod as a function of what differs between the executors of a profile.

use std::cmp::Ordering;
use std::net::Ipv6Addr;

use serde_json::{Map, Value, json};

use super::local_dirs::{self, LocalDirs};
use super::profile::ExecutorResources;
use super::quantity::Quantity;
use super::{AppContext, CONF_DIR, ResourceProfile, SpecError, env, names};
use crate::conf::{Conf, keys};

const CONTAINER: &str = "spark-kubernetes-executor";
const CONF_VOLUME: &str = "spark-conf-volume-exec";
/// 0644
const CONF_FILE_MODE: u32 = 420;
/// On Kubernetes an executor's ports have these defaults, elsewhere in Spark 0.
const DEFAULT_DRIVER_PORT: i32 = 7078;
const DEFAULT_BLOCK_MANAGER_PORT: i32 = 7079;

/// The texts of a pod that are another's for another executor.
#[derive(Debug)]
pub(super) struct Dynamic {
    pub(super) executor_id: String,
    pub(super) name: String,
    pub(super) hostname: String,
    /// As many as [`LocalDirs::len`].
    pub(super) dirs: Vec<String>,
    /// Those with commas between them.
    pub(super) joined_dirs: String,
}

/// Everything that is decided once per profile.
#[derive(Debug)]
pub(super) struct Blueprint<'a> {
    pub(super) conf: &'a Conf,
    pub(super) context: &'a AppContext,
    pub(super) profile: &'a ResourceProfile,
    pub(super) resources: ExecutorResources,
    pub(super) driver_url: String,
    pub(super) local_dirs: LocalDirs,
    image: String,
    cpu_request: Quantity,
    cpu_limit: Option<Quantity>,
    block_manager_port: Option<i32>,
    with_config_map: bool,
}

impl<'a> Blueprint<'a> {
    pub(super) fn new(
        conf: &'a Conf,
        context: &'a AppContext,
        profile: &'a ResourceProfile,
    ) -> Result<Blueprint<'a>, SpecError> {
        names::check_prefix(&context.pod_name_prefix)?;
        let resources = ExecutorResources::resolve(conf, profile)?;
        let (cpu_request, cpu_limit) = cpu(conf, profile, &resources)?;
        Ok(Blueprint {
            conf,
            context,
            profile,
            resources,
            driver_url: driver_url(conf)?,
            local_dirs: LocalDirs::from_conf(conf),
            image: image(conf)?,
            cpu_request,
            cpu_limit,
            block_manager_port: block_manager_port(conf)?,
            with_config_map: !conf.get(&keys::EXECUTOR_DISABLE_CONFIG_MAP)?,
        })
    }

    /// The pod of an executor.
    pub(super) fn pod(&self, of: &Dynamic) -> Result<Value, SpecError> {
        let mut metadata = json!({"name": of.name, "labels": self.labels(of)?});
        let annotations = self.substituted(&keys::EXECUTOR_ANNOTATION_PREFIX, of);
        if !annotations.is_empty() {
            metadata["annotations"] = Value::Object(annotations);
        }
        if let Some(driver) = &self.context.driver_pod {
            metadata["ownerReferences"] = json!([driver.reference()]);
        }
        Ok(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": self.spec(of)?,
        }))
    }

    fn labels(&self, of: &Dynamic) -> Result<Map<String, Value>, SpecError> {
        let mut labels = self.substituted(&keys::EXECUTOR_LABEL_PREFIX, of);
        let presets = [
            ("spark-version", self.conf.version().to_string()),
            ("spark-exec-id", of.executor_id.clone()),
            ("spark-app-selector", self.context.app_id.clone()),
            (
                "spark-app-name",
                names::app_name_label(names::app_name(self.conf)),
            ),
            ("spark-role", "executor".to_owned()),
            ("spark-exec-resourceprofile-id", self.profile.id.to_string()),
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

    /// The entries with a prefix, with the placeholders for application and executor replaced.
    fn substituted(&self, prefix: &crate::conf::Prefix, of: &Dynamic) -> Map<String, Value> {
        self.conf
            .prefixed(prefix)
            .map(|(name, value)| {
                let value = env::substitute_ids(value, &self.context.app_id, &of.executor_id);
                (name.to_owned(), Value::String(value))
            })
            .collect()
    }

    fn spec(&self, of: &Dynamic) -> Result<Value, SpecError> {
        let conf = self.conf;
        let mut spec = Map::new();
        let mut set = |name: &str, value: Value| {
            spec.insert(name.to_owned(), value);
        };
        set("hostname", json!(of.hostname));
        set("restartPolicy", json!("Never"));
        if conf.version().is_at_least(4, 1, 0) {
            let grace = conf.get(&keys::EXECUTOR_TERMINATION_GRACE_PERIOD)?;
            set("terminationGracePeriodSeconds", json!(grace.as_secs()));
        }
        let selectors: Map<String, Value> = conf
            .prefixed(&keys::NODE_SELECTOR_PREFIX)
            .chain(conf.prefixed(&keys::EXECUTOR_NODE_SELECTOR_PREFIX))
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        if !selectors.is_empty() {
            set("nodeSelector", Value::Object(selectors));
        }
        let secrets = conf.get(&keys::IMAGE_PULL_SECRETS)?;
        if !secrets.is_empty() {
            set(
                "imagePullSecrets",
                secrets.iter().map(|name| json!({"name": name})).collect(),
            );
        }
        let scheduler = match conf.get(&keys::EXECUTOR_SCHEDULER_NAME)? {
            None => conf.get(&keys::SCHEDULER_NAME)?,
            own => own,
        };
        if let Some(scheduler) = scheduler {
            set("schedulerName", json!(scheduler));
        }
        if let Some(account) = self.service_account()? {
            set("serviceAccount", json!(account));
            set("serviceAccountName", json!(account));
        }
        let volumes = self.volumes()?;
        if !volumes.is_empty() {
            set("volumes", Value::Array(volumes));
        }
        set("containers", json!([self.container(of)?]));
        Ok(Value::Object(spec))
    }

    /// The executors' own account, else that of the driver.
    fn service_account(&self) -> Result<Option<String>, SpecError> {
        Ok(match self.conf.get(&keys::EXECUTOR_SERVICE_ACCOUNT_NAME)? {
            None => self.conf.get(&keys::DRIVER_SERVICE_ACCOUNT_NAME)?,
            own => own,
        })
    }

    fn volumes(&self) -> Result<Vec<Value>, SpecError> {
        let mut volumes = Vec::new();
        if self.with_config_map {
            let mut files: Vec<&String> = self.context.conf_files.iter().collect();
            files.sort_unstable();
            let mut config_map = json!({"name": self.context.config_map_name});
            // Without a list of files every entry of the ConfigMap becomes one, as with Spark.
            if !files.is_empty() {
                config_map["items"] = files
                    .into_iter()
                    .map(|file| json!({"key": file, "mode": CONF_FILE_MODE, "path": file}))
                    .collect();
            }
            volumes.push(json!({"configMap": config_map, "name": CONF_VOLUME}));
        }
        let tmpfs = self.conf.get(&keys::LOCAL_DIRS_TMPFS)?;
        volumes.extend(local_dirs::volumes(self.local_dirs.len(), tmpfs));
        Ok(volumes)
    }

    fn container(&self, of: &Dynamic) -> Result<Value, SpecError> {
        let conf = self.conf;
        let mut container = json!({
            "name": CONTAINER,
            "image": self.image,
            "imagePullPolicy": conf.get(&keys::CONTAINER_IMAGE_PULL_POLICY)?,
            "args": ["executor"],
            "env": env::variables(self, of)?,
            "resources": self.container_resources(),
        });
        if let Some(port) = self.block_manager_port {
            container["ports"] = json!([{"containerPort": port, "name": "blockmanager"}]);
        }
        // Spark 4.2 added these for in-place resizing (SPARK-55431).
        if conf.version().is_at_least(4, 2, 0) {
            container["resizePolicy"] = ["cpu", "memory"]
                .iter()
                .map(|name| json!({"resourceName": name, "restartPolicy": "NotRequired"}))
                .collect();
        }
        if conf.version().is_at_least(4, 3, 0) {
            let allow = conf.get(&keys::EXECUTOR_ALLOW_PRIVILEGE_ESCALATION)?;
            container["securityContext"] = json!({"allowPrivilegeEscalation": allow});
        }
        let mut mounts = Vec::new();
        if self.with_config_map {
            mounts.push(json!({"mountPath": CONF_DIR, "name": CONF_VOLUME}));
        }
        mounts.extend(local_dirs::mounts(&of.dirs));
        if !mounts.is_empty() {
            container["volumeMounts"] = Value::Array(mounts);
        }
        if conf.get(&keys::DECOMMISSION_ENABLED)? {
            let script = conf.get(&keys::DECOMMISSION_SCRIPT)?;
            container["lifecycle"] = json!({"preStop": {"exec": {"command": [script]}}});
        }
        Ok(container)
    }

    fn container_resources(&self) -> Value {
        let memory = format!("{}Mi", self.resources.total_memory);
        let mut limits = Map::new();
        limits.insert("memory".to_owned(), json!(memory));
        for (name, amount) in &self.resources.custom {
            limits.insert(name.clone(), json!(amount.to_string()));
        }
        if let Some(cpu) = &self.cpu_limit {
            limits.insert("cpu".to_owned(), json!(cpu.as_str()));
        }
        json!({"limits": limits, "requests": {"cpu": self.cpu_request.as_str(), "memory": memory}})
    }
}

fn image(conf: &Conf) -> Result<String, SpecError> {
    let image = conf
        .get(&keys::EXECUTOR_CONTAINER_IMAGE)?
        .ok_or(SpecError::MissingImage)?;
    Ok(image.replace("{{SPARK_VERSION}}", &conf.version().to_string()))
}

/// Request and limit. The Kubernetes keys are those of the default profile; another asks for its own cores.
fn cpu(
    conf: &Conf,
    profile: &ResourceProfile,
    resources: &ExecutorResources,
) -> Result<(Quantity, Option<Quantity>), SpecError> {
    let parse = |key: &'static str, value: &str| {
        Quantity::parse(value).ok_or_else(|| SpecError::Quantity {
            key,
            value: value.to_owned(),
        })
    };
    let cores = resources.cores.to_string();
    if !profile.is_default() {
        return Ok((parse(keys::EXECUTOR_CORES.name(), &cores)?, None));
    }
    let request = match conf.get(&keys::EXECUTOR_REQUEST_CORES)? {
        Some(request) => parse(keys::EXECUTOR_REQUEST_CORES.name(), &request)?,
        None => parse(keys::EXECUTOR_CORES.name(), &cores)?,
    };
    let limit = conf
        .get(&keys::EXECUTOR_LIMIT_CORES)?
        .map(|limit| parse(keys::EXECUTOR_LIMIT_CORES.name(), &limit))
        .transpose()?;
    match limit {
        Some(limit) if limit.compare(&request) == Ordering::Less => Err(SpecError::CpuLimit {
            request: request.to_string(),
            limit: limit.to_string(),
        }),
        limit => Ok((request, limit)),
    }
}

/// `None` for port 0, which means any and cannot be a container port.
fn block_manager_port(conf: &Conf) -> Result<Option<i32>, SpecError> {
    let port = if conf.is_set(&keys::BLOCK_MANAGER_PORT) {
        conf.get(&keys::BLOCK_MANAGER_PORT)?
    } else {
        DEFAULT_BLOCK_MANAGER_PORT
    };
    match port {
        0 => Ok(None),
        1024..65536 => Ok(Some(port)),
        _ => Err(SpecError::BlockManagerPort { port }),
    }
}

fn driver_url(conf: &Conf) -> Result<String, SpecError> {
    let host = if conf.get(&keys::EXECUTOR_USE_DRIVER_POD_IP)? {
        conf.get(&keys::DRIVER_BIND_ADDRESS)?
    } else {
        conf.get(&keys::DRIVER_HOST)?
    };
    let host = host.ok_or(SpecError::MissingDriverHost)?;
    let port = if conf.is_set(&keys::DRIVER_PORT) {
        conf.get(&keys::DRIVER_PORT)?
    } else {
        DEFAULT_DRIVER_PORT
    };
    // An IPv6 address needs brackets in a URL.
    Ok(match host.trim_matches(['[', ']']).parse::<Ipv6Addr>() {
        Ok(address) => format!("spark://CoarseGrainedScheduler@[{address}]:{port}"),
        Err(_) => format!("spark://CoarseGrainedScheduler@{host}:{port}"),
    })
}
