//! Quotas against executors.

use serde_json::{Value, json};

use super::*;
use crate::plan::{ApiFailure, FailureClass};

fn quota(spec: &Value, used: &Value) -> ResourceQuota {
    serde_json::from_value(
        json!({"metadata": {"name": "q"}, "spec": spec, "status": {"hard": spec["hard"], "used": used}}),
    )
    .unwrap()
}

fn pod() -> Pod {
    serde_json::from_value(json!({"metadata": {}, "spec": {
        "priorityClassName": "batch",
        "containers": [{"name": "c", "resources": {
            "requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi", "nvidia.com/gpu": "1"}}}]}}))
    .unwrap()
}

fn claim() -> k8s_openapi::api::core::v1::PersistentVolumeClaim {
    serde_json::from_value(json!({"metadata": {}, "spec": {"storageClassName": "fast",
        "resources": {"requests": {"storage": "10Gi"}}}}))
    .unwrap()
}

fn judged(spec: &Value, used: &Value, executors: u32) -> (Level, String, String) {
    let demand = Demand::of(&pod(), &[claim()], true);
    let finding = finding(&quota(spec, used), &pod(), &demand, executors);
    (finding.level, finding.what, finding.why)
}

#[test]
fn the_scarcest_resource_decides() {
    let (level, what, why) = judged(
        &json!({"hard": {"requests.cpu": "5", "memory": "4Gi", "pods": "100", "services": "0"}}),
        &json!({"requests.cpu": "1", "memory": "1Gi", "pods": "3"}),
        10,
    );
    assert_eq!(level, Level::Error);
    assert_eq!(what, "quota q has room for 3 of 10 executors");
    assert_eq!(
        why,
        "memory: 1Gi of 4Gi used, 1Gi wanted by each; requests.cpu: 1 of 5 used, 500m wanted by each"
    );
}

#[test]
fn enough_room_is_told_in_numbers() {
    let (level, what, why) = judged(
        &json!({"hard": {"count/pods": "12", "requests.nvidia.com/gpu": "20"}}),
        &json!({"count/pods": "2"}),
        10,
    );
    assert_eq!(
        (level, what.as_str(), why.as_str()),
        (
            Level::Ok,
            "quota q has room for 10 executors",
            "count/pods: 2 of 12 used, 1 wanted by each"
        )
    );
}

#[test]
fn claims_and_the_config_map_count_as_well() {
    let room = |hard: Value, used: Value| judged(&json!({"hard": hard}), &used, 3).1;
    assert_eq!(
        room(json!({"requests.storage": "25Gi"}), json!({})),
        "quota q has room for 2 of 3 executors"
    );
    assert_eq!(
        room(
            json!({"fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1"}),
            json!({})
        ),
        "quota q has room for 1 of 3 executors"
    );
    assert_eq!(
        room(
            json!({"slow.storageclass.storage.k8s.io/requests.storage": "1"}),
            json!({})
        ),
        "quota q does not limit executors"
    );
    assert_eq!(
        room(json!({"configmaps": "4"}), json!({"configmaps": "4"})),
        "quota q has room for 0 of 3 executors"
    );
    assert_eq!(
        room(json!({"count/configmaps": "4"}), json!({"count/configmaps": "3"})),
        "quota q has room for any number of executors"
    );
    assert_eq!(
        room(json!({"configmaps": "4", "pods": "9"}), json!({})),
        "quota q has room for 9 executors"
    );
}

#[test]
fn a_limit_that_no_container_sets_is_an_error_whatever_is_free() {
    let (level, what, why) = judged(&json!({"hard": {"limits.cpu": "1000"}}), &json!({}), 1);
    assert_eq!(level, Level::Error);
    assert!(what.contains("demands"), "{what}");
    assert!(why.contains("limits.cpu"), "{why}");
}

#[test]
fn scopes_choose_the_pods() {
    let none = json!({"pods": "0"});
    let limited = |scoped: Value| {
        let mut spec = scoped;
        spec["hard"] = none.clone();
        judged(&spec, &json!({}), 1).0 == Level::Error
    };
    let class = |operator: &str, values: &[&str]| {
        json!({"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": operator, "values": values}]}})
    };
    assert!(limited(json!({"scopes": ["NotTerminating", "NotBestEffort"]})));
    assert!(!limited(json!({"scopes": ["Terminating"]})));
    assert!(!limited(json!({"scopes": ["BestEffort"]})));
    assert!(!limited(json!({"scopes": ["CrossNamespacePodAffinity"]})));
    assert!(limited(class("In", &["batch", "other"])));
    assert!(!limited(class("NotIn", &["batch"])));
    assert!(limited(class("Exists", &[])));
    assert!(!limited(class("DoesNotExist", &[])));
}

#[test]
fn quotas_that_may_not_be_read_are_unknown() {
    let failure = ApiFailure {
        class: FailureClass::Forbidden,
        message: "no".to_owned(),
        retry_after: None,
    };
    let told = findings(&Err(failure), &pod(), &Demand::default(), 1);
    assert_eq!(told[0].level, Level::Unknown);
    assert_eq!(
        findings(&Ok(vec![]), &pod(), &Demand::default(), 1)[0].level,
        Level::Ok
    );
}
