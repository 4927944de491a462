//! Access as stock resolves it, as tables: what is configured → what comes out.

mod keys;
mod kubeconfig;
mod proxy;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::*;
use crate::conf::Sources;

/// A machine with its own service account directory and home.
struct Bench {
    dir: TempDir,
    conf: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    system: BTreeMap<String, String>,
    hosts: BTreeMap<String, IpAddr>,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home").to_str().unwrap().to_owned();
        std::fs::create_dir_all(dir.path().join("home/.kube")).unwrap();
        std::fs::create_dir_all(dir.path().join("sa")).unwrap();
        let mut bench = Self {
            dir,
            conf: BTreeMap::new(),
            env: BTreeMap::new(),
            system: BTreeMap::new(),
            hosts: BTreeMap::new(),
        };
        bench.env.insert("HOME".into(), home);
        bench
    }

    fn client() -> Self {
        Self::new().conf("spark.master", "k8s://https://api.example:6443")
    }

    fn cluster() -> Self {
        Self::new()
            .conf("spark.kubernetes.submitInDriver", "true")
            .conf("spark.kubernetes.driver.pod.name", "driver")
    }

    fn conf(mut self, key: &str, value: &str) -> Self {
        self.conf.insert(key.into(), value.into());
        self
    }

    fn env(mut self, key: &str, value: &str) -> Self {
        self.env.insert(key.into(), value.into());
        self
    }

    fn system(mut self, key: &str, value: &str) -> Self {
        self.system.insert(key.into(), value.into());
        self
    }

    fn host(mut self, name: &str, address: &str) -> Self {
        self.hosts.insert(name.into(), address.parse().unwrap());
        self
    }

    fn file(self, path: &str, text: &str) -> Self {
        std::fs::write(self.dir.path().join(path), text).unwrap();
        self
    }

    fn service_account(self) -> Self {
        self.file("sa/token", "sa-token\n").file("sa/ca.crt", "sa-ca")
    }

    fn kubeconfig(self) -> Self {
        self.file("home/.kube/config", KUBECONFIG)
    }

    fn path(&self, path: &str) -> String {
        self.dir.path().join(path).to_str().unwrap().to_owned()
    }

    fn resolve(&self) -> Result<Access, AccessError> {
        self.resolve_with(None, None)
    }

    fn resolve_with(&self, master: Option<&str>, kubeconfig: Option<PathBuf>) -> Result<Access, AccessError> {
        let sources = Sources {
            properties: self.conf.clone(),
            env: self.env.clone(),
            system: self.system.clone(),
        };
        let conf = Conf::new(sources, "4.3.0".parse().unwrap())?;
        let hosts = self.hosts.clone();
        let lookups = Lookups {
            kubeconfig,
            service_account: self.dir.path().join("sa"),
            host: Box::new(move |host| hosts.get(host).copied()),
        };
        Access::resolve(&conf, master, &lookups)
    }

    /// The resolved access in one line, paths relative to the machine's directory.
    fn summary(&self) -> String {
        match self.resolve() {
            Ok(access) => summary(&access, self.dir.path()),
            Err(error) => format!("error: {error}"),
        }
    }
}

const KUBECONFIG: &str = r"
apiVersion: v1
kind: Config
current-context: main
contexts:
- {name: main, context: {cluster: main, user: main, namespace: elsewhere}}
- {name: other, context: {cluster: other, user: plugin}}
- {name: basic, context: {cluster: main, user: basic}}
- {name: files, context: {cluster: files, user: files}}
- {name: nobody, context: {cluster: main}}
clusters:
- {name: main, cluster: {server: 'https://kube.example', certificate-authority-data: Q0E=}}
- {name: other, cluster: {server: 'https://other.example', insecure-skip-tls-verify: true, tls-server-name: kube.internal}}
- {name: files, cluster: {server: 'https://kube.example', certificate-authority: ca.pem, proxy-url: 'socks5://proxy:1080'}}
users:
- {name: main, user: {token: kube-token, as: somebody}}
- {name: plugin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, interactiveMode: Never}}}
- {name: basic, user: {username: kim, password: secret}}
- {name: files, user: {client-certificate: me.crt, client-key-data: S0VZ}}
";

fn pem_text(pem: &Pem, base: &Path) -> String {
    match pem {
        Pem::Data(data) => format!("data {}", data.expose_secret()),
        Pem::File(path) => path.strip_prefix(base).unwrap_or(path).display().to_string(),
    }
}

fn summary(access: &Access, base: &Path) -> String {
    let credentials = match &access.credentials {
        Credentials::None => "none".to_owned(),
        Credentials::Basic { username, password } => format!("basic {username}:{}", password.expose_secret()),
        Credentials::Token(token) => format!("token {}", token.expose_secret()),
        Credentials::TokenFile(path) => format!("file {}", path.strip_prefix(base).unwrap_or(path).display()),
        Credentials::Kubeconfig(user) => match (&user.auth_info.token, &user.auth_info.exec) {
            (Some(token), _) => format!("kubeconfig {}", token.expose_secret()),
            (None, Some(exec)) => format!("exec {}", exec.command.as_deref().unwrap_or_default()),
            (None, None) => "kubeconfig ?".to_owned(),
        },
    };
    let mut parts = vec![access.server.to_string(), credentials];
    if let Some(ca) = &access.ca {
        parts.push(format!("ca {}", pem_text(ca, base)));
    }
    if let Some(identity) = &access.identity {
        parts.push(format!(
            "cert {} key {}",
            pem_text(&identity.certificate, base),
            pem_text(&identity.key, base)
        ));
    }
    if access.insecure {
        parts.push("insecure".to_owned());
    }
    parts.extend(access.tls_server_name.clone());
    if let Some(proxy) = &access.proxy {
        let login = proxy
            .login
            .as_ref()
            .map(|(user, password)| format!(" {user}:{}", password.expose_secret()));
        parts.push(format!(
            "{:?} {}{}",
            proxy.kind,
            proxy.address,
            login.unwrap_or_default()
        ));
    }
    if let Some((user, groups)) = &access.impersonate {
        parts.push(format!("as {user} {groups:?}"));
    }
    parts.join(" | ")
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "all callers make it on the spot")]
fn check(bench: Bench, expected: &str) {
    assert_eq!(bench.summary(), expected);
}

const AUTH: &str = "spark.kubernetes.authenticate";
const MOUNTED: &str = "spark.kubernetes.authenticate.driver.mounted";
