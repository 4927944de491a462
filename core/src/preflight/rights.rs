//! The rights the allocator uses, and what is lost without each.

use super::{Answer, Area, Finding, Level};
use crate::conf::{Conf, ConfError, keys};

/// What of a configuration decides which rights are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each stands for a feature of its own"
)]
pub struct Needs {
    /// A `ConfigMap` is made for the executors.
    pub config_map: bool,
    /// Claims are made for executors.
    pub claims: bool,
    /// Claims of ended executors are used again.
    pub reused_claims: bool,
    /// Labels of running pods are changed.
    pub labels: bool,
}

impl Needs {
    /// The needs of a configuration. `claims`: whether executors have claims of their own.
    pub fn of(conf: &Conf, claims: bool) -> Result<Self, ConfError> {
        Ok(Self {
            config_map: !conf.get(&keys::EXECUTOR_DISABLE_CONFIG_MAP)?,
            claims,
            reused_claims: claims && conf.get(&keys::DRIVER_REUSE_PVC)?,
            labels: conf.get(&keys::EXECUTOR_DECOMMISSION_LABEL)?.is_some()
                || !conf.get(&keys::DELETE_EXECUTORS)?,
        })
    }
}

/// A verb on a resource of the core API group, in the executors' namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// Plural name of the resource.
    pub resource: &'static str,
    /// The verb.
    pub verb: &'static str,
    /// Whether a run fails without it.
    pub required: bool,
    /// What happens without it.
    pub without: &'static str,
}

/// The answer of an access review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Whether it is allowed.
    pub allowed: bool,
    /// What the authorizer said.
    pub reason: String,
}

const fn required(resource: &'static str, verb: &'static str, without: &'static str) -> Right {
    Right {
        resource,
        verb,
        required: true,
        without,
    }
}

const fn optional(resource: &'static str, verb: &'static str, without: &'static str) -> Right {
    Right {
        resource,
        verb,
        required: false,
        without,
    }
}

/// The rights that a run with these needs uses.
pub fn rights(needs: Needs) -> Vec<Right> {
    let pods = "pods";
    let mut rights = vec![
        required(pods, "create", "no executor can be made"),
        required(
            pods,
            "get",
            "the driver pod, and executors whose create was not answered, cannot be looked up",
        ),
        required(pods, "list", "it cannot be known which executors there are"),
        required(pods, "watch", "it cannot be known what becomes of executors"),
        required(pods, "delete", "executors that are released or lost stay behind"),
        optional(
            pods,
            "deletecollection",
            "at the end executors are deleted one by one, which takes more calls",
        ),
    ];
    if needs.labels {
        rights.push(optional(
            pods,
            "patch",
            "decommissioned executors do not get spark.kubernetes.executor.decommissionLabel, and kept ones are not \
             marked inactive",
        ));
    }
    if needs.config_map {
        let maps = "configmaps";
        rights.push(required(
            maps,
            "create",
            "executors have no configuration files; spark.kubernetes.executor.disableConfigMap=true does without",
        ));
        rights.push(optional(
            maps,
            "deletecollection",
            "the executors' ConfigMap is deleted by its name instead",
        ));
        rights.push(optional(
            maps,
            "delete",
            "where deletecollection is not allowed either, the executors' ConfigMap stays until the driver pod is \
             deleted, and for good without a driver pod",
        ));
    }
    if needs.claims {
        let claims = "persistentvolumeclaims";
        rights.push(required(
            claims,
            "create",
            "no executor with a volume on demand can be made",
        ));
        rights.push(optional(
            claims,
            "deletecollection",
            "claims stay until their owner is deleted",
        ));
        rights.push(optional(
            claims,
            "delete",
            "claims of executors that could not be made stay until their owner is deleted",
        ));
        if needs.reused_claims {
            rights.push(optional(
                claims,
                "list",
                "claims that an earlier container of the driver has left are not used again; \
                 spark.kubernetes.driver.reusePersistentVolumeClaim=false does without",
            ));
            rights.push(optional(
                claims,
                "watch",
                "claims are listed before one is used again",
            ));
        }
    }
    rights
}

/// What the access reviews mean.
pub(super) fn findings(reviews: &[(Right, Answer<Review>)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let allowed: Vec<String> = reviews
        .iter()
        .filter(|(_, review)| review.as_ref().is_ok_and(|review| review.allowed))
        .map(|(right, _)| right.name())
        .collect();
    if !allowed.is_empty() {
        findings.push(Finding::ok(
            Area::Rights,
            format!("{} of {} rights are granted", allowed.len(), reviews.len()),
            allowed.join(", "),
        ));
    }
    findings.extend(refused(reviews));
    let unknown: Vec<String> = reviews
        .iter()
        .filter(|(_, review)| review.is_err())
        .map(|(right, _)| right.name())
        .collect();
    if let Some(failure) = reviews.iter().find_map(|(_, review)| review.as_ref().err()) {
        findings.push(Finding::new(
            Level::Unknown,
            Area::Rights,
            format!("whether these rights are granted: {}", unknown.join(", ")),
            format!("the access review failed: {}", failure.message),
            "ask the administrator, or run kubectl auth can-i as somebody who may impersonate the service account",
        ));
    }
    findings
}

impl Right {
    /// For people: `create pods`.
    pub fn name(&self) -> String {
        format!("{} {}", self.verb, self.resource)
    }
}

/// One finding for each resource and level.
fn refused(reviews: &[(Right, Answer<Review>)]) -> Vec<Finding> {
    let mut groups: Vec<(&Right, Vec<&str>, Vec<String>)> = Vec::new();
    for (right, review) in reviews {
        let Ok(Review {
            allowed: false,
            reason,
        }) = review
        else {
            continue;
        };
        let said = if reason.is_empty() {
            String::new()
        } else {
            format!(" ({reason})")
        };
        let why = format!("{}: {}{said}", right.verb, right.without);
        let group = groups
            .iter_mut()
            .find(|(of, ..)| (of.resource, of.required) == (right.resource, right.required));
        match group {
            Some((_, verbs, whys)) => {
                verbs.push(right.verb);
                whys.push(why);
            }
            None => groups.push((right, vec![right.verb], vec![why])),
        }
    }
    groups
        .into_iter()
        .map(|(right, verbs, whys)| {
            let verbs = verbs.join(", ");
            Finding::new(
                if right.required { Level::Error } else { Level::Warning },
                Area::Rights,
                format!("not allowed to {verbs} {}", right.resource),
                whys.join("\n"),
                format!(
                    "grant {verbs} on {} with a Role and a RoleBinding in the executors' namespace, or correct \
                     spark.kubernetes.namespace",
                    right.resource
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ApiFailure, FailureClass};

    fn names(needs: Needs) -> Vec<String> {
        rights(needs).iter().map(Right::name).collect()
    }

    #[test]
    fn only_what_is_used_is_asked_for() {
        let least = names(Needs::default());
        assert_eq!(
            least,
            [
                "create pods",
                "get pods",
                "list pods",
                "watch pods",
                "delete pods",
                "deletecollection pods"
            ]
        );
        let most = names(Needs {
            config_map: true,
            claims: true,
            reused_claims: true,
            labels: true,
        });
        assert_eq!(most.len(), 15);
        assert!(most.contains(&"patch pods".to_owned()));
        for verb in ["list", "watch"] {
            assert!(most.contains(&format!("{verb} persistentvolumeclaims")));
        }
    }

    #[test]
    fn refused_is_an_error_where_a_run_needs_it_and_unknown_is_no_failure() {
        let all = rights(Needs::default());
        let answer = |right: &Right| match right.verb {
            "watch" => Err(ApiFailure {
                class: FailureClass::Forbidden,
                message: "no reviews".to_owned(),
                retry_after: None,
            }),
            verb => Ok(Review {
                allowed: !matches!(verb, "create" | "get" | "deletecollection"),
                reason: String::new(),
            }),
        };
        let reviews: Vec<_> = all.iter().map(|right| (*right, answer(right))).collect();
        let told: Vec<_> = findings(&reviews)
            .into_iter()
            .map(|finding| (finding.level, finding.what))
            .collect();
        assert_eq!(
            told,
            [
                (Level::Ok, "2 of 6 rights are granted".to_owned()),
                (Level::Error, "not allowed to create, get pods".to_owned()),
                (Level::Warning, "not allowed to deletecollection pods".to_owned()),
                (
                    Level::Unknown,
                    "whether these rights are granted: watch pods".to_owned()
                ),
            ]
        );
    }
}
