//! Executors that are wanted and not asked for, by what holds them back.

use std::collections::BTreeMap;

use super::Plan;
use super::types::ProfileId;

/// What keeps the executors of a profile from being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldCause {
    /// Those before them have failed to start: the next are asked for later.
    CrashLoop,
    /// The API server will not take their pods.
    Refused,
}

impl Plan {
    /// How many executors are missing, by cause.
    pub(super) fn held_back(&self) -> BTreeMap<HoldCause, usize> {
        let missing = |profile: ProfileId| {
            let live = self.ledger.counts(profile).live;
            self.targets.target(profile).saturating_sub(live)
        };
        let causes = [
            (HoldCause::CrashLoop, self.crash_loops.paced().map(missing).sum()),
            (HoldCause::Refused, self.refusals.stopped().map(missing).sum()),
        ];
        causes
            .into_iter()
            .filter(|(_, executors)| *executors > 0)
            .collect()
    }
}
