//! Which cluster, with what credentials, and who the driver is.

use super::{Key, OptKey};

keys! {
    /// Namespace of driver and executors.
    NAMESPACE: Key<String> = "spark.kubernetes.namespace"
        .since(2, 3, 0).default("default");

    /// Context of the kubeconfig; the current one when it is not set.
    CONTEXT: OptKey<String> = "spark.kubernetes.context"
        .since(3, 0, 0);

    /// Address of the API server as the driver sees it.
    DRIVER_MASTER_URL: Key<String> = "spark.kubernetes.driver.master"
        .since(3, 0, 0).default("https://kubernetes.default.svc");

    /// Whether certificates of the API server are accepted unseen.
    TRUST_CERTIFICATES: Key<bool> = "spark.kubernetes.trust.certificates"
        .since(3, 2, 0).default("false");

    /// How long the driver waits for an answer of the API server, in milliseconds.
    DRIVER_REQUEST_TIMEOUT: Key<i32> = "spark.kubernetes.driver.requestTimeout"
        .since(3, 0, 0).default("10000");

    /// How long the driver waits for a connection to the API server, in milliseconds.
    DRIVER_CONNECTION_TIMEOUT: Key<i32> = "spark.kubernetes.driver.connectionTimeout"
        .since(3, 0, 0).default("10000");

    /// Name of the driver pod, which owns everything. In client mode outside of a pod there is none.
    DRIVER_POD_NAME: OptKey<String> = "spark.kubernetes.driver.pod.name"
        .since(2, 3, 0);

    /// Whether the driver was started by spark-submit in cluster mode. Set by spark-submit.
    SUBMIT_IN_DRIVER: Key<bool> = "spark.kubernetes.submitInDriver"
        .since(2, 4, 0).default("false");

    /// Client mode: token for the API server.
    AUTH_OAUTH_TOKEN: OptKey<String> = "spark.kubernetes.authenticate.oauthToken"
        .since(2, 4, 0);

    /// Client mode: file with the token for the API server.
    AUTH_OAUTH_TOKEN_FILE: OptKey<String> = "spark.kubernetes.authenticate.oauthTokenFile"
        .since(2, 4, 0);

    /// Client mode: file with the key of the client certificate.
    AUTH_CLIENT_KEY_FILE: OptKey<String> = "spark.kubernetes.authenticate.clientKeyFile"
        .since(2, 4, 0);

    /// Client mode: file with the client certificate.
    AUTH_CLIENT_CERT_FILE: OptKey<String> = "spark.kubernetes.authenticate.clientCertFile"
        .since(2, 4, 0);

    /// Client mode: file with the authority that signed the API server's certificate.
    AUTH_CA_CERT_FILE: OptKey<String> = "spark.kubernetes.authenticate.caCertFile"
        .since(2, 4, 0);

    /// Cluster mode: file with the token for the API server, as mounted in the driver pod.
    AUTH_MOUNTED_OAUTH_TOKEN_FILE: OptKey<String> = "spark.kubernetes.authenticate.driver.mounted.oauthTokenFile"
        .since(2, 3, 0);

    /// Cluster mode: file with the key of the client certificate, as mounted in the driver pod.
    AUTH_MOUNTED_CLIENT_KEY_FILE: OptKey<String> = "spark.kubernetes.authenticate.driver.mounted.clientKeyFile"
        .since(2, 3, 0);

    /// Cluster mode: file with the client certificate, as mounted in the driver pod.
    AUTH_MOUNTED_CLIENT_CERT_FILE: OptKey<String> = "spark.kubernetes.authenticate.driver.mounted.clientCertFile"
        .since(2, 3, 0);

    /// Cluster mode: file with the authority that signed the API server's certificate, as mounted in the driver pod.
    AUTH_MOUNTED_CA_CERT_FILE: OptKey<String> = "spark.kubernetes.authenticate.driver.mounted.caCertFile"
        .since(2, 3, 0);
}
