//! `stoker check` on a real API server: a good configuration gives no error, each fault gives its own.

#![expect(clippy::unwrap_used, reason = "a test")]

mod references;
mod support;

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use stoker_tests::local_cluster::{LocalCluster, eventually};

use support::{Checked, Place};

/// One control plane for all tests.
#[test]
fn on_a_real_api_server() {
    let cluster = LocalCluster::start(2);
    let kubeconfig = cluster.dir().join("kubeconfig").display().to_string();
    let place = Place { cluster, kubeconfig };
    a_good_configuration_has_no_error_and_nothing_is_made(&place);
    references::what_is_not_there_is_named(&place);
    references::secrets_and_their_entries_are_looked_up(&place);
    references::what_the_pod_names_is_looked_up(&place);
    quotas_and_limit_ranges_are_judged(&place);
    access_that_fails_is_explained(&place);
    what_the_api_server_refuses_is_told_in_its_words(&place);
    faults_of_the_command_line_and_of_the_properties(&place);
    orphans_are_listed_and_left_alone(&place);
}

fn a_good_configuration_has_no_error_and_nothing_is_made(place: &Place) {
    let checked = place.check(&[("spark.executor.instances", "5")], &[]);
    assert!(!checked.levels().contains("error"), "{checked:#?}");
    assert!(!checked.levels().contains("unknown"), "{checked:#?}");
    assert_eq!(checked.report["executors"], 5);
    checked.assert_says("ok", "access", "Kubernetes v1.");
    checked.assert_says("ok", "rights", "9 of 9 rights");
    checked.assert_says("ok", "admission", "the executor pod is accepted");
    checked.assert_says("ok", "nodes", "2 of 2 nodes");

    // With the least rights of a driver all is well, too; what it may not see is unknown.
    let checked = place.check_as_driver(&[], &["--executors", "3"]);
    assert!(!checked.levels().contains("error"), "{checked:#?}");
    assert_eq!(checked.report["executors"], 3);
    checked.assert_says("ok", "access", "system:serviceaccount:");
    checked.assert_says("unknown", "quota", "resourcequotas is forbidden");
    checked.assert_says("unknown", "nodes", "nodes is forbidden");

    for kind in ["pods", "configmaps"] {
        let made = place.cluster.list(kind, "spark-app-selector=checked");
        assert_eq!(made, Vec::<Value>::new());
    }
}

fn quotas_and_limit_ranges_are_judged(place: &Place) {
    let cluster = &place.cluster;
    cluster.kubectl(&["create", "namespace", "tight"], None);
    // Each executor has 512 MiB and 384 MiB of overhead.
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
        "spec": {"hard": {"requests.memory": "2Gi", "pods": "10"}}});
    cluster.kubectl(&["-n", "tight", "create", "-f", "-"], Some(&quota));
    eventually(
        "the quota to be in force and the service account to exist",
        || {
            let args = ["-n", "tight", "get", "resourcequota,serviceaccount", "-o", "json"];
            let list: Value = serde_json::from_str(&cluster.kubectl(&args, None)).unwrap();
            let items = list["items"].as_array().unwrap();
            let used = items
                .iter()
                .any(|item| item["status"]["used"]["pods"].is_string());
            let account = items.iter().any(|item| item["metadata"]["name"] == "default");
            (used && account).then_some(())
        },
    );
    let tight = ("spark.kubernetes.namespace", "tight");
    let checked = place.check(&[tight], &["--executors", "2"]);
    checked.assert_says("ok", "quota", "quota small has room for 2 executors");
    assert!(!checked.levels().contains("error"), "{checked:#?}");
    let checked = place.check(&[tight], &["--executors", "3"]);
    checked.assert_says("error", "quota", "quota small has room for 2 of 3 executors");
    checked.assert_says(
        "error",
        "quota",
        "requests.memory: 0 of 2Gi used, 896Mi wanted by each",
    );

    let demanding = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "demanding"},
        "spec": {"hard": {"limits.cpu": "100"}}});
    cluster.kubectl(&["-n", "tight", "create", "-f", "-"], Some(&demanding));
    let checked = place.check(&[tight], &["--executors", "1"]);
    checked.assert_says("error", "quota", "quota demanding demands");
    let range = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "range"},
        "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}, "max": {"memory": "1Gi"}}]}});
    cluster.kubectl(&["-n", "tight", "create", "-f", "-"], Some(&range));
    eventually("the limit range to give its default", || {
        let checked = place.check(&[tight], &["--executors", "1"]);
        checked
            .says("ok", "quota", "quota demanding has room for 100 executors")
            .then_some(())
    });
    let checked = place.check(&[tight, ("spark.executor.memory", "4g")], &["--executors", "1"]);
    checked.assert_says("error", "admission", "maximum memory usage per Container is 1Gi");
    checked.assert_says("error", "quota", "quota small has room for 0 of 1 executors");
}

fn access_that_fails_is_explained(place: &Place) {
    let powerless = place.cluster.env("NOACCESS_TOKEN_FILE");
    let token_file = "spark.kubernetes.authenticate.oauthTokenFile";
    let checked = place.check_as_driver(&[(token_file, powerless)], &[]);
    checked.assert_says(
        "error",
        "rights",
        "not allowed to create, get, list, watch, delete pods",
    );
    checked.assert_says("warning", "rights", "not allowed to deletecollection pods");
    checked.assert_says("error", "admission", "pods is forbidden");

    let wrong = place.cluster.dir().join("wrong.token");
    fs::write(&wrong, "nonsense").unwrap();
    let checked = place.check_as_driver(&[(token_file, &wrong.display().to_string())], &[]);
    checked.assert_says("error", "access", "Unauthorized");

    let other_ca = place.cluster.dir().join("other-ca.crt");
    fs::write(&other_ca, include_str!("../../fixtures/other-ca.crt")).unwrap();
    let ca_file = "spark.kubernetes.authenticate.caCertFile";
    let checked = place.check_as_driver(&[(ca_file, &other_ca.display().to_string())], &[]);
    checked.assert_says("error", "access", "certificate is not trusted");
    let checked = place.check_as_driver(&[(ca_file, "/not/there.crt")], &[]);
    checked.assert_says("error", "access", "/not/there.crt");

    let checked = place.check_as_driver(&[("spark.master", "k8s://https://127.0.0.1:1")], &[]);
    checked.assert_says("error", "access", "https://127.0.0.1:1/ cannot be used");
    assert!(
        !checked.says("error", "rights", ""),
        "what does not answer is not asked further: {checked:#?}"
    );
}

fn what_the_api_server_refuses_is_told_in_its_words(place: &Place) {
    let label = ("spark.kubernetes.executor.label.team", "not a label value!");
    let checked = place.check(&[label], &[]);
    checked.assert_says("error", "admission", "metadata.labels: Invalid value");

    let selector = ("spark.kubernetes.executor.node.selector.no-such-label", "x");
    let checked = place.check(&[selector], &[]);
    checked.assert_says("warning", "nodes", "no node matches");
    let checked = place.check(&[("spark.executor.memory", "100000g")], &[]);
    checked.assert_says("warning", "nodes", "no node can hold an executor");
}

fn faults_of_the_command_line_and_of_the_properties(place: &Place) {
    let checked = place.check(&[("spark.kubernetes.executor.typo", "1")], &[]);
    checked.assert_says("warning", "configuration", "spark.kubernetes.executor.typo");
    let checked = place.check(&[("spark.executor.memory", "lots")], &[]);
    checked.assert_says("error", "configuration", "spark.executor.memory");
    let mut without_image = place.properties(&[]);
    without_image.remove("spark.kubernetes.container.image");
    let checked = Checked::run(&without_image, &["--kubeconfig", &place.kubeconfig]);
    checked.assert_says("error", "configuration", "spark.kubernetes.container.image");
    checked.assert_says("ok", "access", "Kubernetes v1.");
    let long = "x".repeat(250);
    let checked = place.check(&[("spark.kubernetes.executor.podNamePrefix", &long)], &[]);
    checked.assert_says("error", "configuration", "237 characters");

    for arguments in [
        &["--executors", "many"][..],
        &["--all-namespaces"],
        &["--orphans", "--executors", "3"],
    ] {
        let checked = Checked::run(&place.properties(&[]), arguments);
        assert_eq!(checked.code, Some(2), "{arguments:?}: {}", checked.stderr);
    }
    let output = Command::new(std::env::var("STOKER_BIN").unwrap())
        .args(["check", "--properties", "/not/there"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/not/there"));
}

fn orphans_are_listed_and_left_alone(place: &Place) {
    let cluster = &place.cluster;
    let pod = |name: &str, app: &str, role: &str| {
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"spark-role": role, "spark-app-selector": app}},
            "spec": {"containers": [{"name": "c", "image": "any"}], "nodeSelector": {"stoker.io/node-kind": "kwok"}}})
    };
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "left-map", "labels": {"spark-app-selector": "left"}}});
    for object in [
        pod("left-exec-1", "left", "executor"),
        pod("driven-exec-1", "driven", "executor"),
        pod("driven-driver", "driven", "driver"),
        map,
    ] {
        cluster.kubectl(&["create", "-f", "-"], Some(&object));
    }
    let names = |checked: &Checked| -> Vec<String> {
        let orphans = checked.report["orphans"].as_array().unwrap();
        let text = |orphan: &Value, field: &str| orphan[field].as_str().unwrap().to_owned();
        orphans
            .iter()
            .map(|orphan| format!("{} {}", text(orphan, "applicationId"), text(orphan, "name")))
            .collect()
    };
    // The driver's account may list pods and ConfigMaps of its namespace, as a run does.
    let checked = place.check_as_driver(&[], &["--orphans"]);
    assert_eq!(checked.code, Some(0), "{checked:#?}");
    assert_eq!(names(&checked), ["left left-exec-1", "left left-map"]);
    assert_eq!(checked.report["orphans"][0]["kind"], "Pod");
    let checked = place.check(&[], &["--orphans", "--all-namespaces"]);
    assert_eq!(names(&checked), ["left left-exec-1", "left left-map"]);
    let checked = place.check_as_driver(&[], &["--orphans", "--all-namespaces"]);
    checked.assert_says("error", "orphans", "pods cannot be listed");
    assert_eq!(cluster.list("pods", "spark-app-selector=left").len(), 1);
    assert_eq!(cluster.list("configmaps", "spark-app-selector=left").len(), 1);
}
