//! Deadlines: an enum-indexed table for the plan, an agenda for the executors.

use std::collections::BTreeSet;
use std::time::Duration;

use super::types::ExecutorId;

/// The plan's own deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// The start has failed.
    StartDeadline,
    /// Ask for the driver pod again.
    DriverPod,
    /// Stop waiting for the driver pod to be ready.
    DriverReady,
    /// Try the `ConfigMap` again.
    ConfigMap,
    /// List.
    List,
    /// Open the watch.
    Watch,
    /// Creates are allowed again.
    Creates,
    /// Confirming gets, deletes and patches are allowed again.
    Chores,
    /// A pod above the target has become old enough to be deleted.
    Excess,
    /// The next step of the stop.
    Stop,
    /// The next step of the stop towards volume claims.
    Claims,
    /// The next step of the stop towards the driver's service.
    Services,
    /// The stop ends, whatever is left.
    StopDeadline,
    /// A node need not be avoided any longer.
    Nodes,
    /// Executors that follow others which failed to start may be asked for.
    CrashLoops,
    /// A create of a profile that is refused may be tried again.
    Refusals,
    /// A controller is to be told its size, or at the stop to be deleted, again.
    Controllers,
    /// List volume claims.
    ListClaims,
    /// Open the watch on volume claims.
    WatchClaims,
}

impl Timer {
    const ALL: [Timer; 19] = [
        Timer::StartDeadline,
        Timer::DriverPod,
        Timer::DriverReady,
        Timer::ConfigMap,
        Timer::List,
        Timer::Watch,
        Timer::Creates,
        Timer::Chores,
        Timer::Excess,
        Timer::Stop,
        Timer::Claims,
        Timer::Services,
        Timer::StopDeadline,
        Timer::Nodes,
        Timer::CrashLoops,
        Timer::Refusals,
        Timer::Controllers,
        Timer::ListClaims,
        Timer::WatchClaims,
    ];
}

/// When each [`Timer`] expires.
#[derive(Debug, Clone, Default)]
pub(super) struct Timers([Option<Duration>; Timer::ALL.len()]);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Duration) {
        self.0[timer as usize] = Some(at);
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    /// Sets it to the next time something is due, or stops it where nothing is.
    pub(super) fn set_to(&mut self, timer: Timer, next: Option<Duration>) {
        self.0[timer as usize] = next;
    }

    pub(super) fn stop_all(&mut self) {
        *self = Timers::default();
    }

    pub(super) fn at(&self, timer: Timer) -> Option<Duration> {
        self.0[timer as usize]
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.at(timer).is_some()
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes one timer that has expired.
    pub(super) fn pop_expired(&mut self, now: Duration) -> Option<Timer> {
        let timer = Timer::ALL
            .into_iter()
            .find(|timer| self.0[*timer as usize].is_some_and(|at| at <= now))?;
        self.stop(timer);
        Some(timer)
    }
}

/// When each executor has to be looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Agenda(BTreeSet<(Duration, ExecutorId)>);

impl Agenda {
    pub(super) fn change(&mut self, id: ExecutorId, before: Option<Duration>, after: Option<Duration>) {
        if before == after {
            return;
        }
        if let Some(at) = before {
            self.0.remove(&(at, id));
        }
        if let Some(at) = after {
            self.0.insert((at, id));
        }
    }

    /// The earliest entry.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.first().map(|(at, _)| *at)
    }

    /// An executor that is due; it stays on the agenda until its deadlines change.
    pub(super) fn due(&self, now: Duration) -> Option<ExecutorId> {
        self.0.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }
}
