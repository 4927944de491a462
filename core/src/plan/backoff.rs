//! Exponential delays with seeded jitter.

use std::time::Duration;

use fastrand::Rng;

/// The longest `Retry-After` that is honoured.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(10);

/// A delay that doubles with every failure in a row.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    base: Duration,
    max: Duration,
    level: u32,
}

impl Backoff {
    /// The first delay is about `base`, no delay is longer than `max`.
    pub(super) fn new(base: Duration, max: Duration) -> Self {
        Backoff { base, max, level: 0 }
    }

    /// The delay after one more failure: between half and all of the exponential step, and never before the
    /// server's `Retry-After`, to which up to a tenth is added so that clients told the same do not return together.
    pub(super) fn next(&mut self, rng: &mut Rng, retry_after: Option<Duration>) -> Duration {
        let step = self
            .base
            .saturating_mul(1_u32.checked_shl(self.level).unwrap_or(u32::MAX))
            .min(self.max);
        self.level = self.level.saturating_add(1).min(31);
        let jittered = step.mul_f64(0.5 + 0.5 * rng.f64());
        match retry_after.map(|after| after.min(LONGEST_RETRY_AFTER)) {
            Some(after) => jittered.max(after + after.mul_f64(0.1 * rng.f64())),
            None => jittered,
        }
    }

    /// Whether the delay before this was as long as any.
    pub(super) fn is_longest(&self) -> bool {
        let before = self.level.checked_sub(1);
        before.is_some_and(|level| self.base.saturating_mul(1 << level) >= self.max)
    }

    /// Forgets the failures.
    pub(super) fn reset(&mut self) {
        self.level = 0;
    }

    /// Failures in a row.
    pub(super) fn level(&self) -> u32 {
        self.level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_maximum_and_start_again_after_a_reset() {
        let mut rng = Rng::with_seed(7);
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let delays: Vec<_> = (0..40).map(|_| backoff.next(&mut rng, None)).collect();
        assert!(delays[0] >= Duration::from_millis(50) && delays[0] <= Duration::from_millis(100));
        assert!(delays[3] >= Duration::from_millis(400) && delays[3] <= Duration::from_millis(800));
        assert!(
            delays[5..]
                .iter()
                .all(|d| *d >= Duration::from_secs(1) && *d <= Duration::from_secs(2)),
            "{delays:?}"
        );
        backoff.reset();
        assert!(backoff.next(&mut rng, None) <= Duration::from_millis(100));
    }

    #[test]
    fn retry_after_is_a_lower_bound_up_to_ten_minutes() {
        let mut rng = Rng::with_seed(7);
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let asked = backoff.next(&mut rng, Some(Duration::from_secs(20)));
        assert!(
            asked >= Duration::from_secs(20) && asked <= Duration::from_secs(22),
            "{asked:?}"
        );
        let absurd = backoff.next(&mut rng, Some(Duration::from_hours(24)));
        assert!(absurd <= Duration::from_mins(11), "{absurd:?}");
    }
}
