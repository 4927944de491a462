//! Versions of Spark.

use std::fmt;
use std::str::FromStr;

use super::ConfError;

/// A release of Spark without a vendor's suffix: major, minor, patch.
pub type Release = (u32, u32, u32);

/// The version of Spark that the driver runs, such as `4.3.0` or `3.5.5-amzn-1`.
///
/// Ordered by its numbers first; a suffix makes it later than the plain release, so that a vendor's build counts as
/// the release it is built from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SparkVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number; 0 when the text has none.
    pub patch: u32,
    suffix: String,
}

impl SparkVersion {
    /// A release without a suffix.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
            suffix: String::new(),
        }
    }

    /// The numbers without the suffix.
    pub const fn release(&self) -> Release {
        (self.major, self.minor, self.patch)
    }

    /// Whether this is the given release or a later one.
    pub fn is_at_least(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.release() >= (major, minor, patch)
    }
}

impl FromStr for SparkVersion {
    type Err = ConfError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let bad = || ConfError::Version(text.to_owned());
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (numbers, suffix) = text.split_at(end);
        let numbers = if suffix.is_empty() {
            numbers
        } else {
            numbers.trim_end_matches('.')
        };
        let numbers: Vec<u32> = numbers
            .split('.')
            .map(|number| number.parse().map_err(|_| bad()))
            .collect::<Result<_, _>>()?;
        match numbers[..] {
            [major, minor] => Ok(Self {
                major,
                minor,
                patch: 0,
                suffix: text[end..].to_owned(),
            }),
            [major, minor, patch] => Ok(Self {
                major,
                minor,
                patch,
                suffix: suffix.to_owned(),
            }),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for SparkVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}{}", self.major, self.minor, self.patch, self.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_releases_and_vendor_builds() {
        for (text, release, shown) in [
            ("4.3.0", (4, 3, 0), "4.3.0"),
            ("3.5.5-amzn-1", (3, 5, 5), "3.5.5-amzn-1"),
            ("4.0.0-preview2", (4, 0, 0), "4.0.0-preview2"),
            ("4.1.1.3.1-vendor", (0, 0, 0), ""),
            ("4.2", (4, 2, 0), "4.2.0"),
        ] {
            match text.parse::<SparkVersion>() {
                Ok(version) => {
                    assert_eq!(version.release(), release, "{text}");
                    assert_eq!(version.to_string(), shown);
                }
                Err(error) => {
                    assert_eq!(shown, "", "{error}");
                }
            }
        }
        for text in ["", "4", "four.three", "v4.3.0", "4..0", "-4.3.0", "4.3.x"] {
            assert!(text.parse::<SparkVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_vendor_build_counts_as_its_release() {
        let vendor: SparkVersion = "4.3.0-vendor".parse().unwrap();
        assert!(vendor.is_at_least(4, 3, 0));
        assert!(!vendor.is_at_least(4, 3, 1));
        assert!(vendor > SparkVersion::new(4, 3, 0));
        assert!(vendor < SparkVersion::new(4, 3, 1));
    }
}
