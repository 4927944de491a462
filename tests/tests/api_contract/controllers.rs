//! The requests for `StatefulSet`s and `Deployment`s.

use serde_json::{Value, json};
use stoker_core::plan::{ControllerKind, FailureClass, Outcome};

use crate::support::*;

const APPS: &str = "/apis/apps/v1/namespaces/ns";
const KINDS: [(ControllerKind, &str); 2] = [
    (ControllerKind::StatefulSet, "statefulsets"),
    (ControllerKind::Deployment, "deployments"),
];

#[tokio::test]
async fn create() {
    for (kind, plural) in KINDS {
        let sent = br#"{"as": "it is"}"#.to_vec();
        let (head, body, outcome) = exchange(
            async |api| api.create_controller(kind, sent.clone()).await,
            answer(201, "{}"),
        )
        .await;
        assert!(head.starts_with(&format!("POST {APPS}/{plural}?")), "{head}");
        assert_eq!(body, sent);
        assert_eq!(outcome, Outcome::Done(()));
    }
}

#[tokio::test]
async fn scale() {
    for (kind, plural) in KINDS {
        let (head, body, outcome) = exchange(
            async |api| api.scale_controller(kind, "set", 7).await,
            answer(200, "{}"),
        )
        .await;
        assert!(
            head.starts_with(&format!("PUT {APPS}/{plural}/set/scale?")),
            "{head}"
        );
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["kind"], "Scale");
        assert_eq!(body["spec"], json!({"replicas": 7}));
        assert_eq!(
            body["metadata"],
            json!({"name": "set"}),
            "no version: it is set whatever it was"
        );
        assert_eq!(outcome, Outcome::Done(()));
    }
}

#[tokio::test]
async fn delete() {
    for (kind, plural) in KINDS {
        let (head, body, outcome) = exchange(
            async |api| api.delete_controller(kind, "set").await,
            answer(404, ""),
        )
        .await;
        assert!(
            head.starts_with(&format!("DELETE {APPS}/{plural}/set?")),
            "{head}"
        );
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["propagationPolicy"], "Background");
        assert!(matches!(outcome, Outcome::Failed(failure) if failure.class == FailureClass::NotFound));
    }
}

#[tokio::test]
async fn the_cost_of_a_pod_is_an_annotation() {
    let annotate = async |api: stoker_core::shell::pods::PodApi| {
        api.annotate("p", "controller.kubernetes.io/pod-deletion-cost", "-5")
            .await
    };
    let (head, body, outcome) = exchange(annotate, answer(200, "{}")).await;
    assert!(head.starts_with(&format!("PATCH {PODS}/p?")), "{head}");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let annotations = json!({"controller.kubernetes.io/pod-deletion-cost": "-5"});
    assert_eq!(body, json!({"metadata": {"annotations": annotations}}));
    assert_eq!(outcome, Outcome::Done(()));
}
