//! Profiles whose pods the API server will not take, for want of a right (403) or as they are (422).
//!
//! Such a profile is stopped, and only that one. Rights may be granted and policies changed, so now and then one create is
//! sent to see; when it is taken the profile goes on. The application ends only where it can get nothing at all.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;

use super::Plan;
use super::backoff::Backoff;
use super::event::{ApiFailure, FailureClass};
use super::ledger::Counts;
use super::notice::Notice;
use super::timer::Timer;
use super::types::ProfileId;

/// The first delay until one more create is sent to see, about.
const PROBE: Duration = Duration::from_secs(1);
/// The longest delay between two of them.
const PROBE_MAX: Duration = Duration::from_mins(1);

/// The profiles that are stopped.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals(BTreeMap<ProfileId, Refusal>);

#[derive(Debug, Clone)]
struct Refusal {
    /// No create before this time. Those that were sent earlier are known to be refused.
    probe_at: Duration,
    backoff: Backoff,
}

impl Refusals {
    /// A create that was sent at `sent_at` was refused.
    fn refused(&mut self, now: Duration, profile: ProfileId, sent_at: Duration, rng: &mut Rng) {
        let refusal = self.0.entry(profile).or_insert_with(|| Refusal {
            probe_at: now,
            backoff: Backoff::new(PROBE, PROBE_MAX),
        });
        if sent_at >= refusal.probe_at || refusal.backoff.level() == 0 {
            refusal.probe_at = now + refusal.backoff.next(rng, None);
        }
    }

    /// A create that was sent at `sent_at` was taken; true where that ends the stop of its profile.
    fn taken(&mut self, profile: ProfileId, sent_at: Duration) -> bool {
        let probed = |refusal: &Refusal| sent_at >= refusal.probe_at;
        self.0.get(&profile).is_some_and(probed) && self.0.remove(&profile).is_some()
    }

    pub(super) fn is_stopped(&self, profile: ProfileId) -> bool {
        self.0.contains_key(&profile)
    }

    /// The profiles that are stopped.
    pub(super) fn stopped(&self) -> impl Iterator<Item = ProfileId> {
        self.0.keys().copied()
    }

    /// Whether a create of a profile may be sent, of which so many are in flight: of one that is stopped, one at a time.
    pub(super) fn allows(&self, now: Duration, profile: ProfileId, in_flight: usize) -> bool {
        let refusal = self.0.get(&profile);
        refusal.is_none_or(|refusal| now >= refusal.probe_at && in_flight == 0)
    }

    /// The same of one more executor.
    pub(super) fn allow_another(&self, now: Duration, profile: ProfileId, counts: Counts) -> bool {
        self.allows(now, profile, counts.creating + counts.staged)
    }

    /// When the next profile may be tried again.
    fn next(&self, now: Duration) -> Option<Duration> {
        let times = self.0.values().map(|refusal| refusal.probe_at);
        times.filter(|at| *at > now).min()
    }
}

impl Plan {
    /// Pods of a profile, or what is to make them, were refused for want of a right or as they are.
    pub(super) fn on_refused(
        &mut self,
        now: Duration,
        profile: ProfileId,
        sent_at: Duration,
        what: &str,
        failure: &ApiFailure,
        said: &str,
    ) {
        self.refusals.refused(now, profile, sent_at, &mut self.rng);
        self.wake_refusals(now);
        let (does, advice) = match failure.class {
            FailureClass::Forbidden => (
                "forbids",
                "Grant the driver's service account the verb create on them, or look at the admission webhook or policy \
                 that refuses them",
            ),
            _ => (
                "does not accept",
                "Check the pod template and spark.kubernetes.executor.*, or the admission webhook or policy that refuses \
                 them",
            ),
        };
        if self.is_hopeless() {
            let message = format!("{what} of resource profile {profile} cannot be made: {said}. {advice}.");
            return self.abort(1, message);
        }
        // Until anything was taken the creates in flight decide whether there is any hope.
        if !self.targets.any_proven() && self.ledger.total().creating > 0 {
            return;
        }
        let message = format!(
            "No more executors of resource profile {profile} are asked for, since the API server {does} their pods or what \
             makes them: {said}. {advice}. About once a minute one create is sent to see whether it is taken; then they \
             are asked for again."
        );
        if self.stop.is_none() && self.targets.wait_for(profile, failure.class, &message) {
            self.notices.push_back(Notice::Waiting { profile, message });
        }
    }

    /// Whether nothing was ever taken, nothing is under way, and nothing is left to be tried.
    fn is_hopeless(&self) -> bool {
        let total = self.ledger.total();
        let mut wanting = self.targets.iter().filter(|(_, desired)| desired.target > 0);
        !self.targets.any_proven()
            && total.creating == 0
            && total.unconfirmed == 0
            && wanting.all(|(profile, _)| self.refusals.is_stopped(profile))
    }

    /// A create of a profile was taken.
    pub(super) fn on_taken(&mut self, now: Duration, profile: ProfileId, sent_at: Duration) {
        if self.refusals.taken(profile, sent_at) {
            tracing::info!(%profile, "the API server takes executors of the resource profile again");
            self.targets.go_on(profile);
            self.wake_refusals(now);
        }
    }

    /// Comes back when the next profile may be tried again.
    pub(super) fn wake_refusals(&mut self, now: Duration) {
        self.timers.set_to(Timer::Refusals, self.refusals.next(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: ProfileId = ProfileId(3);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_stopped_profile_is_tried_with_one_at_a_time_and_ever_less_often() {
        let (mut rng, mut refusals) = (Rng::with_seed(1), Refusals::default());
        let mut now = at(100);
        for longest in [1, 2, 4, 8, 16, 32, 60, 60] {
            refusals.refused(now, PROFILE, now, &mut rng);
            let next = refusals.next(now).expect("a time");
            assert!((now + at(longest) / 2..=now + at(longest)).contains(&next));
            assert!(!refusals.allows(now, PROFILE, 0) && refusals.allows(next, PROFILE, 0));
            assert!(!refusals.allows(next, PROFILE, 1));
            assert!(refusals.allows(now, ProfileId(0), 9), "another profile");
            now = next;
        }
    }

    #[test]
    fn creates_from_before_the_stop_neither_lengthen_nor_end_it() {
        let (mut rng, mut refusals) = (Rng::with_seed(1), Refusals::default());
        refusals.refused(at(100), PROFILE, at(99), &mut rng);
        let probe_at = refusals.next(at(100));
        refusals.refused(at(100), PROFILE, at(99), &mut rng);
        assert_eq!(refusals.next(at(100)), probe_at);
        assert!(!refusals.taken(PROFILE, at(99)) && refusals.is_stopped(PROFILE));
        assert!(refusals.taken(PROFILE, at(101)) && !refusals.is_stopped(PROFILE));
        assert!(!refusals.taken(PROFILE, at(102)));
    }
}
