//! Answers that are not what the API server said.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;

use super::script::Refusal;

/// The body of an answer; an error ends the connection.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// In how many pieces a page of a list comes.
const PIECES: usize = 8;

/// The connection ends here.
pub(super) fn cut() -> io::Error {
    io::Error::other("a fault ends the connection")
}

pub(super) fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Half of the answer, then the end of the connection.
pub(super) fn truncated(head: Parts, body: &Bytes) -> Response<Body> {
    let half = Ok(Frame::data(body.slice(..body.len() / 2)));
    let pieces = stream::iter([half, Err(cut())]).then(async |piece| {
        // What was written before is sent before the end.
        tokio::task::yield_now().await;
        piece
    });
    Response::from_parts(head, StreamBody::new(pieces).boxed_unsync())
}

/// Half of the answer as if it were all.
pub(super) fn garbled(mut head: Parts, body: &Bytes) -> Response<Body> {
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, whole(body.slice(..body.len() / 2)))
}

/// The answer in pieces.
pub(super) fn slow(head: Parts, body: &Bytes, pause: Duration) -> Response<Body> {
    let size = body.len().div_ceil(PIECES).max(1);
    let pieces: Vec<Bytes> = body.chunks(size).map(Bytes::copy_from_slice).collect();
    let pieces = stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok(Frame::data(piece))
    });
    Response::from_parts(head, StreamBody::new(pieces).boxed_unsync())
}

impl Refusal {
    /// `v1.Status` as JSON.
    pub(super) fn status(&self) -> String {
        let seconds = self
            .retry_after
            .map(|seconds| format!(r#","details":{{"retryAfterSeconds":{seconds}}}"#))
            .unwrap_or_default();
        format!(
            r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{}","reason":"{}"{seconds},"code":{}}}"#,
            self.message,
            self.reason.unwrap_or_default(),
            self.code
        )
    }

    pub(super) fn response(&self) -> Response<Body> {
        let (text, kind) = match self.reason {
            Some(_) => (self.status(), "application/json"),
            None => (format!("{}\n", self.message), "text/plain; charset=utf-8"),
        };
        let mut response = Response::new(whole(text));
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_json() {
        let refusal = Refusal {
            code: 429,
            retry_after: Some(2),
            reason: Some("TooManyRequests"),
            message: "slow down",
        };
        let status: serde_json::Value = serde_json::from_str(&refusal.status()).unwrap();
        assert_eq!(status["code"], 429);
        assert_eq!(status["details"]["retryAfterSeconds"], 2);
        assert_eq!(refusal.response().headers()[RETRY_AFTER], "2");
        let plain = Refusal {
            reason: None,
            retry_after: None,
            ..refusal
        };
        assert_eq!(
            plain.response().headers()[CONTENT_TYPE],
            "text/plain; charset=utf-8"
        );
    }
}
