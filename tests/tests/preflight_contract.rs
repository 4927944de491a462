//! What `stoker check` sends and what it makes of the answers.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::time::Duration;

use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use stoker_core::plan::FailureClass;
use stoker_core::preflight::{Needs, ObjectKind, Reference, ReferenceKind, TrialKind, rights};
use stoker_core::shell::preflight::Cluster;
use tower_test::mock::{self, Handle};

type Server = Handle<Request<Body>, Response<Body>>;

fn cluster() -> (Cluster, Server) {
    let (service, server) = mock::pair();
    let client = kube::Client::new(service, "ns");
    (Cluster::new(client, "ns", Duration::from_secs(30)), server)
}

/// Answers the next request; returns its method and address, what it accepts and its body.
async fn answer(server: &mut Server, status: u16, body: &Value) -> (String, String, Value) {
    let (request, reply) = server.next_request().await.unwrap();
    let text = body.to_string().into_bytes();
    reply.send_response(Response::builder().status(status).body(Body::from(text)).unwrap());
    let (head, body) = request.into_parts();
    let accept = head.headers.get("accept").map(|value| value.to_str().unwrap());
    let sent = body.collect_bytes().await.unwrap();
    (
        format!("{} {}", head.method, head.uri),
        accept.unwrap_or_default().to_owned(),
        serde_json::from_slice(&sent).unwrap_or_default(),
    )
}

fn refusal(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

fn reference(kind: ReferenceKind, keys: &[&str]) -> Reference {
    Reference {
        kind,
        name: "it".to_owned(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_create_is_tried_and_never_made() {
    let (cluster, mut server) = cluster();
    let pod = json!({"kind": "Pod", "futureField": [1]});
    let trial = cluster.try_create(TrialKind::Pod, pod.to_string().into_bytes());
    let admitted = json!({"metadata": {"name": "p", "labels": {"added": "by-webhook"}}});
    let (trial, sent) = tokio::join!(trial, answer(&mut server, 201, &admitted));
    assert_eq!(sent.0, "POST /api/v1/namespaces/ns/pods?&dryRun=All");
    assert_eq!(sent.2, pod, "the bytes as they are");
    assert_eq!(trial.answer.unwrap(), admitted);

    let refused = refusal(
        422,
        "Invalid",
        "Pod \"p\" is invalid: metadata.labels: Invalid value",
    );
    let trial = cluster.try_create(TrialKind::Claim, b"{}".to_vec());
    let (trial, sent) = tokio::join!(trial, answer(&mut server, 422, &refused));
    assert_eq!(
        sent.0,
        "POST /api/v1/namespaces/ns/persistentvolumeclaims?&dryRun=All"
    );
    let failure = trial.answer.unwrap_err();
    assert_eq!(failure.class, FailureClass::Invalid);
    assert_eq!(failure.message, refused["message"].as_str().unwrap());
}

#[tokio::test]
async fn a_secret_is_read_only_where_its_entries_matter() {
    let (cluster, mut server) = cluster();
    let metadata =
        json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": {"name": "it"}});
    let plain = reference(ReferenceKind::Secret, &[]);
    let (found, sent) = tokio::join!(cluster.find(&plain), answer(&mut server, 200, &metadata));
    assert_eq!(sent.0, "GET /api/v1/namespaces/ns/secrets/it");
    assert!(sent.1.contains("PartialObjectMetadata"), "{}", sent.1);
    assert_eq!(found.unwrap().keys, BTreeSet::new());

    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "it"}, "data": {"user": "bWU=", "password": "eA=="}});
    let keyed = reference(ReferenceKind::Secret, &["user"]);
    let (found, sent) = tokio::join!(cluster.find(&keyed), answer(&mut server, 200, &secret));
    assert!(!sent.1.contains("PartialObjectMetadata"), "{}", sent.1);
    let keys: Vec<String> = found.unwrap().keys.into_iter().collect();
    assert_eq!(keys, ["password", "user"]);

    let missing = refusal(404, "NotFound", "secrets \"it\" not found");
    let (found, _) = tokio::join!(cluster.find(&plain), answer(&mut server, 404, &missing));
    assert_eq!(found.unwrap_err().class, FailureClass::NotFound);
}

#[tokio::test]
async fn a_right_is_reviewed_in_the_namespace() {
    let (cluster, mut server) = cluster();
    let right = rights(Needs::default())[5];
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {}, "spec": {},
        "status": {"allowed": false, "reason": "no role", "evaluationError": "webhook down"}});
    let (answered, sent) = tokio::join!(cluster.review(&right), answer(&mut server, 201, &review));
    assert_eq!(
        sent.0,
        "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews?"
    );
    assert_eq!(
        sent.2["spec"]["resourceAttributes"],
        json!({"namespace": "ns", "resource": "pods", "verb": "deletecollection"})
    );
    let answered = answered.unwrap();
    assert_eq!(
        (answered.allowed, answered.reason.as_str()),
        (false, "no role; webhook down")
    );

    let forbidden = refusal(403, "Forbidden", "reviews are forbidden");
    let (answered, _) = tokio::join!(cluster.review(&right), answer(&mut server, 403, &forbidden));
    assert_eq!(answered.unwrap_err().class, FailureClass::Forbidden);
}

#[tokio::test]
async fn lists_are_read_to_their_end_and_owners_looked_up() {
    let (cluster, mut server) = cluster();
    let pod = |name: &str, owner: &str| {
        json!({"metadata": {"name": name, "namespace": "ns", "uid": name, "ownerReferences": [
            {"apiVersion": "v1", "kind": "Pod", "name": owner, "uid": owner}]}, "status": {"phase": "Running"}})
    };
    let list = |next: &str, items: Vec<Value>| json!({"metadata": {"continue": next}, "items": items});
    let serve = async {
        let mut sent = Vec::new();
        // Both pages of pods, claims, ConfigMaps, and the two owners.
        for _ in 0..6 {
            let (request, reply) = server.next_request().await.unwrap();
            let address = request.uri().to_string();
            let (status, body) = match address.as_str() {
                text if text.contains("/pods?") && text.contains("continue=") => {
                    (200, list("", vec![pod("b", "notebook")]))
                }
                text if text.contains("/pods?") => (200, list("more", vec![pod("a", "gone")])),
                text if text.contains("/pods/notebook") => {
                    (200, json!({"metadata": {"name": "notebook", "uid": "notebook"}}))
                }
                text if text.contains("/pods/gone") => (404, refusal(404, "NotFound", "gone")),
                text if text.contains("/configmaps?") => (403, refusal(403, "Forbidden", "no")),
                _ => (200, list("", Vec::new())),
            };
            let body = Body::from(body.to_string().into_bytes());
            reply.send_response(Response::builder().status(status).body(body).unwrap());
            sent.push(address);
        }
        sent
    };
    let (objects, sent) = tokio::join!(cluster.spark_objects(false), serve);
    let first = "/api/v1/namespaces/ns/pods?&labelSelector=spark-app-selector&limit=500";
    assert!(sent.contains(&first.to_owned()), "{sent:#?}");
    let names: Vec<(ObjectKind, Option<usize>)> = objects
        .by_kind
        .iter()
        .map(|(kind, answer)| (*kind, answer.as_ref().ok().map(Vec::len)))
        .collect();
    assert_eq!(
        names,
        [
            (ObjectKind::Pod, Some(2)),
            (ObjectKind::PersistentVolumeClaim, Some(0)),
            (ObjectKind::ConfigMap, None)
        ]
    );
    let owners: Vec<_> = objects.owners.into_iter().collect();
    assert_eq!(
        owners,
        [(
            ("ns".to_owned(), "notebook".to_owned()),
            Some("notebook".to_owned())
        )]
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_not_waited_for_without_end() {
    let (cluster, mut server) = cluster();
    let (version, _unanswered) = tokio::join!(cluster.version(), server.next_request());
    assert_eq!(version.unwrap_err().class, FailureClass::Timeout);
}
