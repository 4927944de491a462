//! What a refusal or a lost answer means.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::json;
use stoker_core::plan::{ApiFailure, FailureClass, Outcome};
use stoker_core::shell::pods::PodApi;

use crate::support::*;

/// Code, reason and message of an answer (without a reason it is plain text), its class, and what becomes of
/// a write that gets it.
const REFUSALS: &str = r#"
400 | BadRequest    | no                                                      | Invalid         | failed
401 | Unauthorized  | Unauthorized                                            | Unauthorized    | failed
403 | Forbidden     | pods is forbidden: User "x" cannot create               | Forbidden       | failed
403 | Forbidden     | pods "x" is forbidden: exceeded quota: q, used: pods=5  | QuotaExceeded   | failed
403 | Forbidden     | pods "x" is forbidden: status unknown for quota: q      | QuotaExceeded   | failed
403 |               | <html>the proxy says no</html>                          | Forbidden       | failed
404 | NotFound      | namespaces "ns" not found                               | NotFound        | failed
408 |               |                                                         | Timeout         | unknown
409 | AlreadyExists | pods "x" already exists                                 | AlreadyExists   | failed
409 | Conflict      | the UID in the precondition differs                     | Conflict        | failed
410 | Expired       | too old                                                 | Gone            | failed
413 |               | too large                                               | Invalid         | failed
422 | Invalid       | spec.containers: Required value                         | Invalid         | failed
429 |               | Too many requests, please try again later.              | TooManyRequests | failed
500 | InternalError | failed calling webhook                                  | Server          | failed
500 | ServerTimeout | try again                                               | Server          | unknown
500 | InternalError | etcdserver: request timed out                           | Server          | unknown
502 |               | bad gateway                                             | Server          | unknown
503 |               | no endpoints                                            | Server          | failed
504 | Timeout       | request did not complete within requested timeout       | Server          | unknown
302 |               |                                                         | Server          | failed
"#;

#[tokio::test]
async fn what_an_answer_means() {
    for line in REFUSALS.trim().lines() {
        let [code, reason, message, class, of_write] = line
            .split('|')
            .map(str::trim)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let code = code.parse().unwrap();
        let text = || {
            if reason.is_empty() {
                message.to_owned()
            } else {
                status(code, reason, message)
            }
        };

        // A claim is no different from a pod.
        let (_, _, pod) = exchange(async |api| api.create(vec![1]).await, answer(code, text())).await;
        let (_, _, write) = exchange(async |api| api.create_claim(vec![1]).await, answer(code, text())).await;
        assert_eq!(failure_of(&pod), failure_of(&write), "{line}");
        let (outcome, failure) = match write {
            Outcome::Failed(failure) => ("failed", failure),
            Outcome::Unknown(failure) => ("unknown", failure),
            Outcome::Done(_) => panic!("{line}: done"),
        };
        assert_eq!(
            (format!("{:?}", failure.class).as_str(), outcome),
            (class, of_write),
            "{line}"
        );

        let (_, _, read) = exchange(async |api| api.list(None, false).await, answer(code, text())).await;
        let Outcome::Failed(failure) = read else {
            panic!("{line}: {read:?}")
        };
        assert_eq!(format!("{:?}", failure.class), class, "{line}");
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
    let writes: [Call; 7] = [
        |api| Box::pin(async move { known(api.create(vec![1]).await) }),
        |api| Box::pin(async move { known(api.create_config_map(vec![1]).await) }),
        |api| Box::pin(async move { known(api.create_claim(vec![1]).await) }),
        |api| Box::pin(async move { known(api.delete_claim(&claim()).await) }),
        |api| Box::pin(async move { known(api.delete("p", "u", None).await) }),
        |api| Box::pin(async move { known(api.label("p", "l", "v").await) }),
        |api| Box::pin(async move { known(api.delete_page(None).await) }),
    ];
    let reads: [Call; 3] = [
        |api| Box::pin(async move { known(api.get("p").await) }),
        |api| Box::pin(async move { known(api.list(None, false).await) }),
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
                let (_, reply) = server.next_request().await.unwrap();
                reply.send_error("connection closed");
            };
            assert_eq!(tokio::join!(call(api), serve).0, expected);
        }
    }
}

#[tokio::test]
async fn success_codes() {
    for code in [StatusCode::OK, StatusCode::CREATED, StatusCode::ACCEPTED] {
        let response = answer(code.as_u16(), full_pod().to_string());
        let (_, _, outcome) = exchange(async |api| api.create(vec![1]).await, response).await;
        assert!(matches!(outcome, Outcome::Done(Some(_))), "{code}: {outcome:?}");
    }
}

/// How a call failed, and whether it may have been applied.
fn failure_of<T>(outcome: &Outcome<T>) -> Option<(bool, &ApiFailure)> {
    match outcome {
        Outcome::Done(_) => None,
        Outcome::Failed(failure) => Some((false, failure)),
        Outcome::Unknown(failure) => Some((true, failure)),
    }
}
