//! Nodes on which executors fail to start, with the scheduler of a real control plane.
//!
//! Only a driver tells of registrations, which a node's neighbours are judged by: the test plays it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stoker_core::conf::{Conf, Sources, SparkVersion};
use stoker_core::ids::{ExecutorId, ProfileId};
use stoker_core::plan::Notice;
use stoker_core::shell::{Allocator, NoticeFilter, Settings};
use stoker_core::spec::ResourceProfile;
use stoker_tests::local_cluster::{DEADLINE, LocalCluster, eventually};

const APP: &str = "keeps-away";
/// Executors fail on the one and start on the other.
const BAD: &str = "kwok-0";
const GOOD: &str = "kwok-1";
const EXECUTORS: u32 = 4;

/// The user would rather have executors where they fail; every term lets both nodes pass.
fn affinity() -> Value {
    let on = |key: &str, value: &str| json!({"key": key, "operator": "In", "values": [value]});
    json!({
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "preference": {"matchExpressions": [on("kubernetes.io/hostname", BAD)]}},
        ],
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [on("kubernetes.io/os", "linux")]},
            {"matchExpressions": [on("type", "kwok")]},
        ]},
    })
}

/// The same without the node.
fn avoiding() -> Value {
    let mut affinity = affinity();
    let required = &mut affinity["requiredDuringSchedulingIgnoredDuringExecution"];
    for term in required["nodeSelectorTerms"].as_array_mut().unwrap() {
        term["matchFields"] = json!([{"key": "metadata.name", "operator": "NotIn", "values": [BAD]}]);
    }
    affinity
}

/// Replacements go to the other node, though the user's own affinity says otherwise and stays.
pub(super) fn are_avoided(cluster: &LocalCluster) {
    cluster.kubectl(&["cordon", BAD], None);
    let allocator = start(cluster);
    allocator.set_targets(vec![(ProfileId(0), 1)]);
    let first = run_up(cluster, &allocator, 1);
    assert_eq!(node(&first[0]), GOOD);

    cluster.kubectl(&["uncordon", BAD], None);
    until_scheduled_on_bad(cluster);
    allocator.set_targets(vec![(ProfileId(0), EXECUTORS)]);
    let rest = run_up(cluster, &allocator, EXECUTORS as usize - 1);
    for pod in rest {
        assert_eq!(node(&pod), GOOD);
        assert_eq!(pod["spec"]["affinity"]["nodeAffinity"], avoiding(), "{pod:#}");
    }
    assert_eq!(allocator.stop(DEADLINE), 0);
}

/// The scheduler has seen that the node takes pods again: until then it would give executors to the other one unasked.
fn until_scheduled_on_bad(cluster: &LocalCluster) {
    let name = "sees-the-node";
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": BAD},
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "any", "image": "any"}],
        },
    });
    cluster.kubectl(&["create", "-f", "-"], Some(&pod));
    eventually("a pod on the node that takes pods again", || {
        let pod = cluster.kubectl(&["get", "pod", name, "-o", "json"], None);
        let pod: Value = serde_json::from_str(&pod).unwrap();
        (node(&pod) == BAD).then_some(())
    });
    cluster.kubectl(&["delete", "pod", name, "--wait=false"], None);
}

fn start(cluster: &LocalCluster) -> Allocator {
    let mut properties = cluster.properties(APP);
    properties.insert("spark.executor.maxNumFailures".into(), "100".into());
    let sources = Sources {
        properties,
        ..Sources::default()
    };
    let conf = Conf::new(sources, SparkVersion::new(4, 3, 0)).unwrap();
    let profile = ResourceProfile::default_from(&conf).unwrap();
    let template = json!({"spec": {"affinity": {"nodeAffinity": affinity()}}});
    let settings = Settings {
        conf,
        master: None,
        app_id: APP.to_owned(),
        spark_user: "somebody".to_owned(),
        auth_secret: None,
        kubeconfig: None,
        mounted_properties: None,
        pod_template: Some(template.to_string()),
        notices: NoticeFilter::All,
    };
    let allocator = Allocator::start(&settings).unwrap();
    allocator.set_profile(profile);
    allocator
}

/// The pods of the next so many executors that start; those on the bad node fail.
fn run_up(cluster: &LocalCluster, allocator: &Allocator, executors: usize) -> Vec<Value> {
    let deadline = Instant::now() + DEADLINE;
    let mut started = Vec::new();
    while started.len() < executors {
        assert!(Instant::now() < deadline, "only {} have started", started.len());
        for notice in allocator.next_notices(Duration::from_secs(1)).unwrap() {
            if let Notice::Running { executor_id, pod, .. } = notice {
                started.extend(start_or_fail(cluster, allocator, executor_id, &pod));
            }
        }
    }
    started
}

fn start_or_fail(
    cluster: &LocalCluster,
    allocator: &Allocator,
    executor: ExecutorId,
    name: &str,
) -> Option<Value> {
    let pod: Value =
        serde_json::from_str(&cluster.kubectl(&["get", "pod", name, "-o", "json"], None)).unwrap();
    if node(&pod) == GOOD {
        allocator.registered(executor);
        return Some(pod);
    }
    let container = json!({
        "name": "spark-kubernetes-executor", "image": "any", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"terminated": {"exitCode": 1, "reason": "Error"}},
    });
    let failed = json!({"status": {"phase": "Failed", "containerStatuses": [container]}});
    let patch = format!("--patch={failed}");
    cluster.kubectl(&["patch", "pod", name, "--subresource=status", &patch], None);
    None
}

fn node(pod: &Value) -> &str {
    pod["spec"]["nodeName"].as_str().unwrap_or_default()
}
