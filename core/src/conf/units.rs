//! Durations and byte sizes as Spark writes them: `10s`, `384m`.
//!
//! The rules are those of Spark's `JavaUtils.timeStringAs` and `byteStringAs`: case does not matter, a number without
//! a suffix has the key's own unit, and a value finer than that unit is cut off. The suffixes `ki` and `kib`, which Spark
//! has since 4.2, are read for every version.

use std::fmt;

/// The unit in which a key counts time; a number without a suffix has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
}

impl TimeUnit {
    const fn micros(self) -> i64 {
        match self {
            Self::Millis => 1_000,
            Self::Seconds => 1_000_000,
            Self::Minutes => 60_000_000,
        }
    }
}

/// The unit in which a key counts bytes; a number without a suffix has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeUnit {
    /// Bytes.
    Bytes,
    /// Kibibytes, 1024 bytes.
    Kib,
    /// Mebibytes, 1024 KiB.
    Mib,
}

impl SizeUnit {
    /// How many bytes one of it has.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Bytes => 1,
            Self::Kib => 1 << 10,
            Self::Mib => 1 << 20,
        }
    }
}

/// A number of bytes, at the precision of the unit of the key it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

impl ByteSize {
    /// So many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many mebibytes.
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// Bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Whole mebibytes.
    pub const fn mib(self) -> u64 {
        self.0 >> 20
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}b", self.0)
    }
}

const TIME_FORM: &str =
    "not a time; write a whole number and us, ms, s, m (or min), h or d, such as 50s, 100ms or 2min";
const SIZE_FORM: &str = "not a size; write a whole number and b, k (or kb), m, g, t or p, such as 512m or 2g";

/// A time in whole `unit`s, cut off and saturating as Java's `TimeUnit.convert` does. Negative times are times.
pub fn parse_time(text: &str, unit: TimeUnit) -> Result<i64, String> {
    let lower = java_trim(text).to_lowercase();
    let (digits, suffix) = split_number(&lower, true).ok_or(TIME_FORM)?;
    let number: i64 = digits
        .parse()
        .map_err(|_| format!("{digits} is too large a number"))?;
    let micros: i64 = match suffix {
        "" => unit.micros(),
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60 * 1_000_000,
        "h" => 3_600 * 1_000_000,
        "d" => 86_400 * 1_000_000,
        _ => return Err(format!("{suffix:?} is not a unit of time; {TIME_FORM}")),
    };
    let wide = i128::from(number) * i128::from(micros) / i128::from(unit.micros());
    Ok(i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX }))
}

/// A size in whole `unit`s, cut off. Negative sizes, fractions and what Java's `long` cannot hold are refused.
pub fn parse_size(text: &str, unit: SizeUnit) -> Result<u64, String> {
    let lower = java_trim(text).to_lowercase();
    if lower.starts_with('-') {
        return Err(format!("a size must not be negative; {SIZE_FORM}"));
    }
    let (digits, suffix) = split_number(&lower, false).ok_or_else(|| {
        let hint = if fraction_of(&lower) {
            "fractions are not allowed, use a smaller unit; "
        } else {
            ""
        };
        format!("{hint}{SIZE_FORM}")
    })?;
    let too_large = || format!("{text} is too large a size");
    let number: i64 = digits.parse().map_err(|_| too_large())?;
    let bytes: i128 = match suffix {
        "" => i128::from(unit.bytes()),
        "b" => 1,
        "k" | "kb" | "ki" | "kib" => 1 << 10,
        "m" | "mb" | "mi" | "mib" => 1 << 20,
        "g" | "gb" | "gi" | "gib" => 1 << 30,
        "t" | "tb" | "ti" | "tib" => 1 << 40,
        "p" | "pb" | "pi" | "pib" => 1 << 50,
        _ => return Err(format!("{suffix:?} is not a unit of size; {SIZE_FORM}")),
    };
    let wide = i128::from(number) * bytes / i128::from(unit.bytes());
    i64::try_from(wide)
        .ok()
        .and_then(|units| u64::try_from(units).ok())
        .ok_or_else(too_large)
}

/// Splits `12ms` in `12` and `ms`; none when the text has another form.
fn split_number(text: &str, signed: bool) -> Option<(&str, &str)> {
    let unsigned = if signed {
        text.strip_prefix('-').unwrap_or(text)
    } else {
        text
    };
    let sign = text.len() - unsigned.len();
    let digits = unsigned
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(unsigned.len());
    let (number, suffix) = text.split_at(sign + digits);
    (digits > 0 && suffix.bytes().all(|b| b.is_ascii_lowercase())).then_some((number, suffix))
}

fn fraction_of(text: &str) -> bool {
    text.split_once('.').is_some_and(|(whole, rest)| {
        !whole.is_empty()
            && whole.bytes().all(|b| b.is_ascii_digit())
            && rest.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// `String.trim` of Java: everything up to the space goes, other kinds of white space stay.
pub(super) fn java_trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}
