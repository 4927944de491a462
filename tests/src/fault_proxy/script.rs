//! What goes wrong, and when: decided without any I/O, from a seed.

use std::time::Duration;

use fastrand::Rng;

use super::call::Verb;
use super::schedule::Schedule;

/// What happens to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It is held back for a time between these two before it is sent on.
    Latency(Duration, Duration),
    /// Its answer is held back for a time between these two.
    LateAnswer(Duration, Duration),
    /// It is answered so, and not sent on.
    Refuse(Refusal),
    /// The connection is reset, and it is not sent on.
    ResetBefore,
    /// It is sent on, and the connection is reset instead of an answer.
    ResetAfter,
    /// It is sent on, and answered so.
    RefuseAfter(Refusal),
    /// It is sent on; the connection ends in the middle of the answer.
    Truncate,
    /// It is sent on; the answer is the first half of what it should be.
    Garble,
    /// It is sent on and never answered.
    NoAnswer,
    /// A page of a list has at most so many objects and comes in pieces, with this pause before each.
    SlowPages(u32, Duration),
    /// From now on connections are refused, those there are are reset; it is not sent on.
    Outage(Duration),
}

/// What happens to an event of a watch, one line.
#[derive(Debug, Clone, PartialEq)]
pub enum EventFault {
    /// It is held back for a time between these two, and with it those after it.
    Latency(Duration, Duration),
    /// It comes twice.
    Duplicate,
    /// The connection is reset before it.
    Reset,
    /// The watch ends in order before it.
    End,
    /// The watch ends in the middle of the line.
    CutLine,
    /// The watch says nothing any more, but stays open.
    Silence,
    /// The API server no longer has the version: 410 as an event, then the end.
    Gone,
}

/// An answer that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u32>,
    /// `reason` of the `v1.Status`; without one the answer is plain text.
    pub reason: Option<&'static str>,
    /// What it says.
    pub message: &'static str,
}

/// What is to be done with a call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// How long it is held back.
    pub before: Duration,
    /// How long its answer is held back.
    pub after: Duration,
    /// What else happens to it.
    pub fault: Option<Fault>,
}

/// What is to be done with an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventDecision {
    /// How long it is held back.
    pub before: Duration,
    /// What else happens to it.
    pub fault: Option<EventFault>,
}

/// Faults and the calls and events they hit. Delays add up; of the others the first one counts.
#[derive(Debug, Clone, Default)]
pub struct Script {
    calls: Vec<(Vec<Verb>, Schedule, Fault)>,
    events: Vec<(Schedule, EventFault)>,
}

impl Script {
    /// Nothing goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// A fault of calls with these verbs.
    #[must_use]
    pub fn on(mut self, verbs: &[Verb], schedule: Schedule, fault: Fault) -> Self {
        self.calls.push((verbs.to_vec(), schedule, fault));
        self
    }

    /// A fault of the events of watches.
    #[must_use]
    pub fn on_events(mut self, schedule: Schedule, fault: EventFault) -> Self {
        self.events.push((schedule, fault));
        self
    }

    pub(super) fn call(&mut self, at: Duration, verb: Verb, rng: &mut Rng) -> Decision {
        let mut decision = Decision::default();
        for (verbs, schedule, fault) in &mut self.calls {
            if !verbs.contains(&verb) || !schedule.hits(at, rng) {
                continue;
            }
            match fault {
                Fault::Latency(least, most) => decision.before += between(*least, *most, rng),
                Fault::LateAnswer(least, most) => decision.after += between(*least, *most, rng),
                other if decision.fault.is_none() => decision.fault = Some(other.clone()),
                _ => {}
            }
        }
        decision
    }

    pub(super) fn event(&mut self, at: Duration, rng: &mut Rng) -> EventDecision {
        let mut decision = EventDecision::default();
        for (schedule, fault) in &mut self.events {
            if !schedule.hits(at, rng) {
                continue;
            }
            match fault {
                EventFault::Latency(least, most) => decision.before += between(*least, *most, rng),
                other if decision.fault.is_none() => decision.fault = Some(other.clone()),
                _ => {}
            }
        }
        decision
    }
}

fn between(least: Duration, most: Duration, rng: &mut Rng) -> Duration {
    least + most.saturating_sub(least).mul_f64(rng.f64())
}

impl Fault {
    /// Whether a call that is hit never reaches the API server.
    pub fn keeps_back(&self) -> bool {
        matches!(self, Fault::Refuse(_) | Fault::ResetBefore | Fault::Outage(_))
    }

    /// For counting.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Fault::Latency(..) => "latency",
            Fault::LateAnswer(..) => "late answer",
            Fault::Refuse(_) => "refused",
            Fault::ResetBefore => "reset before",
            Fault::ResetAfter => "reset after",
            Fault::RefuseAfter(_) => "refused after",
            Fault::Truncate => "truncated",
            Fault::Garble => "garbled",
            Fault::NoAnswer => "not answered",
            Fault::SlowPages(..) => "slow pages",
            Fault::Outage(_) => "outage",
        }
    }
}

impl EventFault {
    /// For counting.
    pub(super) fn name(&self) -> &'static str {
        match self {
            EventFault::Latency(..) => "latency",
            EventFault::Duplicate => "duplicated",
            EventFault::Reset => "reset",
            EventFault::End => "ended",
            EventFault::CutLine => "line cut",
            EventFault::Silence => "silence",
            EventFault::Gone => "gone",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_add_up_and_the_first_fault_counts() {
        let mut rng = Rng::with_seed(1);
        let mut script = Script::new()
            .on(&Verb::ALL, Schedule::always(), Fault::Latency(SECOND, SECOND))
            .on(
                &[Verb::Create],
                Schedule::always(),
                Fault::Latency(SECOND, SECOND * 2),
            )
            .on(&[Verb::Create], Schedule::always().after(1), Fault::ResetAfter)
            .on(&[Verb::Create], Schedule::always(), Fault::ResetBefore);
        let get = script.call(Duration::ZERO, Verb::Get, &mut rng);
        assert_eq!((get.before, get.fault), (SECOND, None));
        let first = script.call(Duration::ZERO, Verb::Create, &mut rng);
        assert_eq!(first.fault, Some(Fault::ResetBefore));
        assert!((SECOND * 2..=SECOND * 3).contains(&first.before), "{first:?}");
        let second = script.call(Duration::ZERO, Verb::Create, &mut rng);
        assert_eq!(second.fault, Some(Fault::ResetAfter));
    }

    #[test]
    fn calls_and_events_are_counted_apart() {
        let mut rng = Rng::with_seed(1);
        let mut script = Script::new()
            .on(&[Verb::Watch], Schedule::always().after(1), Fault::ResetBefore)
            .on_events(Schedule::always().after(1), EventFault::End)
            .on_events(Schedule::always(), EventFault::Latency(SECOND, SECOND));
        assert_eq!(script.call(SECOND, Verb::Watch, &mut rng), Decision::default());
        let first = script.event(SECOND, &mut rng);
        assert_eq!((first.before, first.fault), (SECOND, None));
        assert_eq!(script.event(SECOND, &mut rng).fault, Some(EventFault::End));
        assert_eq!(
            script.call(SECOND, Verb::Watch, &mut rng).fault,
            Some(Fault::ResetBefore)
        );
    }
}
