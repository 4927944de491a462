//! What went through a proxy, and what became of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::call::{Call, Kind, Verb};

/// Counts since the proxy's start.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Calls that arrived.
    pub calls: BTreeMap<Call, u64>,
    /// Faults by verb.
    pub faults: BTreeMap<(Verb, &'static str), u64>,
    /// Faults of events.
    pub event_faults: BTreeMap<&'static str, u64>,
    /// Events that were read from the API server.
    pub events: u64,
    /// What became of the creates of pods.
    pub creates: Creates,
    /// Calls that the API server did not answer.
    pub unanswered: u64,
}

/// What became of the creates of pods: each is one of these.
#[derive(Debug, Clone, Default)]
pub struct Creates {
    /// The API server has made the pod; whether this was answered is another matter.
    pub applied: u64,
    /// A fault has kept it from the API server.
    pub kept_back: u64,
    /// The API server has refused.
    pub refused: u64,
    /// The connection ended before the API server answered: the pod may have been made.
    pub cut: u64,
}

impl Counters {
    /// How many calls of a kind arrived.
    pub fn of(&self, verb: Verb, kind: Kind) -> u64 {
        self.calls.get(&Call { verb, kind }).copied().unwrap_or_default()
    }

    /// How many calls and events were hit by faults.
    pub fn hits(&self) -> u64 {
        self.faults.values().chain(self.event_faults.values()).sum()
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:?}, {} calls unanswered", self.creates, self.unanswered)?;
        for (call, count) in &self.calls {
            writeln!(f, "  {count:5} {:?} {:?}", call.verb, call.kind)?;
        }
        for ((verb, fault), count) in &self.faults {
            writeln!(f, "  {count:5} faults of {verb:?}: {fault}")?;
        }
        writeln!(f, "  {:5} events", self.events)?;
        for (fault, count) in &self.event_faults {
            writeln!(f, "  {count:5} faults of events: {fault}")?;
        }
        Ok(())
    }
}

/// What became of one create of a pod; counted when the call is over, however it ends.
pub(super) struct Fate<'a> {
    counters: &'a Mutex<Counters>,
    counted: bool,
    of: fn(&mut Creates) -> &mut u64,
}

impl<'a> Fate<'a> {
    pub(super) fn new(call: Call, counters: &'a Mutex<Counters>) -> Self {
        Self {
            counters,
            counted: call.verb == Verb::Create && call.kind == Kind::Pods,
            of: |creates| &mut creates.cut,
        }
    }

    pub(super) fn kept_back(&mut self) {
        self.of = |creates| &mut creates.kept_back;
    }

    pub(super) fn answered(&mut self, success: bool) {
        self.of = if success {
            |creates| &mut creates.applied
        } else {
            |creates| &mut creates.refused
        };
    }
}

impl Drop for Fate<'_> {
    fn drop(&mut self) {
        if self.counted {
            let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
            *(self.of)(&mut counters.creates) += 1;
        }
    }
}
