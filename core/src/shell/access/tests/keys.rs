//! Address, deploy modes and Spark keys.

use super::*;

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
fn timeouts_and_namespace() {
    let access = Bench::client().resolve().unwrap();
    assert_eq!(access.connect_timeout, Some(Duration::from_secs(10)));
    assert_eq!(access.request_timeout, Duration::from_secs(30));
    assert_eq!(access.namespace(), "default");
    assert_eq!(access.connections, 128);
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
