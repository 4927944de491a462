//! What was found not to hold.

use std::fmt;
use std::time::Duration;

/// What always has to hold, by the number that the architecture gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No create while live pods and creates in flight or of unknown outcome are at the target.
    Target = 1,
    /// No id is used twice, and every create ends as seen, failed or expired.
    Ids = 2,
    /// Every end of an executor is told exactly once, with a cause, and only the application's own is blamed on it.
    Losses = 3,
    /// Nothing is created or deleted before the first complete list.
    FirstList = 4,
    /// Only what is ours is deleted, and nothing stays behind.
    Ownership = 5,
    /// Calls in flight and queues are bounded, and the stop ends in time.
    Bounds = 6,
    /// The target is reached when nothing changes any more.
    Convergence = 7,
    /// The same seed and events give the same actions.
    Determinism = 8,
    /// No call without need: no LIST in the steady state, one POST for each executor, at most one DELETE.
    Frugality = 9,
    /// What ends unexpectedly is told once, and nothing goes on after it.
    Fatal = 10,
    /// The plan's counters say what has happened.
    Metrics = 11,
    /// No volume claim is used by two pods.
    Sharing = 12,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Time since the start of the simulation.
    pub at: Duration,
    /// What it breaks.
    pub invariant: Invariant,
    /// What happened.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation {
            at,
            invariant,
            message,
        } = self;
        write!(
            f,
            "invariant {} ({invariant:?}) broken after {at:?}: {message}",
            *invariant as u8
        )
    }
}

/// All violations so far.
#[derive(Debug, Default)]
pub(in crate::sim) struct Violations {
    pub(in crate::sim) now: Duration,
    all: Vec<Violation>,
}

impl Violations {
    pub(in crate::sim) fn add(&mut self, invariant: Invariant, message: String) {
        let at = self.now;
        self.all.push(Violation {
            at,
            invariant,
            message,
        });
    }

    pub(in crate::sim) fn all(&self) -> &[Violation] {
        &self.all
    }
}

/// Records a violation where a condition does not hold.
macro_rules! require {
    ($found:expr, $invariant:ident, $holds:expr, $($message:tt)+) => {
        if !$holds {
            $found.add($crate::sim::check::Invariant::$invariant, format!($($message)+));
        }
    };
}
pub(in crate::sim) use require;
