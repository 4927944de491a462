//! The HTTP client for the API server: an [`Access`] made into a [`kube::Client`].
//!
//! The stack is our own composition of kube's parts: no retries (backoff is the plan's), no trace layer (it
//! logs each 5xx as an error), no compression. It speaks HTTP/1.1, so each call in flight holds a
//! connection.

mod auth;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Uri};
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use secrecy::ExposeSecret as _;
use thiserror::Error;
use tower::{BoxError, Layer as _, Service, ServiceExt};

use super::access::{Access, AccessError, Credentials, Proxy, ProxyKind};

pub use auth::AuthLayer;

/// How we name ourselves to the API server.
pub const USER_AGENT: &str = concat!("stoker/", env!("CARGO_PKG_VERSION"));
/// How often an idle TCP connection is probed, so that one cut silently is noticed.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long an idle connection is kept for the next call.
const IDLE: Duration = Duration::from_secs(90);

/// Why the client for the API server cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A file of the access configuration cannot be read.
    #[error("cannot read {what} from {}: correct the key that names it, or its permissions", path.display())]
    File {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A credential is empty or holds characters that cannot be sent.
    #[error("{what} is empty or holds characters that no HTTP header can carry: get a new one")]
    Credential {
        /// Which one; never its value.
        what: &'static str,
    },
    /// A certificate cannot be parsed.
    #[error("{what} is not a certificate in PEM format: correct the key or the kubeconfig that names it")]
    Pem {
        /// Which one.
        what: &'static str,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS: check the client certificate, its key and the certificate authority")]
    Tls(#[source] BoxError),
    /// The kubeconfig cannot be read again.
    #[error("cannot renew the credentials from the kubeconfig")]
    Reload(#[source] AccessError),
    /// An exec plugin or auth provider of the kubeconfig failed.
    #[error("the kubeconfig's exec plugin or auth provider gave no credentials: run its command by hand")]
    Plugin(#[source] BoxError),
    /// User agent or impersonation cannot be sent.
    #[error("{what} holds characters that no HTTP header can carry")]
    Header {
        /// Which one.
        what: &'static str,
    },
}

/// Makes the client. Runs inside a tokio runtime, on which the client then depends.
///
/// `user_agent` identifies us in the API server's audit log: [`USER_AGENT`].
pub async fn connect(access: &Access, user_agent: &str) -> Result<kube::Client, ClientError> {
    let config = kube_config(access, user_agent)?;
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(KEEPALIVE));
    match &access.proxy {
        None => assemble(http, access, &config).await,
        Some(proxy) => match proxy.kind {
            ProxyKind::Http => assemble(tunnel(proxy, http)?, access, &config).await,
            ProxyKind::Socks4 => assemble(SocksV4::new(proxy.address.clone(), http), access, &config).await,
            ProxyKind::Socks5 => assemble(socks5(proxy, http), access, &config).await,
        },
    }
}

fn tunnel(proxy: &Proxy, http: HttpConnector) -> Result<Tunnel<HttpConnector>, ClientError> {
    let tunnel = Tunnel::new(proxy.address.clone(), http);
    let Some((user, password)) = &proxy.login else {
        return Ok(tunnel);
    };
    Ok(tunnel.with_auth(auth::basic(
        user,
        password.expose_secret(),
        "the login of the proxy",
    )?))
}

fn socks5(proxy: &Proxy, http: HttpConnector) -> SocksV5<HttpConnector> {
    let socks = SocksV5::new(proxy.address.clone(), http);
    match &proxy.login {
        None => socks,
        Some((user, password)) => socks.with_auth(user.clone(), password.expose_secret().to_owned()),
    }
}

/// Puts TLS, timeouts, credentials and headers around `connector`.
async fn assemble<C>(
    connector: C,
    access: &Access,
    config: &kube::Config,
) -> Result<kube::Client, ClientError>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper_util::client::legacy::connect::Connection
        + hyper::rt::Read
        + hyper::rt::Write
        + Send
        + Unpin
        + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let mut https = HttpsConnectorBuilder::new()
        .with_tls_config(tls::client_config(config, access.server.scheme_str() == Some("https")).await?)
        .https_or_http();
    if let Some(name) = &access.tls_server_name {
        let name = name
            .clone()
            .try_into()
            .map_err(|error| ClientError::Tls(Box::new(error)))?;
        https = https.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let mut connector = TimeoutConnector::new(https.enable_http1().wrap_connector(connector));
    connector.set_connect_timeout(Some(connect_limit(access)));

    let hyper = HyperClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(access.connections)
        .build::<_, Body>(connector);
    let hyper = ServiceExt::<Request<Body>>::map_err(hyper, BoxError::from);
    let stack = AuthLayer::new(&access.credentials).await?.layer(hyper);
    let stack = config.base_uri_layer().layer(stack);
    let headers = config.extra_headers_layer().map_err(|_| ClientError::Header {
        what: "the impersonated user",
    })?;
    Ok(ClientBuilder::new(headers.layer(stack), access.namespace()).build())
}

/// A connection attempt ends before the call that wants it, so that the call is known not to have been sent.
fn connect_limit(access: &Access) -> Duration {
    let of_call = access.request_timeout.mul_f64(0.9);
    access.connect_timeout.map_or(of_call, |limit| limit.min(of_call))
}

/// kube's own form of `access`, for the layers and the TLS setup taken from kube.
fn kube_config(access: &Access, user_agent: &str) -> Result<kube::Config, ClientError> {
    let mut config = kube::Config::new(access.server.clone());
    access.namespace().clone_into(&mut config.default_namespace);
    config.default_retry = false;
    config.accept_invalid_certs = access.insecure;
    config.tls_server_name.clone_from(&access.tls_server_name);
    config
        .headers
        .push(header(header::USER_AGENT, user_agent, "the user agent")?);
    if let Some((user, groups)) = &access.impersonate {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups = Some(groups.clone());
    }
    if let Credentials::Kubeconfig(user) = &access.credentials {
        // An exec plugin may yield a client certificate instead of a token.
        config.auth_info.exec.clone_from(&user.auth_info.exec);
    }
    tls::set_files(&mut config, access)?;
    Ok(config)
}

fn header(
    name: HeaderName,
    value: &str,
    what: &'static str,
) -> Result<(HeaderName, HeaderValue), ClientError> {
    HeaderValue::from_str(value)
        .map(|value| (name, value))
        .map_err(|_| ClientError::Header { what })
}
