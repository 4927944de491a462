//! The `ConfigMap` with the files of `/opt/spark/conf` on the executors.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{AppContext, SpecError};
use crate::conf::{Conf, keys, properties};

/// The executor `ConfigMap`. `files`: names and contents from `SPARK_CONF_DIR`, see
/// [`conf_dir`](super::conf_dir).
///
/// Beside them it holds, as stock's does, `spark.properties` with the namespace and the namespace once more as an
/// entry of its own.
pub fn config_map(conf: &Conf, context: &AppContext, files: &[(String, String)]) -> Result<Value, SpecError> {
    let namespace = conf.get(&keys::NAMESPACE)?;
    let namespace_key = keys::NAMESPACE.name();
    let comment = format!(
        "Java properties built from Kubernetes config map with name: {}",
        context.config_map_name
    );
    // Stock adds the date. Without it a repeated create sends the same bytes.
    let resolved = BTreeMap::from([(namespace_key.to_owned(), namespace.clone())]);
    let properties = properties::write(&resolved, &comment, "");
    let data: Map<String, Value> = files
        .iter()
        .map(|(name, content)| (name.clone(), json!(content)))
        .chain([
            ("spark.properties".to_owned(), json!(properties)),
            (namespace_key.to_owned(), json!(namespace)),
        ])
        .collect();
    let mut metadata = json!({
        "name": context.config_map_name,
        "namespace": namespace,
        "labels": {"spark-app-selector": context.app_id, "spark-role": "executor"},
    });
    if let Some(driver) = &context.driver_pod {
        metadata["ownerReferences"] = json!([driver.reference()]);
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "immutable": true,
        "data": data,
    }))
}
