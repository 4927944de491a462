//! Creates: when they are sent and how they end.

use std::time::Duration;

use super::Plan;
use super::action::Action;
use super::config::PlanConfig;
use super::crash_loop::CrashLoops;
use super::event::{ApiFailure, FailureClass, Outcome};
use super::expect::Call;
use super::ledger::{Ledger, Stage};
use super::notice::Notice;
use super::refusals::Refusals;
use super::timer::Timer;
use super::types::{ExecutorId, PodFacts, ProfileId};

/// Failures in a row after which a disturbance of the API server is told to the user.
const TELL_AFTER: u32 = 3;

/// What decides whether a profile may have one more executor.
struct Room<'a> {
    now: Duration,
    cfg: &'a PlanConfig,
    ledger: &'a Ledger,
    crash_loops: &'a CrashLoops,
    refusals: &'a Refusals,
}

impl Room<'_> {
    fn is_for(&self, profile: ProfileId, target: usize) -> bool {
        let counts = self.ledger.counts(profile);
        counts.live < target
            && counts.pending < self.cfg.max_pending_pods_per_profile
            && self.ledger.total().pending < self.cfg.max_pending_pods
            && self.crash_loops.allows(self.now, profile, counts.on_trial)
            && self.refusals.allow_another(self.now, profile, counts)
    }
}

/// Whether a failure may pass by itself.
fn is_passing(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::TooManyRequests
            | FailureClass::Server
            | FailureClass::Timeout
            | FailureClass::Unreachable
            | FailureClass::Conflict
    )
}

impl Plan {
    /// Sends the creates that targets and budget allow.
    pub(super) fn send_creates(&mut self, now: Duration) {
        if self.has_controllers() {
            return self.send_controllers(now);
        }
        self.send_again(now);
        if self.cfg.prepares {
            self.send_prepared(now);
            return;
        }
        while self.budget.has_place(self.chores.others_wait()) {
            let opens_at = self.budget.opens_at();
            if opens_at > now {
                self.wait_for_gate(now, opens_at);
                return;
            }
            let Some((executor, profile)) = self.next_executor(now, Stage::Creating) else {
                return;
            };
            self.send_create(now, executor, profile);
        }
    }

    /// Comes back when creates are allowed again, where one is wanted.
    pub(super) fn wait_for_gate(&mut self, now: Duration, opens_at: Duration) {
        let room = Room {
            now,
            cfg: &self.cfg,
            ledger: &self.ledger,
            crash_loops: &self.crash_loops,
            refusals: &self.refusals,
        };
        if self
            .targets
            .iter()
            .any(|(profile, desired)| room.is_for(profile, desired.target))
        {
            self.timers.set(Timer::Creates, opens_at);
        }
    }

    /// A new executor of the profile whose turn it is, if any wants one.
    pub(super) fn next_executor(&mut self, now: Duration, stage: Stage) -> Option<(ExecutorId, ProfileId)> {
        let room = Room {
            now,
            cfg: &self.cfg,
            ledger: &self.ledger,
            crash_loops: &self.crash_loops,
            refusals: &self.refusals,
        };
        let profile = self
            .targets
            .next_where(|profile, target| room.is_for(profile, target))?;
        if self.ledger.next_id().0 >= self.cfg.max_executor_id {
            self.tell_limit(profile);
            return None;
        }
        Some((self.ledger.insert(profile, stage, now), profile))
    }

    pub(super) fn send_create(&mut self, now: Duration, executor: ExecutorId, profile: ProfileId) {
        self.budget.create_sent(now);
        let call = self.calls.begin(Call::Create {
            id: executor,
            sent_at: now,
        });
        let avoid = self.nodes.avoided();
        self.ledger
            .update(executor, |executor| executor.avoids = !avoid.is_empty());
        self.actions.push_back(Action::Create {
            call,
            executor,
            profile,
            avoid,
            reused: self.reused(executor),
        });
    }

    fn tell_limit(&mut self, profile: ProfileId) {
        let message = format!(
            "The limit of executor pods within the life of an application is reached \
             (spark.kubernetes.allocation.maximum={}); no more executors are made.",
            self.cfg.max_executor_id
        );
        if self.targets.close(profile) {
            self.notices.push_back(Notice::Waiting { profile, message });
        }
    }

    pub(super) fn on_create(
        &mut self,
        now: Duration,
        id: ExecutorId,
        sent_at: Duration,
        outcome: Outcome<Option<Box<PodFacts>>>,
    ) {
        self.budget.create_answered();
        let waits = self
            .ledger
            .get(id)
            .is_some_and(|executor| executor.stage == Stage::Creating);
        match outcome {
            Outcome::Done(Some(pod)) => {
                let goes_on = self.budget.succeeded(now, sent_at);
                if let Some(profile) = self.ledger.get(id).map(|executor| executor.profile) {
                    self.on_taken(now, profile, sent_at);
                    if goes_on && !self.refusals.is_stopped(profile) {
                        self.targets.go_on(profile);
                    }
                }
                self.observe_created(now, id, sent_at, &pod);
            }
            Outcome::Done(None) if waits => self.on_create_lost(now, id, sent_at),
            Outcome::Failed(failure) if waits && failure.class == FailureClass::AlreadyExists => {
                self.await_confirmation(now, id, true);
            }
            Outcome::Failed(failure) if waits => {
                if let Some(profile) = self.ledger.get(id).map(|executor| executor.profile) {
                    if !self.keep_lost(now, id, sent_at) && !self.keep_prepared(now, id, failure.class) {
                        self.ledger.remove(id);
                    }
                    self.on_create_refused(now, id, profile, sent_at, &failure);
                }
            }
            Outcome::Unknown(failure) => {
                self.count_create(now, sent_at, &failure);
                self.budget
                    .failed(now, sent_at, failure.retry_after, &mut self.rng);
                if let Some(executor) = self.ledger.get(id).filter(|_| waits) {
                    self.tell_failure(executor.profile, failure.class, "pods", &failure.message);
                    self.on_create_lost(now, id, sent_at);
                }
            }
            // The watch was faster than the answer.
            Outcome::Done(None) | Outcome::Failed(_) => {}
        }
    }

    fn on_create_refused(
        &mut self,
        now: Duration,
        id: ExecutorId,
        profile: ProfileId,
        sent_at: Duration,
        failure: &ApiFailure,
    ) {
        let said = self.said_of(id, &failure.message);
        match failure.class {
            FailureClass::Unbuildable => {
                let message = format!("Executor pods of resource profile {profile} cannot be made: {said}");
                return self.abort(1, message);
            }
            FailureClass::Forbidden | FailureClass::Invalid => {
                self.count_create(now, sent_at, failure);
                return self.on_refused(now, profile, sent_at, "Executor pods", failure, &said);
            }
            _ => {}
        }
        self.count_create(now, sent_at, failure);
        self.budget
            .failed(now, sent_at, failure.retry_after, &mut self.rng);
        self.tell_failure(profile, failure.class, "pods", &said);
    }

    /// Tells what creates wait for: at once where it needs somebody's hand, otherwise when it lasts.
    pub(super) fn tell_failure(&mut self, profile: ProfileId, class: FailureClass, what: &str, said: &str) {
        if self.stop.is_some() || (is_passing(class) && self.budget.failures() < TELL_AFTER) {
            return;
        }
        let reason = match class {
            FailureClass::QuotaExceeded => " for a resource quota of the namespace".to_owned(),
            FailureClass::Unauthorized => ": the API server does not accept the credentials".to_owned(),
            FailureClass::Forbidden => format!(": the API server forbids their {what}"),
            FailureClass::Unreachable | FailureClass::BadCertificate => {
                " for a connection to the API server".to_owned()
            }
            _ => format!(" for the API server to take their {what}"),
        };
        let message = format!("Executors wait{reason}: {said}");
        if self.targets.wait_for(profile, class, &message) {
            self.notices.push_back(Notice::Waiting { profile, message });
        }
    }

    /// Counts a create that has failed, where the user wants it as Spark 4.3 does. What may pass by itself counts once
    /// for all that fail together: Spark's client tries it ten times itself before Spark counts it.
    pub(super) fn count_create(&mut self, now: Duration, sent_at: Duration, failure: &ApiFailure) {
        let again = is_passing(failure.class) && self.budget.is_counted(sent_at);
        if !self.cfg.count_failed_creates || again {
            return;
        }
        self.metrics.counters.failures += 1;
        if let Some(max) = self.failures.count(now) {
            self.abort(
                11,
                format!(
                    "More than {max} executors have failed (spark.executor.maxNumFailures), with creates that failed \
                     counted (spark.stoker.failures.countCreates); the application ends. The last one: {}",
                    failure.message
                ),
            );
        }
    }
}
