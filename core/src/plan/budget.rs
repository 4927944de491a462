//! How many calls may be in flight, and when creates are allowed.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;

use super::backoff::Backoff;
use super::concurrency::Concurrency;
use super::config::Batch;

/// The first delay after a create that failed, about.
const CREATE_BACKOFF: Duration = Duration::from_millis(500);
/// Places for calls of all kinds, however little the API server gives to creates.
const PLACES_MIN: usize = 4;
/// The longest delay between two attempts to create.
const CREATE_BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Calls in flight and the pace of creates.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    cap: usize,
    creates: usize,
    chores: usize,
    concurrency: Concurrency,
    /// No create before this time.
    gate: Duration,
    /// Failures of creates sent before this time belong to a wave that has been counted.
    counted: Duration,
    backoff: Backoff,
    batch: Option<Batch>,
    /// When the last creates were sent, as many as a batch has.
    sent: VecDeque<Duration>,
}

impl Budget {
    pub(super) fn new(cap: usize, batch: Option<Batch>) -> Self {
        let cap = cap.max(1);
        Budget {
            cap,
            creates: 0,
            chores: 0,
            concurrency: Concurrency::new(cap),
            gate: Duration::ZERO,
            counted: Duration::ZERO,
            backoff: Backoff::new(CREATE_BACKOFF, CREATE_BACKOFF_MAX),
            batch: batch.map(|batch| Batch {
                size: batch.size.max(1),
                ..batch
            }),
            sent: VecDeque::new(),
        }
    }

    /// Whether a confirming get, a delete or a patch may be sent.
    pub(super) fn may_do_chore(&self) -> bool {
        self.creates + self.chores < self.places()
    }

    /// Calls of all kinds that may be in flight. What the API server gives to creates goes for all; a few places remain
    /// while creates are held back.
    fn places(&self) -> usize {
        self.concurrency.limit().max(PLACES_MIN).min(self.cap)
    }

    /// Whether a create has a place. While chores wait, a quarter of the places is theirs.
    pub(super) fn has_place(&self, chores_wait: bool) -> bool {
        let reserved = if chores_wait {
            (self.places() / 4).saturating_sub(self.chores)
        } else {
            0
        };
        self.creates + self.chores + reserved < self.places() && self.creates < self.concurrency.limit()
    }

    /// When the next volume claim is allowed: batches bound pods only.
    pub(super) fn gate(&self) -> Duration {
        self.gate
    }

    /// When the next create is allowed; a time that has passed means at once.
    pub(super) fn opens_at(&self) -> Duration {
        let window = match self.batch {
            Some(batch) if self.sent.len() >= batch.size => self
                .sent
                .front()
                .map_or(Duration::ZERO, |first| *first + batch.delay),
            _ => Duration::ZERO,
        };
        self.gate.max(window)
    }

    pub(super) fn create_sent(&mut self, now: Duration) {
        self.creates += 1;
        if let Some(batch) = self.batch {
            while self.sent.len() >= batch.size {
                self.sent.pop_front();
            }
            self.sent.push_back(now);
        }
    }

    /// A volume claim has a place among the creates.
    pub(super) fn claim_sent(&mut self) {
        self.creates += 1;
    }

    /// The create of a pod or a volume claim was answered.
    pub(super) fn create_answered(&mut self) {
        self.creates = self.creates.saturating_sub(1);
    }

    pub(super) fn chore_sent(&mut self) {
        self.chores += 1;
    }

    pub(super) fn chore_answered(&mut self) {
        self.chores = self.chores.saturating_sub(1);
    }

    /// Creates of pods and claims, gets, deletes and patches in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.creates + self.chores
    }

    /// Creates that may be in flight as things are.
    pub(super) fn create_limit(&self) -> usize {
        self.concurrency.limit()
    }

    /// A create was taken. Unless it was sent before the last failure, the pace grows again; false otherwise.
    pub(super) fn succeeded(&mut self, now: Duration, sent_at: Duration) -> bool {
        if sent_at < self.counted {
            return false;
        }
        self.backoff.reset();
        self.concurrency.succeeded(now, sent_at);
        true
    }

    /// A create failed in a way that may pass. The creates of one wave count as one failure.
    pub(super) fn failed(
        &mut self,
        now: Duration,
        sent_at: Duration,
        after: Option<Duration>,
        rng: &mut Rng,
    ) {
        let known = sent_at < self.counted;
        self.concurrency.failed(known);
        if known && after.is_none() {
            return;
        }
        if known {
            // Only the server's own wish can lengthen the wait of a wave.
            let wish = Backoff::new(Duration::ZERO, Duration::ZERO).next(rng, after);
            self.gate = self.gate.max(now + wish);
            return;
        }
        self.gate = self.gate.max(now + self.backoff.next(rng, after));
        self.counted = self.gate;
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.backoff.level()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_never_exceeded_within_its_delay() {
        let delay = Duration::from_secs(1);
        let mut budget = Budget::new(100, Some(Batch { size: 2, delay }));
        budget.create_sent(Duration::ZERO);
        budget.create_sent(Duration::from_millis(900));
        assert_eq!(budget.opens_at(), Duration::from_secs(1));
        budget.create_sent(Duration::from_secs(1));
        assert_eq!(budget.opens_at(), Duration::from_millis(1900));
    }

    #[test]
    fn a_wave_of_failures_is_one_failure_and_leaves_one_probe() {
        let mut rng = Rng::with_seed(1);
        let mut budget = Budget::new(16, None);
        let now = Duration::from_secs(1);
        for _ in 0..16 {
            budget.create_sent(now);
        }
        for _ in 0..16 {
            budget.create_answered();
            budget.failed(now, Duration::from_millis(990), None, &mut rng);
        }
        assert_eq!(budget.failures(), 1);
        assert!(budget.opens_at() > now);
        assert!(budget.has_place(false));
        budget.create_sent(budget.opens_at());
        assert!(!budget.has_place(false), "one probe at a time");
        budget.create_answered();
        assert!(!budget.succeeded(now, now), "it was sent before the failure");
        assert!(budget.succeeded(budget.opens_at(), budget.opens_at()));
        budget.create_sent(now);
        assert!(budget.has_place(false), "two after a success");
        budget.create_sent(now);
        assert!(!budget.has_place(false));
    }

    #[test]
    fn chores_keep_a_quarter_while_they_wait() {
        let mut budget = Budget::new(8, None);
        for _ in 0..6 {
            assert!(budget.has_place(true));
            budget.create_sent(Duration::ZERO);
        }
        assert!(!budget.has_place(true));
        assert!(budget.has_place(false));
        budget.chore_sent();
        budget.chore_sent();
        assert!(!budget.may_do_chore());
    }
}
