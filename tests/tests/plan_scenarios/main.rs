//! Single stories of the plan, told against the simulator.

#![expect(
    clippy::expect_used,
    clippy::unchecked_time_subtraction,
    reason = "a story that goes wrong panics"
)]

mod claims;
mod claims_deleted;
mod claims_reused;
mod controllers;
mod crash_loops;
mod creates;
mod lists;
mod losses;
mod metrics;
mod nodes;
mod outages;
mod polling;
mod ported;
mod presence;
mod refusals;
mod releases;
mod start;
mod stop;
mod watch;

use std::time::Duration;

use stoker_core::plan::{ApiFailure, ExecutorId, FailureClass, LossCause, Notice, Outcome};
use stoker_core::sim::cluster::refuse;
use stoker_tests::sim::Sim;

/// A refusal.
fn failed(class: FailureClass) -> Outcome<()> {
    Outcome::Failed(refuse(class, &format!("simulated {class:?}")))
}

/// A refusal with `Retry-After`.
fn failed_for(class: FailureClass, seconds: u64) -> Outcome<()> {
    Outcome::Failed(ApiFailure {
        retry_after: Some(Duration::from_secs(seconds)),
        ..refuse(class, "simulated")
    })
}

/// A lost answer to a call that was not applied.
fn unanswered() -> Outcome<()> {
    Outcome::Unknown(refuse(FailureClass::Timeout, "no answer"))
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Losses in order.
fn losses(sim: &Sim) -> Vec<(ExecutorId, LossCause)> {
    sim.notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Lost {
                executor_id, cause, ..
            } => Some((*executor_id, cause.clone())),
            _ => None,
        })
        .collect()
}

fn released(sim: &Sim) -> Vec<ExecutorId> {
    sim.notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Released { executor_id, .. } => Some(*executor_id),
            _ => None,
        })
        .collect()
}

fn waiting(sim: &Sim) -> Vec<String> {
    sim.notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Waiting { message, .. } => Some(message.clone()),
            _ => None,
        })
        .collect()
}

fn abort(sim: &Sim) -> Option<(i32, String)> {
    sim.notices.iter().find_map(|notice| match notice {
        Notice::Abort { exit_code, message } => Some((*exit_code, message.clone())),
        _ => None,
    })
}
