//! A pod under construction.

use serde_json::Value;

use super::object::{Object, append, edit, set};
use super::steps::local_dirs::LocalDirs;

/// What the steps change, one after the other: the pod without the executor's container, and that container.
#[derive(Debug, Default)]
pub(super) struct SparkPod {
    pub(super) pod: Object,
    pub(super) container: Object,
    /// Manifests of the volume claims that are made for the executor.
    pub(super) claims: Vec<Value>,
    /// The directories that the executor was told of.
    pub(super) local_dirs: Option<LocalDirs>,
    /// What was left out, to be logged.
    pub(super) warnings: Vec<String>,
}

impl SparkPod {
    /// What the steps begin with where there is no template.
    pub(super) fn empty() -> SparkPod {
        let mut empty = SparkPod::default();
        set(&mut empty.pod, "metadata", Object::new());
        set(&mut empty.pod, "spec", Object::new());
        empty
    }

    /// Changes `metadata`.
    pub(super) fn metadata<T>(&mut self, change: impl FnOnce(&mut Object) -> T) -> T {
        edit(&mut self.pod, "metadata", change)
    }

    /// Changes `spec`.
    pub(super) fn spec<T>(&mut self, change: impl FnOnce(&mut Object) -> T) -> T {
        edit(&mut self.pod, "spec", change)
    }

    pub(super) fn add_volumes(&mut self, volumes: impl IntoIterator<Item = Value>) {
        self.spec(|spec| append(spec, "volumes", volumes));
    }

    pub(super) fn add_mounts(&mut self, mounts: impl IntoIterator<Item = Value>) {
        append(&mut self.container, "volumeMounts", mounts);
    }

    pub(super) fn add_env(&mut self, variables: impl IntoIterator<Item = Value>) {
        append(&mut self.container, "env", variables);
    }

    /// The pod with the executor's container as the last one.
    pub(super) fn finish(&mut self) -> Value {
        let container = std::mem::take(&mut self.container);
        self.spec(|spec| append(spec, "containers", [Value::Object(container)]));
        // Stock's client gives every pod its own version, but leaves it the kind that a template has.
        let mut pod = Object::new();
        set(&mut pod, "apiVersion", "v1");
        self.pod.remove("apiVersion");
        let kind = self.pod.remove("kind").unwrap_or_else(|| "Pod".into());
        set(&mut pod, "kind", kind);
        pod.append(&mut self.pod);
        Value::Object(pod)
    }
}
