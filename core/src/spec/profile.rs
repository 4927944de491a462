//! Resource profiles, and what an executor of one is given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::SpecError;
use crate::conf::{Conf, keys};
use crate::ids::ProfileId;

const CORES: &str = "cores";
const MEMORY: &str = "memory";
const OVERHEAD: &str = "memoryOverhead";
const PYSPARK_MEMORY: &str = "pyspark.memory";
const OFF_HEAP: &str = "offHeap";
/// The profile that the application's configuration describes.
const DEFAULT: ProfileId = ProfileId(0);

/// A Spark resource profile, as far as executors are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceProfile {
    /// 0 is the default profile: its executors are what the configuration says, whatever is listed here.
    pub id: ProfileId,
    /// By resource: `cores`, `memory`, `memoryOverhead`, `pyspark.memory`, `offHeap` (memory in MiB), and custom
    /// resources such as `gpu`. What is missing is taken from the configuration, custom resources excepted.
    #[serde(default)]
    pub executor_resources: BTreeMap<String, ExecutorResource>,
}

/// How much of a resource an executor wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecutorResource {
    /// Pieces; MiB for memory.
    pub amount: i64,
    /// Domain of the Kubernetes resource name: `nvidia.com` makes `nvidia.com/gpu`. Only for custom resources.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vendor: String,
    /// Script by which the executor finds the resource's addresses. Not part of the pod.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub discovery_script: String,
}

impl ResourceProfile {
    /// The default profile of an application, in full.
    pub fn default_from(conf: &Conf) -> Result<ResourceProfile, SpecError> {
        let base = Base::from_conf(conf)?;
        let mut resources = base.custom;
        let mut add = |name: &str, amount: i64| {
            let resource = ExecutorResource {
                amount,
                vendor: String::new(),
                discovery_script: String::new(),
            };
            resources.insert(name.to_owned(), resource);
        };
        add(CORES, base.cores);
        add(MEMORY, base.memory);
        add(OFF_HEAP, base.off_heap);
        if let Some(overhead) = base.overhead {
            add(OVERHEAD, overhead);
        }
        if let Some(pyspark) = base.pyspark {
            add(PYSPARK_MEMORY, pyspark);
        }
        Ok(ResourceProfile {
            id: DEFAULT,
            executor_resources: resources,
        })
    }

    pub(super) fn is_default(&self) -> bool {
        self.id == DEFAULT
    }
}

/// What an executor of a profile is given. Memory in MiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExecutorResources {
    pub(super) cores: i64,
    /// Heap.
    pub(super) memory: i64,
    /// Heap, overhead, off-heap and Python memory.
    pub(super) total_memory: i64,
    /// Kubernetes resource names and amounts.
    pub(super) custom: BTreeMap<String, i64>,
}

impl ExecutorResources {
    pub(super) fn resolve(conf: &Conf, profile: &ResourceProfile) -> Result<ExecutorResources, SpecError> {
        let Base {
            mut cores,
            mut memory,
            mut off_heap,
            overhead,
            pyspark,
            custom: mut wanted,
        } = Base::from_conf(conf)?;
        // Spark sizes the overhead by the heap of the default profile, also for the others.
        let mut overhead = match overhead {
            Some(overhead) => overhead,
            None => default_overhead(conf, memory)?,
        };
        let mut pyspark = pyspark.unwrap_or(0);
        if !profile.is_default() {
            wanted.clear();
            for (name, resource) in &profile.executor_resources {
                match name.as_str() {
                    CORES => cores = resource.amount,
                    MEMORY => memory = resource.amount,
                    OVERHEAD => overhead = resource.amount,
                    PYSPARK_MEMORY => pyspark = resource.amount,
                    OFF_HEAP => off_heap = checked_off_heap(conf, resource.amount)?,
                    _ => {
                        wanted.insert(name.clone(), resource.clone());
                    }
                }
            }
        }
        if conf.get(&keys::APP_RESOURCE_TYPE)?.as_deref() != Some("python") {
            pyspark = 0;
        }
        let total_memory = [overhead, off_heap, pyspark]
            .iter()
            .fold(memory, |total, part| total.saturating_add(*part));
        let custom = wanted
            .into_iter()
            .map(kubernetes_resource)
            .collect::<Result<_, _>>()?;
        Ok(ExecutorResources {
            cores,
            memory,
            total_memory,
            custom,
        })
    }
}

/// What the configuration says. Memory in MiB.
struct Base {
    cores: i64,
    memory: i64,
    off_heap: i64,
    overhead: Option<i64>,
    pyspark: Option<i64>,
    custom: BTreeMap<String, ExecutorResource>,
}

impl Base {
    fn from_conf(conf: &Conf) -> Result<Base, SpecError> {
        let off_heap = conf.get(&keys::MEMORY_OFF_HEAP_SIZE)?;
        Ok(Base {
            cores: i64::from(conf.get(&keys::EXECUTOR_CORES)?),
            memory: mib(conf.get(&keys::EXECUTOR_MEMORY)?),
            off_heap: checked_off_heap(conf, mib(off_heap))?,
            overhead: conf.get(&keys::EXECUTOR_MEMORY_OVERHEAD)?.map(mib),
            pyspark: conf.get(&keys::EXECUTOR_PYSPARK_MEMORY)?.map(mib),
            custom: custom_resources(conf)?,
        })
    }
}

fn mib(size: crate::conf::ByteSize) -> i64 {
    i64::try_from(size.mib()).unwrap_or(i64::MAX)
}

fn default_overhead(conf: &Conf, memory: i64) -> Result<i64, SpecError> {
    let factor = if conf.is_set(&keys::EXECUTOR_MEMORY_OVERHEAD_FACTOR) {
        conf.get(&keys::EXECUTOR_MEMORY_OVERHEAD_FACTOR)?
    } else {
        conf.get(&keys::MEMORY_OVERHEAD_FACTOR)?
    };
    // Spark's arithmetic: a product of doubles, cut off to an Int.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    let share = (factor * memory as f64) as i32;
    Ok(i64::from(share).max(mib(conf.get(&keys::EXECUTOR_MIN_MEMORY_OVERHEAD)?)))
}

fn checked_off_heap(conf: &Conf, size: i64) -> Result<i64, SpecError> {
    if !conf.get(&keys::MEMORY_OFF_HEAP_ENABLED)? {
        Ok(0)
    } else if size > 0 {
        Ok(size)
    } else {
        Err(SpecError::OffHeapSize)
    }
}

/// `spark.executor.resource.<name>.{amount,vendor,discoveryScript}`, those with an amount above 0.
fn custom_resources(conf: &Conf) -> Result<BTreeMap<String, ExecutorResource>, SpecError> {
    let mut by_name: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (key, value) in conf.prefixed(&keys::EXECUTOR_RESOURCE_PREFIX) {
        let (name, property) = key.split_once('.').ok_or_else(|| SpecError::ResourceKey {
            key: format!("{}{key}", keys::EXECUTOR_RESOURCE_PREFIX.name()),
        })?;
        by_name.entry(name).or_default().insert(property, value);
    }
    let mut resources = BTreeMap::new();
    for (name, properties) in by_name {
        let text = |property| {
            properties
                .get(property)
                .map(|value| (*value).to_owned())
                .unwrap_or_default()
        };
        let value = *properties.get("amount").ok_or_else(|| SpecError::MissingAmount {
            resource: name.to_owned(),
        })?;
        let amount: i32 = value.parse().map_err(|_| SpecError::BadAmount {
            resource: name.to_owned(),
            value: value.to_owned(),
        })?;
        if amount > 0 {
            let resource = ExecutorResource {
                amount: i64::from(amount),
                vendor: text("vendor"),
                discovery_script: text("discoveryScript"),
            };
            resources.insert(name.to_owned(), resource);
        }
    }
    Ok(resources)
}

fn kubernetes_resource((name, resource): (String, ExecutorResource)) -> Result<(String, i64), SpecError> {
    if resource.vendor.is_empty() {
        return Err(SpecError::MissingVendor { resource: name });
    }
    Ok((format!("{}/{name}", resource.vendor), resource.amount))
}
