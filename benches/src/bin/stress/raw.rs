//! The raw limit: the same bytes sent by nothing but connections that POST one after the other, and a plain watch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use stoker_tests::local_cluster::LocalCluster;

/// A client of the API server that does no more than it must.
pub(crate) struct Raw {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    pods: String,
    authorization: String,
}

impl Raw {
    pub(crate) fn new(cluster: &LocalCluster) -> Self {
        let token = std::fs::read_to_string(cluster.env("TOKEN_FILE")).expect("the token");
        let (server, namespace) = (cluster.env("API_SERVER"), cluster.env("NAMESPACE"));
        Self {
            client: client(cluster.env("CA_FILE")),
            pods: format!("{server}/api/v1/namespaces/{namespace}/pods"),
            authorization: format!("Bearer {}", token.trim()),
        }
    }

    /// Makes these pods over so many connections.
    pub(crate) async fn post(self: Arc<Self>, bodies: Vec<Bytes>, connections: usize, selector: &str) {
        let watch = tokio::spawn(Arc::clone(&self).watch(selector.to_owned()));
        let bodies = Arc::new(bodies);
        let next = Arc::new(AtomicUsize::new(0));
        let posts: Vec<_> = (0..connections)
            .map(|_| {
                let (raw, bodies, next) = (Arc::clone(&self), Arc::clone(&bodies), Arc::clone(&next));
                tokio::spawn(async move {
                    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let request = raw.request(Method::POST, &raw.pods, body.clone());
                        let answer = raw.client.request(request).await.expect("an answer");
                        let status = answer.status();
                        let said = answer
                            .into_body()
                            .collect()
                            .await
                            .expect("a whole answer")
                            .to_bytes();
                        assert!(status.is_success(), "{}", String::from_utf8_lossy(&said));
                    }
                })
            })
            .collect();
        for post in posts {
            post.await.expect("all are made");
        }
        watch.abort();
    }

    async fn watch(self: Arc<Self>, selector: String) {
        let uri = format!("{}?watch=true&labelSelector={selector}", self.pods);
        let request = self.request(Method::GET, &uri, Bytes::new());
        let mut events = self.client.request(request).await.expect("a watch").into_body();
        while let Some(Ok(_)) = events.frame().await {}
    }

    fn request(&self, method: Method, uri: &str, body: Bytes) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(uri)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .expect("a request")
    }
}

fn client(ca_file: &str) -> Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).expect("the CA file") {
        roots
            .add(certificate.expect("a certificate"))
            .expect("a CA certificate");
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .enable_http1()
        .wrap_connector(http);
    Client::builder(TokioExecutor::new()).build(connector)
}
