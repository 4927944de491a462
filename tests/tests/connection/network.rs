//! Connections that work, fail or go through a proxy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use stoker_core::plan::{FailureClass, Outcome};
use stoker_core::shell::client::USER_AGENT;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::authority::Authority;
use crate::support::*;

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for scheme in ["http", "https"] {
        let setup = Setup::new(&format!("{scheme}://{address}")).file(CA_KEY, "ca", &Authority::new().pem());
        let failure = setup.unsent().await;
        assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
        assert!(failure.message.contains("refused"), "{}", failure.message);
    }
}

#[tokio::test]
async fn somebody_listens_and_says_nothing() {
    // The kernel accepts the connection; nobody answers the TLS greeting.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let setup = Setup::new(&format!("https://{}", listener.local_addr().unwrap()))
        .file(CA_KEY, "ca", &Authority::new().pem())
        .set("spark.kubernetes.driver.connectionTimeout", "50");
    assert_eq!(setup.unsent().await.class, FailureClass::Unreachable);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls() {
    let server = Server::plain().await;
    let setup = Setup::new(&server.url("https")).file(CA_KEY, "ca", &Authority::new().pem());
    // The server waits for a line of HTTP and closes; either way nothing was sent.
    let setup = setup.set("spark.kubernetes.driver.connectionTimeout", "50");
    assert_eq!(setup.unsent().await.class, FailureClass::Unreachable);
}

#[tokio::test]
async fn a_connection_closed_instead_of_an_answer() {
    let server = Server::start(None, |_| None).await;
    let (read, write) = Setup::new(&server.url("http")).calls().await;
    assert_eq!(read.unwrap_err().class, FailureClass::Timeout);
    assert!(
        matches!(&write, Outcome::Unknown(failure) if failure.class == FailureClass::Timeout),
        "{write:?}"
    );
    assert_eq!(server.seen().len(), 2, "no request is repeated");
}

#[tokio::test]
async fn what_every_request_carries() {
    let server = Server::plain().await;
    let setup = Setup::new(&server.url("http"))
        .file(TOKEN_KEY, "token", "\n from-file \n")
        .env("KUBERNETES_IMPERSONATE_USERNAME", "kim")
        .env("KUBERNETES_IMPERSONATE_GROUP", "staff");
    assert_eq!(setup.calls().await, (Ok(()), Outcome::Done(())));
    assert_eq!(
        server.header("authorization"),
        ["Bearer from-file", "Bearer from-file"]
    );
    assert_eq!(server.header("user-agent"), [USER_AGENT, USER_AGENT]);
    assert_eq!(server.header("impersonate-user"), ["kim", "kim"]);
    assert_eq!(server.header("impersonate-group"), ["staff", "staff"]);
    assert!(server.seen()[0].starts_with("GET /api/v1/namespaces/default/pods/p HTTP/1.1\r\n"));
}

#[tokio::test]
async fn the_path_of_the_address_is_kept() {
    let server = Server::plain().await;
    let setup = Setup::new(&format!("{}/k8s/clusters/c-1", server.url("http")));
    setup.calls().await.0.unwrap();
    assert!(
        server.seen()[0].starts_with("GET /k8s/clusters/c-1/api/v1/namespaces/default/pods/p HTTP/1.1\r\n")
    );
}

/// A proxy that tunnels `CONNECT`, and the requests it got.
async fn proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = read_head(&mut stream).await.unwrap();
            let target = head.split(' ').nth(1).unwrap().to_owned();
            log.lock().unwrap().push(head);
            let mut onward = TcpStream::connect(target).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut stream, &mut onward).await });
        }
    });
    (address, seen)
}

#[tokio::test]
async fn through_a_proxy() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let (address, seen) = proxy().await;
    let setup = Setup::new(&server.url("https"))
        .file(CA_KEY, "ca", &authority.pem())
        .env("HTTPS_PROXY", format!("http://kim:secret@{address}"));
    setup.calls().await.0.unwrap();
    let heads = seen.lock().unwrap().clone();
    assert!(
        heads[0].starts_with(&format!("CONNECT {} HTTP/1.1\r\n", server.address)),
        "{heads:?}"
    );
    assert_eq!(
        header(&heads[0], "proxy-authorization").as_deref(),
        Some("Basic a2ltOnNlY3JldA==")
    );
    assert_eq!(
        server.header("proxy-authorization")[0],
        "",
        "the proxy's login stays with the proxy"
    );

    let direct = setup.env("NO_PROXY", "127.0.0.0/8");
    let before = seen.lock().unwrap().len();
    direct.calls().await.0.unwrap();
    assert_eq!(seen.lock().unwrap().len(), before);
}
