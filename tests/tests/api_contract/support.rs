//! A server that answers one call, and a pod it may answer with.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};
use stoker_core::plan::{
    Condition, ContainerFacts, ContainerState, ExecutorId, ObjectRef, PodFacts, PodPhase, ProfileId,
};
use stoker_core::shell::pods::PodApi;
use tower::BoxError;
use tower_test::mock::{self, Handle};

pub(crate) type TestBody = UnsyncBoxBody<Bytes, BoxError>;
pub(crate) type Server = Handle<Request<Body>, Response<TestBody>>;

pub(crate) const LIMIT: Duration = Duration::from_secs(30);
pub(crate) const SELECTOR: &str = "spark-app-selector%3Dspark-1%2Cspark-role%3Dexecutor";

pub(crate) fn server() -> (PodApi, Server) {
    let (service, server) = mock::pair();
    (
        PodApi::new(kube::Client::new(service, "ns"), "ns", "spark-1", LIMIT),
        server,
    )
}

pub(crate) fn body(bytes: impl Into<Bytes>) -> TestBody {
    Full::new(bytes.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// A body that comes in pieces and may break.
pub(crate) fn pieces(pieces: Vec<Result<&'static str, &'static str>>) -> TestBody {
    let frames = pieces.into_iter().map(|piece| match piece {
        Ok(text) => Ok(http_body::Frame::data(Bytes::from_static(text.as_bytes()))),
        Err(text) => Err(BoxError::from(text)),
    });
    StreamBody::new(futures::stream::iter(frames)).boxed_unsync()
}

pub(crate) fn answer(status: u16, text: impl Into<Bytes>) -> Response<TestBody> {
    Response::builder().status(status).body(body(text)).unwrap()
}

/// Makes the call and answers it; returns the request as text, its body and what the call made of the answer.
pub(crate) async fn exchange<T, F>(
    call: impl FnOnce(PodApi) -> F,
    response: Response<TestBody>,
) -> (String, Bytes, T)
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

pub(crate) fn full_pod() -> Value {
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
        "spec": {"nodeName": "node-1", "volumes": [
            {"name": "tmp", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "data-7"}},
        ], "containers": [{"name": "spark-kubernetes-executor", "newField": 1}]},
        "status": {
            "phase": "Failed",
            "reason": "Evicted",
            "message": "low on memory",
            "conditions": [
                {"type": "Ready", "status": "False"},
                {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "m"},
            ],
            "initContainerStatuses": [
                {"name": "init", "state": {"running": {"startedAt": "now"}}},
                {"name": "again", "state": {"waiting": {}}, "lastState": {"terminated": {"exitCode": 1}}},
            ],
            "containerStatuses": [
                {"name": "exec", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
                {"name": "side", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}},
                {"name": "new", "state": {}},
                {"name": "back-off", "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                 "lastState": {"terminated": {"exitCode": 52, "reason": "Error"}}},
                {"name": "next", "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 52}}},
            ],
        },
    })
}

pub(crate) fn facts() -> PodFacts {
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
        claims: vec!["data-7".into()],
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
                "again",
                true,
                ContainerState::Waiting {
                    reason: None,
                    message: None,
                },
            ),
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
            container(
                "back-off",
                false,
                ContainerState::Terminated {
                    exit_code: 52,
                    reason: Some("Error".into()),
                    message: None,
                },
            ),
            container("next", false, ContainerState::Running),
        ],
    }
}

pub(crate) const PODS: &str = "/api/v1/namespaces/ns/pods";
pub(crate) const CLAIMS: &str = "/api/v1/namespaces/ns/persistentvolumeclaims";

pub(crate) fn claim() -> ObjectRef {
    ObjectRef {
        name: "c".into(),
        uid: "u".into(),
    }
}

pub(crate) fn status(code: u16, reason: &str, message: &str) -> String {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
        .to_string()
}
