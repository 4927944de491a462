//! A whole allocator against an API server that is a function.

#![expect(clippy::disallowed_methods, reason = "tests have deadlines of their own")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use futures::stream;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::conf::{Sources, SparkVersion};
use crate::plan::CreateResult;
use crate::shell::metrics::calls::Verb;

/// How long anything may take: it takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(5);

pub(in crate::shell) fn settings(entries: &[(&str, &str)]) -> Settings {
    let always = [
        ("spark.app.name", "job"),
        ("spark.kubernetes.container.image", "any"),
        ("spark.kubernetes.executor.podNamePrefix", "job"),
        ("spark.driver.host", "127.0.0.1"),
        ("spark.driver.port", "7078"),
    ];
    let properties: BTreeMap<_, _> = always
        .iter()
        .chain(entries)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let sources = Sources {
        properties,
        ..Sources::default()
    };
    Settings {
        conf: Conf::new(sources, SparkVersion::new(4, 3, 0)).unwrap(),
        master: None,
        app_id: "spark-1".into(),
        spark_user: "me".into(),
        auth_secret: None,
        kubeconfig: None,
        mounted_properties: None,
        pod_template: None,
        notices: NoticeFilter::Spark,
    }
}

/// Bodies of what was created, in order.
pub(in crate::shell) type Created = Arc<Mutex<Vec<Value>>>;

/// An API server that takes everything; `create` sees each object first.
pub(in crate::shell) fn server(created: &Created, create: fn(&mut Value)) -> kube::Client {
    let created = Arc::clone(created);
    let service = tower::service_fn(move |request: Request<Body>| {
        let created = Arc::clone(&created);
        async move {
            let (head, body) = request.into_parts();
            let bytes = body.collect_bytes().await.unwrap();
            let path = head.uri.path();
            let answer = match head.method {
                Method::GET if path.ends_with("/driver") => json!({
                    "kind": "Pod", "metadata": {"name": "driver", "uid": "driver-uid"}, "spec": {"future": 1},
                    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                }),
                Method::GET if head.uri.query().is_some_and(|query| query.contains("watch=true")) => {
                    let silence = stream::pending::<Result<Frame<Bytes>, Infallible>>();
                    return Ok::<_, Infallible>(Response::new(StreamBody::new(silence).boxed_unsync()));
                }
                Method::POST => {
                    let mut object: Value = serde_json::from_slice(&bytes).unwrap();
                    create(&mut object);
                    let mut created = created.lock().unwrap();
                    object["metadata"]["uid"] = json!(format!("uid-{}", created.len()));
                    created.push(object.clone());
                    object
                }
                _ => json!({"metadata": {"resourceVersion": "1"}, "items": []}),
            };
            Ok(Response::new(Full::from(answer.to_string()).boxed_unsync()))
        }
    });
    kube::Client::new(service, "default")
}

fn launch(settings: &Settings, created: &Created, create: fn(&mut Value)) -> Allocator {
    let factory = PodFactory::new(settings).unwrap();
    let config = plan_config(
        &settings.conf,
        &settings.app_id,
        factory.pod_name_prefix(),
        factory.prepares(),
        1,
    );
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let client = {
        let _context = runtime.enter();
        server(created, create)
    };
    let pods = PodApi::new(client, "default", &settings.app_id, DEADLINE);
    let (allocator, started) = Allocator::launch(
        runtime,
        config.unwrap(),
        factory,
        pods,
        settings.notices,
        Clock::start(),
    );
    started.blocking_recv().unwrap().unwrap();
    allocator
}

/// The first notice of a kind.
fn notice<T>(allocator: &Allocator, find: impl Fn(Notice) -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let notices = allocator.next_notices(left).expect("an open outbox");
        assert!(!notices.is_empty(), "no such notice in time");
        if let Some(found) = notices.into_iter().find_map(&find) {
            return found;
        }
    }
}

fn request(allocator: &Allocator) -> (u64, Value) {
    notice(allocator, |notice| match notice {
        Notice::Request { request_id, payload } => Some((request_id, payload)),
        _ => None,
    })
}

/// Waits until so many objects exist beside the `ConfigMap`.
fn made(created: &Created, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let mut objects = created.lock().unwrap().clone();
        objects.retain(|object| object["kind"] != "ConfigMap");
        if objects.len() == count {
            return objects;
        }
        assert!(Instant::now() < deadline, "{objects:#?}");
        thread::yield_now();
    }
}

pub(in crate::shell) const STEPS: (&str, &str) = (
    "spark.kubernetes.executor.pod.featureSteps",
    "com.acme.A,com.acme.B",
);
const DRIVER: (&str, &str) = ("spark.kubernetes.driver.pod.name", "driver");

#[test]
fn a_loop_that_panics_is_fatal_and_closes_the_outbox() {
    let allocator = launch(&settings(&[]), &Created::default(), |object| {
        assert_ne!(object["kind"], "Pod", "a defect");
    });
    allocator.set_targets(vec![(ProfileId(0), 1)]);
    let (kind, message) = notice(&allocator, |notice| match notice {
        Notice::Fatal { kind, message } => Some((kind, message)),
        _ => None,
    });
    assert_eq!(kind, FatalKind::Internal);
    assert!(message.contains("ended unexpectedly"), "{message}");
    assert_eq!(allocator.next_notices(DEADLINE), None);
    let since = Instant::now();
    assert!(!allocator.is_deleted(ExecutorId(1)), "and nobody waits for it");
    allocator.stop(DEADLINE);
    assert!(since.elapsed() < DEADLINE);
}

#[test]
fn a_report_tells_what_was_done() {
    let allocator = launch(&settings(&[]), &Created::default(), |_| {});
    allocator.set_targets(vec![(ProfileId(0), 3)]);
    let deadline = Instant::now() + DEADLINE;
    let report = loop {
        let report = allocator.report().unwrap();
        if report.counters.creates.get(&CreateResult::Created) == Some(&3) {
            break report;
        }
        assert!(Instant::now() < deadline, "{report:#?}");
        thread::yield_now();
    };
    let calls: Vec<_> = report
        .latencies
        .iter()
        .map(|(verb, of)| (*verb, of.count))
        .collect();
    let expected = [(Verb::CreatePod, 3), (Verb::ListPods, 1), (Verb::Other, 1)];
    assert_eq!(calls, expected, "the ConfigMap is the other one");
    assert!(report.latencies[&Verb::CreatePod].max > Duration::ZERO);
    assert_eq!(report.counters.creates_sent, 3);
    assert_eq!((report.counters.lists, report.counters.watches), (1, 1));
    assert_eq!((report.plan.total.live, report.plan.total.creating), (3, 0));
    allocator.stop(DEADLINE);
    assert!(allocator.report().is_none(), "nobody is left to answer");
}

#[test]
fn custom_steps_are_asked_once_for_many_executors() {
    let created = Created::default();
    let allocator = launch(&settings(&[STEPS, DRIVER]), &created, |_| {});
    allocator.set_targets(vec![(ProfileId(0), 3)]);
    let (id, payload) = request(&allocator);
    assert_eq!(payload["kind"], "featureSteps");
    assert_eq!(payload["steps"], json!(["com.acme.A", "com.acme.B"]));
    assert_eq!(payload["driverPod"]["spec"]["future"], 1, "as it is");
    let executors = payload["executors"].as_array().unwrap();
    assert_eq!(executors.len(), 3);
    assert_eq!(executors[0]["executorId"], "1");
    assert_eq!(executors[0]["profile"], 0);

    assert_eq!(
        allocator.answer(id + 1, json!({"ok": []})),
        Err(UnknownRequest(id + 1))
    );
    let answers: Vec<_> = executors
        .iter()
        .map(|executor| {
            let mut executor = executor.clone();
            executor["pod"]["metadata"]["annotations"]["acme"] = json!("yes");
            let name = format!("claim-{}", executor["executorId"].as_str().unwrap());
            let claim = json!({"kind": "PersistentVolumeClaim", "metadata": {"name": name}});
            executor["resources"] = json!([claim, {"kind": "Secret", "metadata": {"name": "s"}}]);
            executor
        })
        .collect();
    allocator.answer(id, json!({"ok": answers})).unwrap();
    let objects = made(&created, 6);
    for (index, kind) in [(0, "PersistentVolumeClaim"), (5, "Pod")] {
        assert_eq!(objects[index]["kind"], kind, "claims of the driver come first");
    }
    for object in &objects {
        assert_eq!(object["metadata"]["ownerReferences"][0]["uid"], "driver-uid");
        assert!(object["kind"] != "Pod" || object["metadata"]["annotations"]["acme"] == "yes");
    }
    assert_eq!(
        allocator.answer(id, json!({"ok": []})),
        Err(UnknownRequest(id)),
        "answered before"
    );
    allocator.stop(DEADLINE);
}

#[test]
fn an_answer_that_cannot_be_used_ends_the_application() {
    let created = Created::default();
    let allocator = launch(&settings(&[STEPS]), &created, |_| {});
    allocator.set_targets(vec![(ProfileId(0), 1)]);
    let (id, payload) = request(&allocator);
    assert_eq!(payload["driverPod"], Value::Null);
    allocator
        .answer(id, json!({"error": "no class com.acme.A"}))
        .unwrap();
    let (code, message) = notice(&allocator, |notice| match notice {
        Notice::Abort { exit_code, message } => Some((exit_code, message)),
        _ => None,
    });
    assert_eq!(code, 1);
    assert!(message.contains("no class com.acme.A"), "{message}");
    made(&created, 0);
    allocator.stop(DEADLINE);
}

#[test]
fn a_stop_does_not_wait_for_an_answer() {
    let allocator = launch(&settings(&[STEPS]), &Created::default(), |_| {});
    allocator.set_targets(vec![(ProfileId(0), 1)]);
    let (id, _) = request(&allocator);
    let since = Instant::now();
    allocator.stop(DEADLINE * 10);
    assert!(since.elapsed() < DEADLINE);
    assert_eq!(allocator.answer(id, json!({"ok": []})), Err(UnknownRequest(id)));
}

#[test]
fn claims_of_executor_pods_are_made_after_them() {
    let volume =
        |option: &str| format!("spark.kubernetes.executor.volumes.persistentVolumeClaim.data.{option}");
    let keys = [
        "mount.path",
        "options.claimName",
        "options.storageClass",
        "options.sizeLimit",
    ]
    .map(volume);
    let values = ["/data", "OnDemand", "fast", "1Gi"];
    let entries: Vec<_> = keys.iter().map(String::as_str).zip(values).collect();
    let created = Created::default();
    let allocator = launch(&settings(&entries), &created, |_| {});
    allocator.set_targets(vec![(ProfileId(0), 1)]);
    let objects = made(&created, 2);
    assert_eq!(objects[0]["kind"], "Pod");
    assert_eq!(objects[1]["metadata"]["name"], "job-exec-1-pvc-0");
    let owner = &objects[1]["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["name"], &owner["uid"]),
        (&objects[0]["metadata"]["name"], &objects[0]["metadata"]["uid"])
    );
    allocator.stop(DEADLINE);
}

#[test]
fn a_start_is_given_up_at_once() {
    // Connections are taken by the kernel, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let master = format!("k8s://http://{}", silent.local_addr().unwrap());
    let settings = Settings {
        master: Some(master),
        ..settings(&[DRIVER])
    };
    let since = Instant::now();
    let (cancel, cancelled) = oneshot::channel::<()>();
    let waiter = thread::spawn(move || {
        // The first connection says that the start is under way.
        let connection = silent.accept();
        drop(cancel);
        connection
    });
    let result = Allocator::start_unless(&settings, async { drop(cancelled.await) });
    assert!(matches!(result, Err(StartError::Cancelled)), "{result:?}");
    assert!(since.elapsed() < DEADLINE * 2, "{:?}", since.elapsed());
    waiter.join().unwrap().unwrap();
}

#[test]
fn the_command_has_no_jvm_for_custom_steps() {
    let settings = Settings {
        notices: NoticeFilter::All,
        master: Some("k8s://http://127.0.0.1:1".into()),
        ..settings(&[STEPS])
    };
    let error = Allocator::start(&settings).unwrap_err();
    assert!(error.to_string().contains("com.acme.A"), "{error}");
    assert_eq!(error.kind(), FatalKind::InvalidConfiguration);
}

/// The value of `SPARK_EXECUTOR_CORES`; none of what is no pod.
fn cores(object: &Value) -> Option<String> {
    let env = object["spec"]["containers"][0]["env"].as_array()?;
    let cores = env.iter().find(|entry| entry["name"] == "SPARK_EXECUTOR_CORES")?;
    cores["value"].as_str().map(str::to_owned)
}

/// Executors with four cores run out of memory as soon as they are made.
fn needs_memory(object: &mut Value) {
    if cores(object).as_deref() == Some("4") {
        object["status"] = json!({"phase": "Failed", "containerStatuses": [
            {"name": "spark-kubernetes-executor", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
        ]});
    }
}

#[test]
fn after_a_want_of_memory_executors_run_one_task_unless_the_user_minds() {
    let key = "spark.kubernetes.allocation.recoveryMode.enabled";
    let always = [
        ("spark.executor.cores", "4"),
        ("spark.executor.maxNumFailures", "1"),
    ];
    for (entries, expected) in [
        (vec![], ["4", "1"]),
        (vec![("spark.task.cpus", "2")], ["4", "2"]),
        (vec![(key, "false")], ["4", "4"]),
    ] {
        let created = Created::default();
        let entries = [always.as_slice(), &entries].concat();
        let allocator = launch(&settings(&entries), &created, needs_memory);
        allocator.set_targets(vec![(ProfileId(0), 1)]);
        let cores: Vec<_> = made(&created, 2).iter().filter_map(cores).collect();
        assert_eq!(cores, expected, "{entries:?}");
    }
}
