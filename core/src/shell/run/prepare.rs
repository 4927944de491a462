//! Pods and claims that are built ahead of their creates, with the JVM's help where users have feature steps.

use std::time::Duration;

use serde_json::Value;

use crate::plan::{CallId, CallResult, ExecutorId, Notice, Outcome, ProfileId};

use super::Loop;
use super::calls::unbuildable;

/// When a request to the JVM that is not answered is told, first and again.
const REMIND: (Duration, Duration) = (Duration::from_secs(30), Duration::from_mins(1));

/// Pods that the JVM was asked to customise.
pub(super) struct Asking {
    /// The call of the plan, whose number identifies the request.
    call: CallId,
    executors: Vec<ExecutorId>,
    asked_at: Duration,
    /// When to say that nobody answers.
    pub(super) remind_at: Duration,
}

impl Loop {
    /// Builds pods and claims, or has the JVM customise them first.
    pub(super) fn prepare(&mut self, call: CallId, executors: &[(ExecutorId, ProfileId)]) {
        let ids: Vec<_> = executors.iter().map(|(executor, _)| *executor).collect();
        let outcome = match self.factory.prepare(executors) {
            Ok(None) => Outcome::Done(self.factory.prepared(&ids)),
            Ok(Some(payload)) => {
                let now = self.clock.now();
                self.asking = Some(Asking {
                    call,
                    executors: ids,
                    asked_at: now,
                    remind_at: now + REMIND.0,
                });
                let request_id = call.0;
                return self.tell(Notice::Request { request_id, payload });
            }
            Err(message) => unbuildable(message),
        };
        self.refuse(call, CallResult::Prepared(outcome));
    }

    /// Takes the JVM's answer; false where nobody waits for it.
    pub(super) fn answer(&mut self, now: Duration, request: u64, answer: Value) -> bool {
        let Some(asking) = self.asking.take_if(|asking| asking.call.0 == request) else {
            return false;
        };
        let outcome = match self.factory.customise(&asking.executors, answer) {
            Ok(()) => Outcome::Done(self.factory.prepared(&asking.executors)),
            Err(message) => unbuildable(message),
        };
        self.plan
            .handle_result(now, asking.call, CallResult::Prepared(outcome));
        true
    }

    /// Says that executors wait for the JVM, where they do.
    pub(super) fn remind(&mut self, now: Duration) {
        if let Some(asking) = self.asking.as_mut().filter(|asking| asking.remind_at <= now) {
            asking.remind_at = now + REMIND.1;
            tracing::warn!(
                executors = asking.executors.len(),
                waited = ?now.saturating_sub(asking.asked_at),
                steps = self.factory.custom_steps().join(", "),
                "executors wait for custom feature steps (spark.kubernetes.executor.pod.featureSteps) to return"
            );
        }
    }
}

#[cfg(test)]
mod tests;
