//! How many creates the API server can take at once, learnt from its answers.
//!
//! Additive increase, multiplicative decrease: from [`START`] the limit grows by one with each answer (it doubles with each
//! round trip) until the first sign of congestion, and by one with each round trip from then on. Answers that
//! take much longer than they took in the best moment of late shrink it; a refusal or a lost answer begins anew with one
//! call. Latency is judged as a mean over some ten answers and against its own minimum: neither a distant API
//! server nor one whose answers vary is taken for a crowded one.

use std::time::Duration;

/// Calls in flight at the beginning. Slow answers alone do not lead below it.
const START: f64 = 8.0;
/// What is left of the limit when answers have become slow.
const SHRINK: f64 = 0.8;
/// The weight of one answer in the mean latency.
const WEIGHT: f64 = 0.1;
/// Up to this multiple of the least mean latency, and [`GROW_SLACK`] more, the limit grows.
const GROW_FACTOR: f64 = 2.0;
const GROW_SLACK: Duration = Duration::from_millis(10);
/// Beyond this multiple, and [`SHRINK_SLACK`] more, it shrinks.
const SHRINK_FACTOR: f64 = 4.0;
const SHRINK_SLACK: Duration = Duration::from_millis(30);
/// How far back "of late" reaches, at least; twice as far at most.
const WINDOW: Duration = Duration::from_secs(30);

/// The limit of creates in flight.
#[derive(Debug, Clone)]
pub(super) struct Concurrency {
    cap: f64,
    limit: f64,
    /// Below it the limit doubles with each round trip.
    threshold: f64,
    quickest: Quickest,
    mean: Option<f64>,
    /// Answers to calls sent before this time tell of a limit that has been shrunk since.
    shrunk_at: Duration,
}

impl Concurrency {
    pub(super) fn new(cap: usize) -> Self {
        // Caps are small: an f64 holds them exactly.
        let cap = u32::try_from(cap.max(1)).map_or(f64::MAX, f64::from);
        Concurrency {
            cap,
            limit: START.min(cap),
            threshold: cap,
            quickest: Quickest::default(),
            mean: None,
            shrunk_at: Duration::ZERO,
        }
    }

    /// How many creates may be in flight; at least 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the cap"
    )]
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// A create was taken.
    pub(super) fn succeeded(&mut self, now: Duration, sent_at: Duration) {
        let latency = now.saturating_sub(sent_at).as_secs_f64();
        let mean = self.mean.map_or(latency, |mean| mean + WEIGHT * (latency - mean));
        self.mean = Some(mean);
        let quickest = self.quickest.observe(now, mean);
        if mean > SHRINK_FACTOR * quickest + SHRINK_SLACK.as_secs_f64() {
            if sent_at >= self.shrunk_at && self.limit > START {
                self.limit = (self.limit * SHRINK).max(START.min(self.cap));
                self.threshold = self.limit;
                self.shrunk_at = now;
            }
        } else if mean <= GROW_FACTOR * quickest + GROW_SLACK.as_secs_f64() {
            let step = if self.limit < self.threshold {
                1.0
            } else {
                1.0 / self.limit
            };
            self.limit = (self.limit + step).min(self.cap);
        }
    }

    /// Creates are refused or lost: one probe, then up to half of what there was at the old pace of the start.
    /// `again`: the failure belongs to a wave of which one has been counted.
    pub(super) fn failed(&mut self, again: bool) {
        if !again {
            self.threshold = (self.limit / 2.0).max(1.0);
        }
        self.limit = 1.0;
        // What was slow because of the trouble is no measure for the time after it.
        self.mean = None;
    }
}

/// The least mean latency of late, in seconds.
#[derive(Debug, Clone, Default)]
struct Quickest {
    since: Duration,
    current: Option<f64>,
    previous: Option<f64>,
}

impl Quickest {
    fn observe(&mut self, now: Duration, mean: f64) -> f64 {
        if now.saturating_sub(self.since) >= WINDOW {
            self.previous = self.current.take();
            self.since = now;
        }
        let current = self.current.map_or(mean, |least| least.min(mean));
        self.current = Some(current);
        self.previous.map_or(current, |previous| previous.min(current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Rounds of as many creates as the limit allows, each answered after `latency(limit)`.
    fn rounds(
        concurrency: &mut Concurrency,
        now: &mut Duration,
        count: u32,
        latency: impl Fn(usize) -> Duration,
    ) {
        for _ in 0..count {
            let limit = concurrency.limit();
            let sent_at = *now;
            *now += latency(limit);
            for _ in 0..limit {
                concurrency.succeeded(*now, sent_at);
            }
        }
    }

    #[test]
    fn it_doubles_from_eight_to_the_cap_however_distant_the_server_is() {
        for latency in [1, 150, 2000] {
            let (mut concurrency, mut now) = (Concurrency::new(128), Duration::ZERO);
            assert_eq!(concurrency.limit(), 8);
            rounds(&mut concurrency, &mut now, 2, |_| MS * latency);
            assert_eq!(concurrency.limit(), 32);
            rounds(&mut concurrency, &mut now, 2, |_| MS * latency);
            assert_eq!(concurrency.limit(), 128);
            rounds(&mut concurrency, &mut now, 9, |_| MS * latency);
            assert_eq!(concurrency.limit(), 128);
        }
    }

    #[test]
    fn it_stays_where_the_server_begins_to_queue() {
        // Twenty at once take 50 ms, more wait in line.
        let latency = |limit: usize| MS * 50 * u32::try_from(limit).unwrap().max(20) / 20;
        let (mut concurrency, mut now) = (Concurrency::new(1000), Duration::ZERO);
        rounds(&mut concurrency, &mut now, 50, latency);
        let limit = concurrency.limit();
        assert!((20..=100).contains(&limit), "{limit}");
    }

    #[test]
    fn slow_answers_shrink_it_to_the_start_and_no_further() {
        let (mut concurrency, mut now) = (Concurrency::new(64), Duration::ZERO);
        rounds(&mut concurrency, &mut now, 5, |_| MS * 20);
        assert_eq!(concurrency.limit(), 64);
        rounds(&mut concurrency, &mut now, 3, |_| MS * 1000);
        assert!(concurrency.limit() < 64, "{}", concurrency.limit());
        rounds(&mut concurrency, &mut now, 20, |_| MS * 1000);
        assert_eq!(concurrency.limit(), 8);
        // Quick again: it grows by one with each round trip.
        rounds(&mut concurrency, &mut now, 20, |_| MS * 20);
        assert!(
            (10..=30).contains(&concurrency.limit()),
            "{}",
            concurrency.limit()
        );
    }

    #[test]
    fn after_a_failure_it_begins_with_one_and_grows_fast_only_to_half_of_before() {
        let (mut concurrency, mut now) = (Concurrency::new(64), Duration::ZERO);
        rounds(&mut concurrency, &mut now, 5, |_| MS * 20);
        concurrency.failed(false);
        concurrency.failed(true);
        assert_eq!(concurrency.limit(), 1);
        rounds(&mut concurrency, &mut now, 5, |_| MS * 20);
        assert_eq!(concurrency.limit(), 32);
        rounds(&mut concurrency, &mut now, 3, |_| MS * 20);
        assert!(
            (33..=36).contains(&concurrency.limit()),
            "{}",
            concurrency.limit()
        );
    }

    #[test]
    fn answers_that_vary_are_not_congestion() {
        let (mut concurrency, mut now) = (Concurrency::new(128), Duration::ZERO);
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..2000 {
            let sent_at = now;
            now += MS * rng.u32(1..10);
            concurrency.succeeded(now, sent_at);
        }
        assert_eq!(concurrency.limit(), 128);
    }

    #[test]
    fn a_small_cap_holds() {
        let (mut concurrency, mut now) = (Concurrency::new(1), Duration::ZERO);
        rounds(&mut concurrency, &mut now, 5, |_| MS);
        rounds(&mut concurrency, &mut now, 5, |_| MS * 500);
        assert_eq!(concurrency.limit(), 1);
    }
}
