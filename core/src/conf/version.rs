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

    /// Reads two or three numbers; what follows is a suffix, which may be further numbers.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let mut parts = text.splitn(3, '.');
        let mut read = || {
            let major = parts.next()?.parse().ok()?;
            let (minor, after_minor) = leading_number(parts.next()?)?;
            let (patch, suffix) = match parts.next() {
                Some(rest) if after_minor.is_empty() => leading_number(rest)?,
                None => (0, after_minor),
                Some(_) => return None,
            };
            let suffix_begins = suffix.is_empty() || suffix.starts_with(['-', '.', '+', '_']);
            suffix_begins.then(|| Self {
                major,
                minor,
                patch,
                suffix: suffix.to_owned(),
            })
        };
        read().ok_or_else(|| ConfError::Version(text.to_owned()))
    }
}

/// The number at the beginning of a text, and the rest.
fn leading_number(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    Some((digits.parse().ok()?, rest))
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
            (" 3.5.5-amzn-1\n", (3, 5, 5), "3.5.5-amzn-1"),
            ("4.0.0-preview2", (4, 0, 0), "4.0.0-preview2"),
            ("4.4.0-SNAPSHOT", (4, 4, 0), "4.4.0-SNAPSHOT"),
            ("3.3.2.3.3.7190.0-91", (3, 3, 2), "3.3.2.3.3.7190.0-91"),
            ("4.2", (4, 2, 0), "4.2.0"),
        ] {
            let version: SparkVersion = text.parse().unwrap();
            assert_eq!(version.release(), release, "{text}");
            assert_eq!(version.to_string(), shown);
        }
        for text in [
            "",
            "4",
            "four.three",
            "v4.3.0",
            "4..0",
            "-4.3.0",
            "4.3.x",
            "4.3.0x",
            "4.3-x.0",
            "99999999999.0.0",
        ] {
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
