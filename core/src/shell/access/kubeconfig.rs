//! What stock's client library finds by itself: a kubeconfig, or else the pod's service account.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, Kubeconfig, KubeconfigError, NamedContext};
use secrecy::{ExposeSecret as _, SecretString};

use super::lookups::Machine;
use super::{AccessError, Credentials};

/// A user of a kubeconfig whose credentials can change: read again after a refused request.
#[derive(Debug, Clone)]
pub struct KubeconfigUser {
    /// The files, the first has precedence.
    files: Vec<PathBuf>,
    /// The context asked for, if any.
    context: Option<String>,
    /// Its user, with impersonation and client certificate taken out.
    pub auth_info: Box<AuthInfo>,
}

impl KubeconfigUser {
    /// Reads the files again. Blocks.
    pub fn reload(&self) -> Result<Self, AccessError> {
        let selected = Selected::read(&self.files, self.context.as_deref())?;
        let auth_info = Box::new(bearer_only(selected.user.unwrap_or_default()));
        Ok(Self {
            files: self.files.clone(),
            context: self.context.clone(),
            auth_info,
        })
    }
}

/// The automatic part of access; Spark's keys come on top.
#[derive(Debug)]
pub(super) struct Auto {
    pub(super) credentials: Credentials,
    pub(super) basic: Option<(String, SecretString)>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) ca_data: Option<SecretString>,
    pub(super) certificate_file: Option<PathBuf>,
    pub(super) certificate_data: Option<SecretString>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) key_data: Option<SecretString>,
    pub(super) insecure: bool,
    pub(super) tls_server_name: Option<String>,
    pub(super) http_proxy: Option<String>,
    pub(super) https_proxy: Option<String>,
    pub(super) impersonate: Option<(String, Vec<String>)>,
}

impl Auto {
    pub(super) fn configure(machine: &Machine<'_>, context: Option<&str>) -> Result<Self, AccessError> {
        let files = readable_kubeconfigs(machine);
        let found = if files.is_empty() {
            Self::from_service_account(machine)
        } else {
            Self::from_kubeconfig(files, context)?
        };
        Ok(found.overridden(machine))
    }

    fn empty() -> Self {
        Self {
            credentials: Credentials::None,
            basic: None,
            ca_file: None,
            ca_data: None,
            certificate_file: None,
            certificate_data: None,
            key_file: None,
            key_data: None,
            insecure: false,
            tls_server_name: None,
            http_proxy: None,
            https_proxy: None,
            impersonate: None,
        }
    }

    fn from_service_account(machine: &Machine<'_>) -> Self {
        let mut auto = Self::empty();
        if !machine.flag("kubernetes.auth.tryServiceAccount", true) {
            return auto;
        }
        auto.ca_file = Some(machine.lookups.service_account.join("ca.crt")).filter(|file| file.is_file());
        let token = machine
            .property("kubernetes.auth.serviceAccount.token")
            .map_or_else(|| machine.lookups.service_account.join("token"), PathBuf::from);
        if token.is_file() {
            auto.credentials = Credentials::TokenFile(token);
        }
        auto
    }

    fn from_kubeconfig(files: Vec<PathBuf>, context: Option<&str>) -> Result<Self, AccessError> {
        let selected = Selected::read(&files, context)?;
        let mut auto = Self::empty();
        if let Some(cluster) = selected.cluster {
            auto.take_cluster(cluster);
        }
        if let Some(mut user) = selected.user {
            auto.certificate_file = user.client_certificate.take().map(PathBuf::from);
            auto.certificate_data = user.client_certificate_data.take().and_then(filled);
            auto.key_file = user.client_key.take().map(PathBuf::from);
            auto.key_data = user
                .client_key_data
                .take()
                .and_then(|key| filled(key.expose_secret().to_owned()));
            auto.basic = Option::zip(user.username.take(), user.password.take())
                .filter(|(name, password)| !name.is_empty() && !password.expose_secret().is_empty());
            let auth_info = Box::new(bearer_only(user));
            if has_bearer(&auth_info) {
                let context = context.map(str::to_owned);
                auto.credentials = Credentials::Kubeconfig(KubeconfigUser {
                    files,
                    context,
                    auth_info,
                });
            }
        }
        Ok(auto)
    }

    fn take_cluster(&mut self, cluster: Cluster) {
        let https = cluster
            .server
            .as_deref()
            .is_some_and(|server| server.starts_with("https://"));
        if let Some(proxy) = cluster.proxy_url.filter(|url| !url.is_empty()) {
            if proxy.starts_with("https://") || (proxy.starts_with("socks5://") && https) {
                self.https_proxy = Some(proxy);
            } else if proxy.starts_with("http://") || proxy.starts_with("socks5://") {
                self.http_proxy = Some(proxy);
            }
        }
        self.ca_file = cluster.certificate_authority.map(PathBuf::from);
        self.ca_data = cluster.certificate_authority_data.and_then(filled);
        self.insecure = cluster.insecure_skip_tls_verify.unwrap_or(false);
        self.tls_server_name = cluster.tls_server_name.filter(|name| !name.is_empty());
    }

    /// The library's own properties and variables win over what it found.
    fn overridden(self, machine: &Machine<'_>) -> Self {
        let file = |name| machine.property(name).map(PathBuf::from);
        let data = |name| machine.property(name).and_then(filled);
        let basic = Option::zip(
            machine.property("kubernetes.auth.basic.username"),
            machine
                .property("kubernetes.auth.basic.password")
                .map(SecretString::from),
        );
        let groups = || machine.property("kubernetes.impersonate.group");
        Self {
            credentials: machine
                .property("kubernetes.auth.token")
                .map_or(self.credentials, |token| Credentials::Token(token.into())),
            basic: basic.or(self.basic),
            ca_file: file("kubernetes.certs.ca.file").or(self.ca_file),
            ca_data: data("kubernetes.certs.ca.data").or(self.ca_data),
            certificate_file: file("kubernetes.certs.client.file").or(self.certificate_file),
            certificate_data: data("kubernetes.certs.client.data").or(self.certificate_data),
            key_file: file("kubernetes.certs.client.key.file").or(self.key_file),
            key_data: data("kubernetes.certs.client.key.data").or(self.key_data),
            insecure: machine.flag("kubernetes.trust.certificates", self.insecure),
            impersonate: machine.property("kubernetes.impersonate.username").map(|user| {
                let groups = groups().unwrap_or_default();
                (
                    user,
                    groups
                        .split(',')
                        .filter(|group| !group.is_empty())
                        .map(str::to_owned)
                        .collect(),
                )
            }),
            ..self
        }
    }
}

/// The kubeconfig files that count: those that exist and hold something.
fn readable_kubeconfigs(machine: &Machine<'_>) -> Vec<PathBuf> {
    if !machine.flag("kubernetes.auth.tryKubeConfig", true) {
        return Vec::new();
    }
    let holds_something = |path: &PathBuf| path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0);
    machine
        .kubeconfig_files()
        .into_iter()
        .filter(holds_something)
        .collect()
}

/// Inline PEM as base64, which is what it is in a kubeconfig; a property may hold the PEM text itself.
fn filled(data: String) -> Option<SecretString> {
    if data.is_empty() {
        return None;
    }
    let base64 = if data.contains("-----BEGIN") {
        STANDARD.encode(data)
    } else {
        data
    };
    Some(base64.into())
}

/// Leaves what yields a bearer token (or a certificate from a plugin). Stock ignores a kubeconfig's
/// impersonation.
fn bearer_only(user: AuthInfo) -> AuthInfo {
    AuthInfo {
        token: user.token.filter(|token| !token.expose_secret().is_empty()),
        token_file: user.token_file,
        auth_provider: user.auth_provider,
        exec: user.exec,
        ..AuthInfo::default()
    }
}

fn has_bearer(user: &AuthInfo) -> bool {
    user.token.is_some() || user.token_file.is_some() || user.auth_provider.is_some() || user.exec.is_some()
}

/// Cluster and user of the context that applies.
#[derive(Default)]
struct Selected {
    cluster: Option<Cluster>,
    user: Option<AuthInfo>,
}

impl Selected {
    /// The context asked for, or the current one of the first file that names an existing context. Without
    /// any, nothing is selected: stock goes on with Spark's keys alone.
    fn read(files: &[PathBuf], context: Option<&str>) -> Result<Self, AccessError> {
        let fail = |path: &Path, source| AccessError::Kubeconfig {
            path: path.to_owned(),
            source: Box::new(source),
        };
        let mut merged = Kubeconfig::default();
        let mut preferences: Vec<String> = context.map(str::to_owned).into_iter().collect();
        for file in files {
            let next = Kubeconfig::read_from(file).map_err(|error| fail(file, error))?;
            preferences.extend(next.current_context.clone());
            merged = merged.merge(next).map_err(|error| fail(file, error))?;
        }
        let named = |name: &String| {
            merged
                .contexts
                .iter()
                .find(|known| &known.name == name && known.context.is_some())
        };
        let Some(found) = preferences.iter().find_map(named).cloned() else {
            return Ok(Self::default());
        };
        if let Some(wanted) = context
            && found.name != wanted
        {
            tracing::warn!(
                wanted,
                used = found.name,
                "spark.kubernetes.context names no context of the kubeconfig"
            );
        }
        Self::of(&merged, found)
            .map_err(|error| fail(files.first().map_or(Path::new(""), PathBuf::as_path), error))
    }

    fn of(config: &Kubeconfig, context: NamedContext) -> Result<Self, KubeconfigError> {
        let Some(context) = context.context else {
            return Ok(Self::default());
        };
        let named = config.clusters.iter().find(|named| named.name == context.cluster);
        let cluster = named.and_then(|named| named.cluster.clone());
        let user_name = context.user.as_deref();
        let named = config
            .auth_infos
            .iter()
            .find(|named| Some(named.name.as_str()) == user_name);
        let mut user = named.and_then(|named| named.auth_info.clone());
        if let Some(exec) = user.as_mut().and_then(|user| user.exec.as_mut())
            && exec.provide_cluster_info
            && let Some(cluster) = &cluster
        {
            exec.cluster = Some(ExecAuthCluster::try_from(cluster)?);
        }
        Ok(Self { cluster, user })
    }
}
