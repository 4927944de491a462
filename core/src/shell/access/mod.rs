//! Where the API server is and how to prove who we are: resolved as stock's `KubernetesClusterManager` and
//! `SparkKubernetesClientFactory` do.
//!
//! Three layers, the later one wins: what the client library of stock Spark (fabric8) finds by itself
//! (the kubeconfig or the pod's service account), its own properties and environment variables
//! (`kubernetes.auth.token` or `KUBERNETES_AUTH_TOKEN`, …), and the `spark.kubernetes.*` keys. Where the
//! kubeconfig holds a certificate or a key *inline*, that one is used even if a Spark key names a file:
//! so does stock.

mod kubeconfig;
mod lookups;
mod proxy;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use secrecy::SecretString;
use thiserror::Error;

pub use kubeconfig::KubeconfigUser;
pub use lookups::{HostLookup, Lookups, SERVICE_ACCOUNT_DIR, SYSTEM_PROPERTIES};
pub use proxy::{Proxy, ProxyKind};

use kubeconfig::Auto;
use lookups::Machine;

use crate::conf::{Conf, ConfError, keys};

/// Prefix of the credential keys in client mode.
const CLIENT_PREFIX: &str = "spark.kubernetes.authenticate";
/// Prefix of the credential keys in a driver that `spark-submit` made.
const CLUSTER_PREFIX: &str = "spark.kubernetes.authenticate.driver.mounted";

/// Why access to the API server cannot be resolved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccessError {
    /// Both a token and a token file are configured.
    #[error("cannot take the OAuth token from both {file_key} and {value_key}: set only one of them")]
    TokenTwice {
        /// Key of the file.
        file_key: String,
        /// Key of the value.
        value_key: String,
    },
    /// Cluster mode without `spark.kubernetes.driver.pod.name`.
    #[error(
        "spark.kubernetes.driver.pod.name is not set: in cluster mode the driver pod's name must be given"
    )]
    DriverPodNameMissing,
    /// Client mode without a master.
    #[error("no API server: set spark.master to k8s://https://HOST:PORT")]
    NoMaster,
    /// The address of the API server cannot be used.
    #[error("{key}={value} is no address of an API server ({reason}): expected k8s://https://HOST:PORT")]
    BadMaster {
        /// Key it came from.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A key has a wrong value.
    #[error(transparent)]
    Conf(#[from] ConfError),
    /// A kubeconfig file cannot be read.
    #[error("cannot use the kubeconfig {}: correct it, or point KUBECONFIG to another one", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<kube::config::KubeconfigError>,
    },
    /// The proxy cannot be used.
    #[error("cannot use the proxy for the API server: {reason}; correct the proxy setting")]
    BadProxy {
        /// What is wrong with it; without user and password.
        reason: String,
    },
}

/// A certificate or a key.
#[derive(Debug, Clone)]
pub enum Pem {
    /// Base64 of a PEM text.
    Data(SecretString),
    /// A PEM file.
    File(PathBuf),
}

/// How requests are authenticated, apart from the client certificate.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Not at all.
    None,
    /// Basic authentication.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: SecretString,
    },
    /// A fixed bearer token.
    Token(SecretString),
    /// A bearer token in a file that may be replaced while we run.
    TokenFile(PathBuf),
    /// A user of a kubeconfig: token, token file, exec plugin or auth provider.
    Kubeconfig(KubeconfigUser),
}

/// A client certificate with its key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate chain.
    pub certificate: Pem,
    /// The private key.
    pub key: Pem,
}

/// Access to an API server, resolved. Its `Debug` output shows no secret.
#[derive(Debug, Clone)]
pub struct Access {
    /// Address of the API server, scheme `https` or `http`.
    pub server: Uri,
    namespace: String,
    /// Bearer token, basic authentication or a kubeconfig user.
    pub credentials: Credentials,
    /// Client certificate, used beside the credentials.
    pub identity: Option<Identity>,
    /// Certificate authority of the API server; the platform's roots without it.
    pub ca: Option<Pem>,
    /// Whether the server's certificate is not verified: `spark.kubernetes.trust.certificates`, or
    /// `insecure-skip-tls-verify` of the kubeconfig.
    pub insecure: bool,
    /// The name the server's certificate has to have, where it is not that of the address.
    pub tls_server_name: Option<String>,
    /// User and groups to impersonate: `kubernetes.impersonate.username` and `.group`.
    pub impersonate: Option<(String, Vec<String>)>,
    /// Proxy on the way to the API server.
    pub proxy: Option<Proxy>,
    /// Limit for one connection attempt: `spark.kubernetes.driver.connectionTimeout` in ms, default 10 s; none
    /// for 0.
    pub connect_timeout: Option<Duration>,
    /// Limit for one call: `spark.kubernetes.driver.requestTimeout` in ms where it is set and not 0, else
    /// `spark.stoker.requestTimeout`, default 30 s.
    pub request_timeout: Duration,
    /// Idle connections to keep, one for each call that may be in flight:
    /// `spark.stoker.allocation.maxInFlight`.
    pub connections: usize,
}

impl Access {
    /// Resolves access from the configuration, its environment and system properties, the master URL (falls
    /// back to `spark.master`) and the files of the machine.
    pub fn resolve(conf: &Conf, master: Option<&str>, lookups: &Lookups) -> Result<Self, AccessError> {
        let machine = Machine { conf, lookups };
        let place = Place::of(conf, master, lookups)?;
        let key = |suffix: &str| format!("{}.{suffix}", place.prefix);
        let file = |suffix: &str| conf.raw(&key(suffix)).map(PathBuf::from);

        let token = conf.raw(&key("oauthToken"));
        let token_file = file("oauthTokenFile");
        if token.is_some() && token_file.is_some() {
            return Err(AccessError::TokenTwice {
                file_key: key("oauthTokenFile"),
                value_key: key("oauthToken"),
            });
        }

        let context = conf.get(&keys::CONTEXT)?.filter(|name| !name.is_empty());
        let auto = Auto::configure(&machine, context.as_deref())?;
        let ca_file = file("caCertFile").or(place.default_ca);
        let identity = Option::zip(
            pem(
                auto.certificate_data,
                file("clientCertFile").or(auto.certificate_file),
                &key("clientCertFile"),
            ),
            pem(
                auto.key_data,
                file("clientKeyFile").or(auto.key_file),
                &key("clientKeyFile"),
            ),
        );
        let proxy = Proxy::resolve(&place.server, auto.https_proxy, auto.http_proxy, &machine)?;
        let credentials = match (auto.basic, token, token_file) {
            (Some((username, password)), _, _) => Credentials::Basic { username, password },
            (None, Some(token), _) => Credentials::Token(token.into()),
            (None, None, Some(path)) => Credentials::TokenFile(path),
            (None, None, None) => auto.credentials,
        };
        let of_driver = if conf.is_set(&keys::DRIVER_REQUEST_TIMEOUT) {
            millis(conf.get(&keys::DRIVER_REQUEST_TIMEOUT)?)
        } else {
            None
        };

        Ok(Self {
            server: place.server,
            namespace: conf.get(&keys::NAMESPACE)?,
            credentials,
            identity: identity.map(|(certificate, key)| Identity { certificate, key }),
            ca: pem(auto.ca_data, ca_file.or(auto.ca_file), &key("caCertFile")),
            insecure: auto.insecure || conf.get(&keys::TRUST_CERTIFICATES)?,
            tls_server_name: auto.tls_server_name,
            impersonate: auto.impersonate,
            proxy,
            connect_timeout: millis(conf.get(&keys::DRIVER_CONNECTION_TIMEOUT)?),
            request_timeout: of_driver.map_or_else(|| conf.get(&keys::STOKER_REQUEST_TIMEOUT), Ok)?,
            connections: usize::try_from(conf.get(&keys::STOKER_ALLOCATION_MAX_IN_FLIGHT)?).unwrap_or(1),
        })
    }

    /// Namespace of the pods: `spark.kubernetes.namespace`, default `default`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// What depends on the deploy mode.
struct Place {
    server: Uri,
    prefix: &'static str,
    /// The service account's CA, in cluster mode and where it exists.
    default_ca: Option<PathBuf>,
}

impl Place {
    fn of(conf: &Conf, master: Option<&str>, lookups: &Lookups) -> Result<Self, AccessError> {
        if conf.get(&keys::SUBMIT_IN_DRIVER)? {
            if conf.get(&keys::DRIVER_POD_NAME)?.is_none() {
                return Err(AccessError::DriverPodNameMissing);
            }
            let url = conf.get(&keys::DRIVER_MASTER_URL)?;
            let server = server("spark.kubernetes.driver.master", &url)?;
            let ca = lookups.service_account.join("ca.crt");
            return Ok(Self {
                server,
                prefix: CLUSTER_PREFIX,
                default_ca: ca.exists().then_some(ca),
            });
        }
        let url = master
            .or_else(|| conf.raw("spark.master"))
            .ok_or(AccessError::NoMaster)?;
        Ok(Self {
            server: server("spark.master", url)?,
            prefix: CLIENT_PREFIX,
            default_ca: None,
        })
    }
}

/// Parses `k8s://https://host:port/path`; without a scheme it is `https`.
fn server(key: &'static str, value: &str) -> Result<Uri, AccessError> {
    let bad = |reason: String| AccessError::BadMaster {
        key,
        value: value.to_owned(),
        reason,
    };
    let url = value.strip_prefix("k8s://").unwrap_or(value);
    if url == "local" || url.starts_with("local[") {
        return Err(bad("a local master runs no executors".to_owned()));
    }
    let url = if url.contains("://") {
        url.to_owned()
    } else {
        format!("https://{url}")
    };
    let uri: Uri = url
        .parse()
        .map_err(|error: http::uri::InvalidUri| bad(error.to_string()))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(bad("its scheme is neither https nor http".to_owned()));
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(bad("it has no host".to_owned()));
    }
    Ok(uri)
}

/// Inline data wins over a file, as in stock.
fn pem(data: Option<SecretString>, file: Option<PathBuf>, file_key: &str) -> Option<Pem> {
    match (data, file) {
        (Some(data), file) => {
            if let Some(file) = file {
                tracing::warn!(
                    file = %file.display(),
                    "{file_key} has no effect: the kubeconfig holds the data inline, which is preferred"
                );
            }
            Some(Pem::Data(data))
        }
        (None, file) => file.map(Pem::File),
    }
}

/// A timeout of Spark's, 0 being none.
fn millis(value: i32) -> Option<Duration> {
    u64::try_from(value)
        .ok()
        .filter(|millis| *millis > 0)
        .map(Duration::from_millis)
}
