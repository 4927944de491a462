//! What differs between the driver's `SparkConf` and the mounted properties file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::keys;
use super::redact::Redactor;

/// One key whose entries differ. Values are redacted already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// The value in the `SparkConf`, which is the one that counts; none where the driver removed the key.
    pub spark_conf: Option<String>,
    /// The value in the file; none where the driver added the key.
    pub file: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            spark_conf,
            file,
        } = self;
        match (spark_conf, file) {
            (Some(now), Some(file)) => write!(f, "{key} is {now:?} and was {file:?} in the file"),
            (Some(now), None) => write!(f, "{key} is {now:?} and not in the file"),
            (None, Some(file)) => write!(f, "{key} was {file:?} in the file and is not set"),
            (None, None) => write!(f, "{key} is not set"),
        }
    }
}

/// Compares the entries by key, in the order of the keys. Secrets are told by `spark.redaction.regex` of the `SparkConf`;
/// a changed secret is a difference between two redacted values.
pub fn diff(spark_conf: &BTreeMap<String, String>, file: &BTreeMap<String, String>) -> Vec<Difference> {
    let redactor = Redactor::new(spark_conf.get(keys::REDACTION_REGEX.name()).map(String::as_str));
    let shown =
        |key: &str, value: Option<&String>| value.map(|value| redactor.redact(key, value).into_owned());
    spark_conf
        .keys()
        .chain(file.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|key| (key, spark_conf.get(key), file.get(key)))
        .filter(|(_, now, before)| now != before)
        .map(|(key, now, before)| Difference {
            key: key.clone(),
            spark_conf: shown(key, now),
            file: shown(key, before),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn names_what_was_added_removed_and_changed() {
        let now = map(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let file = map(&[("b", "2"), ("c", "4"), ("d", "5")]);
        let lines: Vec<_> = diff(&now, &file).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                r#"a is "1" and not in the file"#,
                r#"c is "3" and was "4" in the file"#,
                r#"d was "5" in the file and is not set"#,
            ]
        );
        assert_eq!(diff(&now, &now), []);
    }

    #[test]
    fn shows_no_secret() {
        let now = map(&[
            ("spark.authenticate.secret", "hunter2"),
            ("spark.x", "password=hunter2"),
        ]);
        let file = map(&[("spark.authenticate.secret", "hunter3")]);
        let found = diff(&now, &file);
        assert_eq!(found.len(), 2);
        assert!(!format!("{found:?}").contains("hunter"), "{found:?}");

        let own = map(&[("spark.redaction.regex", "colour"), ("spark.colour", "red")]);
        assert!(!format!("{:?}", diff(&own, &map(&[]))).contains(r#""red""#));
    }
}
