//! A configuration to compare.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use stoker_core::conf::{SparkVersion, properties};

use crate::directory;

const TEMPLATE_KEY: &str = "spark.kubernetes.executor.podTemplateFile";

/// The `SparkConf` and what the test adds to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    pub(crate) spark: BTreeMap<String, String>,
    /// With `case.` in front.
    pub(crate) test: BTreeMap<String, String>,
    /// Nobody looked at the case: both may refuse it, for whatever reason.
    pub(crate) may_be_refused: bool,
}

impl Case {
    pub(crate) fn read(file: &Path) -> Case {
        let text = fs::read_to_string(file).unwrap();
        Case::new(properties::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
    }

    pub(crate) fn new(entries: impl IntoIterator<Item = (String, String)>) -> Case {
        let (test, spark) = entries.into_iter().partition(|(key, _)| key.starts_with("case."));
        let mut case = Case {
            spark,
            test,
            may_be_refused: false,
        };
        if let Some(file) = case.template_file() {
            case.spark
                .insert(TEMPLATE_KEY.to_owned(), format!("file://{}", file.display()));
        }
        case
    }

    /// A setting of the test, without its `case.`.
    pub(crate) fn test(&self, key: &str) -> Option<&str> {
        self.test.get(&format!("case.{key}")).map(String::as_str)
    }

    pub(crate) fn is_for(&self, version: &SparkVersion) -> bool {
        self.test("versions").is_none_or(|range| includes(range, version))
    }

    /// What the messages of both contain, where both refuse.
    pub(crate) fn error(&self, version: &SparkVersion) -> Option<&str> {
        self.test("error").filter(|_| {
            self.test("error.versions")
                .is_none_or(|range| includes(range, version))
        })
    }

    /// What Stoker's message contains besides.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.test("names").into_iter().flat_map(|names| names.split(','))
    }

    pub(crate) fn template(&self) -> Option<String> {
        self.template_file()
            .map(|file| fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
    }

    fn template_file(&self) -> Option<std::path::PathBuf> {
        self.test("podTemplate")
            .map(|name| directory().join("templates").join(name))
    }

    pub(crate) fn env(&self) -> BTreeMap<String, String> {
        self.test
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("case.env.")?.to_owned(), value.clone())))
            .collect()
    }

    /// The resource profile as Spark's listener hands it over.
    pub(crate) fn profile(&self) -> Value {
        let prefix = "case.profile.resource.";
        let mut resources = Map::new();
        for (key, value) in &self.test {
            let Some(name) = key
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_suffix(".amount"))
            else {
                continue;
            };
            let mut resource = json!({"amount": value.parse::<i64>().unwrap()});
            if let Some(vendor) = self.test.get(&format!("{prefix}{name}.vendor")) {
                resource["vendor"] = json!(vendor);
            }
            resources.insert(name.to_owned(), resource);
        }
        let id: u32 = self.test("profile.id").unwrap_or("0").parse().unwrap();
        if id == 0 {
            resources.clear();
        }
        json!({"id": id, "executorResources": resources})
    }

    /// One line for stock.
    pub(crate) fn line(&self) -> String {
        json!({"spark": self.spark, "test": self.test}).to_string()
    }
}

/// Whether a version is in a range: alternatives separated by `,`, of conditions separated by blanks. A condition is
/// a version, `>=version` or `<version`.
fn includes(range: &str, version: &SparkVersion) -> bool {
    let parse = |text: &str| text.parse::<SparkVersion>().unwrap();
    let holds = |condition: &str| {
        if let Some(least) = condition.strip_prefix(">=") {
            *version >= parse(least)
        } else if let Some(end) = condition.strip_prefix('<') {
            *version < parse(end)
        } else {
            *version == parse(condition)
        }
    };
    range
        .split(',')
        .any(|alternative| alternative.split_whitespace().all(holds))
}

#[test]
fn ranges_of_versions() {
    let version = "4.1.1".parse().unwrap();
    for range in ["4.1.1", "3.5.5,4.1.1", ">=4.1", "<4.2", ">=4.0 <4.2"] {
        assert!(includes(range, &version), "{range}");
    }
    for range in ["4.1.2", "<4.1", ">=4.2", ">=3.5 <4.1,>=4.2"] {
        assert!(!includes(range, &version), "{range}");
    }
}
