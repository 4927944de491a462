//! Calls to the API server with no client library between.

use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use stoker_tests::https_client::{HttpsClient, https_client};
use stoker_tests::local_cluster::LocalCluster;

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
        self.succeed(Method::POST, "/pods", "application/json", body)
            .await;
    }

    /// The pod is gone with the answer.
    pub(crate) async fn delete_pod(&self, name: &str) {
        let path = format!("/pods/{name}?gracePeriodSeconds=0");
        self.succeed(Method::DELETE, &path, "application/json", Bytes::new())
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
        let selector = format!("labelSelector=spark-app-selector%3D{app}");
        for kind in ["pods", "configmaps"] {
            let all = format!("/{kind}?gracePeriodSeconds=0&{selector}");
            let one = format!("/{kind}?limit=1&{selector}");
            loop {
                self.succeed(Method::DELETE, &all, "application/json", Bytes::new())
                    .await;
                let left = self
                    .succeed(Method::GET, &one, "application/json", Bytes::new())
                    .await;
                let left: serde_json::Value = serde_json::from_slice(&left).expect("a list");
                if left["items"].as_array().is_none_or(Vec::is_empty) {
                    break;
                }
            }
        }
    }

    /// The events of an application's pods, a line each, from this version on or from what there is.
    pub(crate) async fn watch(&self, app: &str, from: Option<u64>) -> Incoming {
        let from = from.map_or(String::new(), |version| format!("&resourceVersion={version}"));
        let path = format!("/pods?watch=true{from}&labelSelector=spark-app-selector%3D{app}");
        let request = self.request(Method::GET, &path, "application/json", Bytes::new());
        let answer = self.client.request(request).await.expect("a watch");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body()
    }

    async fn succeed(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Bytes {
        let request = self.request(method, path, content_type, body);
        let answer = self.client.request(request).await.expect("an answer");
        let status = answer.status();
        let said = answer
            .into_body()
            .collect()
            .await
            .expect("a whole answer")
            .to_bytes();
        assert!(status.is_success(), "{path}: {}", String::from_utf8_lossy(&said));
        said
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
