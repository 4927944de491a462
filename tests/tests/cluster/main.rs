//! `stoker allocate` on a real API server with KWOK nodes: RBAC, garbage collection, faults.

#![expect(clippy::unwrap_used, reason = "a test")]

mod claims;
mod controllers;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stoker_tests::local_cluster::{Allocate, LocalCluster, eventually};

const SELECTOR_ROLE: &str = "spark-role=executor";

fn selector(app_id: &str) -> String {
    format!("{SELECTOR_ROLE},spark-app-selector={app_id}")
}

/// Every line of `stoker allocate` is what the published schema says.
fn assert_valid(events: &[Value]) {
    let schema = serde_json::from_str(include_str!("../../../docs/events.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for event in events {
        let errors: Vec<String> = validator
            .iter_errors(event)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{event}: {errors:?}");
    }
    let lost_without_cause = json!({"time": "2026-01-01T00:00:00Z", "event": "lost", "executorId": 1, "pod": "p", "uid": "u", "profile": 0});
    assert!(
        !validator.is_valid(&lost_without_cause),
        "the schema lets everything pass"
    );
}

fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["event"] == kind).count()
}

fn ids(events: &[Value], kind: &str) -> BTreeSet<u64> {
    events
        .iter()
        .filter(|event| event["event"] == kind)
        .filter_map(|event| event["executorId"].as_u64())
        .collect()
}

/// One control plane for all tests: each has an application of its own.
#[test]
fn on_a_real_api_server() {
    let cluster = LocalCluster::start(2);
    holds_replaces_and_releases(&cluster);
    everything_is_owned_by_the_driver_pod(&cluster);
    kernels_in_one_pod_leave_each_other_alone(&cluster);
    claims::on_demand(&cluster);
    refusals_are_clear_and_leave_nothing(&cluster);
    a_start_ends_with_the_signal(&cluster);
    without_a_watch_executors_are_listed(&cluster);
    controllers::pods_are_the_controllers(&cluster);
    watches_that_begin_with_a_list_are_served(&cluster);
}

/// So that the fault modes, whose relists begin with one, prove something of it.
fn watches_that_begin_with_a_list_are_served(cluster: &LocalCluster) {
    let path = "/api/v1/pods?watch=true&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true\
                &resourceVersionMatch=NotOlderThan&resourceVersion=";
    let events = cluster.kubectl(&["get", "--raw", path], None);
    assert!(events.contains("k8s.io/initial-events-end"), "{events}");
}

fn without_a_watch_executors_are_listed(cluster: &LocalCluster) {
    const EXECUTORS: u32 = 5;
    let app = "without-a-watch";
    let calls = |verb: &str| {
        let calls = cluster.calls("stoker/");
        calls
            .get(&(verb.into(), "pods".into()))
            .copied()
            .unwrap_or_default()
    };
    let (watches, lists) = (calls("watch"), calls("list"));
    let mut properties = cluster.properties(app);
    for (key, value) in [
        ("enableApiWatcher", "false"),
        ("apiPollingInterval", "1s"),
        ("enablePollingWithResourceVersion", "true"),
    ] {
        properties.insert(format!("spark.kubernetes.executor.{key}"), value.into());
    }
    let mut stoker = Allocate::start(&properties, EXECUTORS);
    stoker.wait_for("5 executors to run", |events| {
        count(events, "running") == EXECUTORS as usize
    });
    cluster.kubectl(&["delete", "pod", &format!("{app}-exec-3"), "--wait=false"], None);
    let events = stoker.wait_for("the replacement to run", |events| {
        count(events, "running") == EXECUTORS as usize + 1
    });
    assert_eq!(ids(events, "lost"), BTreeSet::from([3]));
    stoker.signal("TERM");
    let (code, events) = stoker.wait();
    assert_eq!((code, count(&events, "lost")), (Some(0), 1));
    assert_eq!(calls("watch"), watches);
    assert!(calls("list") > lists + 2);
}

fn holds_replaces_and_releases(cluster: &LocalCluster) {
    const EXECUTORS: u32 = 20;
    let app = "holds-and-replaces";
    let mut stoker = Allocate::start(&cluster.properties(app), EXECUTORS);
    stoker.wait_for("20 executors to run", |events| {
        count(events, "running") == EXECUTORS as usize
    });
    let pods = cluster.list("pods", &selector(app));
    assert_eq!(pods.len(), EXECUTORS as usize);
    assert!(
        pods.iter()
            .all(|pod| pod["metadata"]["ownerReferences"].is_null()),
        "there is no driver pod"
    );
    let config_maps = cluster.list("configmaps", &selector(app));
    assert_eq!(config_maps.len(), 1);
    assert_eq!(config_maps[0]["immutable"], true);

    let victim = format!("{app}-exec-7");
    cluster.kubectl(&["delete", "pod", &victim, "--wait=false"], None);
    let events = stoker.wait_for("the replacement to run", |events| {
        count(events, "running") == EXECUTORS as usize + 1
    });
    let lost: Vec<&Value> = events.iter().filter(|event| event["event"] == "lost").collect();
    assert_eq!(lost.len(), 1, "{lost:#?}");
    assert_eq!(lost[0]["executorId"], 7);
    assert_eq!(lost[0]["cause"]["kind"], "deleted");
    assert_eq!(lost[0]["cause"]["appCaused"], false);
    assert!(
        ids(events, "created").contains(&(u64::from(EXECUTORS) + 1)),
        "a new id, never an old one"
    );

    stoker.signal("TERM");
    let (code, events) = stoker.wait();
    assert_eq!(code, Some(0));
    assert_eq!(count(&events, "lost"), 1, "releasing is no loss");
    assert_valid(&events);
    assert_eq!(count(&events, "released"), EXECUTORS as usize);
    for kind in ["pods", "configmaps"] {
        eventually("everything to be gone", || {
            cluster.list(kind, &selector(app)).is_empty().then_some(())
        });
    }

    // What it cost, by the API server's own account.
    let calls = cluster.calls("stoker/");
    let of = |verb: &str, resource: &str| {
        calls
            .get(&(verb.into(), resource.into()))
            .copied()
            .unwrap_or_default()
    };
    assert_eq!(of("create", "pods"), u64::from(EXECUTORS) + 1, "{calls:?}");
    assert_eq!(of("create", "configmaps"), 1, "{calls:?}");
    assert_eq!(of("list", "pods"), 1, "{calls:?}");
    assert_eq!(of("delete", "pods"), 0, "{calls:?}");
    assert_eq!(of("deletecollection", "pods"), 1, "{calls:?}");
}

/// A running driver pod; its UID.
fn make_driver(cluster: &LocalCluster, driver: &str) -> String {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": driver, "labels": {"spark-role": "driver"}},
        "spec": {"containers": [{"name": "driver", "image": "any"}], "nodeSelector": {"stoker.io/node-kind": "kwok"}},
    });
    cluster.kubectl(&["create", "-f", "-"], Some(&pod));
    cluster.kubectl(
        &[
            "wait",
            "--for=condition=Ready",
            &format!("pod/{driver}"),
            "--timeout=120s",
        ],
        None,
    );
    cluster.kubectl(&["get", "pod", driver, "-o", "jsonpath={.metadata.uid}"], None)
}

fn everything_is_owned_by_the_driver_pod(cluster: &LocalCluster) {
    let (app, driver) = ("owned", "owned-driver");
    let uid = make_driver(cluster, driver);
    let mut properties = cluster.properties(app);
    properties.insert("spark.kubernetes.driver.pod.name".into(), driver.into());
    let mut stoker = Allocate::start(&properties, 5);
    stoker.wait_for("5 executors to run", |events| count(events, "running") == 5);
    for kind in ["pods", "configmaps"] {
        for object in cluster.list(kind, &selector(app)) {
            assert_eq!(
                object["metadata"]["ownerReferences"][0]["uid"],
                uid.as_str(),
                "{object:#}"
            );
        }
    }

    // Nobody is left to clean up: the garbage collector has to find everything by its owner.
    stoker.signal("KILL");
    assert_eq!(stoker.wait().0, None);
    assert_eq!(cluster.list("pods", &selector(app)).len(), 5);
    cluster.kubectl(&["delete", "pod", driver, "--grace-period=0", "--force"], None);
    for kind in ["pods", "configmaps"] {
        eventually("the garbage collector", || {
            cluster.list(kind, &selector(app)).is_empty().then_some(())
        });
    }
}

/// Two applications in one notebook pod: one comes back after a crash and finds its own pods, and ends; the other goes on.
fn kernels_in_one_pod_leave_each_other_alone(cluster: &LocalCluster) {
    const EXECUTORS: usize = 3;
    let (first, second, driver) = ("kernel-1", "kernel-2", "notebook");
    make_driver(cluster, driver);
    let start = |app: &str| {
        let mut properties = cluster.properties(app);
        properties.insert("spark.kubernetes.driver.pod.name".into(), driver.into());
        let mut stoker = Allocate::start(&properties, 3);
        stoker.wait_for("3 executors to run", |events| {
            count(events, "running") == EXECUTORS
        });
        stoker
    };
    for app in [first, second] {
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": app, "labels": {"spark-app-selector": app}},
            "spec": {"clusterIP": "None", "ports": [{"port": 7078}]},
        });
        cluster.kubectl(&["create", "-f", "-"], Some(&service));
    }
    let uids = |app: &str| -> BTreeSet<String> {
        let pods = cluster.list("pods", &selector(app));
        pods.iter()
            .map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned())
            .collect()
    };
    let services = |app: &str| {
        cluster
            .list("services", &format!("spark-app-selector={app}"))
            .len()
    };

    let crashes = start(first);
    let stays = start(second);
    let (old, untouched) = (uids(first), uids(second));
    crashes.signal("KILL");
    assert_eq!(crashes.wait().0, None);
    let ends = start(first);
    eventually("the pods of the first life to be swept", || {
        uids(first).is_disjoint(&old).then_some(())
    });
    assert_eq!(uids(second), untouched);

    ends.signal("TERM");
    assert_eq!(ends.wait().0, Some(0));
    eventually("the first application to be gone", || {
        uids(first).is_empty().then_some(())
    });
    assert_eq!((services(first), services(second)), (0, 1));
    assert_eq!(uids(second), untouched);
    assert_eq!(cluster.list("configmaps", &selector(second)).len(), 1);
    stays.signal("TERM");
    let (code, events) = stays.wait();
    assert_eq!((code, count(&events, "lost")), (Some(0), 0));
    assert_eq!(services(second), 0);
}

fn a_start_ends_with_the_signal(cluster: &LocalCluster) {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut properties = cluster.properties("never-started");
    let master = format!("k8s://http://{}", silent.local_addr().unwrap());
    properties.insert("spark.master".into(), master);
    properties.insert("spark.stoker.startTimeout".into(), "1h".into());
    let stoker = Allocate::start(&properties, 1);
    drop(silent.accept().unwrap());
    stoker.signal("TERM");
    let (code, events) = stoker.wait();
    assert_eq!((code, events.len()), (Some(0), 0));
}

fn refusals_are_clear_and_leave_nothing(cluster: &LocalCluster) {
    let refused = |change: &dyn Fn(&mut std::collections::BTreeMap<String, String>), says: &[&str]| {
        let app = "refused";
        let mut properties = cluster.properties(app);
        change(&mut properties);
        let output = Allocate::run(&properties, 3);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        for text in says {
            assert!(stderr.contains(text), "{text:?} is not in {stderr:?}");
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
        for kind in ["pods", "configmaps"] {
            assert_eq!(cluster.list(kind, &selector(app)), Vec::<Value>::new());
        }
    };
    let without = |key: &'static str| {
        move |properties: &mut std::collections::BTreeMap<String, String>| {
            properties.remove(key);
        }
    };
    let with = |key: &'static str, value: String| {
        move |properties: &mut std::collections::BTreeMap<String, String>| {
            properties.insert(key.into(), value.clone());
        }
    };

    refused(
        &without("spark.kubernetes.container.image"),
        &["spark.kubernetes.container.image"],
    );
    let powerless = cluster.env("NOACCESS_TOKEN_FILE").to_owned();
    refused(
        &with("spark.kubernetes.authenticate.oauthTokenFile", powerless),
        &["forbidden", "noaccess", "role"],
    );
    let other_ca = cluster.dir().join("other-ca.crt");
    std::fs::write(&other_ca, OTHER_CA).unwrap();
    refused(
        &with(
            "spark.kubernetes.authenticate.caCertFile",
            other_ca.display().to_string(),
        ),
        &["certificate", "spark.kubernetes.authenticate.caCertFile"],
    );
    refused(
        &|properties| {
            properties.insert("spark.master".into(), "k8s://https://127.0.0.1:1".into());
            properties.insert("spark.stoker.startTimeout".into(), "2s".into());
        },
        &["127.0.0.1:1", "spark.stoker.startTimeout"],
    );
    refused(
        &with("spark.kubernetes.driver.pod.name", "nobody".into()),
        &["nobody", "driver"],
    );
    refused(
        &with("spark.kubernetes.namespace", "kube-system".into()),
        &["forbidden", "kube-system"],
    );
    let token = admin_token(cluster);
    refused(
        &|properties| {
            properties.insert("spark.kubernetes.namespace".into(), "nowhere".into());
            properties.insert(
                "spark.kubernetes.authenticate.oauthTokenFile".into(),
                token.clone(),
            );
        },
        &["namespaces \"nowhere\" not found"],
    );
    refused(&with("spark.app.name", r"\u12".into()), &[r"\u must be followed"]);
    refused(
        &with("spark.kubernetes.container.image.pullPolicy", "Sometimes".into()),
        &[
            "spark.kubernetes.container.image.pullPolicy",
            "Sometimes",
            "IfNotPresent",
        ],
    );
    refused(
        &with("spark.executor.instances", "-1".into()),
        &["spark.executor.instances", "-1"],
    );
}

/// The file with the token of an account that may do everything everywhere.
fn admin_token(cluster: &LocalCluster) -> String {
    cluster.kubectl(&["create", "serviceaccount", "admin"], None);
    let account = format!("--serviceaccount={}:admin", cluster.env("NAMESPACE"));
    let role = "--clusterrole=cluster-admin";
    cluster.kubectl(
        &["create", "clusterrolebinding", "admin-test", role, &account],
        None,
    );
    let file = cluster.dir().join("admin.token");
    std::fs::write(&file, cluster.kubectl(&["create", "token", "admin"], None)).unwrap();
    file.display().to_string()
}

/// A certificate authority that has signed nothing here.
const OTHER_CA: &str = include_str!("../../fixtures/other-ca.crt");
