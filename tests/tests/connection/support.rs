//! Configurations, and an HTTP server that answers as told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use stoker_core::conf::{Conf, Sources};
use stoker_core::plan::{ApiFailure, Outcome};
use stoker_core::shell::access::{Access, Lookups};
use stoker_core::shell::client::{ClientError, USER_AGENT, connect};
use stoker_core::shell::pods::PodApi;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) const POD: &str = r#"{"metadata": {"name": "p", "uid": "u"}}"#;

/// A configuration and a directory for its files.
pub(crate) struct Setup {
    pub(crate) dir: TempDir,
    properties: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
}

impl Setup {
    pub(crate) fn new(server: &str) -> Self {
        let properties = BTreeMap::from([("spark.master".to_owned(), format!("k8s://{server}"))]);
        Self {
            dir: tempfile::tempdir().unwrap(),
            properties,
            env: BTreeMap::new(),
        }
    }

    pub(crate) fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.properties.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.env.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Sets `key` to the path of a file with this text.
    pub(crate) fn file(self, key: &str, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        self.set(key, path.to_str().unwrap())
    }

    pub(crate) fn kubeconfig(self, text: &str) -> Self {
        let path = self.path("kubeconfig");
        std::fs::write(&path, text).unwrap();
        self.env("KUBECONFIG", path.to_str().unwrap())
    }

    pub(crate) async fn client(&self) -> Result<PodApi, ClientError> {
        let sources = Sources {
            properties: self.properties.clone(),
            env: self.env.clone(),
            system: BTreeMap::new(),
        };
        let conf = Conf::new(sources, "4.3.0".parse().unwrap()).unwrap();
        let lookups = Lookups {
            service_account: self.path("none"),
            ..Lookups::system(None)
        };
        let access = Access::resolve(&conf, None, &lookups).unwrap();
        let client = connect(&access, USER_AGENT).await?;
        Ok(PodApi::new(
            client,
            access.namespace(),
            "spark-1",
            access.request_timeout,
        ))
    }

    /// The outcome of a `GET` and of a `POST`.
    pub(crate) async fn calls(&self) -> (Result<(), ApiFailure>, Outcome<()>) {
        let api = self.client().await.unwrap();
        let read = match api.get("p").await {
            Outcome::Done(_) => Ok(()),
            Outcome::Failed(failure) => Err(failure),
            unknown @ Outcome::Unknown(_) => panic!("a read is never unknown: {unknown:?}"),
        };
        (read, api.create_config_map(b"{}".to_vec()).await)
    }

    /// Asserts that neither call left, and returns the failure.
    pub(crate) async fn unsent(&self) -> ApiFailure {
        let (read, write) = self.calls().await;
        let read = read.unwrap_err();
        let Outcome::Failed(write) = write else {
            panic!("{write:?}")
        };
        assert_eq!(read.class, write.class);
        read
    }
}

/// An HTTP server that answers with a status line for each request it is sent.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `status` chooses the answer by what was sent as `Authorization`; `None` closes the connection.
    pub(crate) async fn start(
        tls: Option<TlsAcceptor>,
        status: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (status, log) = (Arc::new(status), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, status, log) = (tls.clone(), Arc::clone(&status), Arc::clone(&log));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*status, &log).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &*status, &log).await,
                            Err(error) => log.lock().unwrap().push(format!("no TLS: {error}")),
                        },
                    }
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) async fn plain() -> Self {
        Self::start(None, |_| Some("200 OK")).await
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The values of a header in the requests so far.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        let of = |head: &String| header(head, name).unwrap_or_default();
        self.seen().iter().map(of).collect()
    }
}

pub(crate) fn header(head: &str, name: &str) -> Option<String> {
    let named = |line: &&str| {
        line.split_once(':')
            .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
    };
    let line = head.lines().find(named)?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

pub(crate) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    status: &(impl Fn(&str) -> Option<&'static str> + ?Sized),
    log: &Mutex<Vec<String>>,
) {
    while let Some(head) = read_head(&mut stream).await {
        let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        let answer = status(&header(&head, "authorization").unwrap_or_default());
        log.lock().unwrap().push(head);
        let Some(answer) = answer else { return };
        let text = format!("HTTP/1.1 {answer}\r\ncontent-length: {}\r\n\r\n{POD}", POD.len());
        stream.write_all(text.as_bytes()).await.unwrap();
    }
}

pub(crate) const CA_KEY: &str = "spark.kubernetes.authenticate.caCertFile";
pub(crate) const TOKEN_KEY: &str = "spark.kubernetes.authenticate.oauthTokenFile";
