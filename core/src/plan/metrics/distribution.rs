//! How long something takes.

use std::time::Duration;

use hdrhistogram::Histogram;

/// A distribution shows what happened within its last two windows, the one that is under way included.
const WINDOW: Duration = Duration::from_mins(5);
/// Longer is taken for so long.
const LONGEST: Duration = Duration::from_hours(1);
/// Decimal digits that are kept: values are exact to one percent.
const DIGITS: u8 = 2;

/// Durations: all are counted, and those of late are kept in a histogram of fixed size.
#[derive(Debug, Clone, Default)]
pub struct Distribution {
    count: u64,
    /// When the present window began.
    since: Duration,
    present: Option<Histogram<u32>>,
    previous: Option<Histogram<u32>>,
}

/// What a distribution shows. All but the count is of the last five to ten minutes in which there were any, and exact
/// to one percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many there were since the start.
    pub count: u64,
    /// The mean.
    pub mean: Duration,
    /// Half of them took no longer.
    pub p50: Duration,
    /// 95 of 100 took no longer.
    pub p95: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Distribution {
    /// Adds one that has just ended.
    pub fn record(&mut self, now: Duration, took: Duration) {
        self.count += 1;
        let age = now.saturating_sub(self.since);
        if age >= WINDOW {
            self.since = now;
            std::mem::swap(&mut self.present, &mut self.previous);
            clear(&mut self.present);
            if age >= 2 * WINDOW {
                clear(&mut self.previous);
            }
        }
        if self.present.is_none() {
            self.present = histogram();
        }
        if let Some(histogram) = &mut self.present {
            histogram.saturating_record(micros(took));
        }
    }

    /// How many were added since the start.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What it shows now.
    pub fn summary(&self) -> Summary {
        self.recent().unwrap_or_default()
    }

    fn recent(&self) -> Option<Summary> {
        let mut all = histogram()?;
        for window in [&self.previous, &self.present].into_iter().flatten() {
            all.add(window).ok()?;
        }
        let at = |quantile| Duration::from_micros(all.value_at_quantile(quantile));
        Some(Summary {
            count: self.count,
            mean: Duration::from_secs_f64(all.mean() / 1e6),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: Duration::from_micros(all.max()),
        })
    }
}

/// An empty one; there always is one, as the bounds are constants.
fn histogram() -> Option<Histogram<u32>> {
    Histogram::new_with_bounds(1, micros(LONGEST), DIGITS).ok()
}

fn clear(histogram: &mut Option<Histogram<u32>>) {
    if let Some(histogram) = histogram {
        histogram.reset();
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn about(actual: Duration, expected: Duration) {
        let off = actual.abs_diff(expected);
        assert!(off <= expected / 100, "{actual:?}, not {expected:?}");
    }

    #[test]
    fn an_empty_one_shows_nothing() {
        assert_eq!(Distribution::default().summary(), Summary::default());
    }

    #[test]
    fn quantiles_are_exact_to_one_percent() {
        let mut distribution = Distribution::default();
        for ms in 1..=1000 {
            distribution.record(Duration::ZERO, MS * ms);
        }
        let summary = distribution.summary();
        assert_eq!(summary.count, 1000);
        about(summary.mean, MS * 500);
        about(summary.p50, MS * 500);
        about(summary.p95, MS * 950);
        about(summary.p99, MS * 990);
        about(summary.max, MS * 1000);
    }

    #[test]
    fn extremes_are_cut_to_the_range() {
        let mut distribution = Distribution::default();
        distribution.record(Duration::ZERO, Duration::ZERO);
        distribution.record(Duration::ZERO, Duration::MAX);
        let summary = distribution.summary();
        assert_eq!(summary.p50, Duration::ZERO);
        about(summary.max, LONGEST);
    }

    #[test]
    fn what_is_long_past_counts_but_is_not_shown() {
        let mut distribution = Distribution::default();
        let at = |minutes| Duration::from_mins(minutes);
        distribution.record(at(1), MS * 800);
        distribution.record(at(6), MS * 10);
        about(distribution.summary().max, MS * 800);
        distribution.record(at(11), MS * 20);
        about(distribution.summary().max, MS * 20);
        distribution.record(at(60), MS * 5);
        about(distribution.summary().max, MS * 5);
        assert_eq!(distribution.summary().count, 4);
    }
}
