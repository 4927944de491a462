//! A watch as a stream: events, then how it ended.

use std::pin::Pin;
use std::time::Duration;

use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use http::StatusCode;
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use kube::core::request::Error as RequestError;
use serde::Deserialize;
use tokio::time::Instant;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

use super::facts::PodAnswer;
use super::failure::{self, Status};
use crate::plan::{ApiFailure, FailureClass, Outcome, PodFacts, WatchEvent};

/// Most bytes of one event.
const EVENT_LIMIT: usize = 8 << 20;

/// An item of a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchItem {
    /// Something happened.
    Event(WatchEvent),
    /// The watch has ended, in order or not; nothing follows.
    End(Outcome<()>),
}

type Lines = Pin<Box<dyn Stream<Item = Result<String, LinesCodecError>> + Send>>;

enum State {
    Closed {
        client: kube::Client,
        request: Box<http::Request<Body>>,
    },
    Open(Lines),
    Failed(ApiFailure),
    Ended,
}

/// A line of the answer.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "object", rename_all = "UPPERCASE")]
enum Line {
    Added(PodAnswer),
    Modified(PodAnswer),
    Deleted(PodAnswer),
    Bookmark(Bookmark),
    Error(Status),
}

#[derive(Debug, Deserialize)]
struct Bookmark {
    metadata: BookmarkMeta,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BookmarkMeta {
    resource_version: String,
}

/// Opens the watch within `open_limit` and follows it for at most `whole_limit`.
pub(super) fn stream(
    client: kube::Client,
    request: Result<http::Request<Vec<u8>>, RequestError>,
    open_limit: Duration,
    whole_limit: Duration,
) -> impl Stream<Item = WatchItem> + Send + use<> {
    let first = match request {
        Ok(request) => State::Closed {
            client,
            request: Box::new(request.map(Body::from)),
        },
        Err(error) => State::Failed(failure::unbuilt(&error)),
    };
    let deadline = Instant::now() + whole_limit;
    stream::unfold(first, move |state| async move {
        let lines = match state {
            State::Ended => return None,
            State::Failed(failure) => Err(failure),
            State::Open(lines) => Ok(lines),
            State::Closed { client, request } => {
                let opening = tokio::time::timeout(open_limit, open(&client, *request)).await;
                opening.unwrap_or_else(|_| Err(failure::no_answer(open_limit)))
            }
        };
        let (item, next) = match lines {
            Err(failure) => (WatchItem::End(Outcome::Failed(failure)), State::Ended),
            Ok(mut lines) => match next_event(&mut lines, deadline).await {
                Ok(Some(event)) => (WatchItem::Event(event), State::Open(lines)),
                Ok(None) => (WatchItem::End(Outcome::Done(())), State::Ended),
                Err(failure) => (WatchItem::End(Outcome::Failed(failure)), State::Ended),
            },
        };
        Some((item, next))
    })
}

async fn open(client: &kube::Client, request: http::Request<Body>) -> Result<Lines, ApiFailure> {
    let answer = client
        .send(request)
        .await
        .map_err(|error| failure::broken(&error).failure)?;
    let (head, body) = answer.into_parts();
    if head.status != StatusCode::OK {
        let body = Limited::new(body, failure::BODY_LIMIT).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        return Err(failure::refused(head.status, &head.headers, &body).0);
    }
    let reader = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    Ok(Box::pin(FramedRead::new(
        reader,
        LinesCodec::new_with_max_length(EVENT_LIMIT),
    )))
}

/// The next event; `None` when the API server ended the watch in order.
async fn next_event(lines: &mut Lines, deadline: Instant) -> Result<Option<WatchEvent>, ApiFailure> {
    loop {
        let line = match tokio::time::timeout_at(deadline, lines.next()).await {
            Err(_) => return Err(cut("the API server did not end the watch in time")),
            Ok(None) => return Ok(None),
            Ok(Some(Ok(line))) => line,
            Ok(Some(Err(LinesCodecError::MaxLineLengthExceeded))) => {
                return Err(failure::too_long(EVENT_LIMIT).failure);
            }
            Ok(Some(Err(LinesCodecError::Io(error)))) => return Err(failure::broken(&error).failure),
        };
        if line.trim().is_empty() {
            continue;
        }
        return event(&line).map(Some);
    }
}

fn event(line: &str) -> Result<WatchEvent, ApiFailure> {
    match serde_json::from_str(line) {
        Ok(Line::Added(pod) | Line::Modified(pod)) => {
            let resource_version = pod.resource_version().to_owned();
            Ok(WatchEvent::Applied {
                pod: Box::new(PodFacts::from(pod)),
                resource_version,
            })
        }
        Ok(Line::Deleted(pod)) => {
            let resource_version = pod.resource_version().to_owned();
            Ok(WatchEvent::Deleted {
                pod: Box::new(PodFacts::from(pod)),
                resource_version,
            })
        }
        Ok(Line::Bookmark(Bookmark { metadata })) => Ok(WatchEvent::Bookmark {
            resource_version: metadata.resource_version,
        }),
        Ok(Line::Error(status)) => Err(failure::event(status)),
        Err(error) if error.is_eof() => Err(cut("the connection ended in the middle of an event")),
        Err(error) => Err(failure::garbled(&error)),
    }
}

fn cut(message: &str) -> ApiFailure {
    ApiFailure {
        class: FailureClass::Timeout,
        message: message.to_owned(),
        retry_after: None,
    }
}
