//! `StatefulSet`s or `Deployment`s that make the executor pods: one for each resource profile, as large as its target.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;

use super::Plan;
use super::action::Action;
use super::backoff::Backoff;
use super::event::{ApiFailure, FailureClass, Outcome};
use super::expect::Call;
use super::ledger::Executor;
use super::lifecycle::End;
use super::timer::Timer;
use super::types::ProfileId;

/// When a controller that has fewer or more pods than it was told is told again: somebody may have deleted it, or a call
/// that was given up may have arrived after the last one.
const REMIND: Duration = Duration::from_secs(30);
/// The longest time between two reminders.
const REMIND_MAX: Duration = Duration::from_mins(10);

/// The controllers by profile.
#[derive(Debug, Clone, Default)]
pub(super) struct Controllers(BTreeMap<ProfileId, Controller>);

#[derive(Debug, Clone)]
struct Controller {
    stage: Stage,
    /// It may be there, and if so it is ours.
    may_exist: bool,
    /// When it is told its size again, should its pods be fewer or more by then.
    remind_at: Option<Duration>,
    reminders: Backoff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is not there, as far as is known.
    Absent,
    /// Its create, scale or delete is in flight.
    Busy,
    /// It is there, and has been told this size; none where that is not known.
    Made(Option<u32>),
}

impl Controller {
    fn new() -> Self {
        Controller {
            stage: Stage::Absent,
            may_exist: false,
            remind_at: None,
            reminders: Backoff::new(REMIND, REMIND_MAX),
        }
    }

    /// Whether it is to be told its size again now that `due` may have come; notes when the next time is.
    fn remind(&mut self, now: Duration, due: Option<Duration>, rng: &mut Rng) -> bool {
        let waits = due.filter(|at| *at > now);
        let next = || now + self.reminders.next(rng, None);
        self.remind_at = Some(waits.unwrap_or_else(next));
        due.is_some() && waits.is_none()
    }
}

/// What a call on a controller is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Create(u32),
    Scale(u32),
    Delete,
}

impl Plan {
    /// Makes and scales the controllers.
    pub(super) fn send_controllers(&mut self, now: Duration) {
        let targets: Vec<_> = self
            .targets
            .iter()
            .map(|(profile, desired)| (profile, desired.target))
            .collect();
        for (profile, target) in targets {
            let size = u32::try_from(target)
                .unwrap_or(u32::MAX)
                .min(i32::MAX.unsigned_abs());
            let Some(change) = self.change_of(now, profile, size) else {
                continue;
            };
            if !self.may_send(now, self.budget.gate()) {
                break;
            }
            self.send_change(now, profile, change);
        }
        // What is due and has no place waits for an answer.
        let reminders = self
            .controllers
            .0
            .values()
            .filter_map(|controller| controller.remind_at);
        let next = reminders.filter(|at| *at > now).min();
        self.timers.set_to(Timer::Controllers, next);
    }

    /// What a controller lacks.
    fn change_of(&mut self, now: Duration, profile: ProfileId, size: u32) -> Option<Change> {
        let live = self.ledger.counts(profile).live;
        let costs_wait = self.chores.any_cost() || self.calls.any_cost();
        let controller = self.controllers.0.entry(profile).or_insert_with(Controller::new);
        let remind_at = controller.remind_at.take();
        match controller.stage {
            Stage::Absent if size > 0 => {
                let asks = self.refusals.allows(now, profile, 0);
                asks.then_some(Change::Create(size))
            }
            // Its pods are there: a create was applied whose answer was lost.
            Stage::Absent if controller.may_exist && live > 0 => {
                let reminded = controller.remind(now, remind_at, &mut self.rng);
                reminded.then_some(Change::Scale(size))
            }
            Stage::Busy | Stage::Absent => None,
            Stage::Made(Some(told)) if told == size => {
                if usize::try_from(size).is_ok_and(|size| live == size) {
                    controller.reminders.reset();
                    return None;
                }
                let reminded = controller.remind(now, remind_at, &mut self.rng);
                reminded.then_some(Change::Scale(size))
            }
            // Which pods go is decided by what they cost, so that has to be known first.
            Stage::Made(Some(told)) if size < told && costs_wait => None,
            Stage::Made(_) => Some(Change::Scale(size)),
        }
    }

    /// Deletes the controllers, and with them their pods; true when none is left.
    pub(super) fn delete_controllers(&mut self, now: Duration) -> bool {
        let resting = self.timers.is_set(Timer::Controllers);
        let left: Vec<_> = self
            .controllers
            .0
            .iter()
            .filter(|(_, controller)| controller.may_exist || controller.stage == Stage::Busy)
            .map(|(profile, controller)| (*profile, controller.stage))
            .collect();
        for (profile, stage) in &left {
            if *stage != Stage::Busy && !resting && self.budget.may_do_chore() {
                self.send_change(now, *profile, Change::Delete);
            }
        }
        left.is_empty()
    }

    fn send_change(&mut self, now: Duration, profile: ProfileId, change: Change) {
        let Some(kind) = self.cfg.controller else { return };
        if let Some(controller) = self.controllers.0.get_mut(&profile) {
            controller.stage = Stage::Busy;
        }
        self.budget.claim_sent();
        let call = self.calls.begin(Call::Controller {
            profile,
            change,
            sent_at: now,
        });
        let name = kind.name(&self.cfg.app_id, profile);
        self.actions.push_back(match change {
            Change::Create(replicas) => {
                self.claims_made |= self.cfg.prepares;
                Action::CreateController {
                    call,
                    kind,
                    profile,
                    name,
                    replicas,
                }
            }
            Change::Scale(replicas) => Action::ScaleController {
                call,
                kind,
                name,
                replicas,
            },
            Change::Delete => Action::DeleteController { call, kind, name },
        });
    }

    pub(super) fn on_controller(
        &mut self,
        now: Duration,
        profile: ProfileId,
        change: Change,
        sent_at: Duration,
        outcome: Outcome<()>,
    ) {
        self.budget.create_answered();
        let Some(controller) = self.controllers.0.get_mut(&profile) else {
            return;
        };
        let failure = match outcome {
            Outcome::Done(()) => {
                return self.on_changed(now, profile, change, sent_at);
            }
            Outcome::Failed(failure) => failure,
            Outcome::Unknown(failure) => {
                controller.may_exist = true;
                failure
            }
        };
        let class = failure.class;
        controller.stage = match change {
            Change::Create(_) => Stage::Absent,
            Change::Scale(_) | Change::Delete => Stage::Made(None),
        };
        match (change, class) {
            // A create whose answer was lost was applied.
            (Change::Create(_), FailureClass::AlreadyExists) if controller.may_exist => {
                controller.stage = Stage::Made(None);
            }
            // Somebody has deleted it.
            (Change::Scale(_), FailureClass::NotFound) => controller.stage = Stage::Absent,
            (Change::Delete, FailureClass::NotFound) => self.on_changed(now, profile, change, sent_at),
            (Change::Delete, _) => self.on_delete_refused(now, profile, &failure),
            _ => self.on_change_refused(now, profile, change, sent_at, &failure),
        }
    }

    fn on_changed(&mut self, now: Duration, profile: ProfileId, change: Change, sent_at: Duration) {
        if let Some(controller) = self.controllers.0.get_mut(&profile) {
            controller.may_exist = change != Change::Delete;
            controller.stage = match change {
                Change::Create(size) | Change::Scale(size) => Stage::Made(Some(size)),
                Change::Delete => Stage::Absent,
            };
        }
        if self.budget.succeeded(now, sent_at) {
            self.targets.go_on(profile);
        }
        if change != Change::Delete {
            self.on_taken(now, profile, sent_at);
            return self.targets.prove(profile);
        }
        // Its pods go with it.
        let of_profile = |(id, executor): (_, &Executor)| (executor.profile == profile).then_some(id);
        let gone: Vec<_> = self.ledger.iter().filter_map(of_profile).collect();
        for id in gone {
            let end = End::deleted(id, &self.pod_name(id));
            if self.ledger.get(id).is_some_and(Executor::is_confirmed) {
                self.ledger.update(id, |executor| executor.deleting = true);
                self.end(now, id, end);
            } else {
                self.gone(now, id, end);
            }
        }
    }

    fn on_change_refused(
        &mut self,
        now: Duration,
        profile: ProfileId,
        change: Change,
        sent_at: Duration,
        failure: &ApiFailure,
    ) {
        let Some(kind) = self.cfg.controller else { return };
        let (name, said) = (kind.name(&self.cfg.app_id, profile), &failure.message);
        let creates = matches!(change, Change::Create(_));
        if creates && failure.class == FailureClass::AlreadyExists {
            let message = format!(
                "The {kind} {name} for executors of resource profile {profile} exists already: another application has \
                 the same id (spark.app.id={}), or an earlier one has left it. Delete it, or choose another id.",
                self.cfg.app_id
            );
            return self.abort(1, message);
        }
        let what = format!("The {kind} {name} for executors");
        match failure.class {
            FailureClass::Unbuildable if creates => {
                let message = format!("{what} of resource profile {profile} cannot be made: {said}");
                return self.abort(1, message);
            }
            FailureClass::Invalid | FailureClass::Forbidden if creates => {
                return self.on_refused(now, profile, sent_at, &what, failure, said);
            }
            _ => {}
        }
        self.budget
            .failed(now, sent_at, failure.retry_after, &mut self.rng);
        self.tell_failure(profile, failure.class, &kind.to_string(), said);
    }

    fn on_delete_refused(&mut self, now: Duration, profile: ProfileId, failure: &ApiFailure) {
        let hopeless = matches!(failure.class, FailureClass::Forbidden | FailureClass::Invalid);
        if hopeless && let Some(controller) = self.controllers.0.get_mut(&profile) {
            tracing::warn!(
                %profile,
                failure = failure.message,
                "the controller of executors cannot be deleted; it goes with the driver pod that owns it"
            );
            controller.may_exist = false;
            return;
        }
        let delay = self.chores_backoff.next(&mut self.rng, failure.retry_after);
        self.timers.set(Timer::Controllers, now + delay);
    }
}
