//! Connections and calls.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};

use super::answer::{self, Body};
use super::call::{Call, Verb};
use super::counters::Fate;
use super::relay;
use super::script::{Decision, Fault};
use super::socket::{Reset, Socket};
use super::{Shared, lock};

type Outage = tokio::sync::watch::Receiver<Instant>;

/// Takes connections; during an outage there is nobody who does.
pub(super) async fn accept(shared: Arc<Shared>, mut listener: TcpListener, address: SocketAddr) {
    let mut outage = shared.outage.subscribe();
    loop {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted.expect("the listener accepts");
                    tokio::spawn(connection(Arc::clone(&shared), stream, outage.clone()));
                }
                _ = outage.changed() => break,
            }
        }
        drop(listener);
        let until = *outage.borrow_and_update();
        sleep_until(until).await;
        listener = TcpListener::bind(address).await.expect("the port is still there");
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, mut outage: Outage) {
    let reset = Reset::default();
    let socket = Socket::new(stream, reset.clone());
    let service = service_fn(|request| serve(Arc::clone(&shared), reset.clone(), request));
    let serving = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    tokio::select! {
        // However it ended, the client notices by itself.
        _ = serving => {}
        _ = outage.changed() => reset.ask(),
    }
}

async fn serve(
    shared: Arc<Shared>,
    reset: Reset,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let call = Call::of(request.method(), request.uri());
    let mut fate = Fate::new(call, &shared.counters);
    let Decision { before, after, fault } = shared.decide(call);
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    sleep(before).await;

    if fault.as_ref().is_some_and(Fault::keeps_back) {
        fate.kept_back();
    }
    let mut target = head
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    match &fault {
        Some(Fault::Refuse(refusal)) => return Ok(refusal.response()),
        Some(Fault::ResetBefore) => {
            reset.ask();
            return Err(answer::cut());
        }
        Some(Fault::Outage(time)) => {
            shared.begin_outage(*time);
            return future::pending().await;
        }
        Some(Fault::SlowPages(limit, _)) => target = with_limit(&target, *limit),
        _ => {}
    }

    let mut outgoing = Request::from_parts(head, Full::new(body));
    *outgoing.uri_mut() = shared.upstream_uri(&target);
    outgoing.headers_mut().remove(HOST);
    let Ok(response) = shared.upstream.request(outgoing).await else {
        lock(&shared.counters).unanswered += 1;
        let mut response = Response::new(answer::whole("the API server does not answer"));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        return Ok(response);
    };
    let (mut head, body) = response.into_parts();
    head.headers.remove(TRANSFER_ENCODING);
    head.headers.remove(CONNECTION);
    fate.answered(head.status.is_success());
    sleep(after).await;

    if matches!(call.verb, Verb::Watch | Verb::WatchList) && head.status.is_success() && fault.is_none() {
        return Ok(Response::from_parts(
            head,
            relay::events(Arc::clone(&shared), reset, body),
        ));
    }
    // A watch never ends by itself: what is to become of it is decided before its first event.
    let whole = match (&fault, call.verb) {
        (_, Verb::Watch | Verb::WatchList) if head.status.is_success() => Bytes::new(),
        _ => body.collect().await.map_err(io::Error::other)?.to_bytes(),
    };
    match fault {
        Some(Fault::ResetAfter) => {
            reset.ask();
            Err(answer::cut())
        }
        Some(Fault::RefuseAfter(refusal)) => Ok(refusal.response()),
        Some(Fault::NoAnswer) => future::pending().await,
        Some(Fault::Truncate) => Ok(answer::truncated(head, &whole)),
        Some(Fault::Garble) => Ok(answer::garbled(head, &whole)),
        Some(Fault::SlowPages(_, pause)) => Ok(answer::slow(head, &whole, pause)),
        _ => {
            head.headers.remove(CONTENT_LENGTH);
            Ok(Response::from_parts(head, answer::whole(whole)))
        }
    }
}

/// The same request for at most so many objects.
fn with_limit(target: &str, limit: u32) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return format!("{target}?limit={limit}");
    };
    let others = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("limit="));
    let pairs: Vec<String> = others
        .map(ToOwned::to_owned)
        .chain([format!("limit={limit}")])
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::with_limit;

    #[test]
    fn a_limit_is_replaced() {
        assert_eq!(with_limit("/pods", 5), "/pods?limit=5");
        assert_eq!(
            with_limit("/pods?&limit=500&labelSelector=a", 5),
            "/pods?labelSelector=a&limit=5"
        );
    }
}
