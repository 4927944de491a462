//! The user's pod template: a pod in YAML or JSON that executor pods are made from.

mod types;
mod yaml;

use serde_json::Value;
use types::Rules;

use super::SpecError;
use super::object::{Object, set};
use super::spark_pod::SparkPod;
use crate::conf::{Conf, keys};

/// A pod that executor pods are made from, `spark.kubernetes.executor.podTemplateFile`.
///
/// It stays untyped, so that fields newer than any type of ours reach the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodTemplate(Object);

impl PodTemplate {
    /// Reads a template. `text`: content of the file, YAML or JSON, with one pod. Whether its fields have the types
    /// that Kubernetes wants is seen when a pod is built.
    pub fn parse(text: &str) -> Result<PodTemplate, SpecError> {
        let pod = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| refused(error.to_string()))?
        } else {
            yaml::parse(text).map_err(refused)?
        };
        match pod {
            Value::Object(pod) if pod.get("spec").is_some_and(|spec| !spec.is_null()) => Ok(PodTemplate(pod)),
            Value::Object(_) => Err(refused("it has no spec".to_owned())),
            _ => Err(refused("it is not a YAML or JSON object".to_owned())),
        }
    }

    /// What the steps begin with: the template without the container that is the executor's, or an empty pod. The
    /// template becomes what stock's client would have read: where Kubernetes wants a text, a number becomes one, and
    /// empty lists are left out.
    pub(super) fn begin(template: Option<&PodTemplate>, conf: &Conf) -> Result<SparkPod, SpecError> {
        let mut begun = SparkPod::empty();
        let Some(PodTemplate(pod)) = template else {
            return match conf.get(&keys::EXECUTOR_POD_TEMPLATE_FILE)? {
                None => Ok(begun),
                Some(file) => Err(refused(format!("{file} has not been loaded"))),
            };
        };
        let rules = Rules {
            strict: conf.version().is_at_least(4, 0, 0),
        };
        begun.pod = types::pod(pod.clone(), rules).map_err(refused)?;
        let wanted = conf.get(&keys::EXECUTOR_POD_TEMPLATE_CONTAINER_NAME)?;
        let (container, warning) = begun.spec(|spec| take_container(spec, wanted.as_deref()));
        begun.container = container;
        begun.warnings.extend(warning);
        Ok(begun)
    }
}

fn refused(message: String) -> SpecError {
    SpecError::Template { message }
}

/// Takes the executor's container out of the spec: the only one with the wanted name, else the first.
fn take_container(spec: &mut Object, wanted: Option<&str>) -> (Object, Option<String>) {
    let Some(Value::Array(mut containers)) = spec.remove("containers") else {
        return (Object::new(), None);
    };
    let has_name = |container: &Value| wanted.is_some_and(|wanted| container["name"] == wanted);
    let named = match containers.iter().filter(|container| has_name(container)).count() {
        1 => containers.iter().position(has_name),
        _ => None,
    };
    let warning = wanted.filter(|_| named.is_none()).map(|name| {
        format!(
            "specified container {name} not found on pod template, falling back to taking the first container: set {} \
             to the name of one container",
            keys::EXECUTOR_POD_TEMPLATE_CONTAINER_NAME.name()
        )
    });
    if containers.is_empty() {
        return (Object::new(), warning);
    }
    let container = match containers.remove(named.unwrap_or(0)) {
        Value::Object(container) => container,
        _ => Object::new(),
    };
    if !containers.is_empty() {
        set(spec, "containers", containers);
    }
    (container, warning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_yaml_and_json() {
        let yaml =
            PodTemplate::parse("metadata:\n  labels: {a: b}\nspec:\n  futureField: [1, true]\n").unwrap();
        let json =
            PodTemplate::parse(r#"{"metadata": {"labels": {"a": "b"}}, "spec": {"futureField": [1, true]}}"#)
                .unwrap();
        assert_eq!(yaml, json);
    }

    #[test]
    fn refuses_what_is_no_object() {
        for text in ["", "- a", "text", "a: [", "a: 1\na: 2", "metadata: {}"] {
            assert!(PodTemplate::parse(text).is_err(), "{text}");
        }
    }
}
