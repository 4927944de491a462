//! Hiding secrets before values are shown.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::{Conf, keys};

/// What is shown instead of a secret; Spark's own text.
pub const REDACTED: &str = "*********(redacted)";

/// The expression of the newest Spark version, which hides the most.
const PATTERN: &str = "(?i)secret|password|token|access[.]?key|credential";

static DEFAULT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(PATTERN).ok());

/// Decides which values are secrets.
#[derive(Debug, Clone)]
pub struct Redactor(Rule);

#[derive(Debug, Clone)]
enum Rule {
    Default,
    Own(Regex),
    /// The user's expression is one of Java that we cannot read; as it may mean anything, everything is hidden.
    Everything,
}

impl Redactor {
    /// By `spark.redaction.regex` of the configuration where it is set, else by its default. As in Spark, a value is
    /// hidden when the expression is found in its key or in the value itself.
    pub fn of(conf: &Conf) -> Self {
        Self::new(conf.raw(keys::REDACTION_REGEX.name()))
    }

    /// By the given expression, or by the default.
    pub fn new(expression: Option<&str>) -> Self {
        Self(
            match expression.map(|text| {
                if is_simple(text) {
                    Regex::new(text).ok()
                } else {
                    None
                }
            }) {
                None => Rule::Default,
                Some(Some(regex)) => Rule::Own(regex),
                Some(None) => Rule::Everything,
            },
        )
    }

    /// The value, or [`REDACTED`].
    pub fn redact<'a>(&self, key: &str, value: &'a str) -> Cow<'a, str> {
        let regex = match &self.0 {
            Rule::Default => DEFAULT.as_ref(),
            Rule::Own(regex) => Some(regex),
            Rule::Everything => None,
        };
        let hidden = regex.is_none_or(|regex| regex.is_match(key) || regex.is_match(value));
        Cow::Borrowed(if hidden { REDACTED } else { value })
    }
}

/// Whether the expression means the same in Java and here, as far as that can be told from its look: sets within sets
/// and intersections of sets are Java's own.
fn is_simple(expression: &str) -> bool {
    let mut in_set = false;
    let mut escaped = false;
    for c in expression.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' if in_set => return false,
            '[' => in_set = true,
            ']' => in_set = false,
            _ => {}
        }
    }
    !expression.contains("&&")
}

/// The value, or [`REDACTED`] when Spark's default expression is found in the key or in the value. Where a [`Conf`] is at
/// hand, [`Redactor::of`] honours the user's own expression.
pub fn redact<'a>(key: &str, value: &'a str) -> Cow<'a, str> {
    Redactor::new(None).redact(key, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(expression: Option<&str>, key: &str, value: &str) -> bool {
        Redactor::new(expression).redact(key, value) == REDACTED
    }

    #[test]
    fn the_default_hides_by_key_and_by_value() {
        for (key, value) in [
            ("spark.authenticate.secret", "x"),
            ("spark.hadoop.fs.s3a.access.key", "x"),
            ("spark.x.accessKey", "x"),
            ("spark.my.PASSWORD.file", "x"),
            ("spark.kubernetes.authenticate.oauthToken", "x"),
            ("spark.executor.extraJavaOptions", "-Dpassword=x"),
        ] {
            assert!(hides(None, key, value), "{key}");
        }
        assert_eq!(redact("spark.executor.cores", "4"), "4");
    }

    #[test]
    fn the_users_expression_replaces_the_default() {
        assert!(hides(Some("(?i)cores"), "spark.executor.Cores", "4"));
        assert!(!hides(Some("(?i)cores"), "spark.authenticate.secret", "x"));
    }

    #[test]
    fn an_expression_that_may_mean_something_else_hides_everything() {
        for expression in [
            "(?<=a)b",
            "(",
            "[a-z&&[^b]]",
            "[a[bc]]",
            "\\p{javaLowerCase}",
            "\\Qa.b\\E",
        ] {
            assert!(
                hides(Some(expression), "spark.executor.cores", "4"),
                "{expression}"
            );
        }
    }
}
