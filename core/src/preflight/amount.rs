//! Amounts of resources that can be added up.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;

use crate::spec::quantity::Quantity;

/// An amount of a resource in units of 10⁻⁹.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Amount(i128);

/// Amounts by the name of the resource.
pub(super) type Amounts = BTreeMap<String, Amount>;

const ONE: i128 = 1_000_000_000;
const BINARY: [(&str, i128); 4] = [
    ("Ti", ONE << 40),
    ("Gi", ONE << 30),
    ("Mi", ONE << 20),
    ("Ki", ONE << 10),
];

impl Amount {
    pub(super) const ZERO: Amount = Amount(0);

    /// Whole pieces.
    pub(super) fn pieces(count: usize) -> Amount {
        Amount(i128::try_from(count).unwrap_or(i128::MAX).saturating_mul(ONE))
    }

    /// What the API server gives out it has accepted before, so that what cannot be read does not occur.
    pub(super) fn of(quantity: &ApiQuantity) -> Amount {
        Amount(Quantity::parse(&quantity.0).map_or(0, Quantity::nanos))
    }

    pub(super) fn plus(self, other: Amount) -> Amount {
        Amount(self.0.saturating_add(other.0))
    }

    pub(super) fn minus(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0))
    }

    /// How often `part` goes into this; `None` for a part of nothing.
    pub(super) fn holds(self, part: Amount) -> Option<u32> {
        (part.0 > 0).then(|| u32::try_from(self.0.max(0) / part.0).unwrap_or(u32::MAX))
    }
}

/// All of a list that the API server gave out.
pub(super) fn amounts(list: Option<&BTreeMap<String, ApiQuantity>>) -> Amounts {
    list.into_iter()
        .flatten()
        .map(|(name, quantity)| (name.clone(), Amount::of(quantity)))
        .collect()
}

/// Adds what is in `more`.
pub(super) fn add(total: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = total.entry(name.clone()).or_default();
        *sum = sum.plus(*amount);
    }
}

impl fmt::Display for Amount {
    /// As Kubernetes would write it: `3`, `500m`, `2Gi`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = BINARY.iter().find(|(_, size)| self.0 != 0 && self.0 % size == 0);
        match unit {
            Some((suffix, size)) => write!(f, "{}{suffix}", self.0 / size),
            None if self.0 % ONE == 0 => write!(f, "{}", self.0 / ONE),
            None if self.0 % 1_000_000 == 0 => write!(f, "{}m", self.0 / 1_000_000),
            None => write!(f, "{}n", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::of(&ApiQuantity(text.to_owned()))
    }

    #[test]
    fn amounts_read_as_kubernetes_writes_them() {
        for (text, shown) in [
            ("0", "0"),
            ("500m", "500m"),
            ("1500m", "1500m"),
            ("3", "3"),
            ("2048Mi", "2Gi"),
            ("896Mi", "896Mi"),
            ("1000000", "1000000"),
            ("5n", "5n"),
            ("-1Gi", "-1Gi"),
        ] {
            assert_eq!(amount(text).to_string(), shown);
        }
    }

    #[test]
    fn a_part_goes_into_the_whole_as_often_as_it_fits_completely() {
        assert_eq!(amount("2").holds(amount("300m")), Some(6));
        assert_eq!(amount("1Gi").holds(amount("1Gi")), Some(1));
        assert_eq!(amount("-1").holds(amount("1")), Some(0));
        assert_eq!(amount("9999999999999999E").holds(amount("1n")), Some(u32::MAX));
        assert_eq!(amount("1").holds(amount("0")), None);
    }
}
