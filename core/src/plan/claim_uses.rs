//! Which claim each executor is given: one that is free, a new one, or none yet.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::Plan;
use super::claim_names::ONE_EACH;
use super::claims::State;
use super::event::{FailureClass, WantedClaim};
use super::ledger::Stage;
use super::notice::Notice;
use super::timer::Timer;
use super::types::ExecutorId;

/// How long executors wait for the claim of one that has ended before they get a new one.
const MOMENT: Duration = Duration::from_secs(5);

impl Plan {
    /// Gives claims that are free to executors that are prepared, the largest first and then the oldest, and notes which
    /// have to wait: for a name that another executor uses, or for a claim whose pod is on its way out.
    pub(super) fn give_claims(&mut self, now: Duration) {
        self.held.clear();
        let mut wanted = Vec::new();
        for (id, claims) in &self.making {
            let claims = claims.iter().enumerate();
            let claims = claims.filter(|(_, claim)| claim.state == State::Wanted);
            wanted.extend(claims.map(|(index, claim)| (*id, index, claim.wanted.shape.size())));
        }
        // A claim that is larger than needed is only given where nobody needs it all.
        wanted.sort_by_key(|(_, _, size)| Reverse(*size));
        let mut left = Vec::new();
        for (id, index, _) in wanted {
            let Some(claim) = self.making.get(&id).and_then(|claims| claims.get(index)) else {
                continue;
            };
            let first = self.is_first(id, claim);
            let claim = &claim.wanted;
            let own = claim.name.clone();
            if !first || self.volumes.is_taken(&own, id) {
                self.hold_name(id, index, &own);
                continue;
            }
            let found = if self.volumes.is_free(&own, id) {
                Some(own.clone())
            } else if self.reuses_claims() {
                self.volumes.find(claim).map(str::to_owned)
            } else {
                None
            };
            match found {
                None if self.reuses_claims() => left.push((id, index, claim.clone())),
                None => {}
                Some(name) if self.knows_claims(now) => {
                    self.volumes.take(&name, id, &own);
                    tracing::info!(executor = id.0, claim = name, "a volume claim is used again");
                    self.set_claim(id, index, State::Reused(name));
                }
                Some(_) => {
                    self.held.insert((id, index));
                }
            }
        }
        if !left.is_empty() {
            self.hold_for_leaving(now, left);
        }
    }

    /// As many claims wait as there are that will be free: for a moment, since the pod of an executor that has ended is
    /// soon gone; for good where the user wants no more claims than executors. The newest wait.
    fn hold_for_leaving(&mut self, now: Duration, left: Vec<(ExecutorId, usize, WantedClaim)>) {
        let (ledger, waits, kept) = (&self.ledger, self.cfg.wait_for_claims, !self.cfg.delete_executors);
        // Pods that are kept for the user to look at keep their claims.
        let leaves = |id| {
            let executor = ledger.get(id).filter(|e| e.stage == Stage::Ended && !e.stays);
            executor.is_some_and(|e| (e.deleting || !kept) && (waits || now < e.ended_at + MOMENT))
        };
        let mut leaving = self.volumes.leaving(leaves, waits && !kept);
        let mut until = None;
        for (id, index, claim) in left.into_iter().rev() {
            let found = self.volumes.fitting(leaving.iter().copied(), &claim);
            let position = found.and_then(|found| leaving.iter().position(|name| *name == found));
            if let Some(position) = position {
                let user = self.volumes.user(leaving.remove(position));
                let ended = user
                    .and_then(|user| ledger.get(user))
                    .map_or(now, |user| user.ended_at);
                until = until.max(Some(ended + MOMENT));
                self.held.insert((id, index));
            }
        }
        let waiting: BTreeSet<_> = self.held.iter().map(|(id, _)| *id).collect();
        match until {
            None => {}
            // Not every end is worth a word.
            Some(at) if now < at => self.timers.set(Timer::Creates, at),
            Some(_) => {
                for id in waiting {
                    self.tell_held(
                        id,
                        "Executors wait for volume claims whose pods are on their way out \
                         (spark.kubernetes.driver.waitToReusePersistentVolumeClaim=true)."
                            .to_owned(),
                    );
                }
            }
        }
    }

    fn hold_name(&mut self, id: ExecutorId, index: usize, name: &str) {
        self.held.insert((id, index));
        let Some(user) = self.volumes.user(name).filter(|user| *user != id) else {
            return;
        };
        if self
            .ledger
            .get(user)
            .is_some_and(|user| user.stage != Stage::Ended)
        {
            self.tell_held(
                id,
                format!(
                    "Executors wait for the volume claim {name}, which another executor uses: no two may share one \
                     that is made for them. {ONE_EACH}"
                ),
            );
        }
    }

    fn tell_held(&mut self, id: ExecutorId, message: String) {
        if let Some(profile) = self.ledger.get(id).map(|executor| executor.profile)
            && self.targets.wait_for(profile, FailureClass::Conflict, &message)
        {
            self.notices.push_back(Notice::Waiting { profile, message });
        }
    }
}
