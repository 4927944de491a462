//! What goes wrong between the plan and the API server.

use std::time::Duration;

use crate::plan::{Action, ApiFailure, FailureClass};
use fastrand::Rng;

/// Chances in percent, and delays.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Latency of a request and of an answer, each between nothing and this.
    pub latency: Duration,
    /// The API server refuses with 429, 500 or 409.
    pub refuse: u32,
    /// The answer is lost, the call is applied.
    pub lose_answer: u32,
    /// The request is lost.
    pub lose_request: u32,
    /// The call is given up before it is applied.
    pub apply_late: u32,
    /// A watch ends within seconds.
    pub drop_watch: u32,
    /// A list from the API server's cache is as old as the one before it.
    pub stale_list: u32,
    /// The API server does not serve lists at the beginning of a watch.
    pub no_streaming_lists: bool,
    /// A preparation fails, as a whole or for some executors.
    pub fail_prepare: u32,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Faults = Faults {
        latency: Duration::from_millis(20),
        refuse: 0,
        lose_answer: 0,
        lose_request: 0,
        apply_late: 0,
        drop_watch: 0,
        stale_list: 0,
        no_streaming_lists: false,
        fail_prepare: 0,
    };
}

/// What happens to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Course {
    /// Applied and answered.
    Normal,
    /// Refused.
    Refused(ApiFailure),
    /// Applied, the answer is lost.
    AnswerLost,
    /// Neither applied nor answered.
    RequestLost,
    /// Given up, and applied so much later.
    Late(Duration),
}

impl Faults {
    /// Draws the course of a call.
    pub fn draw(&self, rng: &mut Rng, action: &Action) -> Course {
        let roll = rng.u32(0..100);
        let mut edge = self.refuse;
        if roll < edge {
            return Course::Refused(refusal(rng, action));
        }
        edge += self.lose_answer;
        if roll < edge {
            return Course::AnswerLost;
        }
        edge += self.lose_request;
        if roll < edge {
            return Course::RequestLost;
        }
        edge += self.apply_late;
        if roll < edge {
            return Course::Late(Duration::from_millis(rng.u64(0..20_000)));
        }
        Course::Normal
    }
}

fn refusal(rng: &mut Rng, action: &Action) -> ApiFailure {
    let (class, retry_after) = match rng.u32(0..4) {
        0 => (
            FailureClass::TooManyRequests,
            Some(Duration::from_secs(rng.u64(1..4))),
        ),
        1 => (FailureClass::Server, None),
        2 if matches!(action, Action::Create { .. } | Action::CreateClaim { .. }) => {
            (FailureClass::Conflict, None)
        }
        _ => (FailureClass::Unreachable, None),
    };
    ApiFailure {
        class,
        message: format!("simulated {class:?}"),
        retry_after,
    }
}
