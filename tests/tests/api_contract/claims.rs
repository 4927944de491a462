//! List and watch of volume claims.

use futures::StreamExt as _;
use serde_json::{Value, json};
use stoker_core::plan::{ClaimEvent, ClaimFacts, FailureClass, Outcome};
use stoker_core::spec::ClaimShape;

use crate::support::*;

const CLAIM_SELECTOR: &str = "spark-app-selector%3Dspark-1";

/// A claim as the API server has it.
fn stored() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data-7",
            "uid": "u-7",
            "resourceVersion": "41",
            "labels": {"spark-app-selector": "spark-1"},
            "ownerReferences": [{"uid": "other"}, {"uid": "driver-uid", "controller": true}],
            "finalizers": ["kubernetes.io/pvc-protection"],
        },
        "spec": {
            "storageClassName": "fast",
            "volumeMode": "Filesystem",
            "volumeName": "pv-1",
            "accessModes": ["ReadWriteOncePod"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
        "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}},
    })
}

fn facts() -> ClaimFacts {
    ClaimFacts {
        name: "data-7".into(),
        uid: "u-7".into(),
        owner_uid: Some("driver-uid".into()),
        shape: ClaimShape::of(&stored()),
        spoiled: false,
    }
}

#[tokio::test]
async fn a_list_of_claims_page_by_page() {
    let page = json!({"metadata": {"resourceVersion": "50", "continue": "next"}, "items": [stored()]});
    let (head, _, listed) = exchange(
        async |api| api.list_claims(None).await,
        answer(200, page.to_string()),
    )
    .await;
    assert_eq!(
        head,
        format!("GET {CLAIMS}?&labelSelector={CLAIM_SELECTOR}&limit=500")
    );
    let Outcome::Done(page) = listed else {
        panic!("{listed:?}")
    };
    assert_eq!(page.claims, [facts()]);
    assert!(page.claims[0].shape.serves(&ClaimShape::of(&json!({
        "metadata": {"labels": {"spark-app-selector": "spark-1"}},
        "spec": {
            "storageClassName": "fast",
            "accessModes": ["ReadWriteOncePod"],
            "resources": {"requests": {"storage": "1024Mi"}},
        },
    }))));
    assert_eq!(
        (page.continue_token.as_deref(), page.resource_version.as_str()),
        (Some("next"), "50")
    );

    let last = json!({"metadata": {"resourceVersion": "50", "continue": ""}, "items": null});
    let (head, _, listed) = exchange(
        async |api| api.list_claims(Some("next")).await,
        answer(200, last.to_string()),
    )
    .await;
    assert!(head.contains("continue=next"), "{head}");
    assert!(
        matches!(&listed, Outcome::Done(page) if page.claims.is_empty() && page.continue_token.is_none()),
        "{listed:?}"
    );
}

#[tokio::test]
async fn claims_that_no_pod_can_use_are_spoiled() {
    let mut deleting = stored();
    deleting["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let mut lost = stored();
    lost["status"]["phase"] = json!("Lost");
    let page = json!({"metadata": {}, "items": [deleting, lost, stored()]});
    let (_, _, listed) = exchange(
        async |api| api.list_claims(None).await,
        answer(200, page.to_string()),
    )
    .await;
    let Outcome::Done(page) = listed else {
        panic!("{listed:?}")
    };
    let spoiled: Vec<_> = page.claims.iter().map(|claim| claim.spoiled).collect();
    assert_eq!(spoiled, [true, true, false]);
}

#[tokio::test]
async fn a_list_of_claims_that_is_forbidden() {
    let refused = answer(
        403,
        status(403, "Forbidden", "cannot list persistentvolumeclaims"),
    );
    let (_, _, listed) = exchange(async |api| api.list_claims(None).await, refused).await;
    assert!(
        matches!(&listed, Outcome::Failed(failure) if failure.class == FailureClass::Forbidden),
        "{listed:?}"
    );
}

#[tokio::test]
async fn a_watch_of_claims_in_order() {
    let bookmark = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "50"}}});
    let lines: String = ["ADDED", "MODIFIED", "DELETED"]
        .iter()
        .map(|kind| json!({"type": kind, "object": stored()}).to_string() + "\n")
        .chain([bookmark.to_string() + "\n"])
        .collect();
    let (head, _, opened) = exchange(async |api| api.watch_claims("41").await, answer(200, lines)).await;
    let (start, rest) = head.split_once("&timeoutSeconds=").unwrap();
    assert_eq!(start, format!("GET {CLAIMS}?&watch=true"));
    let (_, rest) = rest.split_once('&').unwrap();
    assert_eq!(
        rest,
        format!("labelSelector={CLAIM_SELECTOR}&allowWatchBookmarks=true&resourceVersion=41")
    );
    let events: Vec<_> = opened.unwrap().map(Result::unwrap).collect().await;
    let applied = || ClaimEvent::Applied {
        claim: Box::new(facts()),
        resource_version: "41".into(),
    };
    assert_eq!(
        events,
        [
            applied(),
            applied(),
            ClaimEvent::Deleted {
                claim: Box::new(facts()),
                resource_version: "41".into(),
            },
            ClaimEvent::Bookmark {
                resource_version: "50".into(),
            },
        ]
    );
}

#[tokio::test]
async fn a_watch_of_claims_that_fails() {
    let expired = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "old"}});
    for (response, class) in [
        (answer(200, format!("{expired}\n")), FailureClass::Gone),
        (answer(200, "{\"type\":\"ADDED\",\"obj"), FailureClass::Timeout),
        (
            answer(403, status(403, "Forbidden", "no")),
            FailureClass::Forbidden,
        ),
    ] {
        let (_, _, opened) = exchange(async |api| api.watch_claims("41").await, response).await;
        let failure = match opened {
            Err(failure) => failure,
            Ok(mut watch) => watch.next().await.unwrap().unwrap_err(),
        };
        assert_eq!(failure.class, class, "{failure:?}");
    }
}
