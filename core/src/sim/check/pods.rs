//! Checks of the calls that make and unmake pods.

use std::time::Duration;

use crate::plan::{ExecutorId, ProfileId};

use super::super::cluster::{Cluster, is_alive};
use super::known::Known;
use super::{Checker, require};

impl Checker {
    pub(super) fn on_create(&mut self, now: Duration, id: ExecutorId, profile: ProfileId) {
        require!(
            self.found,
            FirstList,
            self.ready && self.shown.is_first_done(),
            "a create before the start is complete"
        );
        let over = self.stopping || self.closing;
        require!(self.found, Fatal, !over, "a create after the end");
        let target = self.targets.get(&profile).copied().unwrap_or(0);
        // A create whose answer was lost is sent again; of the two the API server takes one.
        let again = self
            .executors
            .get(id)
            .is_some_and(|known| known.uncertain && known.outstanding && !known.created() && !known.reported);
        let others = self.outstanding(profile) - usize::from(again);
        require!(
            self.found,
            Target,
            others < target,
            "a create at the target: {others} of {target}"
        );
        if let Some(batch) = self.cfg.batch {
            self.sent.push_back(now);
            while self.sent.front().is_some_and(|at| *at + batch.delay <= now) {
                self.sent.pop_front();
            }
            require!(
                self.found,
                Bounds,
                self.sent.len() <= batch.size,
                "more than a batch within its delay"
            );
        }
        if again {
            return;
        }
        // What was refused may be tried again where it was prepared.
        let before = self.executors.insert(id, Known::new(profile));
        require!(
            self.found,
            Ids,
            before.is_none_or(|before| self.cfg.prepares && before.refused && !before.reported),
            "executor id {id} used twice"
        );
    }

    pub(super) fn on_delete(&mut self, id: ExecutorId, name: &str, uid: &str, cluster: &Cluster) {
        require!(
            self.found,
            FirstList,
            self.shown.is_first_done(),
            "a delete before the first list"
        );
        self.deletes += 1;
        // One executor may follow another in a pod of a controller.
        let fresh = self.deleted.insert(uid.to_owned()) || self.cfg.controller.is_some();
        require!(self.found, Frugality, fresh, "pod {name} deleted twice");
        let Some(pod) = cluster.by_uid(uid) else { return };
        require!(
            self.found,
            Ownership,
            pod.app_id.as_ref() == Some(&self.cfg.app_id),
            "a foreign pod is deleted: {name}"
        );
        if let Some(driver) = &cluster.driver {
            require!(
                self.found,
                Ownership,
                self.cfg.controller.is_some() || pod.owner_uid.as_ref() == Some(&driver.uid),
                "another driver's pod is deleted: {name}"
            );
        }
        let Some(known) = self.executors.get(id) else {
            return;
        };
        let above = (!known.registered && (known.surplus || self.nodes.is_replaced(id)))
            || self.presence.may_delete(self.found.now, id);
        let reason = known.killed
            || known.reported
            || self.stopping
            || self.claims.is_refused(id)
            || !is_alive(pod)
            || !known.outstanding
            || above
            || cluster.lacks_claim(uid)
            || cluster.has_lost_claim(uid);
        require!(
            self.found,
            Losses,
            reason,
            "executor {id} is deleted without a reason"
        );
        // A pod that came after its executor was given up, or after its own pod, would run unseen.
        let stray = known.reported && known.uid.as_deref() != Some(uid);
        // One that cannot start has nothing to be kept for.
        let kept = !stray && !cluster.lacks_claim(uid);
        self.unasked += usize::from(!known.killed && !above && known.outstanding && kept);
    }
}
