//! Access as stock resolves it, as tables: what is configured → what comes out.

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
fn check(bench: Bench, expected: &str) {
    assert_eq!(bench.summary(), expected);
}

const AUTH: &str = "spark.kubernetes.authenticate";
const MOUNTED: &str = "spark.kubernetes.authenticate.driver.mounted";

#[test]
fn the_address() {
    for (master, expected) in [
        (
            "k8s://https://api.example:6443",
            "https://api.example:6443/ | none",
        ),
        ("k8s://http://127.0.0.1:8001", "http://127.0.0.1:8001/ | none"),
        ("k8s://api.example:6443", "https://api.example:6443/ | none"),
        ("k8s://https://[::1]:6443", "https://[::1]:6443/ | none"),
        (
            "k8s://https://rancher.example/k8s/clusters/c-1",
            "https://rancher.example/k8s/clusters/c-1 | none",
        ),
        (
            "k8s://ftp://api.example",
            "error: spark.master=k8s://ftp://api.example is no address of an API server (its scheme is neither \
             https nor http): expected k8s://https://HOST:PORT",
        ),
        (
            "local[*]",
            "error: spark.master=local[*] is no address of an API server (a local master runs no executors): \
             expected k8s://https://HOST:PORT",
        ),
        (
            "k8s://",
            "error: spark.master=k8s:// is no address of an API server (empty string): expected \
             k8s://https://HOST:PORT",
        ),
    ] {
        check(Bench::new().conf("spark.master", master), expected);
    }
    check(
        Bench::new(),
        "error: no API server: set spark.master to k8s://https://HOST:PORT",
    );
}

#[test]
fn the_master_argument_wins_over_the_key() {
    let bench = Bench::client();
    let access = bench
        .resolve_with(Some("k8s://https://given.example"), None)
        .unwrap();
    assert_eq!(access.server, "https://given.example/");
}

#[test]
fn cluster_mode() {
    check(Bench::cluster(), "https://kubernetes.default.svc/ | none");
    check(
        Bench::cluster().service_account(),
        "https://kubernetes.default.svc/ | file sa/token | ca sa/ca.crt",
    );
    check(
        Bench::cluster()
            .service_account()
            .conf("spark.kubernetes.driver.master", "https://10.0.0.1"),
        "https://10.0.0.1/ | file sa/token | ca sa/ca.crt",
    );
    // The master URL and the client-mode keys are for spark-submit there.
    check(
        Bench::cluster()
            .service_account()
            .conf("spark.master", "k8s://https://outside.example")
            .conf(&format!("{AUTH}.oauthToken"), "ignored"),
        "https://kubernetes.default.svc/ | file sa/token | ca sa/ca.crt",
    );
    check(
        Bench::cluster()
            .service_account()
            .conf(&format!("{MOUNTED}.oauthTokenFile"), "/mnt/token")
            .conf(&format!("{MOUNTED}.caCertFile"), "/mnt/ca")
            .conf(&format!("{MOUNTED}.clientCertFile"), "/mnt/crt")
            .conf(&format!("{MOUNTED}.clientKeyFile"), "/mnt/key"),
        "https://kubernetes.default.svc/ | file /mnt/token | ca /mnt/ca | cert /mnt/crt key /mnt/key",
    );
    // A kubeconfig in the image goes before the service account, but not before its CA.
    check(
        Bench::cluster().service_account().file(
            "home/.kube/config",
            &KUBECONFIG.replace("certificate-authority-data", "x"),
        ),
        "https://kubernetes.default.svc/ | kubeconfig kube-token | ca sa/ca.crt",
    );
    check(
        Bench::new().conf("spark.kubernetes.submitInDriver", "true"),
        "error: spark.kubernetes.driver.pod.name is not set: in cluster mode the driver pod's name must be given",
    );
}

#[test]
fn client_mode_keys() {
    let server = "https://api.example:6443/";
    check(
        Bench::client().conf(&format!("{AUTH}.oauthToken"), "t"),
        &format!("{server} | token t"),
    );
    check(
        Bench::client().conf(&format!("{AUTH}.oauthTokenFile"), "/t"),
        &format!("{server} | file /t"),
    );
    check(
        Bench::client()
            .conf(&format!("{AUTH}.oauthTokenFile"), "/t")
            .conf(&format!("{AUTH}.oauthToken"), "t"),
        "error: cannot take the OAuth token from both spark.kubernetes.authenticate.oauthTokenFile and \
         spark.kubernetes.authenticate.oauthToken: set only one of them",
    );
    check(
        Bench::client().conf(&format!("{AUTH}.caCertFile"), "/ca"),
        &format!("{server} | none | ca /ca"),
    );
    check(
        Bench::client().conf("spark.kubernetes.trust.certificates", "TRUE"),
        &format!("{server} | none | insecure"),
    );
    // A certificate without its key is no identity.
    check(
        Bench::client().conf(&format!("{AUTH}.clientCertFile"), "/crt"),
        &format!("{server} | none"),
    );
    // In a pod, as a notebook is: the service account.
    check(
        Bench::client().service_account(),
        &format!("{server} | file sa/token | ca sa/ca.crt"),
    );
}

#[test]
fn kubeconfig_contexts() {
    let server = "https://api.example:6443/";
    let context = |name| {
        Bench::client()
            .kubeconfig()
            .service_account()
            .conf("spark.kubernetes.context", name)
    };
    check(
        Bench::client().kubeconfig(),
        &format!("{server} | kubeconfig kube-token | ca data Q0E="),
    );
    check(
        context("other"),
        &format!("{server} | exec get-token | insecure | kube.internal"),
    );
    check(
        context("basic"),
        &format!("{server} | basic kim:secret | ca data Q0E="),
    );
    check(
        context("files"),
        &format!(
            "{server} | none | ca home/.kube/ca.pem | cert home/.kube/me.crt key data S0VZ | Socks5 http://proxy:1080/"
        ),
    );
    check(context("nobody"), &format!("{server} | none | ca data Q0E="));
    // Stock falls back to the current context.
    check(
        context("missing"),
        &format!("{server} | kubeconfig kube-token | ca data Q0E="),
    );
    check(
        context(""),
        &format!("{server} | kubeconfig kube-token | ca data Q0E="),
    );
}

#[test]
fn keys_over_kubeconfig() {
    let server = "https://api.example:6443/";
    check(
        Bench::client()
            .kubeconfig()
            .conf(&format!("{AUTH}.oauthToken"), "mine"),
        &format!("{server} | token mine | ca data Q0E="),
    );
    // Inline data wins over a file, basic authentication over a token: both as stock has it.
    check(
        Bench::client()
            .kubeconfig()
            .conf(&format!("{AUTH}.caCertFile"), "/ca"),
        &format!("{server} | kubeconfig kube-token | ca data Q0E="),
    );
    check(
        Bench::client()
            .kubeconfig()
            .conf("spark.kubernetes.context", "basic")
            .conf(&format!("{AUTH}.oauthToken"), "mine"),
        &format!("{server} | basic kim:secret | ca data Q0E="),
    );
    check(
        Bench::client()
            .kubeconfig()
            .conf("spark.kubernetes.context", "files")
            .conf(&format!("{AUTH}.caCertFile"), "/ca")
            .conf(&format!("{AUTH}.clientCertFile"), "/crt")
            .conf(&format!("{AUTH}.clientKeyFile"), "/key"),
        &format!("{server} | none | ca /ca | cert /crt key data S0VZ | Socks5 http://proxy:1080/"),
    );
}

#[test]
fn kubeconfig_files() {
    let server = "https://api.example:6443/";
    let bench = Bench::client()
        .kubeconfig()
        .file("a", "current-context: absent\n")
        .file("empty", "")
        .file(
            "b",
            "current-context: b\ncontexts: [{name: b, context: {cluster: b, user: b}}]\n\
         users: [{name: b, user: {token: b-token}}]\n",
        );
    let paths = ["a", "missing", "empty", "b"]
        .map(|name| bench.path(name))
        .join(":");
    // The first file whose current context exists.
    check(
        bench.env("KUBECONFIG", &paths),
        &format!("{server} | kubeconfig b-token"),
    );

    // The property wins over the variable; a file that is not there leaves the service account.
    let bench = Bench::client().kubeconfig().service_account();
    let missing = bench.path("missing");
    check(
        bench.env("KUBECONFIG", &missing),
        &format!("{server} | file sa/token | ca sa/ca.crt"),
    );
    let bench = Bench::client().kubeconfig();
    let (missing, there) = (bench.path("missing"), bench.path("home/.kube/config"));
    check(
        bench.env("KUBECONFIG", &missing).system("kubeconfig", &there),
        &format!("{server} | kubeconfig kube-token | ca data Q0E="),
    );
    check(
        Bench::client()
            .kubeconfig()
            .service_account()
            .env("KUBERNETES_AUTH_TRYKUBECONFIG", "false"),
        &format!("{server} | file sa/token | ca sa/ca.crt"),
    );

    let bench = Bench::client().file("home/.kube/config", "contexts: 7");
    let path = bench.path("home/.kube/config");
    check(
        bench,
        &format!("error: cannot use the kubeconfig {path}: correct it, or point KUBECONFIG to another one"),
    );
}

#[test]
fn properties_of_the_client_library() {
    let server = "https://api.example:6443/";
    check(
        Bench::client()
            .kubeconfig()
            .env("KUBERNETES_AUTH_TOKEN", "env")
            .system("kubernetes.auth.token", "system"),
        &format!("{server} | token system | ca data Q0E="),
    );
    check(
        Bench::client()
            .env("KUBERNETES_AUTH_TOKEN", "env")
            .conf(&format!("{AUTH}.oauthToken"), "conf"),
        &format!("{server} | token conf"),
    );
    check(
        Bench::client().env("KUBERNETES_CERTS_CA_FILE", "/ca"),
        &format!("{server} | none | ca /ca"),
    );
    check(
        Bench::client().env("KUBERNETES_TRUST_CERTIFICATES", "true"),
        &format!("{server} | none | insecure"),
    );
    check(
        Bench::client()
            .kubeconfig()
            .conf("spark.kubernetes.context", "other")
            .env("KUBERNETES_TRUST_CERTIFICATES", "false"),
        &format!("{server} | exec get-token | kube.internal"),
    );
    check(
        Bench::client()
            .service_account()
            .env("KUBERNETES_AUTH_TRYSERVICEACCOUNT", "false"),
        &format!("{server} | none"),
    );
    let bench = Bench::client().service_account().file("token2", "x");
    let token = bench.path("token2");
    check(
        bench.system("kubernetes.auth.serviceAccount.token", &token),
        &format!("{server} | file token2 | ca sa/ca.crt"),
    );
    check(
        Bench::client()
            .env("KUBERNETES_IMPERSONATE_USERNAME", "kim")
            .env("KUBERNETES_IMPERSONATE_GROUP", "a,b"),
        &format!("{server} | none | as kim [\"a\", \"b\"]"),
    );
}

#[test]
fn the_proxy() {
    let https = "https://api.example:6443/ | none";
    let proxied = "https://api.example:6443/ | none | Http http://proxy:3128/";
    let bench = || {
        Bench::client()
            .env("HTTPS_PROXY", "http://proxy:3128")
            .env("HTTP_PROXY", "http://other:1")
    };
    check(bench(), proxied);
    check(Bench::client().env("ALL_PROXY", "proxy:3128"), proxied);
    check(bench().env("ALL_PROXY", "http://all:1"), proxied);
    check(
        bench().system("https.proxy", "https://system:1"),
        &format!("{https} | Http http://system:1/"),
    );
    check(
        bench().conf("spark.master", "k8s://http://api.example"),
        "http://api.example/ | none | Http http://other:1/",
    );
    check(
        Bench::client().env("HTTPS_PROXY", "socks5://kim:secret@proxy:1080"),
        &format!("{https} | Socks5 http://proxy:1080/ kim:secret"),
    );
    check(
        bench()
            .env("PROXY_USERNAME", "kim")
            .env("PROXY_PASSWORD", "secret"),
        &format!("{proxied} kim:secret"),
    );
    // Lower-case variables are not read.
    check(Bench::client().env("https_proxy", "http://proxy:3128"), https);
    for (proxy, reason) in [
        ("http://kim:secret@proxy", "its URL has no port"),
        (
            "gopher://proxy:1",
            "its scheme gopher is none of http, https, socks4, socks5",
        ),
    ] {
        check(
            Bench::client().env("HTTPS_PROXY", proxy),
            &format!("error: cannot use the proxy for the API server: {reason}; correct the proxy setting"),
        );
    }
}

#[test]
fn exempt_from_the_proxy() {
    let case = |master: &str, no_proxy: &str| {
        let bench = Bench::new()
            .conf("spark.master", master)
            .env("HTTPS_PROXY", "http://proxy:3128")
            .env("NO_PROXY", no_proxy)
            .host("kubernetes.default.svc", "10.96.0.1");
        bench.resolve().unwrap().proxy.is_none()
    };
    let svc = "k8s://https://kubernetes.default.svc";
    for (master, no_proxy, exempt) in [
        (svc, ".svc", true),
        (svc, "localhost,default.svc", true),
        (svc, "example.com", false),
        // Stock resolves the name of the server for this.
        (svc, "10.0.0.0/8", true),
        (svc, "10.96.0.1", true),
        (svc, "192.168.0.0/16, 172.16.0.0/12", false),
        ("k8s://https://10.1.2.3:6443", "10.0.0.0/8", true),
        ("k8s://https://11.1.2.3:6443", "10.0.0.0/8,", false),
        ("k8s://https://[fd00::1]:6443", "fd00::/8", true),
        ("k8s://https://unknown.example", "10.0.0.0/8", false),
        (svc, "*", true),
    ] {
        assert_eq!(
            case(master, no_proxy),
            exempt,
            "{master} with NO_PROXY={no_proxy}"
        );
    }
}

#[test]
fn timeouts_and_namespace() {
    let access = Bench::client().resolve().unwrap();
    assert_eq!(access.connect_timeout, Some(Duration::from_secs(10)));
    assert_eq!(access.request_timeout, Duration::from_secs(30));
    assert_eq!(access.namespace(), "default");
    assert_eq!(access.connections, 16);
    let access = Bench::client()
        .conf("spark.kubernetes.driver.connectionTimeout", "2500")
        .conf("spark.kubernetes.driver.requestTimeout", "15000")
        .conf("spark.stoker.requestTimeout", "20s")
        .conf("spark.stoker.allocation.maxInFlight", "4")
        .conf("spark.kubernetes.namespace", "jobs")
        .resolve()
        .unwrap();
    assert_eq!(access.connect_timeout, Some(Duration::from_millis(2500)));
    assert_eq!(access.request_timeout, Duration::from_secs(15));
    assert_eq!(access.namespace(), "jobs");
    assert_eq!(access.connections, 4);
    let access = Bench::client()
        .conf("spark.kubernetes.driver.connectionTimeout", "0")
        .conf("spark.kubernetes.driver.requestTimeout", "0")
        .conf("spark.stoker.requestTimeout", "20s")
        .resolve()
        .unwrap();
    assert_eq!(access.connect_timeout, None);
    assert_eq!(access.request_timeout, Duration::from_secs(20));
}

#[test]
fn a_given_kubeconfig_takes_the_place_of_all_others() {
    let bench = Bench::client().kubeconfig();
    let given = bench.path("given");
    let bench = bench
        .file("given", &KUBECONFIG.replace("kube-token", "given"))
        .env("KUBECONFIG", "elsewhere");
    let access = bench.resolve_with(None, Some(given.into())).unwrap();
    assert_eq!(
        summary(&access, bench.dir.path()),
        "https://api.example:6443/ | kubeconfig given | ca data Q0E="
    );
}

#[test]
fn no_secret_is_shown() {
    for bench in [
        Bench::client().conf(&format!("{AUTH}.oauthToken"), "S3CRET"),
        Bench::client().file("home/.kube/config", &KUBECONFIG.replace("kube-token", "S3CRET")),
        Bench::client()
            .file(
                "home/.kube/config",
                &KUBECONFIG.replace("password: secret", "password: S3CRET"),
            )
            .conf("spark.kubernetes.context", "basic"),
        Bench::client()
            .file("home/.kube/config", &KUBECONFIG.replace("S0VZ", "S3CRET"))
            .conf("spark.kubernetes.context", "files")
            .conf(&format!("{AUTH}.clientCertFile"), "/crt"),
        Bench::client().env("HTTPS_PROXY", "http://kim:S3CRET@proxy:3128"),
    ] {
        let access = bench.resolve().unwrap();
        assert!(summary(&access, bench.dir.path()).contains("S3CRET"));
        let shown = format!("{access:?} {access:#?}");
        assert!(!shown.contains("S3CRET"), "{shown}");
    }
    let error = Bench::client()
        .env("HTTPS_PROXY", "http://kim:S3CRET@proxy")
        .resolve()
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("S3CRET"));
}

#[test]
fn a_kubeconfig_user_is_read_again() {
    let bench = Bench::client().kubeconfig();
    let Credentials::Kubeconfig(user) = bench.resolve().unwrap().credentials else {
        panic!("no kubeconfig user")
    };
    let bench = bench.file("home/.kube/config", &KUBECONFIG.replace("kube-token", "newer"));
    let token = user.reload().unwrap().auth_info.token.unwrap();
    assert_eq!(token.expose_secret(), "newer");
    drop(bench);
}
