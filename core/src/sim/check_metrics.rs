//! What the plan counts, against what the simulation has seen.

use std::collections::BTreeMap;

use crate::plan::{Action, CallResult, FailureClass, LossKind, Notice, Plan};

use super::check::{Violations, require};

/// The simulation's own counts.
#[derive(Debug, Default)]
pub(super) struct MetricsChecker {
    creates_sent: u64,
    creates_answered: u64,
    claims_created: u64,
    /// Page by page, or as the beginning of a watch.
    lists: u64,
    watches: u64,
    failed_calls: BTreeMap<FailureClass, u64>,
    confirmed: u64,
    started: u64,
    released: u64,
    losses: BTreeMap<LossKind, u64>,
    app_caused: u64,
    /// Executors whose pods were confirmed and whose end was not told.
    alive: usize,
}

impl MetricsChecker {
    pub(super) fn on_action(&mut self, action: &Action) {
        match action {
            Action::Create { .. } => self.creates_sent += 1,
            Action::List {
                continue_token: None, ..
            } => self.lists += 1,
            Action::Watch { resource_version, .. } => {
                self.watches += 1;
                self.lists += u64::from(resource_version.is_none());
            }
            _ => {}
        }
    }

    pub(super) fn on_result(&mut self, action: &Action, result: &CallResult) {
        self.creates_answered += u64::from(matches!(action, Action::Create { .. }));
        match result.failure() {
            Some(failure) => *self.failed_calls.entry(failure.class).or_default() += 1,
            None => self.claims_created += u64::from(matches!(action, Action::CreateClaim { .. })),
        }
    }

    pub(super) fn on_notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Created { .. } => {
                self.confirmed += 1;
                self.alive += 1;
            }
            Notice::Running { .. } => self.started += 1,
            Notice::Lost { uid, cause, .. } => {
                *self.losses.entry(cause.kind).or_default() += 1;
                self.app_caused += u64::from(cause.app_caused);
                self.ended(uid);
            }
            Notice::Released { uid, .. } => {
                self.released += 1;
                self.ended(uid);
            }
            _ => {}
        }
    }

    fn ended(&mut self, uid: &str) {
        self.alive = self.alive.saturating_sub(usize::from(!uid.is_empty()));
    }

    /// Everything the plan has said was taken, and no answer waits.
    pub(super) fn compare(&self, plan: &Plan, found: &mut Violations) {
        let counters = plan.counters();
        let answered: u64 = counters.creates.values().sum();
        let numbers = [
            ("creates sent", counters.creates_sent, self.creates_sent),
            ("creates answered", answered, self.creates_answered),
            ("claims created", counters.claims_created, self.claims_created),
            ("lists", counters.lists, self.lists),
            ("watches", counters.watches, self.watches),
            ("confirmed", counters.confirmed, self.confirmed),
            ("started", counters.started, self.started),
            ("released", counters.released, self.released),
            ("app caused", counters.app_caused, self.app_caused),
            ("times to running", plan.times().to_running.count(), self.started),
        ];
        for (what, counted, seen) in numbers {
            require!(
                found,
                Metrics,
                counted == seen,
                "{what}: {counted} counted, {seen} seen"
            );
        }
        require!(
            found,
            Metrics,
            counters.losses == self.losses,
            "losses: {:?} counted, {:?} seen",
            counters.losses,
            self.losses
        );
        require!(
            found,
            Metrics,
            counters.failed_calls == self.failed_calls,
            "failed calls: {:?} counted, {:?} seen",
            counters.failed_calls,
            self.failed_calls
        );
        let total = plan.total();
        let alive = total.live - total.staged - total.creating - total.unconfirmed;
        require!(
            found,
            Metrics,
            alive == self.alive,
            "executors with a pod: {alive} counted, {} seen",
            self.alive
        );
    }
}
