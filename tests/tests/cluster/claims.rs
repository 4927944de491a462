//! Volume claims of executors, with the volume binder, the garbage collector and the rights of a real control plane.
//!
//! Nobody provisions volumes here: the tests make them beforehand, and the class of theirs has the scheduler bind a
//! claim when its first pod comes. Volumes and claims are `ReadWriteOncePod`, so that the scheduler too keeps a second
//! pod from a claim that is in use.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stoker_tests::local_cluster::{Allocate, LocalCluster, eventually};

use super::{assert_valid, count, ids, make_driver, selector};

const EXECUTORS: u32 = 3;
const CLASS: &str = "made-before";
const ONCE: &str = "ReadWriteOncePod";
/// How long a list of claims is believed where they may not be watched.
const LIST_BELIEVED: Duration = Duration::from_secs(30);

pub(super) fn on_demand(cluster: &LocalCluster) {
    make_class(cluster);
    make_driver(cluster, DRIVER);
    // Its list has to grow old: the other tests run meanwhile.
    let unwatched = Unwatched::start(cluster);
    claims_of_pods_go_with_them(cluster);
    claims_of_the_driver_are_used_again(cluster);
    claims_wait_for_their_pods(cluster);
    claims_of_the_driver_go_though_pods_stay(cluster);
    refused_claims_are_told_and_leave_nothing(cluster);
    unwatched.uses_claims_again(cluster);
}

const DRIVER: &str = "claims-driver";

/// A claim as the tests compare it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    name: String,
    uid: String,
}

fn make_class(cluster: &LocalCluster) {
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": CLASS},
        "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer",
    });
    cluster.kubectl(&["create", "-f", "-"], Some(&class));
}

/// Volumes that claims are bound to: with no more than there are executors, a claim too many stays unbound.
fn make_volumes(cluster: &LocalCluster, app: &str, volumes: u32) {
    for number in 0..volumes {
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("{app}-{number}")},
            "spec": {
                "storageClassName": CLASS, "capacity": {"storage": "1Gi"}, "accessModes": [ONCE],
                "hostPath": {"path": format!("/volumes/{app}-{number}")},
            },
        });
        cluster.kubectl(&["create", "-f", "-"], Some(&volume));
    }
}

/// Executors with a claim each, made on demand.
fn properties(cluster: &LocalCluster, app: &str, settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut properties = cluster.properties(app);
    for (option, value) in [
        ("mount.path", "/data"),
        ("options.claimName", "OnDemand"),
        ("options.storageClass", CLASS),
        ("options.sizeLimit", "1Gi"),
    ] {
        let volume = "spark.kubernetes.executor.volumes.persistentVolumeClaim.data";
        properties.insert(format!("{volume}.{option}"), value.into());
    }
    properties.insert("spark.kubernetes.driver.pod.name".into(), DRIVER.into());
    for (key, value) in settings {
        properties.insert(format!("spark.kubernetes.{key}"), (*value).into());
    }
    properties
}

fn start(properties: &BTreeMap<String, String>) -> Allocate {
    let mut stoker = Allocate::start(properties, EXECUTORS);
    stoker.wait_for("the executors to run", |events| {
        count(events, "running") == EXECUTORS as usize
    });
    stoker
}

fn claims(cluster: &LocalCluster, app: &str) -> Vec<Value> {
    cluster.list("persistentvolumeclaims", &format!("spark-app-selector={app}"))
}

/// The claims that pods have which have not ended, by pod. None is another's as well.
fn in_use(cluster: &LocalCluster, app: &str) -> BTreeMap<String, Claim> {
    let uids: BTreeMap<String, String> = claims(cluster, app)
        .iter()
        .map(|claim| (text(claim, "/metadata/name"), text(claim, "/metadata/uid")))
        .collect();
    let pods = cluster.list("pods", &selector(app));
    let used: BTreeMap<String, Claim> = pods
        .iter()
        .filter(|pod| !["Succeeded", "Failed"].contains(&text(pod, "/status/phase").as_str()))
        .map(|pod| {
            let volumes = pod["spec"]["volumes"].as_array().unwrap();
            let names = volumes.iter().filter_map(|volume| {
                volume["persistentVolumeClaim"]["claimName"]
                    .as_str()
                    .map(str::to_owned)
            });
            let [name] = names.collect::<Vec<_>>().try_into().unwrap();
            let uid = uids.get(&name).cloned().unwrap_or_default();
            (text(pod, "/metadata/name"), Claim { name, uid })
        })
        .collect();
    let distinct: BTreeSet<_> = used.values().collect();
    assert_eq!(distinct.len(), used.len(), "two pods share a claim: {used:#?}");
    used
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// How often claims were asked for so.
fn calls(cluster: &LocalCluster, verb: &str) -> u64 {
    let calls = cluster.calls("stoker/");
    calls
        .get(&(verb.into(), "persistentvolumeclaims".into()))
        .copied()
        .unwrap_or_default()
}

/// Waits for as many replacements in all, and for the claim of the last one.
fn replaced(cluster: &LocalCluster, stoker: &mut Allocate, app: &str, times: u32) -> Claim {
    let all = (EXECUTORS + times) as usize;
    let events = stoker.wait_for("the replacement to run", |events| count(events, "running") == all);
    let last = ids(events, "running").into_iter().max().unwrap();
    let used = in_use(cluster, app);
    assert_eq!(used.len(), EXECUTORS as usize, "{used:#?}");
    used[&format!("{app}-exec-{last}")].clone()
}

fn delete(cluster: &LocalCluster, pod: &str) {
    cluster.kubectl(&["delete", "pod", pod, "--wait=false"], None);
}

/// Ends it, and with it all its claims.
fn stop(cluster: &LocalCluster, stoker: Allocate, app: &str) {
    stoker.signal("TERM");
    let (code, events) = stoker.wait();
    assert_eq!(code, Some(0));
    assert_valid(&events);
    eventually("the claims to be gone", || {
        claims(cluster, app).is_empty().then_some(())
    });
}

/// A claim has its pod as owner, goes with it, and is never used again.
fn claims_of_pods_go_with_them(cluster: &LocalCluster) {
    let app = "claims-of-pods";
    make_volumes(cluster, app, EXECUTORS + 1);
    let mut stoker = start(&properties(
        cluster,
        app,
        &[("driver.ownPersistentVolumeClaim", "false")],
    ));
    let of_pods = || {
        let pods = cluster.list("pods", &selector(app));
        let uids = pods.iter().map(|pod| text(pod, "/metadata/uid")).collect();
        let owner = |claim: &Value| text(claim, "/metadata/ownerReferences/0/uid");
        let owners: BTreeSet<_> = claims(cluster, app).iter().map(owner).collect();
        (owners, uids)
    };
    let (owners, pods): (_, BTreeSet<_>) = of_pods();
    assert_eq!(owners, pods, "the pod is there before its claim, and owns it");

    let before = in_use(cluster, app);
    delete(cluster, &format!("{app}-exec-2"));
    let claim = replaced(cluster, &mut stoker, app, 1);
    assert!(!before.values().any(|used| used.uid == claim.uid), "{claim:?}");
    eventually("the claim of the pod that has gone to go", || {
        let (owners, pods) = of_pods();
        (owners == pods).then_some(())
    });
    stop(cluster, stoker, app);
}

/// The replacement of a pod that was deleted, and of one that failed, has the very claim of the one before.
fn claims_of_the_driver_are_used_again(cluster: &LocalCluster) {
    let app = "claims-reused";
    let made = calls(cluster, "create");
    make_volumes(cluster, app, EXECUTORS);
    let mut stoker = start(&properties(cluster, app, &[]));
    let driver = cluster.kubectl(&["get", "pod", DRIVER, "-o", "jsonpath={.metadata.uid}"], None);
    for claim in claims(cluster, app) {
        assert_eq!(
            text(&claim, "/metadata/ownerReferences/0/uid"),
            driver,
            "{claim:#}"
        );
    }
    let before = in_use(cluster, app);

    let deleted = format!("{app}-exec-2");
    delete(cluster, &deleted);
    assert_eq!(replaced(cluster, &mut stoker, app, 1), before[&deleted]);

    let failed = format!("{app}-exec-3");
    let patch = r#"--patch={"status": {"phase": "Failed"}}"#;
    cluster.kubectl(&["patch", "pod", &failed, "--subresource=status", patch], None);
    assert_eq!(replaced(cluster, &mut stoker, app, 2), before[&failed]);

    let now: BTreeSet<_> = in_use(cluster, app).into_values().collect();
    assert_eq!(now, before.into_values().collect());
    assert_eq!(calls(cluster, "create"), made + u64::from(EXECUTORS));
    stop(cluster, stoker, app);
}

/// A pod that does not go keeps its claim, and its replacement waits for it where the user says so.
fn claims_wait_for_their_pods(cluster: &LocalCluster) {
    let app = "claims-waited-for";
    let made = calls(cluster, "create");
    make_volumes(cluster, app, EXECUTORS);
    let waits = [("driver.waitToReusePersistentVolumeClaim", "true")];
    let mut stoker = start(&properties(cluster, app, &waits));
    let before = in_use(cluster, app);

    let stays = format!("{app}-exec-1");
    let held = |finalizers: &str| {
        let patch = format!(r#"--patch={{"metadata": {{"finalizers": {finalizers}}}}}"#);
        cluster.kubectl(&["patch", "pod", &stays, "--type=merge", &patch], None);
    };
    held(r#"["stoker.io/held"]"#);
    let patch = r#"--patch={"status": {"phase": "Failed"}}"#;
    cluster.kubectl(&["patch", "pod", &stays, "--subresource=status", patch], None);
    stoker.wait_for("word of what executors wait for", |events| {
        events.iter().any(|event| {
            event["event"] == "waiting"
                && text(event, "/message").contains("waitToReusePersistentVolumeClaim")
        })
    });
    assert_eq!(
        cluster.pods_made(&format!("{app}-exec-")).len(),
        EXECUTORS as usize
    );
    held("null");
    assert_eq!(replaced(cluster, &mut stoker, app, 1), before[&stays]);
    assert_eq!(calls(cluster, "create"), made + u64::from(EXECUTORS));
    stop(cluster, stoker, app);
}

/// Who keeps the pods keeps no claims, as with Spark's own manager: they are deleted, and go with the last of the pods.
fn claims_of_the_driver_go_though_pods_stay(cluster: &LocalCluster) {
    let app = "claims-of-pods-that-stay";
    make_volumes(cluster, app, EXECUTORS);
    let keeps = [("executor.deleteOnTermination", "false")];
    let stoker = start(&properties(cluster, app, &keeps));
    stoker.signal("TERM");
    let (code, events) = stoker.wait();
    assert_eq!(code, Some(0));
    assert_valid(&events);
    let pods = cluster.list("pods", &selector(app));
    assert_eq!(pods.len(), EXECUTORS as usize);
    let claims = claims(cluster, app);
    assert_eq!(claims.len(), EXECUTORS as usize, "pods still use them");
    for claim in &claims {
        assert!(claim["metadata"]["deletionTimestamp"].is_string(), "{claim:#}");
    }
    for pod in pods {
        delete(cluster, &text(&pod, "/metadata/name"));
    }
    eventually("the claims to go with the pods", || {
        self::claims(cluster, app).is_empty().then_some(())
    });
}

/// Without the right to make claims: no pod is made where the claim comes first, none is left where the pod does.
fn refused_claims_are_told_and_leave_nothing(cluster: &LocalCluster) {
    let token = account_without(cluster, "create");
    for (app, of_driver) in [("claims-refused-first", "true"), ("claims-refused-last", "false")] {
        let mut properties = properties(cluster, app, &[("driver.ownPersistentVolumeClaim", of_driver)]);
        properties.insert(
            "spark.kubernetes.authenticate.oauthTokenFile".into(),
            token.clone(),
        );
        let output = Allocate::run(&properties, EXECUTORS);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        for words in [
            "cannot be made",
            "cannot create resource",
            "the role's verbs on persistentvolumeclaims",
        ] {
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
        let made = cluster.pods_made(&format!("{app}-exec-"));
        assert_eq!(made.is_empty(), of_driver == "true", "{made:?}");
        eventually("the pods to be gone", || {
            cluster.list("pods", &selector(app)).is_empty().then_some(())
        });
        assert!(claims(cluster, app).is_empty());
    }
}

/// An application that may not watch claims.
struct Unwatched {
    stoker: Allocate,
    started: Instant,
}

impl Unwatched {
    const APP: &str = "claims-unwatched";

    fn start(cluster: &LocalCluster) -> Self {
        make_volumes(cluster, Self::APP, EXECUTORS);
        let mut properties = properties(cluster, Self::APP, &[]);
        let token = account_without(cluster, "watch");
        properties.insert("spark.kubernetes.authenticate.oauthTokenFile".into(), token);
        let stoker = start(&properties);
        // The list was made by now.
        let started = Instant::now();
        Unwatched { stoker, started }
    }

    /// They are listed before one is used again.
    fn uses_claims_again(mut self, cluster: &LocalCluster) {
        eventually("the first list to be too old", || {
            (self.started.elapsed() > LIST_BELIEVED).then_some(())
        });
        let before = in_use(cluster, Self::APP);
        let lists = calls(cluster, "list");
        let victim = format!("{}-exec-2", Self::APP);
        delete(cluster, &victim);
        assert_eq!(replaced(cluster, &mut self.stoker, Self::APP, 1), before[&victim]);
        assert_eq!(calls(cluster, "list"), lists + 1);
        assert_eq!(claims(cluster, Self::APP).len(), EXECUTORS as usize);
        stop(cluster, self.stoker, Self::APP);
    }
}

/// The file with the token of an account that has the driver's rights but one on claims.
fn account_without(cluster: &LocalCluster, verb: &str) -> String {
    let name = format!("no-claim-{verb}");
    let role = cluster.kubectl(&["get", "role", "spark-driver", "-o", "json"], None);
    let mut role: Value = serde_json::from_str(&role).unwrap();
    role["metadata"] = json!({"name": name});
    for rule in role["rules"].as_array_mut().unwrap() {
        if rule["resources"] == json!(["persistentvolumeclaims"]) {
            rule["verbs"].as_array_mut().unwrap().retain(|may| may != verb);
        }
    }
    cluster.kubectl(&["create", "-f", "-"], Some(&role));
    cluster.kubectl(&["create", "serviceaccount", &name], None);
    let account = format!("--serviceaccount={}:{name}", cluster.env("NAMESPACE"));
    cluster.kubectl(
        &[
            "create",
            "rolebinding",
            &name,
            &format!("--role={name}"),
            &account,
        ],
        None,
    );
    let file = cluster.dir().join(format!("{name}.token"));
    std::fs::write(&file, cluster.kubectl(&["create", "token", &name], None)).unwrap();
    file.display().to_string()
}
