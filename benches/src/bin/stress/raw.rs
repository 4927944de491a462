//! The raw limit: the same bytes sent by nothing but connections that POST one after the other, and a plain watch.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use stoker_tests::https_client::{HttpsClient, https_client};
use stoker_tests::local_cluster::LocalCluster;

/// A client of the API server that does no more than it must.
pub(crate) struct Raw {
    client: HttpsClient,
    pods: String,
    authorization: String,
}

impl Raw {
    pub(crate) fn new(cluster: &LocalCluster) -> Self {
        let token = std::fs::read_to_string(cluster.env("TOKEN_FILE")).expect("the token");
        let (server, namespace) = (cluster.env("API_SERVER"), cluster.env("NAMESPACE"));
        Self {
            client: https_client(Path::new(cluster.env("CA_FILE"))),
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
