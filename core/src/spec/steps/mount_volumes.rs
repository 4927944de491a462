//! `MountVolumesFeatureStep`: the user's volumes, and the claims that are made for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::volumes::{NewClaim, Source, Volume, parse};
use super::{Request, SpecError};
use crate::conf::keys;
use crate::spec::names::ON_DEMAND;
use crate::spec::object::{Object, merge};
use crate::spec::spark_pod::SparkPod;

/// Placeholder in the name of a claim.
const EXECUTOR_ID: &str = "SPARK_EXECUTOR_ID";

pub(super) fn configure(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    let volumes = parse(request.conf, &keys::EXECUTOR_VOLUMES_PREFIX)?;
    refuse_shared_paths(&volumes)?;
    let legacy_mode = request.conf.get(&keys::LEGACY_PVC_ACCESS_MODE)?;
    // Spark 3.4.3 brought the key and with it the new mode.
    let access_mode = if legacy_mode {
        "ReadWriteOnce"
    } else {
        "ReadWriteOncePod"
    };
    for (index, volume) in volumes.iter().enumerate() {
        let mut source = source(volume);
        if let Source::Claim { name, made } = &volume.source {
            let name = claim_name(request, name, index);
            if let Some(new) = made {
                pod.claims.push(claim(request, &name, new, access_mode));
            }
            source["persistentVolumeClaim"]["claimName"] = name.into();
        }
        source["name"] = volume.name.as_str().into();
        pod.add_volumes([source]);
    }
    pod.add_mounts(volumes.iter().map(mount));
    Ok(())
}

fn refuse_shared_paths(volumes: &[Volume]) -> Result<(), SpecError> {
    let mut by_path: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for volume in volumes {
        let keys = by_path.entry(&volume.mount_path).or_default();
        keys.push(volume.mount_path_key.clone());
    }
    match by_path.into_iter().find(|(_, keys)| keys.len() > 1) {
        None => Ok(()),
        Some((path, keys)) => Err(SpecError::MountPath {
            path: path.to_owned(),
            keys,
        }),
    }
}

fn mount(volume: &Volume) -> Value {
    let mut mount = json!({
        "mountPath": volume.mount_path,
        "name": volume.name,
        "readOnly": volume.read_only,
        "subPath": volume.sub_path,
    });
    if let Some(expression) = &volume.sub_path_expr {
        mount["subPathExpr"] = json!(expression);
    }
    mount
}

/// What of the volume is the same for every executor.
fn source(volume: &Volume) -> Value {
    match &volume.source {
        Source::HostPath { path, kind } => json!({"hostPath": {"path": path, "type": kind}}),
        Source::Claim { .. } => json!({"persistentVolumeClaim": {"readOnly": volume.read_only}}),
        Source::EmptyDir { medium, size_limit } => {
            let mut source = json!({"emptyDir": {"medium": medium}});
            if let Some(size) = size_limit {
                source["emptyDir"]["sizeLimit"] = json!(size);
            }
            source
        }
        Source::Nfs { path, server } => json!({"nfs": {"path": path, "server": server}}),
    }
}

/// `index`: of the volume, which makes the names of a pod's claims differ.
fn claim_name(request: &Request<'_>, template: &str, index: usize) -> String {
    let on_demand = format!("{}-pvc-{index}", request.executor.pod_name());
    template
        .replace(ON_DEMAND, &on_demand)
        .replace(EXECUTOR_ID, &request.executor.id())
}

fn claim(request: &Request<'_>, name: &str, new: &NewClaim, access_mode: &str) -> Value {
    let entries = |map: &BTreeMap<String, String>| -> Object {
        map.iter()
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect()
    };
    let mut metadata = Object::new();
    metadata.insert("name".to_owned(), json!(name));
    merge(&mut metadata, "labels", entries(&new.labels));
    merge(
        &mut metadata,
        "labels",
        [("spark-app-selector".to_owned(), json!(request.context.app_id))],
    );
    merge(&mut metadata, "annotations", entries(&new.annotations));
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": {
            "accessModes": [access_mode],
            "resources": {"requests": {"storage": new.size}},
            "storageClassName": new.storage_class,
        },
    })
}
