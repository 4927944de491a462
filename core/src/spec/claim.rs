//! Persistent volume claims that are made for single executors.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::OwnerPod;
use super::quantity::Quantity;

/// Fields of a claim's `spec` that ask for a certain volume or for data in it: no other claim can stand in.
const PARTICULAR: [&str; 4] = ["volumeName", "selector", "dataSource", "dataSourceRef"];
/// `volumeMode` where none is said.
const FILESYSTEM: &str = "Filesystem";

/// What of a `PersistentVolumeClaim` decides whether it can stand in for another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimShape {
    storage_class: Option<String>,
    /// None where it is no quantity.
    size: Option<Quantity>,
    access_modes: BTreeSet<String>,
    volume_mode: String,
    labels: BTreeMap<String, String>,
}

impl ClaimShape {
    /// Reads a claim, as it is sent or as the API server has it.
    pub fn of(claim: &Value) -> ClaimShape {
        let text = |pointer: &str| claim.pointer(pointer).and_then(Value::as_str);
        let modes = claim.pointer("/spec/accessModes").and_then(Value::as_array);
        let labels = claim.pointer("/metadata/labels").and_then(Value::as_object);
        ClaimShape {
            storage_class: text("/spec/storageClassName").map(str::to_owned),
            size: text("/spec/resources/requests/storage").and_then(Quantity::parse),
            access_modes: modes
                .into_iter()
                .flatten()
                .filter_map(|mode| Some(mode.as_str()?.to_owned()))
                .collect(),
            volume_mode: text("/spec/volumeMode").unwrap_or(FILESYSTEM).to_owned(),
            labels: labels
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
        }
    }

    /// The size that it asks for, in units of 10⁻⁹ bytes; none where it is no quantity.
    pub fn size(&self) -> Option<i128> {
        self.size.map(Quantity::nanos)
    }

    /// Whether a claim of this shape can stand in for one that is wanted: storage class, access modes and volume mode
    /// are equal, it is as large or larger, and it has all labels that are wanted. Stock compares storage class and size
    /// only, and before Spark 4.2 takes no larger one.
    pub fn serves(&self, wanted: &ClaimShape) -> bool {
        self.storage_class == wanted.storage_class
            && wanted.size.is_some()
            && self.size >= wanted.size
            && self.access_modes == wanted.access_modes
            && self.volume_mode == wanted.volume_mode
            && wanted
                .labels
                .iter()
                .all(|(name, value)| self.labels.get(name) == Some(value))
    }
}

/// A `PersistentVolumeClaim` that goes with one executor pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeClaim {
    /// `metadata.name`
    pub name: String,
    /// A `v1.PersistentVolumeClaim` without owner.
    manifest: Value,
}

impl VolumeClaim {
    /// A claim; `None` where the manifest has no name. Owners in the manifest are replaced by [`body`](Self::body).
    pub fn new(manifest: Value) -> Option<VolumeClaim> {
        let name = manifest.pointer("/metadata/name")?.as_str()?.to_owned();
        Some(VolumeClaim { name, manifest })
    }

    /// The claim in JSON, ready to be sent. `owner`: the driver pod or the executor pod; without one the claim
    /// outlives both.
    pub fn body(&self, owner: Option<&OwnerPod>) -> Vec<u8> {
        let mut manifest = self.manifest.clone();
        if let Some(owner) = owner {
            manifest["metadata"]["ownerReferences"] = json!([owner.reference()]);
        }
        manifest.to_string().into_bytes()
    }

    /// What a claim has to be to stand in for this one.
    pub fn shape(&self) -> ClaimShape {
        ClaimShape::of(&self.manifest)
    }

    /// Whether another claim of the same shape would do as well.
    pub fn is_replaceable(&self) -> bool {
        let spec = &self.manifest["spec"];
        PARTICULAR.iter().all(|field| spec[field].is_null())
    }

    /// The claim as it is, for people.
    pub fn manifest(&self) -> &Value {
        &self.manifest
    }
}

/// The names of all claims that a pod has among its volumes.
pub fn claim_names(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    volumes
        .into_iter()
        .flatten()
        .filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName")?.as_str())
}

/// Has a pod use other claims: `other` gives the new name of a claim, where it is to be another.
pub fn rename_claims<'a>(pod: &mut Value, other: impl Fn(&str) -> Option<&'a str>) {
    let volumes = pod.pointer_mut("/spec/volumes").and_then(Value::as_array_mut);
    for volume in volumes.into_iter().flatten() {
        if let Some(name) = volume.pointer_mut("/persistentVolumeClaim/claimName")
            && let Some(new) = name.as_str().and_then(&other)
        {
            *name = new.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(class: &str, size: &str, mode: &str, labels: &Value) -> Value {
        json!({
            "metadata": {"name": "c", "labels": labels},
            "spec": {
                "storageClassName": class,
                "accessModes": [mode],
                "resources": {"requests": {"storage": size}},
            },
        })
    }

    #[test]
    fn a_claim_stands_in_for_one_that_asks_for_the_same() {
        let once = "ReadWriteOncePod";
        let mut stored = claim("fast", "1Gi", once, &json!({"app": "a", "webhook": "b"}));
        stored["spec"]["volumeMode"] = json!("Filesystem");
        let serves = |wanted: &Value| ClaimShape::of(&stored).serves(&ClaimShape::of(wanted));
        let labels = json!({"app": "a"});
        assert!(serves(&claim("fast", "1Gi", once, &labels)));
        assert!(
            serves(&claim("fast", "1024Mi", once, &json!(null))),
            "the same size"
        );
        assert!(
            serves(&claim("fast", "1G", once, &labels)),
            "it has been made larger"
        );
        for other in [
            claim("slow", "1Gi", once, &labels),
            claim("fast", "2Gi", once, &labels),
            claim("fast", "", once, &labels),
            claim("fast", "1Gi", "ReadWriteOnce", &labels),
            claim("fast", "1Gi", once, &json!({"app": "b"})),
            claim("fast", "1Gi", once, &json!({"tier": "a"})),
        ] {
            assert!(!serves(&other), "{other}");
        }
        let mut block = claim("fast", "1Gi", once, &labels);
        block["spec"]["volumeMode"] = json!("Block");
        assert!(!serves(&block));
        assert!(
            !ClaimShape::of(&json!({})).serves(&ClaimShape::of(&json!({}))),
            "no size"
        );
    }

    #[test]
    fn a_claim_for_certain_data_is_not_replaced() {
        let mut manifest = claim("fast", "1Gi", "ReadWriteOnce", &json!(null));
        assert!(VolumeClaim::new(manifest.clone()).unwrap().is_replaceable());
        manifest["spec"]["dataSource"] = json!({"kind": "VolumeSnapshot", "name": "s"});
        assert!(!VolumeClaim::new(manifest).unwrap().is_replaceable());
    }

    #[test]
    fn a_pod_uses_other_claims_and_keeps_the_rest() {
        let volume =
            |name: &str, claim: &str| json!({"name": name, "persistentVolumeClaim": {"claimName": claim}});
        let mut pod = json!({"spec": {"volumes": [
            volume("a", "p-pvc-0"), volume("b", "shared"), {"name": "c", "emptyDir": {}},
        ]}});
        assert_eq!(claim_names(&pod).collect::<Vec<_>>(), ["p-pvc-0", "shared"]);
        rename_claims(&mut pod, |name| (name == "p-pvc-0").then_some("old"));
        assert_eq!(
            pod["spec"]["volumes"],
            json!([volume("a", "old"), volume("b", "shared"), {"name": "c", "emptyDir": {}}])
        );
        rename_claims(&mut json!({}), |_| Some("x"));
    }

    #[test]
    fn an_owner_is_set_when_there_is_one() {
        let claim = VolumeClaim::new(json!({"metadata": {"name": "c"}, "spec": {}})).unwrap();
        let owner = OwnerPod {
            name: "p".to_owned(),
            uid: "u".to_owned(),
        };
        let sent: Value = serde_json::from_slice(&claim.body(Some(&owner))).unwrap();
        assert_eq!(sent["metadata"]["ownerReferences"][0]["uid"], "u");
        assert_eq!(
            serde_json::from_slice::<Value>(&claim.body(None)).unwrap(),
            *claim.manifest()
        );
        assert_eq!(VolumeClaim::new(json!({"metadata": {}})), None);
    }
}
