//! The proxy on the way to the API server.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;
use secrecy::SecretString;

use super::AccessError;
use super::lookups::Machine;

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP `CONNECT`.
    Http,
    /// SOCKS version 4.
    Socks4,
    /// SOCKS version 5.
    Socks5,
}

/// A proxy.
#[derive(Clone)]
pub struct Proxy {
    /// How it is spoken to.
    pub kind: ProxyKind,
    /// `http://host:port`, without user and password.
    pub address: Uri,
    /// User and password.
    pub login: Option<(String, SecretString)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} proxy {}", self.kind, self.address)?;
        if self.login.is_some() {
            f.write_str(" with login")
        } else {
            Ok(())
        }
    }
}

impl Proxy {
    /// The proxy for `server`: the one of the kubeconfig, else of the properties and variables, unless
    /// `NO_PROXY` exempts the server. The scheme of the server chooses which.
    pub(super) fn resolve(
        server: &Uri,
        kubeconfig_https: Option<String>,
        kubeconfig_http: Option<String>,
        machine: &Machine<'_>,
    ) -> Result<Option<Self>, AccessError> {
        let (configured, property) = match server.scheme_str() {
            Some("http") => (kubeconfig_http, "http.proxy"),
            _ => (kubeconfig_https, "https.proxy"),
        };
        let Some(proxy) = configured
            .or_else(|| machine.property(property))
            .or_else(|| machine.property("all.proxy"))
        else {
            return Ok(None);
        };
        let host = server
            .host()
            .unwrap_or_default()
            .trim_start_matches('[')
            .trim_end_matches(']');
        if let Some(exempt) = machine.property("no.proxy")
            && is_exempt(host, &exempt, machine)
        {
            return Ok(None);
        }
        let login = machine.property("proxy.username").map(|user| {
            (
                user,
                SecretString::from(machine.property("proxy.password").unwrap_or_default()),
            )
        });
        Self::parse(&proxy, login).map(Some)
    }

    fn parse(text: &str, login: Option<(String, SecretString)>) -> Result<Self, AccessError> {
        // The text may hold a password: no message repeats it.
        let bad = |reason: &str| AccessError::BadProxy {
            reason: reason.to_owned(),
        };
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let kind = match scheme.to_ascii_lowercase().as_str() {
            // Stock does not speak TLS to a proxy: `https` names what goes through it.
            "http" | "https" => ProxyKind::Http,
            "socks4" => ProxyKind::Socks4,
            "socks5" => ProxyKind::Socks5,
            other => {
                return Err(bad(&format!(
                    "its scheme {other} is none of http, https, socks4, socks5"
                )));
            }
        };
        let uri: Uri = format!("http://{rest}")
            .parse()
            .map_err(|_| bad("its URL cannot be parsed"))?;
        let authority = uri.authority().ok_or_else(|| bad("its URL has no host"))?;
        let port = authority.port().ok_or_else(|| bad("its URL has no port"))?;
        let address = format!("http://{}:{port}", authority.host())
            .parse()
            .map_err(|_| bad("its URL cannot be parsed"))?;
        let own_login = authority.as_str().rsplit_once('@').map(|(info, _)| {
            let (user, password) = info.split_once(':').unwrap_or((info, ""));
            (user.to_owned(), SecretString::from(password.to_owned()))
        });
        Ok(Self {
            kind,
            address,
            login: own_login.or(login),
        })
    }
}

/// `NO_PROXY` as stock's client reads it: an address or network has to contain the host, whose name is
/// resolved for that; anything else is the end of the host's name.
fn is_exempt(host: &str, no_proxy: &str, machine: &Machine<'_>) -> bool {
    let mut address: Option<Option<IpAddr>> = None;
    let mut address_of_host =
        || *address.get_or_insert_with(|| host.parse().ok().or_else(|| (machine.lookups.host)(host)));
    no_proxy
        .trim_end_matches(',')
        .split(',')
        .map(str::trim)
        .any(|entry| {
            let entry = entry
                .strip_prefix("https://")
                .or_else(|| entry.strip_prefix("http://"))
                .unwrap_or(entry);
            let network = entry
                .parse::<IpNet>()
                .or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
            match network {
                Ok(network) => address_of_host().is_some_and(|address| network.contains(&address)),
                Err(_) => entry == "*" || host.ends_with(entry),
            }
        })
}
