//! Executors that end before they are of any use: those that follow them are paced.
//!
//! Executors of a profile that were asked for together and fail together are one round. What fails in the first is replaced
//! at once, since one bad pod is no loop. From the second round in a row on creates of the profile wait, for a second
//! first, which is Spark's own `spark.kubernetes.allocation.batch.delay`, and twice as long with each round, up to a
//! minute: Kubernetes begins with 10 s and ends with 5 min, but it cannot give up, as `spark.executor.maxNumFailures` does,
//! and that has to come within minutes. While a profile is paced no more of its executors are on trial than were when it
//! began, so that a target that grows meanwhile makes no larger rounds. The first executor that lives on ends it.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;

use super::Plan;
use super::backoff::Backoff;
use super::nodes::is_start_failure;
use super::notice::{LossKind, Notice};
use super::timer::Timer;
use super::types::{ExecutorId, ProfileId};

/// An executor that has lived for so long after it registered has started well.
const STEADY: Duration = Duration::from_secs(10);
/// The delay after the second round in a row, about.
const DELAY: Duration = Duration::from_secs(1);
/// The longest delay between two rounds.
const DELAY_MAX: Duration = Duration::from_mins(1);
/// A loop in which nothing has failed for so long is over.
const FORGET: Duration = Duration::from_mins(10);

/// The profiles whose executors fail to start.
#[derive(Debug, Clone, Default)]
pub(super) struct CrashLoops(BTreeMap<ProfileId, CrashLoop>);

#[derive(Debug, Clone)]
struct CrashLoop {
    /// Rounds in a row.
    rounds: u32,
    /// No create before this time. Executors whose creates were sent earlier belong to a round that was counted.
    opens_at: Duration,
    /// How many executors may be on trial at once.
    most: usize,
    backoff: Backoff,
}

/// Creates of a profile wait from now on, or longer than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    rounds: u32,
    delay: Duration,
    /// The user knows: the delay has been as long before.
    told: bool,
}

impl CrashLoop {
    fn is_paced(&self, now: Duration) -> bool {
        self.rounds > 1 && now < self.opens_at + FORGET
    }
}

impl CrashLoops {
    /// An executor failed to start whose create was sent at `sent_at`; `on_trial`: how many there were with it.
    fn failed(
        &mut self,
        now: Duration,
        profile: ProfileId,
        sent_at: Duration,
        on_trial: usize,
        rng: &mut Rng,
    ) -> Option<Pace> {
        let before = self.0.get(&profile).filter(|of| now < of.opens_at + FORGET);
        if before.is_some_and(|of| sent_at < of.opens_at) {
            return None;
        }
        let mut of = before.cloned().unwrap_or_else(|| CrashLoop {
            rounds: 0,
            opens_at: now,
            most: 0,
            backoff: Backoff::new(DELAY, DELAY_MAX),
        });
        of.rounds = of.rounds.saturating_add(1);
        of.opens_at = now;
        let mut pace = None;
        if of.rounds > 1 {
            if of.rounds == 2 {
                of.most = on_trial.max(1);
            }
            let told = of.backoff.is_longest();
            let delay = of.backoff.next(rng, None);
            of.opens_at = now + delay;
            pace = Some(Pace {
                rounds: of.rounds,
                delay,
                told,
            });
        }
        self.0.insert(profile, of);
        pace
    }

    /// An executor has started well; true where its profile was paced.
    fn started(&mut self, now: Duration, profile: ProfileId) -> bool {
        self.0.remove(&profile).is_some_and(|of| of.is_paced(now))
    }

    /// Whether what is prepared may be sent.
    pub(super) fn is_open(&self, now: Duration, profile: ProfileId) -> bool {
        let of = self.0.get(&profile).filter(|of| of.is_paced(now));
        of.is_none_or(|of| now >= of.opens_at)
    }

    /// Whether a profile with so many executors on trial may have one more.
    pub(super) fn allows(&self, now: Duration, profile: ProfileId, on_trial: usize) -> bool {
        let of = self.0.get(&profile).filter(|of| of.is_paced(now));
        of.is_none_or(|of| now >= of.opens_at && on_trial < of.most)
    }

    /// Profiles that are paced.
    pub(super) fn paced(&self) -> impl Iterator<Item = ProfileId> {
        let paced = self.0.iter().filter(|(_, of)| of.rounds > 1);
        paced.map(|(profile, _)| *profile)
    }

    /// When the next profile may go on.
    fn next(&self, now: Duration) -> Option<Duration> {
        let paced = self.0.values().filter(|of| of.is_paced(now));
        let times = paced.flat_map(|of| [of.opens_at, of.opens_at + FORGET]);
        times.filter(|at| *at > now).min()
    }
}

impl Plan {
    /// An executor runs or has registered: should it live on, it has started well.
    pub(super) fn try_out(&mut self, now: Duration, id: ExecutorId) {
        self.ledger
            .update(id, |executor| executor.steady_at = Some(now + STEADY));
    }

    /// An executor has lived for a while.
    pub(super) fn on_steady(&mut self, now: Duration, id: ExecutorId) {
        self.ledger.update(id, |executor| executor.steady = true);
        let Some(profile) = self.ledger.get(id).map(|executor| executor.profile) else {
            return;
        };
        if self.crash_loops.started(now, profile) {
            tracing::info!(%profile, executor = id.0, "an executor has started and lives on: no executor of its profile waits any more");
        }
        self.wake_crash_loops(now);
    }

    /// An executor has ended of itself. Where it had not started well, those that follow it may have to wait.
    pub(super) fn pace_next(
        &mut self,
        now: Duration,
        id: ExecutorId,
        (kind, exit_code): (LossKind, i32),
        message: &str,
    ) {
        let Some(executor) = self.ledger.get(id).filter(|executor| !executor.steady) else {
            return;
        };
        // One that ends in good order before it was of use would come again and again, and count as no failure.
        let own = kind == LossKind::Exited || is_start_failure(kind, exit_code);
        if executor.decommissioned || !own || self.has_controllers() || !self.may_create() {
            return;
        }
        let (profile, sent_at) = (executor.profile, executor.sent_at);
        let on_trial = self.ledger.counts(profile).on_trial + 1;
        let pace = self
            .crash_loops
            .failed(now, profile, sent_at, on_trial, &mut self.rng);
        self.wake_crash_loops(now);
        let Some(Pace { rounds, delay, .. }) = pace.filter(|pace| !pace.told) else {
            return;
        };
        let message = format!(
            "Executors of resource profile {profile} fail to start, {rounds} times in a row: the next are asked for in \
             {:.1} s. The wait grows up to {} s and ends when one has registered and lives for {} s. The last failure: \
             {message}",
            delay.as_secs_f64(),
            DELAY_MAX.as_secs(),
            STEADY.as_secs()
        );
        self.notices.push_back(Notice::Waiting { profile, message });
    }

    /// Comes back when the next profile may go on.
    pub(super) fn wake_crash_loops(&mut self, now: Duration) {
        self.timers.set_to(Timer::CrashLoops, self.crash_loops.next(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: ProfileId = ProfileId(0);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Rounds of one executor each that ends as soon as it was asked for; returns the delays.
    fn rounds(loops: &mut CrashLoops, rng: &mut Rng, count: usize) -> Vec<Duration> {
        let mut now = at(100);
        let mut delays = Vec::new();
        for _ in 0..count {
            let pace = loops.failed(now, PROFILE, now, 1, rng);
            let delay = pace.map_or(Duration::ZERO, |pace| pace.delay);
            now += delay;
            delays.push(delay);
        }
        delays
    }

    #[test]
    fn the_first_is_replaced_at_once_and_the_others_ever_later_up_to_a_minute() {
        let mut rng = Rng::with_seed(1);
        let delays = rounds(&mut CrashLoops::default(), &mut rng, 12);
        let longest = [0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60];
        for (delay, longest) in delays.iter().zip(longest) {
            assert!(*delay <= at(longest) && *delay * 2 >= at(longest), "{delays:?}");
        }
    }

    #[test]
    fn what_fails_together_is_one_round() {
        let (mut rng, mut loops) = (Rng::with_seed(1), CrashLoops::default());
        for second in 10..15 {
            assert_eq!(loops.failed(at(second), PROFILE, at(5), 9, &mut rng), None);
        }
        let pace = loops
            .failed(at(20), PROFILE, at(11), 4, &mut rng)
            .expect("a wait");
        assert_eq!((pace.rounds, pace.told), (2, false));
        assert_eq!(loops.failed(at(20), PROFILE, at(12), 3, &mut rng), None);
        assert!(!loops.allows(at(20), PROFILE, 0) && !loops.is_open(at(20), PROFILE));
        assert!(loops.allows(at(21), PROFILE, 3) && loops.is_open(at(21), PROFILE));
        assert!(!loops.allows(at(21), PROFILE, 4), "no more at once than before");
        assert!(loops.allows(at(20), ProfileId(1), 100), "another profile");
        assert_eq!(loops.paced().collect::<Vec<_>>(), [PROFILE]);
    }

    #[test]
    fn one_that_starts_well_ends_it_and_so_does_time() {
        let (mut rng, mut loops) = (Rng::with_seed(1), CrashLoops::default());
        rounds(&mut loops, &mut rng, 5);
        assert!(loops.started(at(130), PROFILE) && !loops.started(at(130), PROFILE));
        assert_eq!(loops.next(at(130)), None);
        let delays = rounds(&mut loops, &mut rng, 2);
        assert_eq!(delays[0], Duration::ZERO);
        assert!(delays[1] <= DELAY);
        assert_eq!(loops.next(at(100)), Some(at(100) + delays[1]));
        let over = at(100) + delays[1] + FORGET;
        assert_eq!(loops.next(at(200)), Some(over));
        assert!(!loops.allows(at(200), PROFILE, 1) && loops.allows(over, PROFILE, 1));
        assert_eq!(
            loops.failed(over, PROFILE, over, 1, &mut rng),
            None,
            "a first one again"
        );
    }

    #[test]
    fn a_wait_that_grows_no_longer_is_not_told_again() {
        let (mut rng, mut loops) = (Rng::with_seed(1), CrashLoops::default());
        let told: Vec<_> = (0..10)
            .map(|_| loops.failed(at(1000), PROFILE, at(1000 + 60), 1, &mut rng))
            .collect();
        let told = told.into_iter().flatten().filter(|pace| !pace.told);
        assert_eq!(told.count(), 7);
    }
}
