//! Certificates.

use stoker_core::plan::{FailureClass, Outcome};

use crate::authority::Authority;
use crate::support::*;

#[tokio::test]
async fn a_server_with_its_address_in_the_certificate() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let setup = Setup::new(&server.url("https")).file(CA_KEY, "ca", &authority.pem());
    assert_eq!(setup.calls().await, (Ok(()), Outcome::Done(())));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority() {
    let server = Authority::new().server("127.0.0.1").await;
    let setup = Setup::new(&server.url("https")).file(CA_KEY, "ca", &Authority::new().pem());
    let failure = setup.unsent().await;
    assert_eq!(failure.class, FailureClass::BadCertificate, "{failure:?}");
    assert!(failure.message.contains("UnknownIssuer"), "{}", failure.message);
    assert!(failure.message.contains(CA_KEY), "{}", failure.message);
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let authority = Authority::new();
    let server = authority.server("kube.internal").await;
    let setup = Setup::new(&server.url("https")).file(CA_KEY, "ca", &authority.pem());
    assert_eq!(setup.unsent().await.class, FailureClass::BadCertificate);
    // Unless the kubeconfig says which name to expect.
    let setup = setup.kubeconfig(
        "{current-context: c, contexts: [{name: c, context: {cluster: c}}], \
         clusters: [{name: c, cluster: {server: 'https://x', tls-server-name: kube.internal}}]}",
    );
    assert_eq!(setup.calls().await, (Ok(()), Outcome::Done(())));
}

#[tokio::test]
async fn a_certificate_that_is_not_verified() {
    let server = Authority::new().server("kube.internal").await;
    let setup = Setup::new(&server.url("https")).set("spark.kubernetes.trust.certificates", "true");
    assert_eq!(setup.calls().await, (Ok(()), Outcome::Done(())));
}

#[tokio::test]
async fn a_client_certificate() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = Server::start(Some(authority.acceptor("127.0.0.1", Some(&clients))), |_| {
        Some("200 OK")
    })
    .await;
    let (certificate, key) = clients.sign("me");
    let setup = Setup::new(&server.url("https"))
        .file(CA_KEY, "ca", &authority.pem())
        .file(
            "spark.kubernetes.authenticate.clientCertFile",
            "crt",
            &certificate.pem(),
        )
        .file(
            "spark.kubernetes.authenticate.clientKeyFile",
            "key",
            &key.serialize_pem(),
        );
    assert_eq!(setup.calls().await, (Ok(()), Outcome::Done(())));

    let without = Setup::new(&server.url("https")).file(CA_KEY, "ca", &authority.pem());
    assert!(without.calls().await.0.is_err());
}

#[tokio::test]
async fn files_that_cannot_be_used() {
    let message = async |setup: Setup| match setup.client().await {
        Err(error) => error
            .to_string()
            .replace(setup.dir.path().to_str().unwrap(), "DIR"),
        Ok(_) => "connected".to_owned(),
    };
    let setup = || Setup::new("https://127.0.0.1:1");
    let missing = "correct the key that names it, or its permissions";
    assert_eq!(
        message(setup().set(CA_KEY, "/missing")).await,
        format!("cannot read the certificate authority from /missing: {missing}")
    );
    assert_eq!(
        message(setup().file(CA_KEY, "ca", "no certificate")).await,
        "the certificate authority is not a certificate in PEM format: correct the key or the kubeconfig that \
         names it"
    );
    let plain = || Setup::new("http://127.0.0.1:1");
    assert_eq!(
        message(plain().set(TOKEN_KEY, "/missing")).await,
        format!("cannot read the OAuth token from /missing: {missing}")
    );
    assert_eq!(
        message(plain().file(TOKEN_KEY, "token", " \n")).await,
        "the OAuth token is empty or holds characters that no HTTP header can carry: get a new one"
    );
    // Without TLS nothing is asked of certificates.
    assert_eq!(message(plain()).await, "connected");
}
