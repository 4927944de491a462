//! What can be wrong with a configuration.

use thiserror::Error;

/// A configuration that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfError {
    /// A value does not have the form or the range its key asks for.
    #[error("{key} = {value:?}: {problem}")]
    Value {
        /// The key as the user wrote it.
        key: String,
        /// The value as the user wrote it, redacted when the key names a secret.
        value: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// Several values are wrong; all of them, so that one round of corrections is enough.
    #[error("{} values in the Spark configuration are invalid:{}", .0.len(), bullets(.0))]
    Several(
        /// One error per key, in the order of their names.
        Vec<ConfError>,
    ),
    /// A value refers to itself, directly or through others.
    #[error(
        "{key}: circular reference in {value:?}: ${{{reference}}} leads back to itself; break the circle"
    )]
    CircularReference {
        /// The key being read.
        key: String,
        /// The value in which the circle was noticed, redacted when the key names a secret.
        value: String,
        /// The reference that is already being resolved, without the braces.
        reference: String,
    },
    /// A key that has no default is needed and not set.
    #[error("{key} is not set and has no default; set it")]
    Missing {
        /// The key.
        key: String,
    },
    /// The text is not a Spark version.
    #[error("{0:?} is not a Spark version; expected something like 4.3.0 or 3.5.5-vendor-1")]
    Version(
        /// The text.
        String,
    ),
    /// A properties text holds a `\u` that is not followed by four hexadecimal digits.
    #[error(
        "line {line} of the properties: \\u must be followed by four hexadecimal digits; write a backslash as \\\\"
    )]
    UnicodeEscape {
        /// The line on which the entry begins, counted from 1.
        line: usize,
    },
    /// A properties text holds an escaped surrogate without its other half, which is no character.
    #[error(
        "line {line} of the properties: the escape \\u{unit:04x} is half a character; write both surrogates"
    )]
    LoneSurrogate {
        /// The line on which the entry begins, counted from 1.
        line: usize,
        /// The UTF-16 code unit that stands alone.
        unit: u16,
    },
}

fn bullets<T: std::fmt::Display>(items: &[T]) -> String {
    items
        .iter()
        .fold(String::new(), |list, item| list + "\n  - " + &item.to_string())
}
