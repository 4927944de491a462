//! The user's pod template: a pod in YAML or JSON that executor pods are made from.

use serde_json::Value;

use super::SpecError;

/// A pod that executor pods are made from, `spark.kubernetes.executor.podTemplateFile`.
///
/// It stays untyped, so that fields newer than any type of ours reach the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodTemplate(Value);

impl PodTemplate {
    /// Reads a template. `text`: content of the file, YAML or JSON.
    pub fn parse(text: &str) -> Result<PodTemplate, SpecError> {
        let pod: Value = serde_saphyr::from_str(text).map_err(|error| SpecError::Template {
            message: error.to_string(),
        })?;
        if !pod.is_object() {
            return Err(SpecError::Template {
                message: "it is not a YAML or JSON object".to_owned(),
            });
        }
        Ok(PodTemplate(pod))
    }
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
        for text in ["", "- a", "text", "a: [", "a: 1\na: 2"] {
            assert!(PodTemplate::parse(text).is_err(), "{text}");
        }
    }
}
