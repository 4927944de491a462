//! Running the command, and looking at what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use stoker_tests::local_cluster::LocalCluster;

pub(crate) type Properties = BTreeMap<String, String>;

/// What a run of the command gave.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) code: Option<i32>,
    pub(crate) report: Value,
    pub(crate) stderr: String,
}

impl Checked {
    pub(crate) fn run(properties: &Properties, arguments: &[&str]) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines: Vec<String> = properties
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        fs::write(file.path(), lines.join("\n")).unwrap();
        let output = Command::new(std::env::var("STOKER_BIN").unwrap())
            .args(["check", "-o", "json", "--properties"])
            .arg(file.path())
            .args(arguments)
            .env_remove("KUBECONFIG")
            .env_remove("SPARK_CONF_DIR")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("panicked"), "{stderr}");
        let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let checked = Self {
            code: output.status.code(),
            report,
            stderr,
        };
        if checked.code != Some(2) {
            checked.assert_valid();
        }
        checked
    }

    /// The output is what the published schema says.
    fn assert_valid(&self) {
        let schema = serde_json::from_str(include_str!("../../../docs/check.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&self.report)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{self:?}: {errors:?}");
        let error_without_fix =
            json!({"findings": [{"level": "error", "area": "quota", "what": "w", "why": "y"}]});
        assert!(
            !validator.is_valid(&error_without_fix),
            "the schema lets everything pass"
        );
    }

    /// Whether a finding of that level and area has a text in what it says.
    pub(crate) fn says(&self, level: &str, area: &str, text: &str) -> bool {
        let findings = self.report["findings"].as_array().unwrap();
        findings.iter().any(|finding| {
            let said = format!("{}\n{}", finding["what"], finding["why"]);
            finding["level"] == level && finding["area"] == area && said.contains(text)
        })
    }

    pub(crate) fn assert_says(&self, level: &str, area: &str, text: &str) {
        assert!(
            self.says(level, area, text),
            "no {level} about {area} says {text:?}: {self:#?}"
        );
        let expected = i32::from(self.levels().contains("error"));
        assert_eq!(self.code, Some(expected), "{self:#?}");
    }

    pub(crate) fn levels(&self) -> BTreeSet<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|finding| finding["level"].as_str().unwrap())
            .collect()
    }
}

/// The cluster and the administrator's way into it.
pub(crate) struct Place {
    pub(crate) cluster: LocalCluster,
    pub(crate) kubeconfig: String,
}

impl Place {
    /// The properties of an application without credentials of its own.
    pub(crate) fn properties(&self, change: &[(&str, &str)]) -> Properties {
        let mut properties = self.cluster.properties("checked");
        properties.retain(|key, _| !key.starts_with("spark.kubernetes.authenticate."));
        properties.extend(
            change
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        properties
    }

    /// A check as the administrator, who may look everything up.
    pub(crate) fn check(&self, change: &[(&str, &str)], arguments: &[&str]) -> Checked {
        let mut all = vec!["--kubeconfig", &self.kubeconfig];
        all.extend(arguments);
        Checked::run(&self.properties(change), &all)
    }

    /// A check as the driver's service account, with changed properties.
    pub(crate) fn check_as_driver(&self, change: &[(&str, &str)], arguments: &[&str]) -> Checked {
        let mut properties = self.cluster.properties("checked");
        properties.extend(
            change
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        Checked::run(&properties, arguments)
    }
}
