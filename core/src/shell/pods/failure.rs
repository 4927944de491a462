//! What a call that did not succeed means to the plan.

use std::error::Error as StdError;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use hyper_util::client::legacy::Error as HyperError;
use serde::Deserialize;

use crate::plan::{ApiFailure, FailureClass};
use crate::shell::client::ClientError;

/// Most bytes read of an answer that refuses a call.
pub(super) const BODY_LIMIT: usize = 64 << 10;
/// Most characters of an answer that is not the API server's own.
const TEXT_LIMIT: usize = 300;
/// What the API server says when a quota forbids.
const QUOTA: [&str; 3] = [
    "exceeded quota",
    "status unknown for quota",
    "insufficient quota to match",
];

/// A call that got no answer.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) failure: ApiFailure,
    /// No connection was made, so that nothing was sent.
    pub(super) unsent: bool,
}

/// `v1.Status`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    kind: String,
    code: u16,
    message: String,
    reason: String,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    retry_after_seconds: u64,
}

fn failure(class: FailureClass, message: String) -> ApiFailure {
    ApiFailure {
        class,
        message,
        retry_after: None,
    }
}

pub(super) fn unbuilt(error: &dyn StdError) -> ApiFailure {
    failure(
        FailureClass::Invalid,
        format!("no request can be made: {}", chain(error)),
    )
}

pub(in crate::shell) fn no_answer(limit: Duration) -> ApiFailure {
    failure(
        FailureClass::Timeout,
        format!("no answer from the API server within {limit:?}"),
    )
}

pub(super) fn garbled(error: &dyn StdError) -> ApiFailure {
    failure(
        FailureClass::Server,
        format!("the API server's answer cannot be read: {}", chain(error)),
    )
}

pub(super) fn too_long(limit: usize) -> Broken {
    let message = format!("the API server's answer is longer than {limit} bytes");
    Broken {
        failure: failure(FailureClass::Server, message),
        unsent: false,
    }
}

/// What the error of a typed call means.
pub(in crate::shell) fn of_typed(error: &kube::Error) -> ApiFailure {
    match error {
        kube::Error::Api(status) => {
            let answer = Status {
                code: status.code,
                message: status.message.clone(),
                reason: status.reason.clone(),
                ..Status::default()
            };
            from_status(status.code, answer, None).0
        }
        kube::Error::SerdeError(error) => garbled(error),
        other => broken(other).failure,
    }
}

/// A call that ended without an answer.
pub(super) fn broken(error: &(dyn StdError + 'static)) -> Broken {
    let error = match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Service(inner)) => &**inner as &(dyn StdError + 'static),
        _ => error,
    };
    let text = chain(error);
    if find::<ClientError>(error).is_some() {
        return Broken {
            failure: failure(FailureClass::Unauthorized, text),
            unsent: true,
        };
    }
    let connecting = find::<HyperError>(error).is_some_and(HyperError::is_connect);
    let tls = find::<rustls::Error>(error);
    let failure = match tls {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => failure(
            FailureClass::BadCertificate,
            format!(
                "the API server's certificate is not trusted: {text}; name its certificate authority with \
                 spark.kubernetes.authenticate.caCertFile (in cluster mode \
                 spark.kubernetes.authenticate.driver.mounted.caCertFile)"
            ),
        ),
        _ if connecting => failure(
            FailureClass::Unreachable,
            format!("cannot connect to the API server: {text}"),
        ),
        _ => failure(
            FailureClass::Timeout,
            format!("the connection to the API server broke: {text}"),
        ),
    };
    Broken {
        unsent: connecting,
        failure,
    }
}

/// An answer that is no success, and whether the call may have been applied all the same.
pub(super) fn refused(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> (ApiFailure, bool) {
    let status = serde_json::from_slice::<Status>(body)
        .ok()
        .filter(|status| status.kind == "Status");
    let status = status.unwrap_or_else(|| Status {
        message: plain(code, body),
        ..Status::default()
    });
    let in_header = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    from_status(code.as_u16(), status, in_header.map(Duration::from_secs))
}

/// A `v1.Status`: an answer, or the `ERROR` event of a watch.
pub(super) fn event(status: Status) -> ApiFailure {
    from_status(status.code, status, None).0
}

fn from_status(code: u16, status: Status, retry_after: Option<Duration>) -> (ApiFailure, bool) {
    let Status {
        message,
        reason,
        details,
        ..
    } = status;
    let class = class(code, &reason, &message);
    let in_details = details
        .map(|details| details.retry_after_seconds)
        .filter(|seconds| *seconds > 0);
    let retry_after = retry_after.or(in_details.map(Duration::from_secs));
    // The request had reached the storage, or a proxy had passed it on.
    let applied = matches!(code, 408 | 502 | 504)
        || matches!(reason.as_str(), "Timeout" | "ServerTimeout")
        || (code >= 500 && (message.contains("etcdserver") || message.contains("context deadline exceeded")));
    (
        ApiFailure {
            class,
            message,
            retry_after,
        },
        applied,
    )
}

fn class(code: u16, reason: &str, message: &str) -> FailureClass {
    match code {
        401 => FailureClass::Unauthorized,
        403 if QUOTA.iter().any(|text| message.contains(text)) => FailureClass::QuotaExceeded,
        403 => FailureClass::Forbidden,
        404 => FailureClass::NotFound,
        408 => FailureClass::Timeout,
        409 if reason == "AlreadyExists" => FailureClass::AlreadyExists,
        409 => FailureClass::Conflict,
        410 => FailureClass::Gone,
        400 | 405 | 406 | 413 | 415 | 422 => FailureClass::Invalid,
        429 => FailureClass::TooManyRequests,
        _ => FailureClass::Server,
    }
}

/// The text of an answer that is not a `v1.Status`: the API server's overload answer, a proxy, a load
/// balancer.
fn plain(code: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text: String = text.trim().chars().take(TEXT_LIMIT).collect();
    if text.is_empty() {
        format!("HTTP {code}")
    } else {
        format!("HTTP {code}: {text}")
    }
}

/// The first error of type `E` among `error` and its causes, also inside `io::Error`.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        // `io::Error::source` skips the error it wraps.
        next = match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The error with its causes; a cause that its parent already quotes is not repeated.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
