//! What custom feature steps, classes that only a JVM can run, are asked and what they answer. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::plan::{ExecutorId, ProfileId};
use crate::spec::{StampedPod, VolumeClaim};

/// The kind of the request.
const KIND: &str = "featureSteps";
/// The only additional resources that stock's allocator makes.
const CLAIM_KIND: &str = "PersistentVolumeClaim";
/// Labels by which a pod is found again.
const IDENTITY: [&str; 3] = ["spark-app-selector", "spark-exec-id", "spark-role"];

/// Why the answer cannot be used. Each is for the user, who owns the steps.
#[derive(Debug, Error)]
pub(super) enum AnswerError {
    /// The steps failed.
    #[error("a custom feature step failed: {0}")]
    Step(String),
    /// Not the message it should be.
    #[error("the answer of the custom feature steps cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// An executor is missing.
    #[error("the custom feature steps returned no pod for executor {0}")]
    Missing(ExecutorId),
    /// The pod would not be found again.
    #[error(
        "custom feature steps changed {what} of executor {executor} from {before} to {after}; Spark knows its executors \
         by it, it must stay as it is"
    )]
    Changed {
        executor: ExecutorId,
        what: &'static str,
        /// As JSON.
        before: String,
        after: String,
    },
    /// A claim without a name.
    #[error("custom feature steps returned a PersistentVolumeClaim without metadata.name for executor {0}")]
    Nameless(ExecutorId),
}

#[derive(Debug, Deserialize)]
enum Answer {
    #[serde(rename = "ok")]
    Done(Vec<Customised>),
    #[serde(rename = "error")]
    Failed(String),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Customised {
    executor_id: String,
    pod: Value,
    #[serde(default)]
    resources: Vec<Value>,
}

/// What the JVM is asked: to run these classes on these pods.
pub(super) fn request<'a>(
    steps: &[String],
    driver_pod: Option<&Value>,
    executors: impl Iterator<Item = (ExecutorId, ProfileId, &'a StampedPod)>,
) -> Result<Value, serde_json::Error> {
    let executors = executors
        .map(|(executor, profile, stamped)| {
            let pod: Value = serde_json::from_slice(&stamped.body)?;
            Ok(json!({"executorId": executor.to_string(), "profile": profile, "pod": pod}))
        })
        .collect::<Result<Vec<_>, serde_json::Error>>()?;
    Ok(json!({"kind": KIND, "steps": steps, "driverPod": driver_pod, "executors": executors}))
}

/// Puts the pods of an answer in the place of those that were sent, and their claims beside. Nothing is changed where
/// the answer cannot be used. `dropped` hears the kind of each resource that is not made.
pub(super) fn accept(
    answer: Value,
    executors: &[ExecutorId],
    prepared: &mut BTreeMap<ExecutorId, StampedPod>,
    mut dropped: impl FnMut(&str),
) -> Result<(), AnswerError> {
    let mut answered: BTreeMap<String, Customised> = match serde_json::from_value(answer)? {
        Answer::Done(all) => all
            .into_iter()
            .map(|one| (one.executor_id.clone(), one))
            .collect(),
        Answer::Failed(message) => return Err(AnswerError::Step(message)),
    };
    let mut customised = Vec::new();
    for id in executors {
        let one = answered.remove(&id.to_string());
        let (Some(one), Some(sent)) = (one, prepared.get(id)) else {
            return Err(AnswerError::Missing(*id));
        };
        check_identity(*id, &serde_json::from_slice(&sent.body)?, &one.pod)?;
        let mut claims = sent.claims.clone();
        for resource in one.resources {
            match resource.get("kind").and_then(Value::as_str) {
                Some(CLAIM_KIND) => {
                    claims.push(VolumeClaim::new(resource).ok_or(AnswerError::Nameless(*id))?);
                }
                kind => dropped(kind.unwrap_or("without a kind")),
            }
        }
        let stamped = StampedPod {
            name: sent.name.clone(),
            body: one.pod.to_string().into_bytes(),
            claims,
        };
        customised.push((*id, stamped));
    }
    prepared.extend(customised);
    Ok(())
}

fn check_identity(executor: ExecutorId, before: &Value, after: &Value) -> Result<(), AnswerError> {
    let name = |pod: &Value| pod["metadata"]["name"].clone();
    let label = |pod: &Value, label: &str| pod["metadata"]["labels"][label].clone();
    let all = std::iter::once(("metadata.name", name(before), name(after))).chain(
        IDENTITY
            .into_iter()
            .map(|key| (key, label(before, key), label(after, key))),
    );
    for (what, before, after) in all {
        if before != after {
            return Err(AnswerError::Changed {
                executor,
                what,
                before: before.to_string(),
                after: after.to_string(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
