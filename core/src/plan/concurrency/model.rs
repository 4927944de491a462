//! An API server to be modelled: some workers, a queue before them, a distance, and a limit beyond which it refuses.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;

use super::super::budget::Budget;

/// What an API server is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    /// Calls it works on at the same time.
    pub(super) workers: usize,
    /// How long it works on one, on average.
    pub(super) service: Duration,
    /// By what share of that a call's own time may be shorter or longer, in percent.
    pub(super) spread: u32,
    /// The round trip to it.
    pub(super) distance: Duration,
    /// With more calls than these, at work and queued, it refuses with 429 and `Retry-After: 1`.
    pub(super) bears: usize,
}

impl Server {
    pub(super) const NEAR: Server = Server {
        workers: 16,
        service: Duration::from_millis(50),
        spread: 50,
        distance: Duration::from_millis(1),
        bears: usize::MAX,
    };

    /// Creates per second with all workers busy, and at most so many in flight.
    pub(super) fn best(&self, in_flight: u32) -> f64 {
        let workers = f64::from(u32::try_from(self.workers).unwrap());
        let full = workers / self.service.as_secs_f64();
        full.min(f64::from(in_flight) / (self.service + self.distance).as_secs_f64())
    }
}

/// What came of creates.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// How long all of them took.
    pub(super) took: Duration,
    /// How long they waited for a worker, on average over the second half of them: what others feel.
    pub(super) wait: Duration,
    /// Calls that were refused.
    pub(super) refused: u32,
}

impl Course {
    /// Creates per second.
    pub(super) fn rate(&self, creates: u32) -> f64 {
        f64::from(creates) / self.took.as_secs_f64()
    }
}

/// Has so many executors made by a server, as fast as the budget allows.
pub(super) fn create(budget: &mut Budget, server: Server, creates: u32, seed: u64) -> Course {
    let mut rng = Rng::with_seed(seed);
    let mut now = Duration::ZERO;
    let mut course = Course::default();
    // When each worker is free, and the answers that are under way: when, to a call of when, and whether refused.
    let mut free: BinaryHeap<_> = (0..server.workers).map(|_| Reverse(Duration::ZERO)).collect();
    let mut answers: BinaryHeap<Reverse<(Duration, Duration, bool)>> = BinaryHeap::new();
    // When the calls that the server has taken leave it.
    let mut inside: BinaryHeap<Reverse<Duration>> = BinaryHeap::new();
    let (mut made, mut taken, mut waited) = (0, 0, Duration::ZERO);
    while made < creates {
        let flying = u32::try_from(answers.len()).unwrap();
        if made + flying < creates && budget.opens_at() <= now && budget.has_place(false) {
            budget.create_sent(now);
            let arrives = now + server.distance / 2;
            while inside.peek().is_some_and(|Reverse(left)| *left <= arrives) {
                inside.pop();
            }
            if inside.len() >= server.bears {
                answers.push(Reverse((arrives + server.distance / 2, now, true)));
                continue;
            }
            let Reverse(idle) = free.pop().unwrap();
            let begins = idle.max(arrives);
            let share = f64::from(rng.u32(100 - server.spread..=100 + server.spread)) / 100.0;
            let done = begins + server.service.mul_f64(share);
            free.push(Reverse(done));
            inside.push(Reverse(done));
            answers.push(Reverse((done + server.distance / 2, now, false)));
            taken += 1;
            if taken > creates / 2 {
                waited += begins.saturating_sub(arrives);
            }
            continue;
        }
        let opens = Some(budget.opens_at()).filter(|at| *at > now);
        let answered = answers.peek().map(|Reverse((at, ..))| *at);
        now = opens
            .into_iter()
            .chain(answered)
            .min()
            .expect("something is to come");
        while let Some(&Reverse((_, sent_at, refused))) =
            answers.peek().filter(|Reverse((at, ..))| *at <= now)
        {
            answers.pop();
            budget.create_answered();
            if refused {
                course.refused += 1;
                budget.failed(now, sent_at, Some(Duration::from_secs(1)), &mut rng);
            } else {
                made += 1;
                budget.succeeded(now, sent_at);
            }
        }
    }
    course.took = now;
    course.wait = waited / (creates - creates / 2);
    course
}
