//! `HadoopConfExecutorFeatureStep`: the `ConfigMap` with Hadoop's configuration.

use serde_json::json;

use super::{Request, SpecError};
use crate::conf::keys;
use crate::spec::spark_pod::SparkPod;

const VOLUME: &str = "hadoop-properties";
const CONF_DIR: &str = "/opt/hadoop/conf";

#[expect(clippy::unnecessary_wraps, reason = "the type that all steps have")]
pub(super) fn configure(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    if let Some(name) = request.conf.raw(keys::EXECUTOR_HADOOP_CONFIG_MAP_NAME.name()) {
        pod.add_volumes([json!({"configMap": {"name": name}, "name": VOLUME})]);
        pod.add_mounts([json!({"mountPath": CONF_DIR, "name": VOLUME})]);
        pod.add_env([json!({"name": "HADOOP_CONF_DIR", "value": CONF_DIR})]);
    }
    Ok(())
}
