//! From what Spark has in the cluster to what nobody owns.

use jiff::Timestamp;
use stoker_core::preflight::{self, Area, Finding, Level, ObjectKind, Orphan};
use stoker_core::shell::preflight::Objects;

/// The orphans, and findings about what could not be listed.
pub(super) fn judged(objects: Objects, now: Timestamp) -> (Vec<Finding>, Vec<Orphan>) {
    let mut findings = Vec::new();
    let mut all = Vec::new();
    for (kind, answer) in objects.by_kind {
        match answer {
            Ok(of_kind) => all.extend(of_kind),
            Err(failure) => {
                // Without pods it is not known which drivers run: everything would look like an orphan.
                let (level, what) = match kind {
                    ObjectKind::Pod => (Level::Error, "pods"),
                    ObjectKind::PersistentVolumeClaim => (Level::Unknown, "volume claims"),
                    ObjectKind::ConfigMap => (Level::Unknown, "ConfigMaps"),
                };
                findings.push(Finding::new(
                    level,
                    Area::Orphans,
                    format!("{what} cannot be listed"),
                    failure.message,
                    "use credentials that may list them; leave --all-namespaces out where they are for one namespace",
                ));
            }
        }
    }
    if findings.iter().any(|finding| finding.level == Level::Error) {
        return (findings, Vec::new());
    }
    let orphans = preflight::orphans(&all, &objects.owners, now);
    (findings, orphans)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use stoker_core::plan::{ApiFailure, FailureClass};
    use stoker_core::preflight::SparkObject;

    fn lists(forbidden: ObjectKind) -> Objects {
        let answer = |kind| {
            if kind == forbidden {
                return Err(ApiFailure {
                    class: FailureClass::Forbidden,
                    message: "no".to_owned(),
                    retry_after: None,
                });
            }
            Ok(vec![SparkObject {
                kind,
                metadata: serde_json::from_str(r#"{"labels": {"spark-role": "executor"}}"#).unwrap(),
                phase: None,
            }])
        };
        let kinds = [
            ObjectKind::Pod,
            ObjectKind::PersistentVolumeClaim,
            ObjectKind::ConfigMap,
        ];
        Objects {
            by_kind: kinds.into_iter().map(|kind| (kind, answer(kind))).collect(),
            owners: BTreeMap::new(),
        }
    }

    #[test]
    fn without_pods_nothing_is_called_an_orphan() {
        let (findings, orphans) = judged(lists(ObjectKind::Pod), Timestamp::UNIX_EPOCH);
        assert_eq!((findings[0].level, orphans.len()), (Level::Error, 0));
        let (findings, orphans) = judged(lists(ObjectKind::ConfigMap), Timestamp::UNIX_EPOCH);
        assert_eq!((findings[0].level, orphans.len()), (Level::Unknown, 2));
    }
}
