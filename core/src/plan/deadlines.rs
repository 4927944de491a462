//! What becomes due: the plan's own deadlines and those of executors.

use std::time::Duration;

use super::lifecycle::End;
use super::stop::Leftover;
use super::timer::Timer;
use super::types::ExecutorId;
use super::{Phase, Plan};

impl Plan {
    /// Deadlines that have passed. May be called at any time.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(timer) = self.timers.pop_expired(now) {
            match timer {
                Timer::StartDeadline => self.on_start_deadline(),
                Timer::DriverPod => self.ask_driver_pod(),
                Timer::DriverReady => self.on_driver_not_ready(now),
                Timer::ConfigMap if self.stop.is_some() => self.retry_config_maps(),
                Timer::ConfigMap => self.ask_config_map(),
                Timer::List => self.start_list(now),
                Timer::Watch => self.start_watch(now),
                Timer::Excess => self.trim(now),
                Timer::Claims => self.retry_leftover(Leftover::Claims),
                Timer::Services => self.retry_leftover(Leftover::Services),
                Timer::StopDeadline => self.on_stop_deadline(),
                Timer::Nodes => self.on_nodes_due(now),
                Timer::CrashLoops => self.wake_crash_loops(now),
                Timer::Refusals => self.wake_refusals(now),
                Timer::ListClaims => self.list_claims(now),
                Timer::WatchClaims => self.watch_claims(now),
                Timer::Creates | Timer::Chores | Timer::Stop | Timer::Controllers => {}
            }
        }
        while let Some(id) = self.ledger.due(now) {
            self.on_executor_due(now, id);
        }
        self.pump(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called.
    pub fn poll_timeout(&self) -> Option<Duration> {
        if (self.phase == Phase::Dead && self.stop.is_none()) || self.is_stopped() {
            return None;
        }
        [self.timers.next(), self.ledger.next_wake()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Deadlines of one executor.
    pub(super) fn on_executor_due(&mut self, now: Duration, id: ExecutorId) {
        let Some(executor) = self.ledger.get(id) else {
            return;
        };
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let (get, kill, forget, replace, register, steady) = (
            due(executor.get_at),
            due(executor.kill_at),
            due(executor.forget_at),
            due(executor.replace_at),
            due(executor.register_by),
            due(executor.steady_at),
        );
        // What is due is taken off the agenda whatever comes of it.
        self.ledger.update(id, |executor| {
            executor.get_at = executor.get_at.filter(|_| !get);
            executor.kill_at = executor.kill_at.filter(|_| !kill);
            executor.forget_at = executor.forget_at.filter(|_| !forget);
            executor.replace_at = executor.replace_at.filter(|_| !replace);
            executor.register_by = executor.register_by.filter(|_| !register);
            executor.steady_at = executor.steady_at.filter(|_| !steady);
        });
        if steady {
            self.on_steady(now, id);
        }
        if get {
            self.ask_for(id);
        }
        if kill {
            self.release(now, id);
        }
        if forget {
            let pod = self.pod_name(id);
            self.end(now, id, End::deleted(id, &pod));
        }
        if replace {
            self.on_unscheduled(now);
        }
        if register {
            self.on_unregistered(now, id);
        }
    }
}
