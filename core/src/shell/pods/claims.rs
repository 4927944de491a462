//! Volume claims: the calls, and the fields that decide something.

use futures::stream::{self, BoxStream, StreamExt as _};
use kube::client::Body;
use kube::core::params::{ListParams, PostParams, WatchParams};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::facts::{ListMeta, Owner, controller};
use super::watch::{self, Bookmark, Line, Lines};
use super::{DRAIN_LIMIT, nothing, only};
use super::{Effect, OBJECT_LIMIT, PAGE_LIMIT, PAGE_SIZE, PodApi, WATCH_SECONDS, failure, json, map};
use crate::plan::{ApiFailure, ClaimEvent, ClaimFacts, ClaimPage, ObjectRef, Outcome};
use crate::spec::ClaimShape;

/// An open watch on volume claims, as [`Watch`](super::Watch) is on pods.
pub type ClaimWatch = BoxStream<'static, Result<ClaimEvent, ApiFailure>>;

/// `v1.PersistentVolumeClaim`
#[derive(Debug, Deserialize)]
struct ClaimAnswer {
    metadata: ClaimMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Option<ClaimStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimMeta {
    name: String,
    uid: String,
    #[serde(default)]
    resource_version: String,
    #[serde(default)]
    labels: Value,
    #[serde(default)]
    owner_references: Option<Vec<Owner>>,
    #[serde(default)]
    deletion_timestamp: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ClaimStatus {
    phase: Option<String>,
}

/// `v1.PersistentVolumeClaimList`
#[derive(Debug, Deserialize)]
struct ClaimListAnswer {
    #[serde(default)]
    metadata: ListMeta,
    items: Option<Vec<ClaimAnswer>>,
}

impl From<ClaimAnswer> for ClaimFacts {
    fn from(claim: ClaimAnswer) -> Self {
        let lost = claim.status.and_then(|status| status.phase).as_deref() == Some("Lost");
        let meta = claim.metadata;
        let metadata = Map::from_iter([("labels".to_owned(), meta.labels)]);
        let shape = Map::from_iter([
            ("metadata".to_owned(), Value::Object(metadata)),
            ("spec".to_owned(), claim.spec),
        ]);
        Self {
            name: meta.name,
            uid: meta.uid,
            owner_uid: controller(meta.owner_references.unwrap_or_default()),
            shape: ClaimShape::of(&Value::Object(shape)),
            spoiled: lost || meta.deletion_timestamp.is_some(),
        }
    }
}

impl From<ClaimListAnswer> for ClaimPage {
    fn from(list: ClaimListAnswer) -> Self {
        let items = list.items.unwrap_or_default().into_iter();
        Self {
            claims: items.map(ClaimFacts::from).collect(),
            continue_token: list.metadata.r#continue.filter(|token| !token.is_empty()),
            resource_version: list.metadata.resource_version,
        }
    }
}

impl PodApi {
    /// `POST` a volume claim, the bytes as they are.
    pub async fn create_claim(&self, body: Vec<u8>) -> Outcome<ObjectRef> {
        let request = self.claims.create(&PostParams::default(), body);
        let outcome = self
            .call(Effect::Write, request, OBJECT_LIMIT, json::<ClaimAnswer>)
            .await;
        map(outcome, |ClaimAnswer { metadata, .. }| ObjectRef {
            name: metadata.name,
            uid: metadata.uid,
        })
    }

    /// `DELETE` the volume claim of that name if it has that UID.
    pub async fn delete_claim(&self, claim: &ObjectRef) -> Outcome<()> {
        let request = self.claims.delete(&claim.name, &only(&claim.uid));
        self.call(Effect::Write, request, DRAIN_LIMIT, nothing).await
    }

    /// `GET` one page of the application's volume claims. The first page is consistent with all writes before it; the
    /// others continue its snapshot.
    pub async fn list_claims(&self, continue_token: Option<&str>) -> Outcome<ClaimPage> {
        let params = ListParams {
            label_selector: Some(self.app_selector.clone()),
            limit: Some(PAGE_SIZE),
            continue_token: continue_token.map(str::to_owned),
            ..ListParams::default()
        };
        let request = self.claims.list(&params);
        let outcome = self
            .call(Effect::Read, request, PAGE_LIMIT, json::<ClaimListAnswer>)
            .await;
        map(outcome, ClaimPage::from)
    }

    /// Watches the application's volume claims from `resource_version` on, with bookmarks, for as long as pods.
    pub async fn watch_claims(&self, resource_version: &str) -> Result<ClaimWatch, ApiFailure> {
        let seconds = fastrand::u32(WATCH_SECONDS);
        let params = WatchParams::default().labels(&self.app_selector).timeout(seconds);
        let request = self.claims.watch(&params, resource_version);
        let request = request.map_err(|error| failure::unbuilt(&error))?.map(Body::from);
        let lines = tokio::time::timeout(self.limit, watch::connect(&self.client, request))
            .await
            .unwrap_or_else(|_| Err(failure::no_answer(self.limit)))?;
        let events = stream::unfold(Some(lines), |lines| async move {
            let mut lines = lines?;
            match next_event(&mut lines).await {
                Ok(Some(event)) => Some((Ok(event), Some(lines))),
                Ok(None) => None,
                Err(failure) => Some((Err(failure), None)),
            }
        });
        Ok(events.boxed())
    }
}

/// The next event; `None` when the API server ended the watch in order.
async fn next_event(lines: &mut Lines) -> Result<Option<ClaimEvent>, ApiFailure> {
    let Some(line) = watch::next_said(lines).await? else {
        return Ok(None);
    };
    let event = match watch::decode::<ClaimAnswer>(&line)? {
        Line::Added(claim) | Line::Modified(claim) => ClaimEvent::Applied {
            resource_version: claim.metadata.resource_version.clone(),
            claim: Box::new(ClaimFacts::from(claim)),
        },
        Line::Deleted(claim) => ClaimEvent::Deleted {
            resource_version: claim.metadata.resource_version.clone(),
            claim: Box::new(ClaimFacts::from(claim)),
        },
        Line::Bookmark(Bookmark { metadata }) => ClaimEvent::Bookmark {
            resource_version: metadata.resource_version,
        },
        Line::Error(status) => return Err(failure::event(status)),
    };
    Ok(Some(event))
}
