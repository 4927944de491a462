//! What access depends on outside of Spark's configuration.

use std::fmt;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::PathBuf;

/// Where Kubernetes mounts a pod's service account.
pub const SERVICE_ACCOUNT_DIR: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The system properties that stock's client library obeys and so do we. Each has an environment variable of
/// the same name in capitals with `_` for `.` and `-`; the property wins.
pub const SYSTEM_PROPERTIES: &[&str] = &[
    "all.proxy",
    "http.proxy",
    "https.proxy",
    "kubeconfig",
    "kubernetes.auth.basic.password",
    "kubernetes.auth.basic.username",
    "kubernetes.auth.serviceAccount.token",
    "kubernetes.auth.token",
    "kubernetes.auth.tryKubeConfig",
    "kubernetes.auth.tryServiceAccount",
    "kubernetes.certs.ca.data",
    "kubernetes.certs.ca.file",
    "kubernetes.certs.client.data",
    "kubernetes.certs.client.file",
    "kubernetes.certs.client.key.data",
    "kubernetes.certs.client.key.file",
    "kubernetes.impersonate.group",
    "kubernetes.impersonate.username",
    "kubernetes.trust.certificates",
    "no.proxy",
    "proxy.password",
    "proxy.username",
    "user.home",
];

/// The machine as [`super::Access::resolve`] sees it: everything it reads besides files named elsewhere.
pub struct Machine<'a> {
    /// Environment variables.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Java system properties.
    pub system: &'a dyn Fn(&str) -> Option<String>,
    /// Address of a host name, used only where `NO_PROXY` names networks.
    pub lookup: &'a dyn Fn(&str) -> Option<IpAddr>,
    /// Directory of the service account's `token` and `ca.crt`.
    pub service_account: PathBuf,
}

impl<'a> Machine<'a> {
    /// This machine, with the given environment and system properties.
    pub fn new(env: &'a dyn Fn(&str) -> Option<String>, system: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            env,
            system,
            lookup: &resolve_host,
            service_account: PathBuf::from(SERVICE_ACCOUNT_DIR),
        }
    }

    /// A system property, or the environment variable that stands for it. Empty is as good as absent.
    pub(super) fn property(&self, name: &str) -> Option<String> {
        let variable = || name.to_ascii_uppercase().replace(['.', '-'], "_");
        (self.system)(name)
            .filter(|value| !value.is_empty())
            .or_else(|| (self.env)(&variable()).filter(|value| !value.is_empty()))
    }

    /// A boolean property: `true` in any case, everything else is false.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.property(name)
            .map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    /// The files of `KUBECONFIG`, or `~/.kube/config`.
    pub(super) fn kubeconfig_files(&self) -> Vec<PathBuf> {
        match self.property("kubeconfig") {
            Some(paths) => std::env::split_paths(&paths).collect(),
            None => vec![self.home().join(".kube").join("config")],
        }
    }

    fn home(&self) -> PathBuf {
        (self.env)("HOME")
            .map(PathBuf::from)
            .filter(|home| home.is_dir())
            .or_else(|| (self.system)("user.home").map(PathBuf::from))
            .unwrap_or_else(|| PathBuf::from("."))
    }
}

impl fmt::Debug for Machine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("service_account", &self.service_account)
            .finish_non_exhaustive()
    }
}

fn resolve_host(host: &str) -> Option<IpAddr> {
    Some((host, 0).to_socket_addrs().ok()?.next()?.ip())
}
