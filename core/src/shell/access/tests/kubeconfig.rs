//! What is found without any Spark key.

use super::*;

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
