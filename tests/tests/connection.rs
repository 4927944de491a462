//! The client against servers on the loopback: TLS, credentials, proxies, and connections that fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use stoker_core::conf::{Conf, Sources};
use stoker_core::plan::{ApiFailure, FailureClass, Outcome};
use stoker_core::shell::access::{Access, Lookups};
use stoker_core::shell::client::{ClientError, USER_AGENT, connect};
use stoker_core::shell::pods::PodApi;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const POD: &str = r#"{"metadata": {"name": "p", "uid": "u"}}"#;

/// A configuration and a directory for its files.
struct Setup {
    dir: TempDir,
    properties: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
}

impl Setup {
    fn new(server: &str) -> Self {
        let properties = BTreeMap::from([("spark.master".to_owned(), format!("k8s://{server}"))]);
        Self {
            dir: tempfile::tempdir().unwrap(),
            properties,
            env: BTreeMap::new(),
        }
    }

    fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.properties.insert(key.to_owned(), value.into());
        self
    }

    fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.env.insert(key.to_owned(), value.into());
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Sets `key` to the path of a file with this text.
    fn file(self, key: &str, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        self.set(key, path.to_str().unwrap())
    }

    fn kubeconfig(self, text: &str) -> Self {
        let path = self.path("kubeconfig");
        std::fs::write(&path, text).unwrap();
        self.env("KUBECONFIG", path.to_str().unwrap())
    }

    async fn client(&self) -> Result<PodApi, ClientError> {
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
    async fn calls(&self) -> (Result<(), ApiFailure>, Outcome<()>) {
        let api = self.client().await.unwrap();
        let read = match api.get("p").await {
            Outcome::Done(_) => Ok(()),
            Outcome::Failed(failure) => Err(failure),
            unknown @ Outcome::Unknown(_) => panic!("a read is never unknown: {unknown:?}"),
        };
        (read, api.create_config_map(b"{}".to_vec()).await)
    }

    /// Asserts that neither call left, and returns the failure.
    async fn unsent(&self) -> ApiFailure {
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
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `status` chooses the answer by what was sent as `Authorization`; `None` closes the connection.
    async fn start(
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

    async fn plain() -> Self {
        Self::start(None, |_| Some("200 OK")).await
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The values of a header in the requests so far.
    fn header(&self, name: &str) -> Vec<String> {
        let of = |head: &String| header(head, name).unwrap_or_default();
        self.seen().iter().map(of).collect()
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let named = |line: &&str| {
        line.split_once(':')
            .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
    };
    let line = head.lines().find(named)?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

async fn serve(
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

/// A certificate authority and what it has signed.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        // Each authority has a name of its own.
        params
            .distinguished_name
            .push(DnType::CommonName, format!("{:x?}", &key.public_key_raw()[..16]));
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// Certificate and key for `name`.
    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// TLS for a server of that name; with `clients`, for clients with its certificates only.
    fn acceptor(&self, name: &str, clients: Option<&Self>) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let (certificate, key) = self.sign(name);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = config
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    async fn server(&self, name: &str) -> Server {
        Server::start(Some(self.acceptor(name, None)), |_| Some("200 OK")).await
    }
}

const CA_KEY: &str = "spark.kubernetes.authenticate.caCertFile";
const TOKEN_KEY: &str = "spark.kubernetes.authenticate.oauthTokenFile";

#[tokio::test]
async fn a_server_with_its_address_in_the_certificate() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let setup = Setup::new(&server.url("https")).file(CA_KEY, "ca", &authority.pem());
    assert_eq!(setup.calls().await, (Ok(()), Outcome::Done(())));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority() {
    let server = Authority::new().server("127.0.0.1").await;
    let setup = Setup::new(&server.url("https")).file(CA_KEY, "ca", &Authority::new().pem());
    let failure = setup.unsent().await;
    assert_eq!(failure.class, FailureClass::BadCertificate, "{failure:?}");
    assert!(failure.message.contains("UnknownIssuer"), "{}", failure.message);
    assert!(failure.message.contains(CA_KEY), "{}", failure.message);
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let authority = Authority::new();
    let server = authority.server("kube.internal").await;
    let setup = Setup::new(&server.url("https")).file(CA_KEY, "ca", &authority.pem());
    assert_eq!(setup.unsent().await.class, FailureClass::BadCertificate);
    // Unless the kubeconfig says which name to expect.
    let setup = setup.kubeconfig(
        "{current-context: c, contexts: [{name: c, context: {cluster: c}}], \
         clusters: [{name: c, cluster: {server: 'https://x', tls-server-name: kube.internal}}]}",
    );
    assert_eq!(setup.calls().await, (Ok(()), Outcome::Done(())));
}

#[tokio::test]
async fn a_certificate_that_is_not_verified() {
    let server = Authority::new().server("kube.internal").await;
    let setup = Setup::new(&server.url("https")).set("spark.kubernetes.trust.certificates", "true");
    assert_eq!(setup.calls().await, (Ok(()), Outcome::Done(())));
}

#[tokio::test]
async fn a_client_certificate() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = Server::start(Some(authority.acceptor("127.0.0.1", Some(&clients))), |_| {
        Some("200 OK")
    })
    .await;
    let (certificate, key) = clients.sign("me");
    let setup = Setup::new(&server.url("https"))
        .file(CA_KEY, "ca", &authority.pem())
        .file(
            "spark.kubernetes.authenticate.clientCertFile",
            "crt",
            &certificate.pem(),
        )
        .file(
            "spark.kubernetes.authenticate.clientKeyFile",
            "key",
            &key.serialize_pem(),
        );
    assert_eq!(setup.calls().await, (Ok(()), Outcome::Done(())));

    let without = Setup::new(&server.url("https")).file(CA_KEY, "ca", &authority.pem());
    assert!(without.calls().await.0.is_err());
}

#[tokio::test]
async fn files_that_cannot_be_used() {
    let message = async |setup: Setup| match setup.client().await {
        Err(error) => error
            .to_string()
            .replace(setup.dir.path().to_str().unwrap(), "DIR"),
        Ok(_) => "connected".to_owned(),
    };
    let setup = || Setup::new("https://127.0.0.1:1");
    let missing = "correct the key that names it, or its permissions";
    assert_eq!(
        message(setup().set(CA_KEY, "/missing")).await,
        format!("cannot read the certificate authority from /missing: {missing}")
    );
    assert_eq!(
        message(setup().file(CA_KEY, "ca", "no certificate")).await,
        "the certificate authority is not a certificate in PEM format: correct the key or the kubeconfig that \
         names it"
    );
    let plain = || Setup::new("http://127.0.0.1:1");
    assert_eq!(
        message(plain().set(TOKEN_KEY, "/missing")).await,
        format!("cannot read the OAuth token from /missing: {missing}")
    );
    assert_eq!(
        message(plain().file(TOKEN_KEY, "token", " \n")).await,
        "the OAuth token is empty or holds characters that no HTTP header can carry: get a new one"
    );
    // Without TLS nothing is asked of certificates.
    assert_eq!(message(plain()).await, "connected");
}

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

#[tokio::test]
async fn basic_authentication() {
    let server = Server::plain().await;
    let setup = Setup::new(&server.url("http"))
        .env("KUBERNETES_AUTH_BASIC_USERNAME", "kim")
        .env("KUBERNETES_AUTH_BASIC_PASSWORD", "secret");
    setup.calls().await.0.unwrap();
    assert_eq!(server.header("authorization")[0], "Basic a2ltOnNlY3JldA==");
}

/// Takes the token `new` only.
async fn picky() -> Server {
    Server::start(None, |token| {
        Some(if token == "Bearer new" {
            "200 OK"
        } else {
            "401 Unauthorized"
        })
    })
    .await
}

#[tokio::test]
async fn a_refused_token_is_read_again_once() {
    let server = picky().await;
    let setup = Setup::new(&server.url("http")).file(TOKEN_KEY, "token", "old");
    let api = setup.client().await.unwrap();

    // Nothing newer there: the refusal stands, and nothing is repeated.
    let outcome = api.create_config_map(b"{}".to_vec()).await;
    assert!(matches!(&outcome, Outcome::Failed(failure) if failure.class == FailureClass::Unauthorized));
    assert_eq!(server.header("authorization"), ["Bearer old"]);

    std::fs::write(setup.path("token"), "newer").unwrap();
    let outcome = api.create_config_map(b"{}".to_vec()).await;
    assert!(matches!(&outcome, Outcome::Failed(failure) if failure.class == FailureClass::Unauthorized));
    assert_eq!(
        server.header("authorization")[1..],
        ["Bearer old", "Bearer newer"]
    );

    std::fs::write(setup.path("token"), "new\n").unwrap();
    assert_eq!(api.create_config_map(b"{}".to_vec()).await, Outcome::Done(()));
    assert_eq!(
        server.header("authorization")[3..],
        ["Bearer newer", "Bearer new"]
    );
    // The body was sent again too.
    assert_eq!(server.header("content-length")[3..], ["2", "2"]);

    // A file that has gone leaves the token.
    std::fs::remove_file(setup.path("token")).unwrap();
    assert_eq!(api.create_config_map(b"{}".to_vec()).await, Outcome::Done(()));
}

#[tokio::test]
async fn a_token_of_the_kubeconfig_is_read_again() {
    let kubeconfig = |token: &str| {
        format!(
            "{{current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], \
             users: [{{name: u, user: {{token: {token}}}}}]}}"
        )
    };
    let server = picky().await;
    let setup = Setup::new(&server.url("http")).kubeconfig(&kubeconfig("old"));
    let api = setup.client().await.unwrap();
    std::fs::write(setup.path("kubeconfig"), kubeconfig("new")).unwrap();
    assert_eq!(api.create_config_map(b"{}".to_vec()).await, Outcome::Done(()));
    assert_eq!(server.header("authorization"), ["Bearer old", "Bearer new"]);
}

#[tokio::test]
async fn an_exec_plugin_is_run_again() {
    let server = picky().await;
    let setup = Setup::new(&server.url("http"));
    let credential = |token: &str| {
        format!(
            r#"{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "{token}"}}}}"#
        )
    };
    let answer = setup.path("credential");
    std::fs::write(&answer, credential("old")).unwrap();
    let setup = setup.kubeconfig(&format!(
        "{{current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], users: [{{name: u, user: \
         {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: cat, args: [{}], interactiveMode: Never}}}}}}]}}",
        answer.display()
    ));
    let api = setup.client().await.unwrap();
    std::fs::write(&answer, credential("new")).unwrap();
    assert_eq!(api.create_config_map(b"{}".to_vec()).await, Outcome::Done(()));
    assert_eq!(server.header("authorization"), ["Bearer old", "Bearer new"]);
}

#[tokio::test]
async fn a_failing_exec_plugin_shows_no_output() {
    let setup = Setup::new("http://127.0.0.1:1").kubeconfig(
        "{current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], users: [{name: u, user: \
         {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['-c', 'echo S3CRET; exit 3'], \
         interactiveMode: Never}}}]}",
    );
    let error = setup.client().await.unwrap_err();
    let mut text = format!("{error:?} {error}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(!text.contains("S3CRET"), "{text}");
    assert!(text.contains("exit status: 3"), "{text}");
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

#[tokio::test(start_paused = true)]
async fn a_token_file_is_read_again_after_a_minute() {
    use http::{Request, Response};
    use kube::client::Body;
    use stoker_core::shell::access::Credentials;
    use stoker_core::shell::client::AuthLayer;
    use tower::{BoxError, Layer as _, ServiceExt as _, service_fn};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let write = |path: &Path, token: &str| std::fs::write(path, token).unwrap();
    write(&path, "first");
    let layer = AuthLayer::new(&Credentials::TokenFile(path.clone()))
        .await
        .unwrap();
    let echo = service_fn(|request: Request<Body>| async move {
        Ok::<_, BoxError>(Response::new(
            request.headers()["authorization"].to_str().unwrap().to_owned(),
        ))
    });
    let service = layer.layer(echo);
    let token = async || {
        service
            .clone()
            .oneshot(Request::new(Body::empty()))
            .await
            .unwrap()
            .into_body()
    };

    write(&path, "second");
    assert_eq!(token().await, "Bearer first");
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(token().await, "Bearer first");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(token().await, "Bearer second");
}
