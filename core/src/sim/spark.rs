//! The simulated Spark: what it asks for and how its executors behave.

use std::time::Duration;

use fastrand::Rng;

use crate::plan::{CallId, ExecutorId, Plan, ProfileId};

use super::check::{Checker, Invariant};
use super::cluster::{Fate, is_alive};
use super::{Happening, Sim};

impl Sim {
    /// The driver's container dies and comes back: calls in flight may or may not be applied, nobody hears of them,
    /// and a new plan starts with nothing but the cluster.
    pub fn restart(&mut self) {
        self.restart_where(|rng, _| rng.bool());
    }

    /// The same when calls up to this one had been sent, and it alone may not have arrived.
    pub fn restart_after(&mut self, last: CallId, arrived: bool) {
        self.restart_where(|_, call| call < last || (call == last && arrived));
    }

    fn restart_where(&mut self, mut arrives: impl FnMut(&mut Rng, CallId) -> bool) {
        self.count("restart");
        // What is still applied below is nothing that these would show to the next driver.
        self.watches.clear();
        self.claim_watches.clear();
        for (_, happening) in std::mem::take(&mut self.queue) {
            match happening {
                Happening::Arrive(action) if arrives(&mut self.rng, action.call()) => {
                    let _ = self.apply(&action);
                }
                kept @ (Happening::Start(_) | Happening::Vanish { .. } | Happening::End(..)) => {
                    self.later(Duration::from_secs(1), kept);
                }
                _ => {}
            }
        }
        self.registered.clear();
        self.notices.clear();
        self.actions.clear();
        self.minute = (0, 0);
        let cfg = self.check.config().clone();
        self.check = Checker::new(cfg.clone());
        self.plan = Plan::new(cfg, self.now);
        self.drain();
    }

    /// Spark sets targets.
    pub fn target(&mut self, profile: u32, target: u32) {
        self.check.on_target(ProfileId(profile), target as usize);
        self.plan
            .handle_targets(self.now, &[(ProfileId(profile), target)]);
        self.drain();
    }

    /// Spark kills executors: it has told them to exit, and most do.
    pub fn kill(&mut self, ids: &[ExecutorId]) {
        for id in ids {
            self.registered.remove(id);
            if let Some(uid) = self.uid_of(*id).filter(|_| self.rng.u32(0..4) > 0) {
                self.later(Duration::from_secs(1), Happening::Exit(uid));
            }
        }
        self.kill_hung(ids);
    }

    /// Spark kills executors that do not hear of it.
    pub fn kill_hung(&mut self, ids: &[ExecutorId]) {
        for id in ids {
            self.check.on_kill(*id);
        }
        self.plan.handle_kill(self.now, ids);
        self.drain();
    }

    /// Spark removes an executor that it has not killed; its process may go on.
    pub fn disconnect(&mut self, id: ExecutorId) {
        self.check.on_removed(id);
        self.registered.remove(&id);
        self.plan.handle_disconnected(self.now, id);
        self.drain();
    }

    /// Spark begins to stop: its executors are told to go, and go.
    pub fn close(&mut self) {
        self.check.on_closing();
        self.plan.handle_closing(self.now);
        self.drain();
        for id in std::mem::take(&mut self.registered) {
            if let Some(uid) = self.uid_of(id) {
                let span = Duration::from_millis(self.rng.u64(100..3000));
                self.later(span, Happening::Exit(uid));
            }
        }
    }

    /// The allocator begins to stop; returns the deadline.
    pub fn begin_stop(&mut self, span: Duration) -> Duration {
        self.check.on_stop();
        let deadline = self.now + span;
        self.plan.handle_stop(self.now, deadline);
        self.drain();
        deadline
    }

    /// The allocator stops; true when the plan was done before the deadline.
    pub fn stop(&mut self, span: Duration) -> bool {
        let deadline = self.begin_stop(span);
        while !self.plan.is_stopped() {
            if !self.step(deadline) {
                if self.violations().is_empty() {
                    let message = "the deadline does not end the stop".to_owned();
                    self.check.violated(Invariant::Bounds, message);
                }
                return false;
            }
        }
        self.now < deadline
    }

    /// Spark as it is: executors above the target are killed.
    pub fn settle(&mut self) {
        for profile in 0..4 {
            let Some((target, _)) = self.plan.snapshot().profiles.get(&ProfileId(profile)).copied() else {
                continue;
            };
            let running: Vec<_> = self
                .registered
                .iter()
                .copied()
                .filter(|id| {
                    self.pod_of(*id)
                        .is_some_and(|pod| pod.profile == Some(ProfileId(profile)))
                })
                .collect();
            let excess = running.len().saturating_sub(target);
            self.kill(&running[..excess]);
        }
    }

    /// Spark decommissions an executor.
    pub fn decommission(&mut self, id: ExecutorId) {
        self.plan.handle_decommission(self.now, &[id]);
        self.drain();
    }

    /// An executor registers, whatever its pod shows.
    pub fn registers(&mut self, id: ExecutorId) {
        if let Some(uid) = self.uid_of(id) {
            self.admitted(id, &uid);
            self.drain();
        }
    }

    pub(super) fn register(&mut self, id: ExecutorId, uid: &str) {
        let replaced = self.check.executor_in(uid).is_some_and(|now| now != id);
        if replaced || !self.cluster.by_uid(uid).is_some_and(is_alive) {
            return;
        }
        if self.plan.is_deleted(id) {
            // Its pod was let go when its claim had been deleted, and has found another one of the name.
            if !self.check.may_refuse(id) && !self.cluster.has_lost_claim(uid) {
                let message = format!("executor {id} is refused without a reason");
                self.check.violated(Invariant::Losses, message);
            }
            self.cluster.end(uid, Fate::Exit(1));
            return;
        }
        // The plan may hear of it later than it was asked.
        let delay = Duration::from_millis(self.rng.u64(0..4) / 3 * self.rng.u64(0..50));
        self.later(delay, Happening::Admitted(id, uid.to_owned()));
    }

    /// The plan hears that Spark has taken an executor in.
    pub(super) fn admitted(&mut self, id: ExecutorId, uid: &str) {
        if self.cluster.by_uid(uid).is_some_and(is_alive) {
            self.registered.insert(id);
        }
        self.check.on_registered(id);
        self.plan.handle_registered(self.now, id);
    }
}
