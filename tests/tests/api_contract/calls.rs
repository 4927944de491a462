//! The request of each call, and what becomes of a success.

use std::time::Duration;

use serde_json::{Value, json};
use stoker_core::plan::{ApiFailure, DriverPod, FailureClass, Outcome, PodFacts, Selection};

use crate::support::*;

#[tokio::test]
async fn get_driver_pod() {
    let pod = |ready: &str| {
        json!({"metadata": {"uid": "d"}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
            .to_string()
    };
    for (response, expected) in [
        (
            answer(200, pod("True")),
            Some(DriverPod {
                uid: "d".into(),
                ready: true,
            }),
        ),
        (
            answer(200, pod("False")),
            Some(DriverPod {
                uid: "d".into(),
                ready: false,
            }),
        ),
        (
            answer(200, r#"{"metadata": {"uid": "d"}}"#),
            Some(DriverPod {
                uid: "d".into(),
                ready: false,
            }),
        ),
        (answer(404, ""), None),
    ] {
        let (head, body, outcome) = exchange(async |api| api.get_driver_pod("driver").await, response).await;
        assert_eq!(head, format!("GET {PODS}/driver"));
        assert!(body.is_empty());
        assert_eq!(outcome, Outcome::Done(expected));
    }
}

#[tokio::test]
async fn a_driver_pod_without_a_name_is_not_asked_for() {
    let (api, _server) = server();
    let outcome = api.get_driver_pod("").await;
    assert!(
        matches!(
            outcome,
            Outcome::Failed(ApiFailure {
                class: FailureClass::Invalid,
                ..
            })
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn create_sends_the_bytes_as_they_are() {
    let sent = br#"{"spec":{"fieldOfTomorrow":true}}"#.to_vec();
    let response = answer(201, full_pod().to_string());
    let (head, body, outcome) = exchange(async |api| api.create(sent.clone()).await, response).await;
    assert_eq!(head, format!("POST {PODS}? content-type=application/json"));
    assert_eq!(body, sent);
    assert_eq!(outcome, Outcome::Done(Some(Box::new(facts()))));
}

#[tokio::test]
async fn create_config_map() {
    let (head, body, outcome) = exchange(
        async |api| api.create_config_map(b"{}".to_vec()).await,
        answer(201, "{}"),
    )
    .await;
    assert_eq!(
        head,
        "POST /api/v1/namespaces/ns/configmaps? content-type=application/json"
    );
    assert_eq!(body, "{}");
    assert_eq!(outcome, Outcome::Done(()));
}

#[tokio::test]
async fn create_claim() {
    let sent = br#"{"spec":{"fieldOfTomorrow":true}}"#.to_vec();
    let stored =
        json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "c", "uid": "u"}, "status": {}});
    let (head, body, outcome) = exchange(
        async |api| api.create_claim(sent.clone()).await,
        answer(201, stored.to_string()),
    )
    .await;
    assert_eq!(head, format!("POST {CLAIMS}? content-type=application/json"));
    assert_eq!(body, sent);
    assert_eq!(outcome, Outcome::Done(claim()));
}

#[tokio::test]
async fn delete_claim_is_bound_to_the_uid() {
    let (head, body, outcome) =
        exchange(async |api| api.delete_claim(&claim()).await, answer(200, "{}")).await;
    assert_eq!(head, format!("DELETE {CLAIMS}/c? content-type=application/json"));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body, json!({"preconditions": {"uid": "u"}}));
    assert_eq!(outcome, Outcome::Done(()));
}

#[tokio::test]
async fn the_driver_pod_as_it_is() {
    let pod = json!({"metadata": {"uid": "d"}, "spec": {"fieldOfTomorrow": true}});
    let (head, _, outcome) = exchange(
        async |api| api.get_driver_pod_json("driver").await,
        answer(200, pod.to_string()),
    )
    .await;
    assert_eq!(head, format!("GET {PODS}/driver"));
    let driver = DriverPod {
        uid: "d".into(),
        ready: false,
    };
    assert_eq!(outcome, Outcome::Done(Some((driver, pod))));
    let (_, _, outcome) = exchange(
        async |api| api.get_driver_pod_json("driver").await,
        answer(404, ""),
    )
    .await;
    assert_eq!(outcome, Outcome::Done(None));
}

#[tokio::test]
async fn get() {
    let (head, _, outcome) = exchange(
        async |api| api.get("job-exec-7").await,
        answer(200, full_pod().to_string()),
    )
    .await;
    assert_eq!(head, format!("GET {PODS}/job-exec-7"));
    assert_eq!(outcome, Outcome::Done(Some(Box::new(facts()))));
    let (_, _, outcome) = exchange(async |api| api.get("job-exec-7").await, answer(404, "")).await;
    assert_eq!(outcome, Outcome::Done(None));
}

#[tokio::test]
async fn a_bare_pod_has_defaults() {
    let bare = json!({"metadata": {"name": "p", "uid": "u", "labels": {"spark-exec-id": "EXECID"}}});
    let (_, _, outcome) = exchange(async |api| api.get("p").await, answer(200, bare.to_string())).await;
    let expected = PodFacts {
        name: "p".into(),
        uid: "u".into(),
        ..PodFacts::default()
    };
    assert_eq!(outcome, Outcome::Done(Some(Box::new(expected))));
}

#[tokio::test]
async fn list_pages() {
    let page = json!({"metadata": {"resourceVersion": "9", "continue": "next/1"}, "items": [full_pod()]});
    let (head, _, outcome) = exchange(
        async |api| api.list(None, false).await,
        answer(200, page.to_string()),
    )
    .await;
    assert_eq!(head, format!("GET {PODS}?&labelSelector={SELECTOR}&limit=500"));
    let Outcome::Done(first) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(first.pods, [facts()]);
    assert_eq!(first.continue_token.as_deref(), Some("next/1"));
    assert_eq!(first.resource_version, "9");

    let page = json!({"metadata": {"resourceVersion": "9", "continue": ""}, "items": null});
    let (head, _, outcome) = exchange(
        async |api| api.list(Some("next/1"), false).await,
        answer(200, page.to_string()),
    )
    .await;
    assert_eq!(
        head,
        format!("GET {PODS}?&labelSelector={SELECTOR}&limit=500&continue=next%2F1")
    );
    let Outcome::Done(last) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((last.pods.len(), last.continue_token), (0, None));
}

#[tokio::test]
async fn a_cached_list_is_one_page_of_any_age() {
    let page = json!({"metadata": {"resourceVersion": "9"}, "items": [full_pod()]});
    let (head, _, outcome) = exchange(
        async |api| api.list(None, true).await,
        answer(200, page.to_string()),
    )
    .await;
    assert_eq!(
        head,
        format!("GET {PODS}?&labelSelector={SELECTOR}&resourceVersion=0")
    );
    let Outcome::Done(page) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((page.pods.len(), page.resource_version.as_str()), (1, "9"));
}

#[tokio::test]
async fn delete_is_bound_to_the_uid() {
    for (grace, expected) in [
        (None, json!({"preconditions": {"uid": "u-7"}})),
        (
            Some(Duration::ZERO),
            json!({"gracePeriodSeconds": 0, "preconditions": {"uid": "u-7"}}),
        ),
        (
            Some(Duration::from_secs(30)),
            json!({"gracePeriodSeconds": 30, "preconditions": {"uid": "u-7"}}),
        ),
    ] {
        let (head, body, outcome) = exchange(
            async |api| api.delete("job-exec-7", "u-7", grace).await,
            answer(200, "{}"),
        )
        .await;
        assert_eq!(
            head,
            format!("DELETE {PODS}/job-exec-7? content-type=application/json")
        );
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
        assert_eq!(outcome, Outcome::Done(()));
    }
}

#[tokio::test]
async fn delete_config_map() {
    let (head, _, outcome) =
        exchange(async |api| api.delete_config_map("conf").await, answer(200, "{}")).await;
    assert_eq!(
        head,
        "DELETE /api/v1/namespaces/ns/configmaps/conf? content-type=application/json"
    );
    assert_eq!(outcome, Outcome::Done(()));
}

#[tokio::test]
async fn label() {
    let (head, body, outcome) = exchange(
        async |api| api.label("job-exec-7", "spark-exec-inactive", "true").await,
        answer(200, "{}"),
    )
    .await;
    let headers = "accept=application/json content-type=application/merge-patch+json";
    assert_eq!(head, format!("PATCH {PODS}/job-exec-7? {headers}"));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        json!({"metadata": {"labels": {"spark-exec-inactive": "true"}}})
    );
    assert_eq!(outcome, Outcome::Done(()));
}

#[tokio::test]
async fn delete_pods_page_by_page() {
    for (token, query, answered, next) in [
        (
            None,
            "limit=100",
            json!({"metadata": {"continue": "next"}, "items": []}),
            Some("next"),
        ),
        (
            Some("next"),
            "limit=100&continue=next",
            json!({"metadata": {"continue": ""}}),
            None,
        ),
        (
            None,
            "limit=100",
            json!({"kind": "Status", "status": "Success"}),
            None,
        ),
    ] {
        let (head, body, outcome) = exchange(
            async |api| api.delete_page(token).await,
            answer(200, answered.to_string()),
        )
        .await;
        let path = format!("{PODS}?&labelSelector={SELECTOR}&{query}");
        assert_eq!(head, format!("DELETE {path}"));
        assert!(body.is_empty());
        assert_eq!(outcome, Outcome::Done(next.map(str::to_owned)));
    }
}

#[tokio::test]
async fn delete_collections() {
    for (selection, resource, selector) in [
        (Selection::ConfigMaps, "configmaps", SELECTOR),
        // They have no role.
        (
            Selection::Claims,
            "persistentvolumeclaims",
            "spark-app-selector%3Dspark-1",
        ),
        (Selection::Services, "services", "spark-app-selector%3Dspark-1"),
    ] {
        let (head, body, outcome) = exchange(
            async |api| api.delete_collection(selection).await,
            answer(200, "{}"),
        )
        .await;
        let path = format!("/api/v1/namespaces/ns/{resource}?&labelSelector={selector}");
        assert_eq!(head, format!("DELETE {path} content-type=application/json"));
        assert!(body.is_empty());
        assert_eq!(outcome, Outcome::Done(()));
    }
}
