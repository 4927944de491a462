//! Tokens and where they come from.

use std::path::Path;
use std::time::Duration;

use stoker_core::plan::{FailureClass, Outcome};

use crate::support::*;

#[tokio::test]
async fn basic_authentication() {
    let server = Server::plain().await;
    let setup = Setup::new(&server.url("http"))
        .env("KUBERNETES_AUTH_BASIC_USERNAME", "kim")
        .env("KUBERNETES_AUTH_BASIC_PASSWORD", "secret");
    setup.calls().await.0.unwrap();
    assert_eq!(server.header("authorization")[0], "Basic a2ltOnNlY3JldA==");
}

/// Takes the token `new` only.
async fn picky() -> Server {
    Server::start(None, |token| {
        Some(if token == "Bearer new" {
            "200 OK"
        } else {
            "401 Unauthorized"
        })
    })
    .await
}

#[tokio::test]
async fn a_refused_token_is_read_again_once() {
    let server = picky().await;
    let setup = Setup::new(&server.url("http")).file(TOKEN_KEY, "token", "old");
    let api = setup.client().await.unwrap();

    // Nothing newer there: the refusal stands, and nothing is repeated.
    let outcome = api.create_config_map(b"{}".to_vec()).await;
    assert!(matches!(&outcome, Outcome::Failed(failure) if failure.class == FailureClass::Unauthorized));
    assert_eq!(server.header("authorization"), ["Bearer old"]);

    std::fs::write(setup.path("token"), "newer").unwrap();
    let outcome = api.create_config_map(b"{}".to_vec()).await;
    assert!(matches!(&outcome, Outcome::Failed(failure) if failure.class == FailureClass::Unauthorized));
    assert_eq!(
        server.header("authorization")[1..],
        ["Bearer old", "Bearer newer"]
    );

    std::fs::write(setup.path("token"), "new\n").unwrap();
    assert_eq!(api.create_config_map(b"{}".to_vec()).await, Outcome::Done(()));
    assert_eq!(
        server.header("authorization")[3..],
        ["Bearer newer", "Bearer new"]
    );
    // The body was sent again too.
    assert_eq!(server.header("content-length")[3..], ["2", "2"]);

    // A file that has gone leaves the token.
    std::fs::remove_file(setup.path("token")).unwrap();
    assert_eq!(api.create_config_map(b"{}".to_vec()).await, Outcome::Done(()));
}

#[tokio::test]
async fn a_token_of_the_kubeconfig_is_read_again() {
    let kubeconfig = |token: &str| {
        format!(
            "{{current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], \
             users: [{{name: u, user: {{token: {token}}}}}]}}"
        )
    };
    let server = picky().await;
    let setup = Setup::new(&server.url("http")).kubeconfig(&kubeconfig("old"));
    let api = setup.client().await.unwrap();
    std::fs::write(setup.path("kubeconfig"), kubeconfig("new")).unwrap();
    assert_eq!(api.create_config_map(b"{}".to_vec()).await, Outcome::Done(()));
    assert_eq!(server.header("authorization"), ["Bearer old", "Bearer new"]);
}

#[tokio::test]
async fn an_exec_plugin_is_run_again() {
    let server = picky().await;
    let setup = Setup::new(&server.url("http"));
    let credential = |token: &str| {
        format!(
            r#"{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "{token}"}}}}"#
        )
    };
    let answer = setup.path("credential");
    std::fs::write(&answer, credential("old")).unwrap();
    let setup = setup.kubeconfig(&format!(
        "{{current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], users: [{{name: u, user: \
         {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: cat, args: [{}], interactiveMode: Never}}}}}}]}}",
        answer.display()
    ));
    let api = setup.client().await.unwrap();
    std::fs::write(&answer, credential("new")).unwrap();
    assert_eq!(api.create_config_map(b"{}".to_vec()).await, Outcome::Done(()));
    assert_eq!(server.header("authorization"), ["Bearer old", "Bearer new"]);
}

#[tokio::test]
async fn a_failing_exec_plugin_shows_no_output() {
    let setup = Setup::new("http://127.0.0.1:1").kubeconfig(
        "{current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], users: [{name: u, user: \
         {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['-c', 'echo S3CRET; exit 3'], \
         interactiveMode: Never}}}]}",
    );
    let error = setup.client().await.unwrap_err();
    let mut text = format!("{error:?} {error}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(!text.contains("S3CRET"), "{text}");
    assert!(text.contains("exit status: 3"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_token_file_is_read_again_after_a_minute() {
    use http::{Request, Response};
    use kube::client::Body;
    use stoker_core::shell::access::Credentials;
    use stoker_core::shell::client::AuthLayer;
    use tower::{BoxError, Layer as _, ServiceExt as _, service_fn};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let write = |path: &Path, token: &str| std::fs::write(path, token).unwrap();
    write(&path, "first");
    let layer = AuthLayer::new(&Credentials::TokenFile(path.clone()))
        .await
        .unwrap();
    let echo = service_fn(|request: Request<Body>| async move {
        Ok::<_, BoxError>(Response::new(
            request.headers()["authorization"].to_str().unwrap().to_owned(),
        ))
    });
    let service = layer.layer(echo);
    let token = async || {
        service
            .clone()
            .oneshot(Request::new(Body::empty()))
            .await
            .unwrap()
            .into_body()
    };

    write(&path, "second");
    assert_eq!(token().await, "Bearer first");
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(token().await, "Bearer first");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(token().await, "Bearer second");
}
