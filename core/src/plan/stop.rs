//! The stop: everything is released, nothing is left behind.

use std::time::Duration;

use super::Plan;
use super::action::{Action, Selection};
use super::backoff::Backoff;
use super::config::ClaimOwner;
use super::event::{ApiFailure, FailureClass, Outcome};
use super::expect::Call;
use super::ledger::Stage;
use super::lifecycle::End;
use super::timer::Timer;

/// How long the first collection delete waits for creates in flight.
const SETTLE: Duration = Duration::from_secs(2);
/// The first delay after a collection delete that failed.
const RETRY: Duration = Duration::from_millis(250);
/// The longest delay between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(2);
/// When a create of unknown outcome is asked for during the stop.
const CONFIRM: Duration = Duration::from_millis(500);

/// How far the stop is.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    settle_by: Duration,
    pods: Round,
    /// When the delete of all pods began, and the token of its next page. None before the first.
    page: Option<(Duration, String)>,
    config_maps: Round,
    claims: Round,
    services: Round,
    /// Collections may not be deleted: pods are deleted one by one.
    single: bool,
    /// Pods have appeared since the collection delete began.
    more: bool,
    backoff: Backoff,
    done: bool,
    /// Executors that the API server had not released by the deadline.
    left: usize,
}

/// What is left beside pods and `ConfigMap`. All of it is owned by the driver pod and goes with it in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leftover {
    /// Volume claims.
    Claims,
    /// The driver's service.
    Services,
}

impl Leftover {
    const ALL: [Leftover; 2] = [Leftover::Claims, Leftover::Services];

    fn timer(self) -> Timer {
        match self {
            Leftover::Claims => Timer::Claims,
            Leftover::Services => Timer::Services,
        }
    }

    fn call(self) -> (Call, Selection) {
        match self {
            Leftover::Claims => (Call::DeleteClaims, Selection::Claims),
            Leftover::Services => (Call::DeleteServices, Selection::Services),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Leftover::Claims => "the collection of volume claims",
            Leftover::Services => "the driver's service",
        }
    }
}

/// A collection delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Wanted,
    InFlight {
        sent_at: Duration,
    },
    /// Done, or nothing to do.
    Settled,
}

impl Stop {
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn left(&self) -> usize {
        self.left
    }

    pub(super) fn deletes_singly(&self) -> bool {
        self.single
    }

    fn leftover(&mut self, of: Leftover) -> &mut Round {
        match of {
            Leftover::Claims => &mut self.claims,
            Leftover::Services => &mut self.services,
        }
    }

    fn nothing_left_over(&self) -> bool {
        self.claims == Round::Settled && self.services == Round::Settled
    }
}

impl Plan {
    pub(super) fn begin_stop(&mut self, now: Duration, deadline: Duration) {
        self.timers.stop_all();
        self.timers.set(Timer::StopDeadline, deadline);
        let delete = self.cfg.delete_executors;
        let wanted = |any: bool| if any { Round::Wanted } else { Round::Settled };
        self.withdraw_all();
        let pods = wanted(
            delete
                && !self.has_controllers()
                && (self.ledger.any_issued() || self.chores.any_delete() || self.calls.any_delete()),
        );
        // What the executor pods own goes with them. Stock deletes the others whether it deletes pods or not.
        let claims = wanted(self.claims_made && self.cfg.claim_owner == ClaimOwner::Driver);
        let services = wanted(self.cfg.delete_driver_service && self.cfg.driver_pod.is_some());
        let left = deadline.saturating_sub(now);
        self.stop = Some(Stop {
            settle_by: now + SETTLE.min(left / 4),
            pods,
            page: None,
            config_maps: wanted(delete && self.startup.config_map_may_exist()),
            claims,
            services,
            single: false,
            more: false,
            backoff: Backoff::new(RETRY, RETRY_MAX),
            done: !delete && claims == Round::Settled && services == Round::Settled,
            left: 0,
        });
        let unconfirmed: Vec<_> = self
            .ledger
            .iter()
            .filter(|(_, executor)| matches!(executor.stage, Stage::Unconfirmed { .. }))
            .map(|(id, _)| id)
            .collect();
        for id in unconfirmed {
            self.ledger.update(id, |executor| {
                executor.get_at = executor.get_at.map(|at| at.min(now + CONFIRM));
            });
        }
    }

    /// A pod has appeared during the stop.
    pub(super) fn stop_has_more(&mut self) {
        if let Some(stop) = &mut self.stop {
            match stop.pods {
                // Reset by the first page.
                Round::InFlight { .. } | Round::Wanted => stop.more = true,
                Round::Settled
                    if !stop.single && self.cfg.delete_executors && self.cfg.controller.is_none() =>
                {
                    stop.pods = Round::Wanted;
                }
                Round::Settled => {}
            }
        }
        if self.stop.as_ref().is_some_and(Stop::deletes_singly) {
            self.delete_all();
        }
    }

    /// The next calls of the stop.
    pub(super) fn send_stop(&mut self, now: Duration) {
        let goes_on = self.stop.as_ref().is_some_and(|stop| !stop.done);
        let controllers_gone = !(goes_on && self.cfg.delete_executors) || self.delete_controllers(now);
        let total = self.ledger.total();
        let resting = self.timers.is_set(Timer::Stop);
        let Some(stop) = &mut self.stop else { return };
        if stop.done {
            self.timers.stop_all();
            return;
        }
        if stop.pods == Round::Wanted && !resting {
            if stop.page.is_some() || total.creating == 0 || now >= stop.settle_by {
                let (sent_at, continue_token) = match stop.page.clone() {
                    Some((began, token)) => (began, Some(token)),
                    None => (now, None),
                };
                stop.pods = Round::InFlight { sent_at };
                stop.more &= continue_token.is_some();
                let call = self.calls.begin(Call::DeletePods);
                self.actions
                    .push_back(Action::DeletePods { call, continue_token });
            } else {
                self.timers.set(Timer::Stop, stop.settle_by);
            }
        }
        if stop.config_maps == Round::Wanted && !self.calls.is_open(&Call::ConfigMap) {
            stop.config_maps = Round::InFlight { sent_at: now };
            let call = self.calls.begin(Call::DeleteConfigMaps);
            self.actions.push_back(Action::DeleteCollection {
                call,
                selection: Selection::ConfigMaps,
            });
        }
        for of in Leftover::ALL {
            if *stop.leftover(of) != Round::Wanted || self.timers.is_set(of.timer()) {
                continue;
            }
            if of == Leftover::Claims && self.calls.any_claim() && now < stop.settle_by {
                self.timers.set(of.timer(), stop.settle_by);
                continue;
            }
            *stop.leftover(of) = Round::InFlight { sent_at: now };
            let (call, selection) = of.call();
            let call = self.calls.begin(call);
            self.actions
                .push_back(Action::DeleteCollection { call, selection });
        }
        let singles = stop.single && (self.chores.any_delete() || self.calls.any_delete());
        let pods_done = stop.pods == Round::Settled
            && stop.config_maps == Round::Settled
            && !singles
            && controllers_gone
            && total.creating == 0
            && total.unconfirmed == 0;
        // Pods that are to be kept need no goodbye.
        stop.done = (pods_done || !self.cfg.delete_executors) && stop.nothing_left_over();
        if stop.done {
            self.timers.stop_all();
        }
    }

    pub(super) fn on_pods_deleted(&mut self, now: Duration, outcome: Outcome<Option<String>>) {
        let Some(stop) = &mut self.stop else { return };
        let Round::InFlight { sent_at } = stop.pods else {
            return;
        };
        match outcome {
            Outcome::Done(Some(token)) => {
                stop.page = Some((sent_at, token));
                stop.pods = Round::Wanted;
                stop.backoff.reset();
            }
            Outcome::Done(None) => self.on_collection_gone(now, sent_at),
            Outcome::Failed(failure) => match failure.class {
                FailureClass::NotFound => self.on_collection_gone(now, sent_at),
                FailureClass::Forbidden | FailureClass::Invalid => {
                    stop.pods = Round::Settled;
                    stop.single = true;
                    self.delete_all();
                }
                // The token is too old: from the beginning. What was deleted takes the API server no time.
                FailureClass::Gone => {
                    stop.page = None;
                    self.retry_pods(now, &failure);
                }
                _ => self.retry_pods(now, &failure),
            },
            Outcome::Unknown(failure) => self.retry_pods(now, &failure),
        }
    }

    fn on_collection_gone(&mut self, now: Duration, sent_at: Duration) {
        if let Some(stop) = &mut self.stop {
            stop.page = None;
            stop.pods = if stop.more { Round::Wanted } else { Round::Settled };
            stop.backoff.reset();
        }
        let gone: Vec<_> = self
            .ledger
            .iter()
            .filter(|(_, executor)| executor.is_confirmed() && executor.confirmed_at <= sent_at)
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            let pod = self.pod_name(id);
            self.ledger.update(id, |executor| executor.deleting = true);
            self.end(now, id, End::deleted(id, &pod));
        }
    }

    fn retry_pods(&mut self, now: Duration, failure: &ApiFailure) {
        if let Some(stop) = &mut self.stop {
            stop.pods = Round::Wanted;
            let delay = stop.backoff.next(&mut self.rng, failure.retry_after);
            self.timers.set(Timer::Stop, now + delay);
        }
    }

    /// Deletes every pod of the ledger by itself.
    fn delete_all(&mut self) {
        let all: Vec<_> = self.ledger.iter().map(|(id, _)| id).collect();
        for id in all {
            self.delete(id);
        }
    }

    pub(super) fn on_config_maps_deleted(&mut self, now: Duration, outcome: Outcome<()>, single: bool) {
        let Some(stop) = &mut self.stop else { return };
        let failure = match outcome {
            Outcome::Done(()) => None,
            Outcome::Failed(failure) => match failure.class {
                FailureClass::NotFound => None,
                FailureClass::Forbidden | FailureClass::Invalid if single => {
                    tracing::warn!(
                        failure = failure.message,
                        "the executor ConfigMap cannot be deleted"
                    );
                    None
                }
                FailureClass::Forbidden | FailureClass::Invalid => {
                    let call = self.calls.begin(Call::DeleteConfigMap);
                    self.actions.push_back(Action::DeleteConfigMap { call });
                    return;
                }
                _ => Some(failure),
            },
            Outcome::Unknown(failure) => Some(failure),
        };
        let Some(failure) = failure else {
            stop.config_maps = Round::Settled;
            return;
        };
        let delay = stop.backoff.next(&mut self.rng, failure.retry_after);
        self.timers.set(Timer::ConfigMap, now + delay);
    }

    /// Tries the delete of the `ConfigMap` again.
    pub(super) fn retry_config_maps(&mut self) {
        if let Some(stop) = &mut self.stop {
            stop.config_maps = Round::Wanted;
        }
    }

    pub(super) fn on_leftover_deleted(&mut self, now: Duration, of: Leftover, outcome: Outcome<()>) {
        let Some(stop) = &mut self.stop else { return };
        let failure = match outcome {
            Outcome::Done(()) => None,
            Outcome::Failed(failure) => match failure.class {
                FailureClass::NotFound => None,
                FailureClass::Forbidden | FailureClass::Invalid => {
                    let failure = failure.message;
                    tracing::warn!(
                        failure,
                        "{} cannot be deleted; it goes with the driver pod",
                        of.name()
                    );
                    None
                }
                _ => Some(failure),
            },
            Outcome::Unknown(failure) => Some(failure),
        };
        match failure {
            None => *stop.leftover(of) = Round::Settled,
            Some(failure) => {
                let delay = stop.backoff.next(&mut self.rng, failure.retry_after);
                self.timers.set(of.timer(), now + delay);
            }
        }
    }

    /// A delete is due, for the first time or again.
    pub(super) fn retry_leftover(&mut self, of: Leftover) {
        if let Some(stop) = &mut self.stop {
            *stop.leftover(of) = Round::Wanted;
        }
    }

    pub(super) fn on_stop_deadline(&mut self) {
        let Some(stop) = &mut self.stop else { return };
        stop.done = true;
        let living = self
            .ledger
            .iter()
            .filter(|(_, executor)| executor.stage != Stage::Ended);
        let left = if self.cfg.delete_executors {
            living.count()
        } else {
            0
        };
        stop.left = left;
        if left > 0 && self.owner.is_some() {
            tracing::warn!(
                "{left} executor pods were not released in time; they go with the driver pod that owns them"
            );
        } else if left > 0 {
            let (namespace, app_id) = (&self.cfg.namespace, &self.cfg.app_id);
            tracing::warn!(
                "{left} executor pods were not released in time, and no driver pod owns them. Should they stay: kubectl \
                 delete pods,configmaps -n {namespace} -l spark-app-selector={app_id},spark-role=executor"
            );
        }
        self.chores.clear();
        self.actions.clear();
        self.timers.stop_all();
    }
}
