//! How many creates the API server can take at once, learnt from its answers.
//!
//! Additive increase, multiplicative decrease: from [`START`] the limit grows by one with each answer (it doubles with each
//! round trip) until the first sign of congestion, and by one with each round trip from then on. A refusal or a lost answer
//! begins anew with one call.
//!
//! What calls wait in the API server's queue is how much longer they take than in the best moment of [`WINDOW`]. A queue as
//! such is no congestion: without one the API server has nothing to do while answers travel. One of [`SLACK`] keeps any
//! API server busy, whatever its speed (rate times wait is in the queue), and costs others no more than that; it is
//! neither to become much longer. Latency is judged as a mean over some ten answers and against its own minimum: neither a
//! distant API server nor one whose answers vary is taken for a crowded one. After [`WINDOW`] all is learnt anew.

use std::time::Duration;

/// Calls in flight at the beginning. Slow answers alone do not lead below it.
const START: f64 = 8.0;
/// What is left of the limit when answers have become slow.
const SHRINK: f64 = 0.8;
/// The weight of one answer in the mean latency.
const WEIGHT: f64 = 0.1;
/// Up to this multiple of the least mean latency, and [`SLACK`] more, the limit grows.
const FACTOR: f64 = 2.0;
/// Half of what Kubernetes grants a call that changes one object in its service level objectives (1 s).
const SLACK: Duration = Duration::from_millis(500);
/// Beyond so many times that, it shrinks: answers that wait between the two leave it as it is.
const TOO_LONG: f64 = 2.0;
/// How long what was learnt is of use. The queue that we keep ourselves would in time be taken for distance, so that it
/// would grow without end; and API servers change.
const WINDOW: Duration = Duration::from_mins(5);

/// The limit of creates in flight.
#[derive(Debug, Clone)]
pub(super) struct Concurrency {
    cap: f64,
    limit: f64,
    /// Below it the limit doubles with each round trip.
    threshold: f64,
    mean: Option<f64>,
    /// The least mean since then.
    quickest: f64,
    since: Duration,
    /// Answers to calls sent before this time tell of a limit that has been shrunk since.
    shrunk_at: Duration,
}

impl Concurrency {
    pub(super) fn new(cap: usize) -> Self {
        // Caps are small: an f64 holds them exactly.
        let cap = u32::try_from(cap.max(1)).map_or(f64::MAX, f64::from);
        Concurrency::begin(cap, START, Duration::ZERO)
    }

    fn begin(cap: f64, limit: f64, now: Duration) -> Self {
        Concurrency {
            cap,
            limit: limit.min(cap),
            threshold: cap,
            mean: None,
            quickest: f64::MAX,
            since: now,
            shrunk_at: now,
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
        if now.saturating_sub(self.since) >= WINDOW {
            // With one call there is no queue of ours.
            *self = Concurrency::begin(self.cap, 1.0, now);
        }
        if sent_at < self.since {
            return;
        }
        let latency = now.saturating_sub(sent_at).as_secs_f64();
        let mean = self.mean.map_or(latency, |mean| mean + WEIGHT * (latency - mean));
        self.mean = Some(mean);
        self.quickest = self.quickest.min(mean);
        let bearable = FACTOR * self.quickest + SLACK.as_secs_f64();
        if mean > TOO_LONG * bearable {
            if sent_at >= self.shrunk_at && self.limit > START {
                self.limit = (self.limit * SHRINK).max(START.min(self.cap));
                self.threshold = self.limit;
                self.shrunk_at = now;
            }
        } else if mean <= bearable {
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

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
