//! A watch and the ways it ends.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::json;
use stoker_core::plan::{ApiFailure, FailureClass, WatchEvent};

use crate::support::*;

/// Watches with the answer given; the request, the events and how it ended.
async fn watch(response: Response<TestBody>) -> (String, Vec<WatchEvent>, Result<(), ApiFailure>) {
    watch_from(Some("41"), response).await
}

/// The same from a version, or with a list at the beginning.
async fn watch_from(
    version: Option<&str>,
    response: Response<TestBody>,
) -> (String, Vec<WatchEvent>, Result<(), ApiFailure>) {
    let (head, _, opened) = exchange(async |api| api.watch(version).await, response).await;
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

const LISTED: &str = "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"49\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n";

#[tokio::test]
async fn a_watch_that_begins_with_a_list() {
    let (head, events, end) =
        watch_from(None, answer(200, format!("{POD_42}{LISTED}{POD_42}{BOOKMARK}"))).await;
    let (start, rest) = head.split_once("&timeoutSeconds=").unwrap();
    assert_eq!(start, format!("GET {PODS}?&watch=true"));
    // Without a version the list is consistent with all writes before it.
    assert_eq!(
        rest.split_once('&').unwrap().1,
        format!(
            "labelSelector={SELECTOR}&allowWatchBookmarks=true&sendInitialEvents=true\
             &resourceVersionMatch=NotOlderThan&resourceVersion="
        )
    );
    assert_eq!(events.len(), 4);
    assert_eq!(
        events[1],
        WatchEvent::Listed {
            resource_version: "49".into()
        }
    );
    assert_eq!((&events[3], end), (&bookmark(), Ok(())));
}

#[tokio::test]
async fn a_list_at_the_beginning_of_a_watch_that_is_not_served() {
    // Refused, and taken for a usual watch: its first bookmark is none that ends a list.
    let forbidden = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
    for (response, shown) in [
        (answer(422, status(422, "Invalid", forbidden)), 0),
        (answer(400, status(400, "BadRequest", forbidden)), 0),
        (answer(200, format!("{POD_42}{BOOKMARK}{POD_42}")), 1),
    ] {
        let (_, events, end) = watch_from(None, response).await;
        assert_eq!(
            (events.len(), end.unwrap_err().class),
            (shown, FailureClass::Invalid)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_at_the_beginning_of_a_watch_may_not_be_silent() {
    for (before, limit, heard) in [
        (POD_42.to_owned(), LIMIT, 1),
        (format!("{POD_42}{LISTED}"), Duration::from_secs(80), 2),
    ] {
        let said = futures::stream::once(async { Ok(http_body::Frame::data(Bytes::from(before))) });
        let body = StreamBody::new(said.chain(futures::stream::pending())).boxed_unsync();
        let start = tokio::time::Instant::now();
        let (_, events, end) = watch_from(None, Response::new(body)).await;
        assert_eq!(
            (events.len(), end.unwrap_err().class, start.elapsed()),
            (heard, FailureClass::Timeout, limit)
        );
    }
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
    let (opened, request) = tokio::join!(api.watch(Some("41")), server.next_request());
    assert_eq!(
        opened.err().map(|failure| failure.class),
        Some(FailureClass::Timeout)
    );
    assert_eq!(start.elapsed(), LIMIT);
    drop(request);

    // An answer and then silence, at once or after a bookmark: within 90 s, as the bookmarks of each minute are missed.
    let silence = futures::stream::pending;
    let said = futures::stream::once(async { Ok(http_body::Frame::data(Bytes::from(BOOKMARK))) });
    for (body, heard) in [
        (StreamBody::new(silence()).boxed_unsync(), 0),
        (StreamBody::new(said.chain(silence())).boxed_unsync(), 1),
    ] {
        let start = tokio::time::Instant::now();
        let (_, events, end) = watch(Response::new(body)).await;
        assert_eq!(
            (events.len(), end.unwrap_err().class),
            (heard, FailureClass::Timeout)
        );
        let elapsed = start.elapsed();
        assert!(
            elapsed > Duration::from_secs(70) && elapsed < Duration::from_secs(90),
            "{elapsed:?}"
        );
    }
}

/// A line each minute is a sign of life, however long the watch lasts.
#[tokio::test(start_paused = true)]
async fn bookmarks_keep_a_watch_alive() {
    let bookmarks = futures::stream::iter(0..5).then(|_| async {
        tokio::time::sleep(Duration::from_secs(61)).await;
        Ok(http_body::Frame::data(Bytes::from(BOOKMARK)))
    });
    let (_, events, end) = watch(Response::new(StreamBody::new(bookmarks).boxed_unsync())).await;
    assert_eq!((events.len(), end), (5, Ok(())));
}
