//! Checks of numbers: the plan's own after every step, and what is left at the end.

use crate::plan::Plan;

use super::super::cluster::{Cluster, is_alive};
use super::{Checker, require};

impl Checker {
    /// The plan's own numbers, after everything it has to say was taken.
    pub(in crate::sim) fn on_numbers(&mut self, plan: &Plan) {
        let in_flight = plan.in_flight();
        require!(
            self.found,
            Bounds,
            in_flight <= self.cfg.max_in_flight.max(1),
            "the plan counts {in_flight} calls in flight"
        );
        self.shown.on_claim(plan.current_at(), &mut self.found);
        let pending: usize = plan.profiles().map(|(_, _, counts)| counts.pending).sum();
        require!(
            self.found,
            Bounds,
            pending <= self.cfg.max_pending_pods || self.cfg.controller.is_some(),
            "{pending} pending pods"
        );
        for (profile, target, counts) in plan.profiles() {
            let outstanding = self.outstanding(profile);
            require!(
                self.found,
                Target,
                counts.live - counts.staged == outstanding,
                "the ledger counts {counts:?}, and {outstanding} are outstanding"
            );
            require!(
                self.found,
                Target,
                counts.staged == 0 || counts.live <= target,
                "executors are prepared above the target: {counts:?}"
            );
            require!(
                self.found,
                Target,
                Some(&target) == self.targets.get(&profile),
                "the target of profile {profile} is {target} and not {:?}",
                self.targets.get(&profile)
            );
        }
        self.metrics.compare(plan, &mut self.found);
    }

    /// Every create must have ended as seen, failed or expired.
    pub fn on_end(&mut self, cluster: &Cluster) {
        self.claims.on_end(cluster, &mut self.found);
        if self.cfg.controller.is_some() {
            return self.on_end_of_controllers(cluster);
        }
        for (id, known) in self.executors.iter() {
            if known.outstanding && !known.reported {
                let there = cluster.pods.values().any(|pod| pod.executor == Some(id));
                require!(
                    self.found,
                    Ids,
                    known.created() && there,
                    "executor {id} has no pod and no end: {known:?}"
                );
            }
        }
        for pod in cluster
            .pods
            .values()
            .filter(|pod| pod.app_id.as_ref() == Some(&self.cfg.app_id))
        {
            if let Some(known) = pod.executor.and_then(|id| self.executors.get(id)) {
                let over = known.reported || !known.outstanding;
                require!(
                    self.found,
                    Ownership,
                    !over || !is_alive(pod) || pod.deleting,
                    "pod {} lives on unseen",
                    pod.name
                );
            }
        }
    }
}
