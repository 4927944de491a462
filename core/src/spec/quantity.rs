//! Kubernetes quantities, as far as they have to be compared: `500m`, `1.5`, `2Gi`, `1e3`.

use super::SpecError;

/// A quantity that the API server accepts: the amount in units of 10⁻⁹, rounded up as Kubernetes does; `i128::MAX`
/// beyond that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(i128);

impl Quantity {
    /// `None` where the API server would refuse it.
    pub(crate) fn parse(text: &str) -> Option<Quantity> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let split = unsigned
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(split);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let (base, exponent) = scale(suffix)?;
        let digits = format!("{whole}{fraction}");
        let magnitude = nanos(&digits, fraction.len(), base, exponent);
        Some(Quantity(if negative { -magnitude } else { magnitude }))
    }

    /// The amount in units of 10⁻⁹.
    pub(crate) fn nanos(self) -> i128 {
        self.0
    }
}

/// All that stock's client asks of a quantity which it only passes on. The API server asks for more.
pub(super) fn refuse_empty(key: &str, value: &str) -> Result<(), SpecError> {
    if value.is_empty() {
        return Err(SpecError::Quantity {
            key: key.to_owned(),
            value: String::new(),
        });
    }
    Ok(())
}

/// Base and exponent of a suffix.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "" => (10, 0),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (2, 10),
        "Mi" => (2, 20),
        "Gi" => (2, 30),
        "Ti" => (2, 40),
        "Pi" => (2, 50),
        "Ei" => (2, 60),
        _ => (10, suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

/// `digits` × 10^-`fraction` × `base`^`exponent` in units of 10⁻⁹.
fn nanos(digits: &str, fraction: usize, base: i128, exponent: i32) -> i128 {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return 0;
    }
    let exact = || -> Option<i128> {
        let mut value: i128 = digits.parse().ok()?;
        let mut tens = 9 - i32::try_from(fraction).ok()?;
        if base == 10 {
            tens = tens.checked_add(exponent)?;
        } else {
            value = value.checked_mul(base.checked_pow(exponent.unsigned_abs())?)?;
        }
        if tens >= 0 {
            return value.checked_mul(10_i128.checked_pow(tens.unsigned_abs())?);
        }
        // Less than one unit left over counts as one; a power beyond i128 leaves nothing else.
        Some(match 10_i128.checked_pow(tens.unsigned_abs()) {
            Some(divisor) => value / divisor + i128::from(value % divisor != 0),
            None => 1,
        })
    };
    exact().unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    fn compare(a: &str, b: &str) -> Ordering {
        Quantity::parse(a).unwrap().cmp(&Quantity::parse(b).unwrap())
    }

    #[test]
    fn equal_amounts_are_equal_in_every_notation() {
        for (a, b) in [
            ("1", "1000m"),
            ("0.3", "300m"),
            (".5", "500m"),
            ("2.", "2"),
            ("1Ki", "1024"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("12e-1", "1.2"),
            ("1E", "1e18"),
            ("+4", "4"),
            ("0", "0.000m"),
            ("0.0000000001", "1n"),
        ] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn order_is_by_amount() {
        for (a, b) in [
            ("500m", "1"),
            ("1", "1.1"),
            ("999Mi", "1Gi"),
            ("-1", "0"),
            ("1", "9999999999999999E"),
        ] {
            assert_eq!(compare(a, b), Ordering::Less, "{a} {b}");
        }
    }

    #[test]
    fn the_rest_is_refused() {
        for bad in [
            "", "m", "1.2.3", "1 ", " 1", "1x", "1mm", "1e", "one", "1,5", "-", ".", "½", "1GiB",
        ] {
            assert!(Quantity::parse(bad).is_none(), "{bad}");
        }
    }
}
