//! Persistent volume claims that are made for single executors.

use serde_json::{Value, json};

use super::OwnerPod;

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

    /// The claim as it is, for people.
    pub fn manifest(&self) -> &Value {
        &self.manifest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
