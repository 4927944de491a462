//! A watch as a stream of events.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use http::StatusCode;
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

use super::facts::PodAnswer;
use super::failure::{self, Status};
use crate::plan::{ApiFailure, FailureClass, PodFacts, WatchEvent};

/// Most bytes of one event.
const EVENT_LIMIT: usize = 8 << 20;
/// A watch that says nothing for so long is dead: the API server sends a bookmark each minute.
const SILENCE_LIMIT: Duration = Duration::from_secs(80);

/// An open watch: events, and at most one failure as the last item. It ends without one when the API server
/// ended it in order.
pub type Watch = BoxStream<'static, Result<WatchEvent, ApiFailure>>;

pub(super) type Lines = FramedRead<StreamReader<BodyStream, Bytes>, LinesCodec>;
type BodyStream = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// A line of the answer.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "object", rename_all = "UPPERCASE")]
pub(super) enum Line<T> {
    Added(T),
    Modified(T),
    Deleted(T),
    Bookmark(Bookmark),
    Error(Status),
}

#[derive(Debug, Deserialize)]
pub(super) struct Bookmark {
    pub(super) metadata: BookmarkMeta,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BookmarkMeta {
    pub(super) resource_version: String,
    #[serde(default)]
    annotations: Option<Annotations>,
}

#[derive(Debug, Default, Deserialize)]
struct Annotations {
    #[serde(rename = "k8s.io/initial-events-end")]
    initial_events_end: Option<String>,
}

/// The lines of a watch, and whether they are still those of the list at its beginning.
struct Reader {
    lines: Lines,
    /// While the list is not complete: how long it may be silent.
    list_limit: Option<Duration>,
}

/// Sends the request and waits for the beginning of the answer.
pub(super) async fn connect(
    client: &kube::Client,
    request: http::Request<Body>,
) -> Result<Lines, ApiFailure> {
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
    let reader = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other).boxed());
    Ok(FramedRead::new(
        reader,
        LinesCodec::new_with_max_length(EVENT_LIMIT),
    ))
}

/// Opens a watch. It is followed as long as it says something; a list at its beginning must not be silent for longer
/// than `list_limit`.
pub(super) async fn open(
    client: &kube::Client,
    request: http::Request<Body>,
    list_limit: Option<Duration>,
) -> Result<Watch, ApiFailure> {
    let lines = connect(client, request).await?;
    let events = stream::unfold(Some(Reader { lines, list_limit }), |reader| async move {
        let mut reader = reader?;
        match next_event(&mut reader).await {
            Ok(Some(event)) => Some((Ok(event), Some(reader))),
            Ok(None) => None,
            Err(failure) => Some((Err(failure), None)),
        }
    });
    Ok(events.boxed())
}

/// The next event; `None` when the API server ended the watch in order.
async fn next_event(reader: &mut Reader) -> Result<Option<WatchEvent>, ApiFailure> {
    let (limit, silent) = match reader.list_limit {
        None => (SILENCE_LIMIT, silence()),
        Some(limit) => (limit, failure::no_answer(limit)),
    };
    let line = tokio::time::timeout(limit, next_line(&mut reader.lines)).await;
    let Some(line) = line.unwrap_or(Err(silent))? else {
        return Ok(None);
    };
    let event = event(&line)?;
    match (&event, reader.list_limit) {
        (WatchEvent::Listed { .. }, _) => reader.list_limit = None,
        (WatchEvent::Bookmark { .. }, Some(_)) => return Err(not_served()),
        _ => {}
    }
    Ok(Some(event))
}

/// The next line that says something; `None` at the end.
async fn next_line(lines: &mut Lines) -> Result<Option<String>, ApiFailure> {
    loop {
        match lines.next().await {
            None => return Ok(None),
            Some(Ok(line)) if line.trim().is_empty() => {}
            Some(Ok(line)) => return Ok(Some(line)),
            Some(Err(LinesCodecError::MaxLineLengthExceeded)) => {
                return Err(failure::too_long(EVENT_LIMIT).failure);
            }
            Some(Err(LinesCodecError::Io(error))) => return Err(failure::broken(&error).failure),
        }
    }
}

/// The next line of a watch that does not begin with a list.
pub(super) async fn next_said(lines: &mut Lines) -> Result<Option<String>, ApiFailure> {
    tokio::time::timeout(SILENCE_LIMIT, next_line(lines))
        .await
        .unwrap_or_else(|_| Err(silence()))
}

fn event(line: &str) -> Result<WatchEvent, ApiFailure> {
    Ok(match decode::<PodAnswer>(line)? {
        Line::Added(pod) | Line::Modified(pod) => {
            let resource_version = pod.resource_version().to_owned();
            WatchEvent::Applied {
                pod: Box::new(PodFacts::from(pod)),
                resource_version,
            }
        }
        Line::Deleted(pod) => {
            let resource_version = pod.resource_version().to_owned();
            WatchEvent::Deleted {
                pod: Box::new(PodFacts::from(pod)),
                resource_version,
            }
        }
        Line::Bookmark(Bookmark { metadata }) => {
            let resource_version = metadata.resource_version;
            let annotations = metadata.annotations.unwrap_or_default();
            match annotations.initial_events_end.as_deref() {
                Some("true") => WatchEvent::Listed { resource_version },
                _ => WatchEvent::Bookmark { resource_version },
            }
        }
        Line::Error(status) => return Err(failure::event(status)),
    })
}

/// Reads a line.
pub(super) fn decode<T: DeserializeOwned>(line: &str) -> Result<Line<T>, ApiFailure> {
    serde_json::from_str(line).map_err(|error| {
        if error.is_eof() {
            cut("the connection ended in the middle of an event")
        } else {
            failure::garbled(&error)
        }
    })
}

fn silence() -> ApiFailure {
    cut("the watch was silent for longer than the API server's bookmarks allow")
}

/// An API server that does not know streaming lists takes the request for a usual watch.
fn not_served() -> ApiFailure {
    ApiFailure {
        class: FailureClass::Invalid,
        message: "the API server does not say where the list at the beginning of a watch ends".to_owned(),
        retry_after: None,
    }
}

fn cut(message: &str) -> ApiFailure {
    ApiFailure {
        class: FailureClass::Timeout,
        message: message.to_owned(),
        retry_after: None,
    }
}
