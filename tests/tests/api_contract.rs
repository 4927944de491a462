//! What goes over the wire for each call of the plan, and what each answer means to it.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};
use stoker_core::plan::{
    ApiFailure, Condition, ContainerFacts, ContainerState, DriverPod, ExecutorId, FailureClass, Outcome,
    PodFacts, PodPhase, ProfileId, Selection, WatchEvent,
};
use stoker_core::shell::pods::PodApi;
use tower::BoxError;
use tower_test::mock::{self, Handle};

type TestBody = UnsyncBoxBody<Bytes, BoxError>;
type Server = Handle<Request<Body>, Response<TestBody>>;

const LIMIT: Duration = Duration::from_secs(30);
const SELECTOR: &str = "spark-app-selector%3Dspark-1%2Cspark-role%3Dexecutor";

fn server() -> (PodApi, Server) {
    let (service, server) = mock::pair();
    (
        PodApi::new(kube::Client::new(service, "ns"), "ns", "spark-1", LIMIT),
        server,
    )
}

fn body(bytes: impl Into<Bytes>) -> TestBody {
    Full::new(bytes.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// A body that comes in pieces and may break.
fn pieces(pieces: Vec<Result<&'static str, &'static str>>) -> TestBody {
    let frames = pieces.into_iter().map(|piece| match piece {
        Ok(text) => Ok(http_body::Frame::data(Bytes::from_static(text.as_bytes()))),
        Err(text) => Err(BoxError::from(text)),
    });
    StreamBody::new(futures::stream::iter(frames)).boxed_unsync()
}

fn answer(status: u16, text: impl Into<Bytes>) -> Response<TestBody> {
    Response::builder().status(status).body(body(text)).unwrap()
}

/// Makes the call and answers it; returns the request as text, its body and what the call made of the answer.
async fn exchange<T, F>(call: impl FnOnce(PodApi) -> F, response: Response<TestBody>) -> (String, Bytes, T)
where
    F: Future<Output = T>,
{
    let (api, mut server) = server();
    let serve = async {
        let (request, reply) = server.next_request().await.unwrap();
        reply.send_response(response);
        let (head, body) = request.into_parts();
        let mut text = format!("{} {}", head.method, head.uri);
        for (name, value) in &head.headers {
            text = format!("{text} {name}={}", value.to_str().unwrap());
        }
        (text, body.collect_bytes().await.unwrap())
    };
    let (outcome, (head, body)) = tokio::join!(call(api), serve);
    (head, body, outcome)
}

fn full_pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "job-exec-7",
            "uid": "u-7",
            "resourceVersion": "41",
            "managedFields": [{"manager": "x"}],
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "labels": {
                "spark-app-selector": "spark-1",
                "spark-exec-id": "7",
                "spark-exec-resourceprofile-id": "3",
                "spark-exec-inactive": "true",
                "mine": "kept out",
            },
            "ownerReferences": [{"uid": "other"}, {"uid": "driver-uid", "controller": true}],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "spark-kubernetes-executor", "newField": 1}]},
        "status": {
            "phase": "Failed",
            "reason": "Evicted",
            "message": "low on memory",
            "conditions": [
                {"type": "Ready", "status": "False"},
                {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "m"},
            ],
            "initContainerStatuses": [{"name": "init", "state": {"running": {"startedAt": "now"}}}],
            "containerStatuses": [
                {"name": "exec", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
                {"name": "side", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}},
                {"name": "new", "state": {}},
            ],
        },
    })
}

fn facts() -> PodFacts {
    let container = |name: &str, init, state| ContainerFacts {
        name: name.into(),
        init,
        state,
    };
    PodFacts {
        name: "job-exec-7".into(),
        uid: "u-7".into(),
        app_id: Some("spark-1".into()),
        executor: Some(ExecutorId(7)),
        profile: Some(ProfileId(3)),
        owner_uid: Some("driver-uid".into()),
        inactive: true,
        deleting: true,
        phase: PodPhase::Failed,
        node: Some("node-1".into()),
        reason: Some("Evicted".into()),
        message: Some("low on memory".into()),
        conditions: vec![Condition {
            kind: "DisruptionTarget".into(),
            status: "True".into(),
            reason: Some("EvictionByEvictionAPI".into()),
            message: Some("m".into()),
        }],
        containers: vec![
            container("init", true, ContainerState::Running),
            container(
                "exec",
                false,
                ContainerState::Terminated {
                    exit_code: 137,
                    reason: Some("OOMKilled".into()),
                    message: None,
                },
            ),
            container(
                "side",
                false,
                ContainerState::Waiting {
                    reason: Some("ImagePullBackOff".into()),
                    message: Some("no".into()),
                },
            ),
            container(
                "new",
                false,
                ContainerState::Waiting {
                    reason: None,
                    message: None,
                },
            ),
        ],
    }
}

const PODS: &str = "/api/v1/namespaces/ns/pods";

#[tokio::test]
async fn get_driver_pod() {
    let pod = |ready: &str| {
        json!({"metadata": {"uid": "d"}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
            .to_string()
    };
    for (response, expected) in [
        (
            answer(200, pod("True")),
            Some(DriverPod {
                uid: "d".into(),
                ready: true,
            }),
        ),
        (
            answer(200, pod("False")),
            Some(DriverPod {
                uid: "d".into(),
                ready: false,
            }),
        ),
        (
            answer(200, r#"{"metadata": {"uid": "d"}}"#),
            Some(DriverPod {
                uid: "d".into(),
                ready: false,
            }),
        ),
        (answer(404, ""), None),
    ] {
        let (head, body, outcome) = exchange(async |api| api.get_driver_pod("driver").await, response).await;
        assert_eq!(head, format!("GET {PODS}/driver"));
        assert!(body.is_empty());
        assert_eq!(outcome, Outcome::Done(expected));
    }
}

#[tokio::test]
async fn a_driver_pod_without_a_name_is_not_asked_for() {
    let (api, _server) = server();
    let outcome = api.get_driver_pod("").await;
    assert!(
        matches!(
            outcome,
            Outcome::Failed(ApiFailure {
                class: FailureClass::Invalid,
                ..
            })
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn create_sends_the_bytes_as_they_are() {
    let sent = br#"{"spec":{"fieldOfTomorrow":true}}"#.to_vec();
    let response = answer(201, full_pod().to_string());
    let (head, body, outcome) = exchange(async |api| api.create(sent.clone()).await, response).await;
    assert_eq!(head, format!("POST {PODS}? content-type=application/json"));
    assert_eq!(body, sent);
    assert_eq!(outcome, Outcome::Done(Some(Box::new(facts()))));
}

#[tokio::test]
async fn create_config_map() {
    let (head, body, outcome) = exchange(
        async |api| api.create_config_map(b"{}".to_vec()).await,
        answer(201, "{}"),
    )
    .await;
    assert_eq!(
        head,
        "POST /api/v1/namespaces/ns/configmaps? content-type=application/json"
    );
    assert_eq!(body, "{}");
    assert_eq!(outcome, Outcome::Done(()));
}

#[tokio::test]
async fn get() {
    let (head, _, outcome) = exchange(
        async |api| api.get("job-exec-7").await,
        answer(200, full_pod().to_string()),
    )
    .await;
    assert_eq!(head, format!("GET {PODS}/job-exec-7"));
    assert_eq!(outcome, Outcome::Done(Some(Box::new(facts()))));
    let (_, _, outcome) = exchange(async |api| api.get("job-exec-7").await, answer(404, "")).await;
    assert_eq!(outcome, Outcome::Done(None));
}

#[tokio::test]
async fn a_bare_pod_has_defaults() {
    let bare = json!({"metadata": {"name": "p", "uid": "u", "labels": {"spark-exec-id": "EXECID"}}});
    let (_, _, outcome) = exchange(async |api| api.get("p").await, answer(200, bare.to_string())).await;
    let expected = PodFacts {
        name: "p".into(),
        uid: "u".into(),
        ..PodFacts::default()
    };
    assert_eq!(outcome, Outcome::Done(Some(Box::new(expected))));
}

#[tokio::test]
async fn list_pages() {
    let page = json!({"metadata": {"resourceVersion": "9", "continue": "next/1"}, "items": [full_pod()]});
    let (head, _, outcome) = exchange(async |api| api.list(None).await, answer(200, page.to_string())).await;
    assert_eq!(head, format!("GET {PODS}?&labelSelector={SELECTOR}&limit=500"));
    let Outcome::Done(first) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(first.pods, [facts()]);
    assert_eq!(first.continue_token.as_deref(), Some("next/1"));
    assert_eq!(first.resource_version, "9");

    let page = json!({"metadata": {"resourceVersion": "9", "continue": ""}, "items": null});
    let (head, _, outcome) = exchange(
        async |api| api.list(Some("next/1")).await,
        answer(200, page.to_string()),
    )
    .await;
    assert_eq!(
        head,
        format!("GET {PODS}?&labelSelector={SELECTOR}&limit=500&continue=next%2F1")
    );
    let Outcome::Done(last) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((last.pods.len(), last.continue_token), (0, None));
}

#[tokio::test]
async fn delete_is_bound_to_the_uid() {
    for (grace, expected) in [
        (None, json!({"preconditions": {"uid": "u-7"}})),
        (
            Some(Duration::ZERO),
            json!({"gracePeriodSeconds": 0, "preconditions": {"uid": "u-7"}}),
        ),
        (
            Some(Duration::from_secs(30)),
            json!({"gracePeriodSeconds": 30, "preconditions": {"uid": "u-7"}}),
        ),
    ] {
        let (head, body, outcome) = exchange(
            async |api| api.delete("job-exec-7", "u-7", grace).await,
            answer(200, "{}"),
        )
        .await;
        assert_eq!(
            head,
            format!("DELETE {PODS}/job-exec-7? content-type=application/json")
        );
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
        assert_eq!(outcome, Outcome::Done(()));
    }
}

#[tokio::test]
async fn label() {
    let (head, body, outcome) = exchange(
        async |api| api.label("job-exec-7", "spark-exec-inactive", "true").await,
        answer(200, "{}"),
    )
    .await;
    let headers = "accept=application/json content-type=application/merge-patch+json";
    assert_eq!(head, format!("PATCH {PODS}/job-exec-7? {headers}"));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        json!({"metadata": {"labels": {"spark-exec-inactive": "true"}}})
    );
    assert_eq!(outcome, Outcome::Done(()));
}

#[tokio::test]
async fn delete_collections() {
    for (selection, resource) in [(Selection::Pods, "pods"), (Selection::ConfigMaps, "configmaps")] {
        let (head, body, outcome) = exchange(
            async |api| api.delete_collection(selection).await,
            answer(200, "{}"),
        )
        .await;
        let path = format!("/api/v1/namespaces/ns/{resource}?&labelSelector={SELECTOR}");
        assert_eq!(head, format!("DELETE {path} content-type=application/json"));
        assert!(body.is_empty());
        assert_eq!(outcome, Outcome::Done(()));
    }
}

fn status(code: u16, reason: &str, message: &str) -> String {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
        .to_string()
}

#[tokio::test]
async fn what_an_answer_means() {
    use FailureClass as Class;
    let quota =
        r#"pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5"#;
    let unsynced = r#"pods "x" is forbidden: status unknown for quota: q, resources: pods"#;
    // (code, body, class, whether a write may have been applied)
    let table = [
        (400, status(400, "BadRequest", "no"), Class::Invalid, false),
        (
            401,
            status(401, "Unauthorized", "Unauthorized"),
            Class::Unauthorized,
            false,
        ),
        (
            403,
            status(403, "Forbidden", r#"pods is forbidden: User "x" cannot create"#),
            Class::Forbidden,
            false,
        ),
        (403, status(403, "Forbidden", quota), Class::QuotaExceeded, false),
        (
            403,
            status(403, "Forbidden", unsynced),
            Class::QuotaExceeded,
            false,
        ),
        (
            403,
            "<html>proxy says no</html>".to_owned(),
            Class::Forbidden,
            false,
        ),
        (
            404,
            status(404, "NotFound", r#"namespaces "ns" not found"#),
            Class::NotFound,
            false,
        ),
        (408, String::new(), Class::Timeout, true),
        (
            409,
            status(409, "AlreadyExists", r#"pods "x" already exists"#),
            Class::AlreadyExists,
            false,
        ),
        (
            409,
            status(409, "Conflict", "the UID in the precondition differs"),
            Class::Conflict,
            false,
        ),
        (410, status(410, "Expired", "too old"), Class::Gone, false),
        (413, "too large".to_owned(), Class::Invalid, false),
        (
            422,
            status(422, "Invalid", "spec.containers: Required value"),
            Class::Invalid,
            false,
        ),
        (
            429,
            "Too many requests, please try again later.\n".to_owned(),
            Class::TooManyRequests,
            false,
        ),
        (
            500,
            status(500, "InternalError", "failed calling webhook"),
            Class::Server,
            false,
        ),
        (
            500,
            status(500, "ServerTimeout", "try again"),
            Class::Server,
            true,
        ),
        (
            500,
            status(500, "", "etcdserver: request timed out"),
            Class::Server,
            true,
        ),
        (502, "bad gateway".to_owned(), Class::Server, true),
        (503, "no endpoints".to_owned(), Class::Server, false),
        (
            504,
            status(504, "Timeout", "request did not complete"),
            Class::Server,
            true,
        ),
        (302, String::new(), Class::Server, false),
    ];
    for (code, text, class, applied) in table {
        let (_, _, write) = exchange(async |api| api.create(vec![1]).await, answer(code, text.clone())).await;
        let (_, _, read) = exchange(async |api| api.list(None).await, answer(code, text.clone())).await;
        let expected_unknown = applied;
        match write {
            Outcome::Failed(failure) if !expected_unknown => {
                assert_eq!(failure.class, class, "{code} {text}")
            }
            Outcome::Unknown(failure) if expected_unknown => {
                assert_eq!(failure.class, class, "{code} {text}")
            }
            other => panic!("{code} {text}: {other:?}"),
        }
        assert!(
            matches!(&read, Outcome::Failed(failure) if failure.class == class),
            "{code} {text}: {read:?}"
        );
    }
}

#[tokio::test]
async fn messages_are_those_of_the_api_server() {
    let failure = async |response| match exchange(async |api| api.create(vec![1]).await, response).await.2 {
        Outcome::Failed(failure) => failure.message,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        failure(answer(403, status(403, "Forbidden", "no rights"))).await,
        "no rights"
    );
    assert_eq!(
        failure(answer(429, "Too many requests\n")).await,
        "HTTP 429 Too Many Requests: Too many requests"
    );
    assert_eq!(failure(answer(503, "")).await, "HTTP 503 Service Unavailable");
    let long = failure(answer(503, "x".repeat(200_000))).await;
    assert!(long.len() < 400, "{} bytes", long.len());
}

#[tokio::test]
async fn retry_after_is_kept() {
    let with_header = |code, text: &'static str| {
        let mut response = answer(code, text);
        response.headers_mut().insert("retry-after", "7".parse().unwrap());
        response
    };
    let in_details = json!({"kind": "Status", "code": 429, "details": {"retryAfterSeconds": 3}}).to_string();
    for (response, expected) in [
        (with_header(429, "Too many requests"), Some(7)),
        (with_header(503, "busy"), Some(7)),
        (answer(429, in_details), Some(3)),
        (answer(429, "Too many requests"), None),
    ] {
        let (_, _, outcome) = exchange(async |api| api.create(vec![1]).await, response).await;
        let Outcome::Failed(failure) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(failure.retry_after, expected.map(Duration::from_secs));
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_a_write_unknown() {
    let broken = || Response::new(pieces(vec![Ok(r#"{"metadata""#), Err("connection reset")]));
    let (_, _, write) = exchange(async |api| api.create(vec![1]).await, broken()).await;
    assert!(
        matches!(&write, Outcome::Unknown(failure) if failure.class == FailureClass::Timeout),
        "{write:?}"
    );
    let (_, _, read) = exchange(async |api| api.get("p").await, broken()).await;
    assert!(
        matches!(&read, Outcome::Failed(failure) if failure.class == FailureClass::Timeout),
        "{read:?}"
    );

    let (_, _, write) = exchange(async |api| api.create(vec![1]).await, answer(201, "<html>")).await;
    assert!(
        matches!(&write, Outcome::Unknown(failure) if failure.class == FailureClass::Server),
        "{write:?}"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let endless = || {
        let frames =
            futures::stream::repeat_with(|| Ok(http_body::Frame::data(Bytes::from(vec![b' '; 1 << 20]))));
        Response::new(StreamBody::new(frames).boxed_unsync())
    };
    let (_, _, outcome) = exchange(async |api| api.get("p").await, endless()).await;
    let Outcome::Failed(failure) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        failure.message,
        "the API server's answer is longer than 8388608 bytes"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_a_write_unknown() {
    type Call = fn(PodApi) -> futures::future::BoxFuture<'static, Result<FailureClass, FailureClass>>;
    fn known<T: std::fmt::Debug>(outcome: Outcome<T>) -> Result<FailureClass, FailureClass> {
        match outcome {
            Outcome::Failed(failure) => Ok(failure.class),
            Outcome::Unknown(failure) => Err(failure.class),
            done @ Outcome::Done(_) => panic!("{done:?}"),
        }
    }
    let writes: [Call; 5] = [
        |api| Box::pin(async move { known(api.create(vec![1]).await) }),
        |api| Box::pin(async move { known(api.create_config_map(vec![1]).await) }),
        |api| Box::pin(async move { known(api.delete("p", "u", None).await) }),
        |api| Box::pin(async move { known(api.label("p", "l", "v").await) }),
        |api| Box::pin(async move { known(api.delete_collection(Selection::Pods).await) }),
    ];
    let reads: [Call; 3] = [
        |api| Box::pin(async move { known(api.get("p").await) }),
        |api| Box::pin(async move { known(api.list(None).await) }),
        |api| Box::pin(async move { known(api.get_driver_pod("d").await) }),
    ];
    for (calls, expected) in [
        (writes.as_slice(), Err(FailureClass::Timeout)),
        (reads.as_slice(), Ok(FailureClass::Timeout)),
    ] {
        for call in calls {
            // No answer at all.
            let (api, mut server) = server();
            let start = tokio::time::Instant::now();
            let (outcome, request) = tokio::join!(call(api), server.next_request());
            assert_eq!(outcome, expected);
            assert_eq!(start.elapsed(), LIMIT);
            drop(request);

            // The connection breaks.
            let (api, mut server) = self::server();
            let serve = async {
                server
                    .next_request()
                    .await
                    .unwrap()
                    .1
                    .send_error("connection closed")
            };
            assert_eq!(tokio::join!(call(api), serve).0, expected);
        }
    }
}

/// Watches with the answer given; the request, the events and how it ended.
async fn watch(response: Response<TestBody>) -> (String, Vec<WatchEvent>, Result<(), ApiFailure>) {
    let (head, _, opened) = exchange(async |api| api.watch("41").await, response).await;
    let mut watch = match opened {
        Ok(watch) => watch,
        Err(failure) => return (head, Vec::new(), Err(failure)),
    };
    let mut events = Vec::new();
    while let Some(event) = watch.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(failure) => {
                assert!(watch.next().await.is_none(), "nothing follows a failure");
                return (head, events, Err(failure));
            }
        }
    }
    (head, events, Ok(()))
}

const BOOKMARK: &str = "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"50\",\"creationTimestamp\":null},\"spec\":{\"containers\":null}}}\n";
const POD_42: &str = "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"p\",\"uid\":\"u\",\"resourceVersion\":\"42\"}}}\n";

fn bookmark() -> WatchEvent {
    WatchEvent::Bookmark {
        resource_version: "50".into(),
    }
}

#[tokio::test]
async fn a_watch_in_order() {
    let lines: String = ["ADDED", "MODIFIED", "DELETED"]
        .iter()
        .map(|kind| json!({"type": kind, "object": full_pod()}).to_string() + "\n")
        .chain([BOOKMARK.to_owned()])
        .collect();
    let (head, events, end) = watch(answer(200, lines)).await;
    let (start, rest) = head.split_once("&timeoutSeconds=").unwrap();
    assert_eq!(start, format!("GET {PODS}?&watch=true"));
    let (seconds, rest) = rest.split_once('&').unwrap();
    assert!(
        (290..=300).contains(&seconds.parse::<u32>().unwrap()),
        "{seconds}"
    );
    assert_eq!(
        rest,
        format!("labelSelector={SELECTOR}&allowWatchBookmarks=true&resourceVersion=41")
    );

    let pod = || Box::new(facts());
    let resource_version = || "41".to_owned();
    assert_eq!(
        events,
        [
            WatchEvent::Applied {
                pod: pod(),
                resource_version: resource_version()
            },
            WatchEvent::Applied {
                pod: pod(),
                resource_version: resource_version()
            },
            WatchEvent::Deleted {
                pod: pod(),
                resource_version: resource_version()
            },
            bookmark(),
        ]
    );
    assert_eq!(end, Ok(()));
}

#[tokio::test]
async fn a_watch_in_pieces() {
    let (start, rest) = POD_42.split_at(30);
    let (_, events, end) = watch(Response::new(pieces(vec![
        Ok(start),
        Ok(rest),
        Ok("\n"),
        Ok(BOOKMARK),
    ])))
    .await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1], bookmark());
    assert_eq!(end, Ok(()));
}

#[tokio::test]
async fn a_watch_too_old() {
    // As an event of the stream, and as the answer itself.
    let expired = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 41 (99)"}});
    for (response, before) in [
        (answer(200, format!("{BOOKMARK}{expired}\n{BOOKMARK}")), 1),
        (
            answer(410, status(410, "Expired", "too old resource version: 41 (99)")),
            0,
        ),
    ] {
        let (_, events, end) = watch(response).await;
        assert_eq!(events.len(), before);
        let failure = end.unwrap_err();
        assert_eq!(failure.class, FailureClass::Gone);
        assert_eq!(failure.message, "too old resource version: 41 (99)");
    }
}

#[tokio::test]
async fn a_watch_refused() {
    let mut response = answer(429, "Too many requests");
    response.headers_mut().insert("retry-after", "2".parse().unwrap());
    let failure = watch(response).await.2.unwrap_err();
    assert_eq!(
        (failure.class, failure.retry_after),
        (FailureClass::TooManyRequests, Some(Duration::from_secs(2)))
    );
}

#[tokio::test]
async fn a_watch_that_breaks() {
    use FailureClass as Class;
    let half = "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"na";
    for (parts, class) in [
        // The connection ends in the middle of a line, in order or not.
        (vec![Ok(BOOKMARK), Ok(half)], Class::Timeout),
        (
            vec![Ok(BOOKMARK), Ok(half), Err("connection reset")],
            Class::Timeout,
        ),
        (vec![Ok(BOOKMARK), Err("connection reset")], Class::Timeout),
        (
            vec![Ok(BOOKMARK), Ok("{\"type\":\"ADDED\",\"object\":{}}\n")],
            Class::Server,
        ),
        (vec![Ok(BOOKMARK), Ok("not json\n")], Class::Server),
    ] {
        let case = format!("{parts:?}");
        let (_, events, end) = watch(Response::new(pieces(parts))).await;
        assert_eq!(events, [bookmark()], "{case}");
        assert_eq!(end.unwrap_err().class, class, "{case}");
    }
}

#[tokio::test]
async fn a_watch_event_without_end_is_cut() {
    let frames =
        futures::stream::repeat_with(|| Ok(http_body::Frame::data(Bytes::from(vec![b'x'; 1 << 20]))));
    let (_, _, end) = watch(Response::new(StreamBody::new(frames).boxed_unsync())).await;
    assert_eq!(end.unwrap_err().class, FailureClass::Server);
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_ends() {
    // No answer: after the call limit.
    let (api, mut server) = server();
    let start = tokio::time::Instant::now();
    let (opened, request) = tokio::join!(api.watch("41"), server.next_request());
    assert_eq!(
        opened.err().map(|failure| failure.class),
        Some(FailureClass::Timeout)
    );
    assert_eq!(start.elapsed(), LIMIT);
    drop(request);

    // An answer and then silence, though the API server was to end it: after its time and the call limit.
    let silence = StreamBody::new(futures::stream::pending()).boxed_unsync();
    let start = tokio::time::Instant::now();
    let (_, events, end) = watch(Response::new(silence)).await;
    assert_eq!((events.len(), end.unwrap_err().class), (0, FailureClass::Timeout));
    let elapsed = start.elapsed();
    assert!(
        elapsed >= Duration::from_secs(320) && elapsed <= Duration::from_secs(330),
        "{elapsed:?}"
    );
}

#[tokio::test]
async fn success_codes() {
    for code in [StatusCode::OK, StatusCode::CREATED, StatusCode::ACCEPTED] {
        let response = answer(code.as_u16(), full_pod().to_string());
        let (_, _, outcome) = exchange(async |api| api.create(vec![1]).await, response).await;
        assert!(matches!(outcome, Outcome::Done(Some(_))), "{code}: {outcome:?}");
    }
}
