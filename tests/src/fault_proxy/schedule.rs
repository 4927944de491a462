//! Which of the calls that a fault is about it hits.

use std::time::Duration;

use fastrand::Rng;

/// By default every call from the first one on, for ever.
#[derive(Debug, Clone)]
pub struct Schedule {
    after: u32,
    every: u32,
    share: f64,
    times: u32,
    lasting: Duration,
    seen: u32,
    hits: u32,
    began: Option<Duration>,
}

impl Schedule {
    /// Every call.
    pub fn always() -> Self {
        Self {
            after: 0,
            every: 1,
            share: 1.0,
            times: u32::MAX,
            lasting: Duration::MAX,
            seen: 0,
            hits: 0,
            began: None,
        }
    }

    /// Leaves the first calls alone.
    #[must_use]
    pub fn after(self, calls: u32) -> Self {
        Self { after: calls, ..self }
    }

    /// Hits one call of so many, the first of them.
    #[must_use]
    pub fn every(self, calls: u32) -> Self {
        Self {
            every: calls.max(1),
            ..self
        }
    }

    /// Hits this share of the calls at random.
    #[must_use]
    pub fn share(self, share: f64) -> Self {
        Self { share, ..self }
    }

    /// Hits no more calls than this.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Hits no call that comes so long after the first one that could be hit, or later.
    #[must_use]
    pub fn lasting(self, time: Duration) -> Self {
        Self {
            lasting: time,
            ..self
        }
    }

    /// Whether this call is hit. The clock's origin is the caller's choice.
    pub(super) fn hits(&mut self, at: Duration, rng: &mut Rng) -> bool {
        self.seen = self.seen.saturating_add(1);
        if self.seen <= self.after || self.hits >= self.times {
            return false;
        }
        let began = *self.began.get_or_insert(at);
        let hit = at.saturating_sub(began) < self.lasting
            && (self.seen - self.after - 1).is_multiple_of(self.every)
            && rng.f64() < self.share;
        self.hits += u32::from(hit);
        hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The calls hit of as many calls as asked, one each second.
    fn hits(mut schedule: Schedule, calls: u64, seed: u64) -> Vec<u64> {
        let mut rng = Rng::with_seed(seed);
        (0..calls)
            .filter(|second| schedule.hits(Duration::from_secs(*second), &mut rng))
            .collect()
    }

    #[test]
    fn bounds_work_together() {
        assert_eq!(hits(Schedule::always(), 3, 0), [0, 1, 2]);
        assert_eq!(hits(Schedule::always().after(2).every(3), 9, 0), [2, 5, 8]);
        assert_eq!(hits(Schedule::always().every(2).times(2), 9, 0), [0, 2]);
        let storm = Schedule::always().after(4).lasting(Duration::from_secs(3));
        assert_eq!(hits(storm, 20, 0), [4, 5, 6]);
    }

    #[test]
    fn a_share_is_drawn_from_the_seed() {
        let share = || Schedule::always().share(0.25);
        let some = hits(share(), 1000, 7);
        assert_eq!(some, hits(share(), 1000, 7));
        assert_ne!(some, hits(share(), 1000, 8));
        assert!((200..300).contains(&some.len()), "{}", some.len());
    }
}
