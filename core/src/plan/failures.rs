//! How many executors have failed within the interval that counts.

use std::collections::VecDeque;
use std::time::Duration;

/// Counts failures against an upper bound.
#[derive(Debug, Clone)]
pub(super) struct Failures {
    max: Option<usize>,
    validity: Option<Duration>,
    /// Times of the failures that count, no more than decide.
    times: VecDeque<Duration>,
}

impl Failures {
    pub(super) fn new(max: Option<usize>, validity: Option<Duration>) -> Self {
        Failures {
            max,
            validity,
            times: VecDeque::new(),
        }
    }

    /// Counts a failure; returns the bound when it is exceeded.
    pub(super) fn count(&mut self, now: Duration) -> Option<usize> {
        let max = self.max?;
        self.times.push_back(now);
        if let Some(validity) = self.validity {
            while self.times.front().is_some_and(|at| *at + validity < now) {
                self.times.pop_front();
            }
        }
        if self.times.len() > max.saturating_add(1) {
            self.times.pop_front();
        }
        (self.times.len() > max).then_some(max)
    }

    /// What was counted at this time counts no longer.
    pub(super) fn forgive(&mut self, at: Duration) {
        if let Some(index) = self.times.iter().position(|time| *time == at) {
            self.times.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_may_be_reached_but_not_exceeded() {
        let mut failures = Failures::new(Some(2), None);
        assert_eq!(failures.count(Duration::ZERO), None);
        assert_eq!(failures.count(Duration::from_hours(9)), None);
        assert_eq!(failures.count(Duration::from_hours(99)), Some(2));
    }

    #[test]
    fn old_failures_do_not_count() {
        let mut failures = Failures::new(Some(1), Some(Duration::from_secs(10)));
        assert_eq!(failures.count(Duration::from_secs(0)), None);
        assert_eq!(failures.count(Duration::from_secs(11)), None);
        assert_eq!(failures.count(Duration::from_secs(12)), Some(1));
    }

    #[test]
    fn what_is_forgiven_does_not_count() {
        let mut failures = Failures::new(Some(1), None);
        assert_eq!(failures.count(Duration::from_secs(1)), None);
        failures.forgive(Duration::from_secs(2));
        failures.forgive(Duration::from_secs(1));
        assert_eq!(failures.count(Duration::from_secs(3)), None);
        assert_eq!(failures.count(Duration::from_secs(4)), Some(1));
    }

    #[test]
    fn without_a_bound_nothing_is_kept() {
        let mut failures = Failures::new(None, None);
        assert_eq!(failures.count(Duration::ZERO), None);
        assert!(failures.times.is_empty());
    }
}
