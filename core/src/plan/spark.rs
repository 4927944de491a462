//! What Spark says: how many executors it wants, which it is done with, and which have registered.

use std::time::Duration;

use super::Plan;
use super::action::PodPatch;
use super::ledger::Stage;
use super::types::{ExecutorId, ProfileId};

impl Plan {
    /// How many executors Spark wants of each profile. Profiles that are not named keep their target.
    pub fn handle_targets(&mut self, now: Duration, targets: &[(ProfileId, u32)]) {
        for (profile, target) in targets {
            self.targets
                .set(*profile, usize::try_from(*target).unwrap_or(usize::MAX));
        }
        self.trim(now);
        self.pump(now);
    }

    /// Spark has removed these executors. Their end is no loss; what still runs after
    /// [`PlanConfig::kill_grace`](super::PlanConfig::kill_grace) is deleted, what does not run or has not registered is deleted at once.
    pub fn handle_kill(&mut self, now: Duration, executors: &[ExecutorId]) {
        for id in executors {
            // Spark wishes its end: that of one that has not registered in time is no loss any more.
            self.ledger.update(*id, |executor| executor.overdue = false);
            let Some(executor) = self
                .ledger
                .get(*id)
                .filter(|e| e.stage != Stage::Ended && !e.released)
            else {
                continue;
            };
            if executor.stage == Stage::Running && executor.registered {
                let at = now + self.cfg.kill_grace;
                self.ledger.update(*id, |executor| {
                    executor.released = true;
                    executor.kill_at = Some(at);
                });
                self.mark_leaving(*id);
            } else {
                self.release(now, *id);
            }
        }
        self.pump(now);
    }

    /// Spark decommissions these executors: their pods are labelled, and told to cost little, where the user has set a
    /// label or a cost.
    pub fn handle_decommission(&mut self, now: Duration, executors: &[ExecutorId]) {
        for id in executors {
            self.ledger.update(*id, |executor| executor.decommissioned = true);
            self.mark_leaving(*id);
        }
        self.pump(now);
    }

    fn mark_leaving(&mut self, id: ExecutorId) {
        let label = self.cfg.decommission_label.clone();
        let label = label.map(|(label, value)| PodPatch::Decommission { label, value });
        let cost = self.cfg.deletion_cost.map(PodPatch::DeletionCost);
        if self
            .ledger
            .get(id)
            .is_some_and(|e| e.is_confirmed() && e.stage != Stage::Ended && !e.deleting)
        {
            for patch in cost.into_iter().chain(label) {
                self.label(id, patch);
            }
        }
    }

    /// An executor has registered with the driver.
    pub fn handle_registered(&mut self, now: Duration, executor: ExecutorId) {
        if let Some(known) = self.ledger.get(executor).filter(|known| !known.registered) {
            self.metrics.registered(now, known);
            if known.stage != Stage::Ended {
                self.try_out(now, executor);
            }
        }
        if self
            .ledger
            .get(executor)
            .is_some_and(|known| known.excess && known.stage != Stage::Ended)
        {
            self.keep_registered(executor);
        }
        self.ledger.update(executor, |executor| {
            executor.registered = true;
            // It lives: whatever became of its create's answer, its pod can be asked for.
            if matches!(executor.stage, Stage::Unconfirmed { .. }) && executor.get_at.is_some() {
                executor.get_at = Some(now);
            }
        });
        self.expect_pod(now, executor);
        self.on_started(now, executor);
        self.runs(now, executor);
        self.handle_timeout(now);
    }

    /// Spark has removed an executor, on whosever behalf. The API server tells what became of it; a pod that still runs
    /// after [`PlanConfig::kill_grace`](super::PlanConfig::kill_grace) is deleted.
    pub fn handle_disconnected(&mut self, now: Duration, executor: ExecutorId) {
        self.on_removed(now, executor);
        self.pump(now);
    }

    /// Whether an executor must not register: it has ended, was asked to go, or belongs to an earlier life of
    /// the driver.
    pub fn is_deleted(&self, executor: ExecutorId) -> bool {
        match self.ledger.get(executor) {
            Some(known) => known.released || known.stage == Stage::Ended,
            None => executor < self.ledger.next_id(),
        }
    }
}
