//! What is made of the figures of several rounds.

/// The middle of these numbers, in whatever order; of an even count the mean of the two in the middle.
pub fn median(numbers: &[f64]) -> Option<f64> {
    let ascending = sorted(numbers);
    let middle = ascending.len() / 2;
    match ascending.as_slice() {
        [] => None,
        all if all.len() % 2 == 1 => Some(all[middle]),
        all => Some(f64::midpoint(all[middle - 1], all[middle])),
    }
}

/// The smallest of the numbers that this share of them (0 to 1) does not exceed.
pub fn percentile(numbers: &[f64], share: f64) -> Option<f64> {
    let ascending = sorted(numbers);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank among the numbers"
    )]
    let rank = (share * ascending.len() as f64).ceil() as usize;
    ascending.get(rank.max(1) - 1).copied()
}

/// The least and the most of these numbers.
pub fn range(numbers: &[f64]) -> Option<(f64, f64)> {
    let ascending = sorted(numbers);
    Some((*ascending.first()?, *ascending.last()?))
}

fn sorted(numbers: &[f64]) -> Vec<f64> {
    let mut ascending = numbers.to_vec();
    ascending.sort_by(f64::total_cmp);
    ascending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn a_percentile_is_one_of_the_numbers() {
        let numbers: Vec<f64> = (1..=500).rev().map(f64::from).collect();
        assert_eq!(percentile(&numbers, 0.5), Some(250.0));
        assert_eq!(percentile(&numbers, 0.99), Some(495.0));
        assert_eq!(percentile(&numbers, 1.0), Some(500.0));
        assert_eq!(percentile(&[7.0], 0.01), Some(7.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn the_range_goes_from_the_least_to_the_most() {
        assert_eq!(range(&[2.0, 3.0, 1.0]), Some((1.0, 3.0)));
        assert_eq!(range(&[]), None);
    }
}
