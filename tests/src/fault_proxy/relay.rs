//! A watch on its way to the client, line by line.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};

use super::Shared;
use super::answer::{self, Body};
use super::script::{EventFault, Refusal};
use super::socket::Reset;

/// What the API server says when a version is too old.
const GONE: Refusal = Refusal {
    code: 410,
    retry_after: None,
    reason: Some("Expired"),
    message: "too old resource version: injected",
};

struct Relay {
    shared: Arc<Shared>,
    reset: Reset,
    upstream: Incoming,
    lines: Lines,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing is passed on any more.
    Silent,
    Ended,
}

/// The events of a watch, as the script lets them through.
pub(super) fn events(shared: Arc<Shared>, reset: Reset, upstream: Incoming) -> Body {
    let relay = Relay {
        shared,
        reset,
        upstream,
        lines: Lines::default(),
        state: State::Open,
    };
    let frames = stream::unfold(relay, async |mut relay| {
        let piece = relay.next().await?;
        Some((piece.map(Frame::data), relay))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Relay {
    /// The next piece; `None` when the watch ends in order.
    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        while self.state != State::Ended {
            let Some(line) = self.lines.next() else {
                match self.upstream.frame().await? {
                    Ok(frame) => self.lines.push(&frame.into_data().unwrap_or_default()),
                    Err(error) => return Some(Err(io::Error::other(error))),
                }
                continue;
            };
            if self.state == State::Silent {
                continue;
            }
            let decision = self.shared.decide_event();
            tokio::time::sleep(decision.before).await;
            match decision.fault {
                None | Some(EventFault::Latency(..)) => return Some(Ok(line)),
                Some(EventFault::Duplicate) => return Some(Ok([&line[..], &line[..]].concat().into())),
                Some(EventFault::Reset) => {
                    self.reset.ask();
                    return Some(Err(answer::cut()));
                }
                Some(EventFault::End) => self.state = State::Ended,
                Some(EventFault::CutLine) => {
                    self.state = State::Ended;
                    return Some(Ok(line.slice(..line.len() / 2)));
                }
                Some(EventFault::Silence) => self.state = State::Silent,
                Some(EventFault::Gone) => {
                    self.state = State::Ended;
                    let event = format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", GONE.status());
                    return Some(Ok(event.into()));
                }
            }
        }
        None
    }
}

/// Bytes in, lines out; each with its line feed.
#[derive(Default)]
struct Lines(BytesMut);

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Option<Bytes> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        Some(self.0.split_to(end + 1).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_are_whole() {
        let mut lines = Lines::default();
        lines.push(b"one\ntw");
        assert_eq!(lines.next().as_deref(), Some(&b"one\n"[..]));
        assert_eq!(lines.next(), None);
        lines.push(b"o\n\n");
        assert_eq!(lines.next().as_deref(), Some(&b"two\n"[..]));
        assert_eq!(lines.next().as_deref(), Some(&b"\n"[..]));
        assert_eq!(lines.next(), None);
    }
}
