//! Creates: when they are sent and how they end.

use std::time::Duration;

use super::action::Action;
use super::config::PlanConfig;
use super::event::{ApiFailure, FailureClass, Outcome};
use super::expect::Call;
use super::ledger::{Ledger, Stage};
use super::lifecycle::End;
use super::notice::Notice;
use super::timer::Timer;
use super::types::{ExecutorId, PodFacts, ProfileId};
use super::{Phase, Plan};

/// When a create of unknown outcome is asked for, if the watch has not shown its pod before.
const CONFIRM: Duration = Duration::from_secs(1);
/// The longest delay between two gets that look for a pod of unknown outcome.
const CONFIRM_MAX: Duration = Duration::from_secs(10);
/// At the stop, a create of unknown outcome that did not appear within this time was not applied.
const STOP_SETTLE: Duration = Duration::from_secs(3);
/// Failures in a row after which a disturbance of the API server is told to the user.
const TELL_AFTER: u32 = 3;

/// Whether a profile may have one more executor.
fn wants(cfg: &PlanConfig, ledger: &Ledger, profile: ProfileId, target: usize) -> bool {
    let counts = ledger.counts(profile);
    counts.live < target
        && counts.pending < cfg.max_pending_pods_per_profile
        && ledger.total().pending < cfg.max_pending_pods
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
        if self.cfg.prepares {
            self.send_prepared(now);
            return;
        }
        while self.budget.has_place(self.chores.others_wait()) {
            let opens_at = self.budget.opens_at();
            if opens_at > now {
                self.wait_for_gate(opens_at);
                return;
            }
            let Some((executor, profile)) = self.next_executor(now, Stage::Creating) else {
                return;
            };
            self.send_create(now, executor, profile);
        }
    }

    /// Comes back when creates are allowed again, where one is wanted.
    pub(super) fn wait_for_gate(&mut self, opens_at: Duration) {
        let wants = |profile, target| wants(&self.cfg, &self.ledger, profile, target);
        if self
            .targets
            .iter()
            .any(|(profile, desired)| wants(profile, desired.target))
        {
            self.timers.set(Timer::Creates, opens_at);
        }
    }

    /// A new executor of the profile whose turn it is, if any wants one.
    pub(super) fn next_executor(&mut self, now: Duration, stage: Stage) -> Option<(ExecutorId, ProfileId)> {
        let (cfg, ledger) = (&self.cfg, &self.ledger);
        let profile = self
            .targets
            .next_where(|profile, target| wants(cfg, ledger, profile, target))?;
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
                if self.budget.succeeded(now, sent_at)
                    && let Some(executor) = self.ledger.get(id)
                {
                    self.targets.go_on(executor.profile);
                }
                self.observe_created(now, id, sent_at, &pod);
            }
            Outcome::Done(None) if waits => self.await_confirmation(now, id, false),
            Outcome::Failed(failure) if waits && failure.class == FailureClass::AlreadyExists => {
                self.await_confirmation(now, id, true);
            }
            Outcome::Failed(failure) if waits => {
                if let Some(profile) = self.ledger.get(id).map(|executor| executor.profile) {
                    if !self.keep_prepared(now, id, failure.class) {
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
                    self.await_confirmation(now, id, false);
                }
            }
            // The watch was faster than the answer.
            Outcome::Done(None) | Outcome::Failed(_) => {}
        }
    }

    fn await_confirmation(&mut self, now: Duration, id: ExecutorId, taken: bool) {
        self.ledger.update(id, |executor| {
            executor.stage = Stage::Unconfirmed {
                since: now,
                attempts: 0,
                taken,
            };
            executor.get_at = Some(if taken || executor.registered {
                now
            } else {
                now + CONFIRM
            });
        });
    }

    fn on_create_refused(
        &mut self,
        now: Duration,
        id: ExecutorId,
        profile: ProfileId,
        sent_at: Duration,
        failure: &ApiFailure,
    ) {
        let hopeless = match failure.class {
            FailureClass::Unbuildable => true,
            FailureClass::Invalid | FailureClass::Forbidden => !self.targets.is_proven(profile),
            _ => false,
        };
        let said = self.said_of(id, &failure.message);
        if hopeless {
            self.abort(
                1,
                format!("Executor pods of resource profile {profile} cannot be made: {said}"),
            );
            return;
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

    /// Answers a confirming get.
    pub(super) fn on_get(
        &mut self,
        now: Duration,
        id: ExecutorId,
        sent_at: Duration,
        outcome: Outcome<Option<Box<PodFacts>>>,
    ) {
        self.ledger.update(id, |executor| executor.getting = false);
        let Some(executor) = self.ledger.get(id) else {
            return;
        };
        let confirmed = executor.is_confirmed();
        match outcome {
            Outcome::Done(Some(pod)) => {
                self.chores_backoff.reset();
                self.settle_seat(now, id, &pod);
                if confirmed || self.identify(&pod) == Some(id) {
                    self.observe_got(now, id, sent_at, &pod);
                } else {
                    tracing::warn!(
                        pod = pod.name,
                        uid = pod.uid,
                        "the name of an executor pod is taken by a foreign pod"
                    );
                    self.ledger.remove(id);
                    self.seats.leave(id);
                }
            }
            Outcome::Done(None) => {
                self.chores_backoff.reset();
                self.on_absent(now, id, sent_at);
            }
            Outcome::Failed(failure) if failure.class == FailureClass::NotFound => {
                self.on_absent(now, id, sent_at);
            }
            // Without the right to get pods the watch has to tell; what it has not shown in time is not there.
            Outcome::Failed(failure) if failure.class == FailureClass::Forbidden && !confirmed => {
                self.on_absent(now, id, sent_at);
            }
            Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                let delay = self.hold_chores(now, &failure);
                self.ledger.update(id, |executor| {
                    if executor.stage != Stage::Ended {
                        executor.get_at = Some(now + delay);
                    }
                });
            }
        }
    }

    /// A get has shown that there is no such pod.
    fn on_absent(&mut self, now: Duration, id: ExecutorId, sent_at: Duration) {
        let Some(executor) = self.ledger.get(id) else {
            return;
        };
        let pod = self.pod_name(id);
        match executor.stage {
            Stage::Unconfirmed { taken: true, .. } => {
                // It was somebody's, and it has gone: the number is spent.
                self.ledger.remove(id);
            }
            // It has asked for its number, so it was there.
            Stage::Unconfirmed { .. } if self.has_controllers() => {
                self.gone(now, id, End::missing(id, &pod));
            }
            Stage::Unconfirmed { since, attempts, .. } => {
                let expires_at = if self.stop.is_some() {
                    since + STOP_SETTLE
                } else {
                    (executor.sent_at + self.cfg.create_expiry).max(since + STOP_SETTLE)
                };
                // What was asked earlier says nothing of then, however late its answer comes.
                if sent_at >= expires_at {
                    self.gone(now, id, End::never_created(id, &pod));
                    return;
                }
                let delay = CONFIRM.saturating_mul(1 << attempts.min(8)).min(CONFIRM_MAX);
                self.ledger.update(id, |executor| {
                    executor.stage = Stage::Unconfirmed {
                        since,
                        attempts: attempts + 1,
                        taken: false,
                    };
                    executor.get_at = Some((now + delay).min(expires_at));
                });
            }
            Stage::Preparing | Stage::Prepared | Stage::Creating => {}
            // The pod was confirmed after this get was sent: the get may have come too early.
            Stage::Pending | Stage::Running if executor.confirmed_at > sent_at => {}
            Stage::Pending | Stage::Running | Stage::Ended => {
                let end = End::absent(id, &pod, executor.deleting);
                self.chores.bury(&executor.uid);
                self.gone(now, id, end);
            }
        }
    }

    /// Queues a confirming get.
    pub(super) fn ask_for(&mut self, id: ExecutorId) {
        let mut wanted = false;
        self.ledger.update(id, |executor| {
            executor.get_at = None;
            wanted = !executor.getting;
            executor.getting = true;
        });
        if wanted {
            self.chores.push_get(id);
        }
    }

    /// Deletes pods above the target that nobody uses yet, the newest first, as soon as they are old enough.
    pub(super) fn trim(&mut self, now: Duration) {
        self.timers.stop(Timer::Excess);
        // A controller chooses itself which pods go.
        if self.stop.is_some() || self.phase != Phase::Allocating || self.has_controllers() {
            return;
        }
        self.withdraw_excess();
        let over: Vec<_> = self
            .targets
            .iter()
            .map(|(profile, desired)| {
                let counts = self.ledger.counts(profile);
                (
                    profile,
                    counts
                        .live
                        .saturating_sub(counts.leaving)
                        .saturating_sub(desired.target),
                )
            })
            .filter(|(_, excess)| *excess > 0)
            .collect();
        let mut next: Option<Duration> = None;
        for (profile, excess) in over {
            let mut chosen = Vec::new();
            for (id, executor) in self.ledger.iter().rev() {
                let candidate = executor.profile == profile
                    && executor.stage == Stage::Pending
                    && !executor.registered
                    && !executor.released;
                if !candidate || chosen.len() >= excess {
                    continue;
                }
                let old_at = executor.sent_at + self.cfg.idle_timeout;
                if old_at <= now {
                    chosen.push(id);
                } else {
                    next = Some(next.map_or(old_at, |at: Duration| at.min(old_at)));
                }
            }
            for id in chosen {
                self.ledger.update(id, |executor| executor.excess = true);
                self.release(now, id);
            }
        }
        if let Some(at) = next {
            self.timers.set(Timer::Excess, at);
        }
    }

    /// An executor that was to go unasked has registered before it was excluded. It stays where its delete was not sent yet;
    /// where it was, its end is a loss that Spark has to hear of.
    pub(super) fn keep_registered(&mut self, id: ExecutorId) {
        let withdrawn = self.chores.drop_delete(id);
        self.ledger.update(id, |executor| {
            executor.excess = false;
            executor.overdue = false;
            executor.released = false;
            executor.forget_at = None;
            executor.deleting &= !withdrawn;
        });
    }
}
