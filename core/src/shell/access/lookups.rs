//! What access depends on outside of Spark's configuration.

use std::fmt;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::PathBuf;

use crate::conf::Conf;

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

/// Finds the address of a host name.
pub type HostLookup = Box<dyn Fn(&str) -> Option<IpAddr> + Send + Sync>;

/// Files and names that [`super::Access::resolve`] looks up on the machine.
pub struct Lookups {
    /// A kubeconfig that takes the place of `$KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// Directory of the service account's `token` and `ca.crt`.
    pub service_account: PathBuf,
    /// Address of a host name, asked only where `NO_PROXY` names networks.
    pub host: HostLookup,
}

impl Lookups {
    /// Those of this machine.
    pub fn system(kubeconfig: Option<PathBuf>) -> Self {
        Self {
            kubeconfig,
            service_account: PathBuf::from(SERVICE_ACCOUNT_DIR),
            host: Box::new(|host| Some((host, 0).to_socket_addrs().ok()?.next()?.ip())),
        }
    }
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups")
            .field("kubeconfig", &self.kubeconfig)
            .field("service_account", &self.service_account)
            .finish_non_exhaustive()
    }
}

/// Lookups, environment variables and system properties together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine<'a> {
    pub(super) conf: &'a Conf,
    pub(super) lookups: &'a Lookups,
}

impl Machine<'_> {
    /// A system property, or the environment variable that stands for it. Empty is as good as absent.
    pub(super) fn property(&self, name: &str) -> Option<String> {
        let variable = || name.to_ascii_uppercase().replace(['.', '-'], "_");
        let filled = |value: &&str| !value.is_empty();
        let found = self
            .conf
            .system(name)
            .filter(filled)
            .or_else(|| self.conf.env(&variable()).filter(filled));
        found.map(str::to_owned)
    }

    /// A boolean property: `true` in any case, everything else is false.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.property(name)
            .map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    /// The kubeconfig given, or the files of `KUBECONFIG`, or `~/.kube/config`.
    pub(super) fn kubeconfig_files(&self) -> Vec<PathBuf> {
        match (&self.lookups.kubeconfig, self.property("kubeconfig")) {
            (Some(path), _) => vec![path.clone()],
            (None, Some(paths)) => std::env::split_paths(&paths).collect(),
            (None, None) => vec![self.home().join(".kube").join("config")],
        }
    }

    fn home(&self) -> PathBuf {
        self.conf
            .env("HOME")
            .map(PathBuf::from)
            .filter(|home| home.is_dir())
            .or_else(|| self.conf.system("user.home").map(PathBuf::from))
            .unwrap_or_else(|| PathBuf::from("."))
    }
}
