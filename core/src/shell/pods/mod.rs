//! The API calls of the plan, one function each: [`PodApi`].

mod claims;
mod controllers;
mod facts;
pub(super) mod failure;
mod watch;

use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::client::Body;
use kube::core::params::{
    DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions, WatchParams,
};
use kube::core::request::{Error as RequestError, Request};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::controllers::Collections;
use self::facts::{DeletedAnswer, DriverAnswer, ListAnswer, PodAnswer};
use crate::plan::{ApiFailure, DriverPod, FailureClass, ListPage, Outcome, PodFacts, Selection};

pub use claims::ClaimWatch;
pub use watch::Watch;

/// Pods of one page of a list.
pub const PAGE_SIZE: u32 = 500;
/// Pods that are deleted with one call. A crowded API server deletes some thirty a second, and a call may take ten seconds.
pub const DELETE_PAGE_SIZE: u32 = 100;
/// `timeoutSeconds` of a watch.
const WATCH_SECONDS: RangeInclusive<u32> = 290..=300;
/// Most bytes read of an answer with one object; the API server's own limit for an object is 3 MiB.
const OBJECT_LIMIT: usize = 8 << 20;
/// Most bytes read of a page of a list.
const PAGE_LIMIT: usize = 128 << 20;
/// Most bytes read of an answer whose content does not matter, so that its connection can be used again.
const DRAIN_LIMIT: usize = 64 << 20;

/// The API server as the plan uses it: the pods, volume claims and the `ConfigMap` of one application in one
/// namespace.
///
/// Every call ends within the call limit. A write whose answer did not come, or came garbled, is
/// [`Outcome::Unknown`], unless no connection was made for it.
#[derive(Clone)]
pub struct PodApi {
    client: kube::Client,
    pods: Request,
    config_maps: Request,
    claims: Request,
    services: Request,
    controllers: Collections,
    selector: String,
    /// Volume claims have no role.
    app_selector: String,
    limit: Duration,
}

impl std::fmt::Debug for PodApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PodApi")
            .field("pods", &self.pods.url_path)
            .field("selector", &self.selector)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Whether a call changes something: then a lost answer leaves its outcome unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Read,
    Write,
}

impl Effect {
    /// The call was sent and its answer lost.
    fn lost<T>(self, failure: ApiFailure) -> Outcome<T> {
        match self {
            Self::Read => Outcome::Failed(failure),
            Self::Write => Outcome::Unknown(failure),
        }
    }
}

/// An answer read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl PodApi {
    /// The calls for one application. `call_limit` bounds each call from its start to the end of its answer;
    /// of a watch, only to the beginning of the answer.
    pub fn new(client: kube::Client, namespace: &str, app_id: &str, call_limit: Duration) -> Self {
        Self {
            client,
            pods: Request::new(format!("/api/v1/namespaces/{namespace}/pods")),
            config_maps: Request::new(format!("/api/v1/namespaces/{namespace}/configmaps")),
            claims: Request::new(format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims")),
            services: Request::new(format!("/api/v1/namespaces/{namespace}/services")),
            controllers: Collections::of(namespace),
            selector: format!("spark-app-selector={app_id},spark-role=executor"),
            app_selector: format!("spark-app-selector={app_id}"),
            limit: call_limit,
        }
    }

    /// `GET` the driver pod; `None` when there is no such pod.
    pub async fn get_driver_pod(&self, name: &str) -> Outcome<Option<DriverPod>> {
        let request = self.pods.get(name, &GetParams::default());
        let outcome = self
            .call(Effect::Read, request, OBJECT_LIMIT, json::<DriverAnswer>)
            .await;
        absent_as_none(outcome, DriverPod::from)
    }

    /// The same with all that the API server says of it.
    pub async fn get_driver_pod_json(&self, name: &str) -> Outcome<Option<(DriverPod, Value)>> {
        let request = self.pods.get(name, &GetParams::default());
        let outcome = self
            .call(Effect::Read, request, OBJECT_LIMIT, |body| {
                Ok((json::<DriverAnswer>(body)?, json::<Value>(body)?))
            })
            .await;
        absent_as_none(outcome, |(driver, json)| (DriverPod::from(driver), json))
    }

    /// `POST` the `ConfigMap`, the bytes as they are.
    pub async fn create_config_map(&self, body: Vec<u8>) -> Outcome<()> {
        let request = self.config_maps.create(&PostParams::default(), body);
        self.call(Effect::Write, request, DRAIN_LIMIT, nothing).await
    }

    /// `GET` one page of the application's executor pods. The first page is consistent with all writes
    /// before it; the others continue its snapshot. A `cached` list is what the API server has at hand, in one page.
    pub async fn list(&self, continue_token: Option<&str>, cached: bool) -> Outcome<ListPage> {
        let params = ListParams {
            label_selector: Some(self.selector.clone()),
            // A limit makes old API servers read from the storage.
            limit: (!cached).then_some(PAGE_SIZE),
            resource_version: cached.then(|| "0".to_owned()),
            continue_token: continue_token.map(str::to_owned),
            ..ListParams::default()
        };
        let outcome = self
            .call(
                Effect::Read,
                self.pods.list(&params),
                PAGE_LIMIT,
                json::<ListAnswer>,
            )
            .await;
        map(outcome, ListPage::from)
    }

    /// Watches the application's executor pods from `resource_version` on, with bookmarks. Without a version the
    /// watch begins with all pods there are, consistent with all writes before it, and [`WatchEvent::Listed`](crate::plan::WatchEvent::Listed). The API
    /// server ends the watch after 290 to 300 s, so that watches do not end together.
    pub async fn watch(&self, resource_version: Option<&str>) -> Result<Watch, ApiFailure> {
        let seconds = fastrand::u32(WATCH_SECONDS);
        let params = WatchParams::default().labels(&self.selector).timeout(seconds);
        let (request, list_limit) = match resource_version {
            Some(version) => (self.pods.watch(&params, version), None),
            None => (self.pods.watch(&params.initial_events(), ""), Some(self.limit)),
        };
        let request = request.map_err(|error| failure::unbuilt(&error))?.map(Body::from);
        tokio::time::timeout(self.limit, watch::open(&self.client, request, list_limit))
            .await
            .unwrap_or_else(|_| Err(failure::no_answer(self.limit)))
    }

    /// `POST` an executor pod, the bytes as they are.
    pub async fn create(&self, body: Vec<u8>) -> Outcome<Option<Box<PodFacts>>> {
        let request = self.pods.create(&PostParams::default(), body);
        let outcome = self
            .call(Effect::Write, request, OBJECT_LIMIT, json::<PodAnswer>)
            .await;
        map(outcome, |pod| Some(Box::new(PodFacts::from(pod))))
    }

    /// `GET` one executor pod; `None` when there is no such pod.
    pub async fn get(&self, name: &str) -> Outcome<Option<Box<PodFacts>>> {
        let request = self.pods.get(name, &GetParams::default());
        let outcome = self
            .call(Effect::Read, request, OBJECT_LIMIT, json::<PodAnswer>)
            .await;
        absent_as_none(outcome, |pod| Box::new(PodFacts::from(pod)))
    }

    /// `DELETE` the pod of that name if it has that UID; whole seconds of `grace`, `None` leaves it to the
    /// pod.
    pub async fn delete(&self, name: &str, uid: &str, grace: Option<Duration>) -> Outcome<()> {
        let params = DeleteParams {
            grace_period_seconds: grace.map(|grace| u32::try_from(grace.as_secs()).unwrap_or(u32::MAX)),
            ..only(uid)
        };
        self.call(
            Effect::Write,
            self.pods.delete(name, &params),
            DRAIN_LIMIT,
            nothing,
        )
        .await
    }

    /// `DELETE` the `ConfigMap` of that name.
    pub async fn delete_config_map(&self, name: &str) -> Outcome<()> {
        let request = self.config_maps.delete(name, &DeleteParams::default());
        self.call(Effect::Write, request, DRAIN_LIMIT, nothing).await
    }

    /// `PATCH` one label.
    pub async fn label(&self, name: &str, label: &str, value: &str) -> Outcome<()> {
        self.patch(name, json!({ "metadata": { "labels": { label: value } } }))
            .await
    }

    /// `PATCH` one annotation.
    pub async fn annotate(&self, name: &str, annotation: &str, value: &str) -> Outcome<()> {
        self.patch(
            name,
            json!({ "metadata": { "annotations": { annotation: value } } }),
        )
        .await
    }

    async fn patch(&self, name: &str, body: Value) -> Outcome<()> {
        let request = self
            .pods
            .patch(name, &PatchParams::default(), &Patch::Merge(body));
        self.call(Effect::Write, request, DRAIN_LIMIT, nothing).await
    }

    /// `DELETE` a page of the application's executor pods; the token of the next one. The API server deletes the pods of
    /// a collection one after the other, and stops when nobody waits for the answer any longer: thousands at once would take longer
    /// than any call may.
    pub async fn delete_page(&self, continue_token: Option<&str>) -> Outcome<Option<String>> {
        let params = ListParams {
            limit: Some(DELETE_PAGE_SIZE),
            continue_token: continue_token.map(str::to_owned),
            ..ListParams::default().labels(&self.selector)
        };
        // kube's own request for it knows no pages.
        let request = self.pods.list(&params).map(|mut request| {
            *request.method_mut() = Method::DELETE;
            request
        });
        let outcome = self
            .call(Effect::Write, request, PAGE_LIMIT, json::<DeletedAnswer>)
            .await;
        map(outcome, DeletedAnswer::continue_token)
    }

    /// `DELETE` all `ConfigMap`s, volume claims or services of the application.
    pub async fn delete_collection(&self, selection: Selection) -> Outcome<()> {
        let (collection, selector) = match selection {
            Selection::ConfigMaps => (&self.config_maps, &self.selector),
            Selection::Claims => (&self.claims, &self.app_selector),
            Selection::Services => (&self.services, &self.app_selector),
        };
        let params = ListParams::default().labels(selector);
        let request = collection.delete_collection(&DeleteParams::default(), &params);
        self.call(Effect::Write, request, DRAIN_LIMIT, nothing).await
    }

    async fn call<T>(
        &self,
        effect: Effect,
        request: Result<http::Request<Vec<u8>>, RequestError>,
        body_limit: usize,
        decode: fn(&[u8]) -> Result<T, serde_json::Error>,
    ) -> Outcome<T> {
        let request = match request {
            Ok(request) => request.map(Body::from),
            Err(error) => return Outcome::Failed(failure::unbuilt(&error)),
        };
        let exchange = exchange(&self.client, request, body_limit);
        match tokio::time::timeout(self.limit, exchange).await {
            Err(_) => effect.lost(failure::no_answer(self.limit)),
            Ok(Err(broken)) if broken.unsent => Outcome::Failed(broken.failure),
            Ok(Err(broken)) => effect.lost(broken.failure),
            Ok(Ok(answer)) if answer.status.is_success() => match decode(&answer.body) {
                Ok(value) => Outcome::Done(value),
                Err(error) => effect.lost(failure::garbled(&error)),
            },
            Ok(Ok(answer)) => {
                let (failure, applied) = failure::refused(answer.status, &answer.headers, &answer.body);
                if applied {
                    effect.lost(failure)
                } else {
                    Outcome::Failed(failure)
                }
            }
        }
    }
}

async fn exchange(
    client: &kube::Client,
    request: http::Request<Body>,
    body_limit: usize,
) -> Result<Answer, failure::Broken> {
    let answer = client
        .send(request)
        .await
        .map_err(|error| failure::broken(&error))?;
    let (head, body) = answer.into_parts();
    // What a refusal says is cut, not refused.
    let limit = if head.status.is_success() {
        body_limit
    } else {
        failure::BODY_LIMIT
    };
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) if !head.status.is_success() => Bytes::new(),
        Err(error) if error.is::<LengthLimitError>() => return Err(failure::too_long(limit)),
        Err(error) => return Err(failure::broken(&*error)),
    };
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body,
    })
}

/// The object with this UID and no other of its name.
fn only(uid: &str) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body)
}

#[expect(clippy::unnecessary_wraps, reason = "stands beside `json`")]
fn nothing(_: &[u8]) -> Result<(), serde_json::Error> {
    Ok(())
}

fn map<T, U>(outcome: Outcome<T>, with: impl FnOnce(T) -> U) -> Outcome<U> {
    match outcome {
        Outcome::Done(value) => Outcome::Done(with(value)),
        Outcome::Failed(failure) => Outcome::Failed(failure),
        Outcome::Unknown(failure) => Outcome::Unknown(failure),
    }
}

fn absent_as_none<T, U>(outcome: Outcome<T>, with: impl FnOnce(T) -> U) -> Outcome<Option<U>> {
    match outcome {
        Outcome::Failed(failure) if failure.class == FailureClass::NotFound => Outcome::Done(None),
        other => map(other, |value| Some(with(value))),
    }
}
