//! The types a key can have, and how their text is read.

use std::time::Duration;

use super::key::{Check, KeyInfo};
use super::units::{ByteSize, SizeUnit, TimeUnit, java_trim, parse_size, parse_time};

/// The type of a key's value, as the reference page names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    Long,
    /// A number with a fraction.
    Double,
    /// Any text.
    Text,
    /// Texts separated by commas.
    List,
    /// A time, counted in the given unit.
    Time(TimeUnit),
    /// A size, counted in the given unit.
    Size(SizeUnit),
    /// A group of keys that begin with the same text; the values are any text and stay as they are.
    Prefix,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for bool {}
    impl Sealed for i32 {}
    impl Sealed for i64 {}
    impl Sealed for f64 {}
    impl Sealed for String {}
    impl Sealed for Vec<String> {}
    impl Sealed for std::time::Duration {}
    impl Sealed for super::ByteSize {}
}

/// A type that a key can have.
pub trait Value: sealed::Sealed + Sized {
    /// The kind of a key of this type, unless the key names another unit.
    const KIND: Kind;

    /// Reads a text that has been substituted already; the error says what is wrong and what would be right.
    fn read(text: &str, info: &KeyInfo) -> Result<Self, String>;
}

impl Value for bool {
    const KIND: Kind = Kind::Bool;

    fn read(text: &str, _: &KeyInfo) -> Result<Self, String> {
        match java_trim(text) {
            t if t.eq_ignore_ascii_case("true") => Ok(true),
            t if t.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }
}

impl Value for i32 {
    const KIND: Kind = Kind::Int;

    fn read(text: &str, info: &KeyInfo) -> Result<Self, String> {
        let number = java_trim(text)
            .parse()
            .map_err(|_| format!("must be a whole number from {} to {}", Self::MIN, Self::MAX))?;
        info.check().number(f64::from(number), "")?;
        Ok(number)
    }
}

impl Value for i64 {
    const KIND: Kind = Kind::Long;

    fn read(text: &str, info: &KeyInfo) -> Result<Self, String> {
        let number = java_trim(text)
            .parse()
            .map_err(|_| "must be a whole number of at most 64 bits".to_owned())?;
        info.check().number(approximate(number), "")?;
        Ok(number)
    }
}

impl Value for f64 {
    const KIND: Kind = Kind::Double;

    /// Java's decimal notation: what Rust reads, `NaN` and `Infinity` in exactly this spelling, and a trailing `f` or
    /// `d`. Hexadecimal floating point is not read.
    fn read(text: &str, info: &KeyInfo) -> Result<Self, String> {
        let trimmed = java_trim(text);
        let unsigned = trimmed.trim_start_matches(['+', '-']);
        let digits = trimmed.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(trimmed);
        let number = match unsigned {
            "NaN" | "Infinity" => trimmed.parse(),
            _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => digits.parse(),
            _ => "".parse(),
        }
        .map_err(|_| "must be a number, such as 0.1".to_owned())?;
        info.check().number(number, "")?;
        Ok(number)
    }
}

impl Value for String {
    const KIND: Kind = Kind::Text;

    fn read(text: &str, info: &KeyInfo) -> Result<Self, String> {
        info.check().text(text)?;
        Ok(text.to_owned())
    }
}

impl Value for Vec<String> {
    const KIND: Kind = Kind::List;

    fn read(text: &str, _: &KeyInfo) -> Result<Self, String> {
        Ok(text
            .split(',')
            .map(java_trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect())
    }
}

impl Value for Duration {
    const KIND: Kind = Kind::Time(TimeUnit::Millis);

    fn read(text: &str, info: &KeyInfo) -> Result<Self, String> {
        let Kind::Time(unit) = info.kind() else {
            return Err("the key does not hold a time".to_owned());
        };
        let units = parse_time(text, unit)?;
        let (suffix, make): (_, fn(u64) -> Self) = match unit {
            TimeUnit::Millis => ("ms", Self::from_millis),
            TimeUnit::Seconds => ("s", Self::from_secs),
            TimeUnit::Minutes => ("min", |minutes| Self::from_secs(minutes.saturating_mul(60))),
        };
        info.check().number(approximate(units), suffix)?;
        u64::try_from(units)
            .map(make)
            .map_err(|_| "a time must not be negative".to_owned())
    }
}

impl Value for ByteSize {
    const KIND: Kind = Kind::Size(SizeUnit::Bytes);

    fn read(text: &str, info: &KeyInfo) -> Result<Self, String> {
        let Kind::Size(unit) = info.kind() else {
            return Err("the key does not hold a size".to_owned());
        };
        let units = parse_size(text, unit)?;
        let bytes = units.checked_mul(unit.bytes()).ok_or("is too large a size")?;
        info.check()
            .number(approximate(i64::try_from(units).unwrap_or(i64::MAX)), "")?;
        Ok(Self::from_bytes(bytes))
    }
}

/// Limits are small round numbers, so that the precision of `f64` decides nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "only compared with limits far below 2^53"
)]
const fn approximate(number: i64) -> f64 {
    number as f64
}

impl Check {
    fn number(self, number: f64, unit: &str) -> Result<(), String> {
        match self {
            Self::AtLeast(least) if number < least || number.is_nan() => {
                Err(format!("must be at least {least}{unit}"))
            }
            Self::MoreThan(limit) if number <= limit || number.is_nan() => {
                Err(format!("must be more than {limit}{unit}"))
            }
            Self::AtMost(most) if number > most => Err(format!("must be at most {most}{unit}")),
            Self::Between(least, most) if !(least..=most).contains(&number) => {
                Err(format!("must be from {least}{unit} to {most}{unit}"))
            }
            _ => Ok(()),
        }
    }

    fn text(self, text: &str) -> Result<(), String> {
        match self {
            Self::OneOf(values) if !values.contains(&text) => {
                Err(format!("must be one of {}", values.join(", ")))
            }
            Self::Form(fits, form) if !fits(text) => Err(form.to_owned()),
            _ => Ok(()),
        }
    }
}
