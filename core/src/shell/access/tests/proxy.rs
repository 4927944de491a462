//! The proxy and what is exempt from it.

use super::*;

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
