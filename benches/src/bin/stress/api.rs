//! Calls to the API server with no client library between.

use std::path::Path;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde::Deserialize;
use stoker_tests::https_client::{HttpsClient, https_client};
use stoker_tests::local_cluster::LocalCluster;

const JSON: &str = "application/json";
/// Deletes at once: more do not make the API server faster.
const DELETES: usize = 32;

#[derive(Debug, Deserialize)]
struct PodList {
    items: Vec<Pod>,
}

#[derive(Debug, Deserialize)]
struct Pod {
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
}

/// A client of the API server that does no more than it must, with the rights of a driver.
pub(crate) struct Api {
    client: HttpsClient,
    namespace: String,
    authorization: String,
}

impl Api {
    pub(crate) fn new(cluster: &LocalCluster) -> Self {
        let token = std::fs::read_to_string(cluster.env("TOKEN_FILE")).expect("the token");
        let (server, namespace) = (cluster.env("API_SERVER"), cluster.env("NAMESPACE"));
        Self {
            client: https_client(Path::new(cluster.env("CA_FILE"))),
            namespace: format!("{server}/api/v1/namespaces/{namespace}"),
            authorization: format!("Bearer {}", token.trim()),
        }
    }

    pub(crate) async fn create_pod(&self, body: Bytes) {
        self.succeed(Method::POST, "/pods", JSON, body).await;
    }

    /// The pod is gone with the answer, whoever has deleted it.
    pub(crate) async fn delete_pod(&self, name: &str) {
        let path = format!("/pods/{name}?gracePeriodSeconds=0");
        let (status, said) = self.call(Method::DELETE, &path, JSON, Bytes::new()).await;
        assert!(
            status.is_success() || status == StatusCode::NOT_FOUND,
            "{path}: {}",
            String::from_utf8_lossy(&said)
        );
    }

    /// Deletes all of these at once.
    pub(crate) async fn delete_pods(&self, names: impl IntoIterator<Item = String>) {
        stream::iter(names)
            .for_each_concurrent(DELETES, async |name| self.delete_pod(&name).await)
            .await;
    }

    /// The pod's container ends with exit code 1.
    pub(crate) async fn fail_pod(&self, name: &str) {
        let status = r#"{"status":{"phase":"Failed","containerStatuses":[{"name":"spark-kubernetes-executor","image":"any",
            "imageID":"any","ready":false,"restartCount":0,"state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}}"#;
        let path = format!("/pods/{name}/status");
        let merge = "application/merge-patch+json";
        self.succeed(Method::PATCH, &path, merge, Bytes::from_static(status.as_bytes()))
            .await;
    }

    /// Deletes all of an application, and does not return before it is gone.
    pub(crate) async fn clear(&self, app: &str) {
        // Deleting thousands as a collection takes the API server longer than it grants a request.
        let some = format!("/pods?limit=1000&labelSelector=spark-app-selector%3D{app}");
        loop {
            let list = self.succeed(Method::GET, &some, JSON, Bytes::new()).await;
            let list: PodList = serde_json::from_slice(&list).expect("a list of pods");
            if list.items.is_empty() {
                break;
            }
            self.delete_pods(list.items.into_iter().map(|pod| pod.metadata.name))
                .await;
        }
        let all = format!("/configmaps?labelSelector=spark-app-selector%3D{app}");
        self.succeed(Method::DELETE, &all, JSON, Bytes::new()).await;
    }

    /// The events of an application's pods, a line each, from this version on or from what there is.
    pub(crate) async fn watch(&self, app: &str, from: Option<u64>) -> Incoming {
        let from = from.map_or(String::new(), |version| format!("&resourceVersion={version}"));
        let path = format!("/pods?watch=true{from}&labelSelector=spark-app-selector%3D{app}");
        let request = self.request(Method::GET, &path, JSON, Bytes::new());
        let answer = self.client.request(request).await.expect("a watch");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body()
    }

    async fn succeed(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Bytes {
        let (status, said) = self.call(method, path, content_type, body).await;
        assert!(status.is_success(), "{path}: {}", String::from_utf8_lossy(&said));
        said
    }

    async fn call(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> (StatusCode, Bytes) {
        let request = self.request(method, path, content_type, body);
        let answer = self.client.request(request).await.expect("an answer");
        let status = answer.status();
        let said = answer.into_body().collect().await.expect("a whole answer");
        (status, said.to_bytes())
    }

    fn request(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.namespace))
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, content_type)
            .body(Full::new(body))
            .expect("a request")
    }
}
