//! Pods above the target that nobody uses yet.

use std::time::Duration;

use super::Plan;
use super::ledger::Stage;
use super::timer::Timer;
use super::types::ExecutorId;

impl Plan {
    /// Deletes pods above the target that nobody uses yet, the newest first, as soon as they are old enough.
    pub(super) fn trim(&mut self, now: Duration) {
        self.timers.stop(Timer::Excess);
        // A controller chooses itself which pods go.
        if !self.may_create() || self.has_controllers() {
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
