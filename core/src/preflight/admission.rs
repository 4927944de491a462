//! What the API server said to objects that it was asked to create without keeping them.

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use super::{Answer, Area, Finding, Level};
use crate::plan::{ApiFailure, FailureClass};

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialKind {
    /// An executor pod.
    Pod,
    /// The executors' `ConfigMap`.
    ConfigMap,
    /// A claim of an executor.
    Claim,
}

impl TrialKind {
    fn title(self) -> &'static str {
        match self {
            Self::Pod => "executor pod",
            Self::ConfigMap => "executor ConfigMap",
            Self::Claim => "volume claim",
        }
    }

    fn fix(self) -> &'static str {
        match self {
            Self::Pod => {
                "correct the keys or the pod template that the message is about, or ask who runs the policy"
            }
            Self::ConfigMap => {
                "correct what is in SPARK_CONF_DIR, or set spark.kubernetes.executor.disableConfigMap=true"
            }
            Self::Claim => "correct the options of the volume in spark.kubernetes.executor.volumes.*",
        }
    }
}

/// A create with `dryRun=All`.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What was tried.
    pub kind: TrialKind,
    /// The object as it would have been kept, or why it would not.
    pub answer: Answer<Value>,
}

impl Trial {
    /// The executor pod with defaults and what webhooks added, where it was accepted.
    pub(super) fn admitted_pod(&self) -> Option<Pod> {
        let value = self
            .answer
            .as_ref()
            .ok()
            .filter(|_| self.kind == TrialKind::Pod)?;
        serde_json::from_value(value.clone()).ok()
    }
}

/// What the trials mean.
pub fn admission(trials: &[Trial]) -> Vec<Finding> {
    trials.iter().map(finding).collect()
}

fn finding(trial: &Trial) -> Finding {
    let title = trial.kind.title();
    let Err(failure) = &trial.answer else {
        return Finding::ok(
            Area::Admission,
            format!("the {title} is accepted"),
            "the API server would create it (dry run)",
        );
    };
    if is_inconclusive(failure) {
        return Finding::new(
            Level::Unknown,
            Area::Admission,
            format!("whether the {title} is accepted"),
            &failure.message,
            "try again, or see what becomes of a first executor",
        );
    }
    Finding::new(
        Level::Error,
        Area::Admission,
        format!("the {title} is refused"),
        &failure.message,
        if is_lack_of_rights(failure) {
            "grant the right to create it: see the rights above"
        } else {
            trial.kind.fix()
        },
    )
}

/// As RBAC words it; policies and quotas refuse with 403 as well.
fn is_lack_of_rights(failure: &ApiFailure) -> bool {
    failure.class == FailureClass::Forbidden && failure.message.contains("cannot create resource")
}

/// A webhook with side effects takes no part in dry runs, and a server in trouble says nothing about the object.
fn is_inconclusive(failure: &ApiFailure) -> bool {
    match failure.class {
        FailureClass::TooManyRequests
        | FailureClass::Timeout
        | FailureClass::Unreachable
        | FailureClass::Unbuildable
        // An executor of this name runs: the name was accepted before.
        | FailureClass::AlreadyExists => true,
        FailureClass::Server => !failure.message.contains("webhook"),
        _ => failure.message.contains("does not support dry run"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(class: FailureClass, message: &str) -> Level {
        let failure = ApiFailure {
            class,
            message: message.to_owned(),
            retry_after: None,
        };
        let trial = Trial {
            kind: TrialKind::Pod,
            answer: Err(failure),
        };
        let finding = finding(&trial);
        assert_eq!(finding.why, message, "the API server's own words");
        finding.level
    }

    #[test]
    fn a_refusal_is_an_error_and_an_answer_about_something_else_is_not() {
        for (class, message, expected) in [
            (
                FailureClass::Invalid,
                "metadata.labels: Invalid value",
                Level::Error,
            ),
            (FailureClass::Forbidden, "violates PodSecurity", Level::Error),
            (FailureClass::QuotaExceeded, "exceeded quota", Level::Error),
            (FailureClass::NotFound, "namespaces \"x\" not found", Level::Error),
            (
                FailureClass::Server,
                "failed calling webhook \"v.io\"",
                Level::Error,
            ),
            (FailureClass::Server, "etcdserver: leader changed", Level::Unknown),
            (
                FailureClass::Invalid,
                "admission webhook \"v.io\" does not support dry run",
                Level::Unknown,
            ),
            (FailureClass::TooManyRequests, "busy", Level::Unknown),
        ] {
            assert_eq!(level(class, message), expected, "{message}");
        }
    }

    #[test]
    fn a_lack_of_rights_is_no_fault_of_the_pod() {
        let fix = |message: &str| {
            let failure = ApiFailure {
                class: FailureClass::Forbidden,
                message: message.to_owned(),
                retry_after: None,
            };
            let trial = Trial {
                kind: TrialKind::Pod,
                answer: Err(failure),
            };
            finding(&trial).fix.unwrap()
        };
        assert!(fix("pods is forbidden: User \"u\" cannot create resource \"pods\"").starts_with("grant"));
        assert!(fix("pods \"p\" is forbidden: violates PodSecurity").starts_with("correct"));
    }

    #[test]
    fn what_is_accepted_is_what_is_judged_further() {
        let pod = serde_json::json!({"metadata": {"name": "p"}, "spec": {"containers": []}});
        let trial = |kind| Trial {
            kind,
            answer: Ok(pod.clone()),
        };
        assert_eq!(
            trial(TrialKind::Pod)
                .admitted_pod()
                .unwrap()
                .metadata
                .name
                .as_deref(),
            Some("p")
        );
        assert!(trial(TrialKind::ConfigMap).admitted_pod().is_none());
        assert_eq!(admission(&[trial(TrialKind::Pod)])[0].level, Level::Ok);
    }
}
