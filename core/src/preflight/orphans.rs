//! What Spark made and nobody owns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

/// Label with the application's id.
const APP: &str = "spark-app-selector";
/// Label that tells drivers from executors.
const ROLE: &str = "spark-role";
/// Of what no pod ever owned. In client mode the driver need not be in the cluster.
const UNOWNED: &str = "it has no owner, and the application has no driver pod that runs; a driver outside of the cluster \
                       may still use it";

/// The kinds of objects that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum ObjectKind {
    /// A pod.
    Pod,
    /// A volume claim.
    PersistentVolumeClaim,
    /// A `ConfigMap`.
    ConfigMap,
}

/// An object with Spark's label `spark-app-selector`.
#[derive(Debug, Clone, PartialEq)]
pub struct SparkObject {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// The phase of a pod.
    pub phase: Option<String>,
}

/// An object that nobody owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Label `spark-app-selector`.
    pub application_id: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Seconds since then.
    pub age_seconds: Option<i64>,
    /// Phase of a pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Why nobody owns it.
    pub why: &'static str,
}

/// A pod that owns something: its namespace and its name.
pub type Owner = (String, String);

/// The pods that own one of the objects and are not among them, so that it is not known whether they live. A driver in
/// client mode is a pod without Spark's labels.
pub fn owners(objects: &[SparkObject]) -> BTreeSet<Owner> {
    let known: BTreeSet<&str> = pods(objects)
        .filter_map(|pod| pod.metadata.uid.as_deref())
        .collect();
    objects
        .iter()
        .flat_map(|object| object.owners().map(|(name, uid)| (object.namespace(), name, uid)))
        .filter(|(_, _, uid)| !known.contains(uid))
        .map(|(namespace, name, _)| (namespace.to_owned(), name.to_owned()))
        .collect()
}

/// Executor pods, claims and `ConfigMap`s without a living owner, of applications without a driver pod that runs.
///
/// `others`: the pods of [`owners`] that there are, with their UIDs; those that could not be looked up count as alive,
/// with any UID (`None`).
pub fn orphans(
    objects: &[SparkObject],
    others: &BTreeMap<Owner, Option<String>>,
    now: Timestamp,
) -> Vec<Orphan> {
    let alive: BTreeSet<&str> = pods(objects)
        .filter_map(|pod| pod.metadata.uid.as_deref())
        .chain(others.values().filter_map(Option::as_deref))
        .collect();
    let driven: BTreeSet<(&str, &str)> = pods(objects)
        .filter(|pod| pod.label(ROLE) == "driver" && !pod.has_ended())
        .map(|pod| (pod.namespace(), pod.label(APP)))
        .collect();
    let mut found: Vec<Orphan> = objects
        .iter()
        .filter(|object| object.kind != ObjectKind::Pod || object.label(ROLE) == "executor")
        .filter(|object| !driven.contains(&(object.namespace(), object.label(APP))))
        .filter_map(|object| {
            let why = object.why_unowned(&alive, others)?;
            Some(object.orphan(why, now))
        })
        .collect();
    found.sort_by(|a, b| {
        let key = |of: &Orphan| {
            (
                of.namespace.clone(),
                of.application_id.clone(),
                of.kind,
                of.name.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    found
}

fn pods(objects: &[SparkObject]) -> impl Iterator<Item = &SparkObject> {
    objects.iter().filter(|object| object.kind == ObjectKind::Pod)
}

impl SparkObject {
    fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    fn label(&self, name: &str) -> &str {
        let labels = self.metadata.labels.as_ref();
        labels
            .and_then(|labels| labels.get(name))
            .map_or("", String::as_str)
    }

    fn has_ended(&self) -> bool {
        matches!(self.phase.as_deref(), Some("Succeeded" | "Failed"))
    }

    /// Name and UID of the pods that own it.
    fn owners(&self) -> impl Iterator<Item = (&str, &str)> {
        let references = self.metadata.owner_references.iter().flatten();
        references
            .filter(|owner| owner.kind == "Pod")
            .map(|owner| (owner.name.as_str(), owner.uid.as_str()))
    }

    fn why_unowned(
        &self,
        alive: &BTreeSet<&str>,
        others: &BTreeMap<Owner, Option<String>>,
    ) -> Option<&'static str> {
        let references = self.metadata.owner_references.as_deref().unwrap_or_default();
        if references.is_empty() {
            return Some(UNOWNED);
        }
        // Other kinds of owner are left to the garbage collector.
        let unseen = |name: &str| others.get(&(self.namespace().to_owned(), name.to_owned())) == Some(&None);
        let owned = references.iter().any(|owner| owner.kind != "Pod")
            || self
                .owners()
                .any(|(name, uid)| alive.contains(uid) || unseen(name));
        (!owned).then_some("the pod that owned it is gone")
    }

    fn orphan(&self, why: &'static str, now: Timestamp) -> Orphan {
        let created = self.metadata.creation_timestamp.as_ref().map(|time| time.0);
        Orphan {
            kind: self.kind,
            namespace: self.namespace().to_owned(),
            name: self.metadata.name.clone().unwrap_or_default(),
            application_id: self.label(APP).to_owned(),
            created,
            age_seconds: created.map(|created| now.as_second().saturating_sub(created.as_second()).max(0)),
            phase: self.phase.clone(),
            why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn object(
        kind: ObjectKind,
        name: &str,
        app: &str,
        role: &str,
        owner: Option<(&str, &str)>,
    ) -> SparkObject {
        let owners: Vec<Value> = owner
            .into_iter()
            .map(|(kind, name)| json!({"apiVersion": "v1", "kind": kind, "name": name, "uid": format!("uid-{name}")}))
            .collect();
        let metadata = json!({"name": name, "namespace": "ns", "uid": format!("uid-{name}"),
            "labels": {APP: app, ROLE: role}, "ownerReferences": owners, "creationTimestamp": "2026-01-01T00:00:00Z"});
        SparkObject {
            kind,
            metadata: serde_json::from_value(metadata).unwrap(),
            phase: (kind == ObjectKind::Pod).then(|| "Running".to_owned()),
        }
    }

    fn pod(name: &str, app: &str, role: &str, owner: Option<(&str, &str)>) -> SparkObject {
        object(ObjectKind::Pod, name, app, role, owner)
    }

    fn names(objects: &[SparkObject], others: &BTreeMap<Owner, Option<String>>) -> Vec<String> {
        orphans(objects, others, "2026-01-01T01:00:00Z".parse().unwrap())
            .into_iter()
            .map(|orphan| orphan.name)
            .collect()
    }

    #[test]
    fn without_an_owner_the_driver_pod_decides() {
        let driver = pod("driver", "driven", "driver", None);
        let mut ended = pod("ended", "over", "driver", None);
        ended.phase = Some("Succeeded".to_owned());
        let objects = [
            driver,
            ended,
            pod("kept", "driven", "executor", None),
            pod("left", "over", "executor", None),
            pod("lost", "nobody", "executor", None),
            object(ObjectKind::ConfigMap, "map", "nobody", "executor", None),
            object(ObjectKind::PersistentVolumeClaim, "claim", "nobody", "", None),
        ];
        assert_eq!(
            names(&objects, &BTreeMap::new()),
            ["lost", "claim", "map", "left"]
        );
    }

    #[test]
    fn an_owner_counts_as_long_as_it_is_there() {
        let notebook = ("ns".to_owned(), "notebook".to_owned());
        let objects = [
            pod("a", "app", "executor", Some(("Pod", "notebook"))),
            pod("b", "app", "executor", Some(("StatefulSet", "set"))),
            object(
                ObjectKind::PersistentVolumeClaim,
                "c",
                "app",
                "",
                Some(("Pod", "b")),
            ),
        ];
        assert_eq!(owners(&objects), BTreeSet::from([notebook.clone()]));
        let with = |uid: Option<&str>| BTreeMap::from([(notebook.clone(), uid.map(str::to_owned))]);
        assert_eq!(names(&objects, &BTreeMap::new()), ["a"]);
        assert_eq!(names(&objects, &with(Some("uid-notebook"))), Vec::<String>::new());
        assert_eq!(names(&objects, &with(Some("uid-of-its-successor"))), ["a"]);
        assert_eq!(
            names(&objects, &with(None)),
            Vec::<String>::new(),
            "not known to be gone"
        );
    }

    #[test]
    fn what_is_told_is_enough_to_delete_it_by_hand() {
        let objects = [pod("lost", "nobody", "executor", None)];
        let told = orphans(
            &objects,
            &BTreeMap::new(),
            "2026-01-01T01:00:00Z".parse().unwrap(),
        );
        assert_eq!(
            serde_json::to_value(&told[0]).unwrap(),
            json!({"kind": "Pod", "namespace": "ns", "name": "lost", "applicationId": "nobody", "created": "2026-01-01T00:00:00Z",
                "ageSeconds": 3600, "phase": "Running", "why": UNOWNED})
        );
    }
}
