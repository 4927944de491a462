//! Executors that Spark knows and the cluster does not, and the other way around.
//!
//! * Spark has removed an executor by itself: after the grace of a kill its pod is deleted, where it still runs.
//! * An executor has registered and neither list nor watch have shown its pod: it is asked for, and lost where it is absent.
//! * A pod runs and its executor does not register in time: it is deleted, and told as a loss.
//!
//! An executor whose heartbeats stay away is killed by Spark, as any other that Spark wants to go.

use std::time::Duration;

use super::Plan;
use super::ledger::Stage;
use super::lifecycle::End;
use super::types::ExecutorId;

impl Plan {
    /// Spark knows an executor now: its pod has to be there.
    pub(super) fn expect_pod(&mut self, now: Duration, id: ExecutorId) {
        let missing_at = now + self.cfg.missing_pod_delta;
        // Where lists take the place of the watch, the next one tells.
        let watched = self.cfg.polling.is_none();
        self.ledger.update(id, |executor| {
            executor.register_by = None;
            if !executor.released {
                executor.kill_at = None;
            }
            if watched && executor.is_confirmed() && !executor.observed && executor.stage != Stage::Ended {
                executor.get_at = Some(executor.get_at.map_or(missing_at, |at| at.min(missing_at)));
            }
        });
    }

    /// A pod runs: its executor has to register.
    pub(super) fn expect_registration(&mut self, now: Duration, id: ExecutorId) {
        let timeout = self.cfg.registration_timeout;
        self.ledger.update(id, |executor| {
            if !executor.registered {
                executor.register_by = timeout.map(|timeout| now + timeout);
            }
        });
    }

    /// Spark has removed an executor and makes no use of it any more.
    pub(super) fn on_removed(&mut self, now: Duration, id: ExecutorId) {
        let at = now + self.cfg.kill_grace;
        self.ledger.update(id, |executor| {
            if executor.stage != Stage::Ended && !executor.released {
                executor.kill_at = Some(at);
            }
        });
    }

    /// A pod runs, and its executor has not registered in time. That is a loss, unless it registers before its delete.
    pub(super) fn on_unregistered(&mut self, now: Duration, id: ExecutorId) {
        let waits = self.ledger.get(id).is_some_and(|executor| {
            executor.stage == Stage::Running && !executor.registered && !executor.released
        });
        if self.may_create() && waits {
            self.ledger.update(id, |executor| {
                executor.overdue = true;
                executor.excess = true;
            });
            self.release(now, id);
        }
    }

    /// What the end of an executor is that has not registered in time.
    pub(super) fn overdue(&self, id: ExecutorId) -> Option<End> {
        let executor = self.ledger.get(id).filter(|executor| executor.overdue)?;
        let timeout = self.cfg.registration_timeout?;
        (self.stop.is_none())
            .then(|| End::unregistered(id, &self.pod_name(id), executor.node.as_deref(), timeout))
    }
}
