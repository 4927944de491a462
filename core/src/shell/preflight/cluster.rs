//! Questions to the API server.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{
    ConfigMap, LimitRange, Namespace, Node, PersistentVolumeClaim, Pod, ResourceQuota, Secret, ServiceAccount,
};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Api;
use kube::core::Resource;
use kube::core::params::{ListParams, PostParams};
use kube::core::request::Request;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::preflight::{
    Answer, Facts, Found, ObjectKind, Owner, Reference, ReferenceKind, Review, Right, SparkObject, Trial,
    TrialKind, owners, rights,
};
use crate::shell::pods::failure;

use super::Executor;

/// Calls in flight for each kind of question.
const AT_ONCE: usize = 8;
/// Objects of one page of a list.
const PAGE: u32 = 500;
/// Most pages that are read of a list.
const MOST_PAGES: usize = 40;
/// Label with the application's id: everything of Spark's has it.
const SPARK: &str = "spark-app-selector";

/// The API server as `stoker check` uses it: it reads, asks for reviews and tries creates that keep nothing.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    namespace: String,
    limit: Duration,
}

impl Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("namespace", &self.namespace)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What Spark has in the cluster, by kind, and the pods that own some of it.
#[derive(Debug)]
pub struct Objects {
    /// By kind: the objects, or why they are not known.
    pub by_kind: Vec<(ObjectKind, Answer<Vec<SparkObject>>)>,
    /// UIDs of the owners that are not Spark's; `None` where the owner could not be looked up.
    pub owners: BTreeMap<Owner, Option<String>>,
}

impl Cluster {
    /// `limit` bounds each call.
    pub fn new(client: kube::Client, namespace: &str, limit: Duration) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
            limit,
        }
    }

    /// The version of the API server.
    pub async fn version(&self) -> Answer<String> {
        let info = self.ask(self.client.apiserver_version()).await?;
        Ok(info.git_version)
    }

    /// The name that the API server knows us by.
    pub async fn user(&self) -> Answer<String> {
        let api = Api::<SelfSubjectReview>::all(self.client.clone());
        let question = SelfSubjectReview::default();
        let review = self.ask(api.create(&PostParams::default(), &question)).await?;
        let user = review.status.and_then(|status| status.user_info);
        Ok(user.and_then(|user| user.username).unwrap_or_default())
    }

    /// Whether the namespace exists.
    pub async fn namespace(&self) -> Answer<()> {
        let api = Api::<Namespace>::all(self.client.clone());
        self.ask(api.get_metadata(&self.namespace)).await.map(drop)
    }

    /// Everything that is judged about an executor.
    pub async fn inspect(&self, executor: &Executor) -> Facts {
        let (rights, quotas, limit_ranges, references, trials, nodes) = tokio::join!(
            stream::iter(rights(executor.needs))
                .map(|right| async move { (right, self.review(&right).await) })
                .buffered(AT_ONCE)
                .collect(),
            self.list(self.namespaced::<ResourceQuota>(), None),
            self.list(self.namespaced::<LimitRange>(), None),
            stream::iter(executor.references.clone())
                .map(|reference| async move {
                    let found = self.find(&reference).await;
                    (reference, found)
                })
                .buffered(AT_ONCE)
                .collect(),
            stream::iter(executor.bodies.clone())
                .map(|(kind, body)| self.try_create(kind, body))
                .buffered(AT_ONCE)
                .collect(),
            self.list(Api::<Node>::all(self.client.clone()), None),
        );
        Facts {
            rights,
            quotas,
            limit_ranges,
            references,
            trials,
            nodes,
        }
    }

    /// Whether we have a right in the namespace.
    pub async fn review(&self, right: &Right) -> Answer<Review> {
        let question = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some(self.namespace.clone()),
                    resource: Some(right.resource.to_owned()),
                    verb: Some(right.verb.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let api = Api::<SelfSubjectAccessReview>::all(self.client.clone());
        let answer = self.ask(api.create(&PostParams::default(), &question)).await?;
        let status = answer.status.unwrap_or_default();
        let said = [status.reason, status.evaluation_error];
        Ok(Review {
            allowed: status.allowed,
            reason: said
                .into_iter()
                .flatten()
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
        })
    }

    /// Looks an object up. Contents are read only where entries of it are asked for, and only the names of entries are
    /// kept.
    pub async fn find(&self, reference: &Reference) -> Answer<Found> {
        let name = &reference.name;
        let keys: BTreeSet<String> = match reference.kind {
            ReferenceKind::Secret if !reference.keys.is_empty() => {
                let secret = self.ask(self.namespaced::<Secret>().get(name)).await?;
                secret.data.unwrap_or_default().into_keys().collect()
            }
            ReferenceKind::ConfigMap if !reference.keys.is_empty() => {
                let map = self.ask(self.namespaced::<ConfigMap>().get(name)).await?;
                let binary = map.binary_data.unwrap_or_default().into_keys();
                map.data.unwrap_or_default().into_keys().chain(binary).collect()
            }
            kind => {
                self.look_up(kind, name).await?;
                BTreeSet::new()
            }
        };
        Ok(Found { keys })
    }

    async fn look_up(&self, kind: ReferenceKind, name: &str) -> Answer<()> {
        let client = self.client.clone();
        match kind {
            ReferenceKind::Secret | ReferenceKind::PullSecret => {
                self.exists(self.namespaced::<Secret>(), name).await
            }
            ReferenceKind::ConfigMap => self.exists(self.namespaced::<ConfigMap>(), name).await,
            ReferenceKind::Claim => {
                self.exists(self.namespaced::<PersistentVolumeClaim>(), name)
                    .await
            }
            ReferenceKind::ServiceAccount => self.exists(self.namespaced::<ServiceAccount>(), name).await,
            ReferenceKind::DriverPod => self.exists(self.namespaced::<Pod>(), name).await,
            ReferenceKind::StorageClass => self.exists(Api::<StorageClass>::all(client), name).await,
            ReferenceKind::PriorityClass => self.exists(Api::<PriorityClass>::all(client), name).await,
        }
    }

    async fn exists<K>(&self, api: Api<K>, name: &str) -> Answer<()>
    where
        K: Clone + DeserializeOwned + Debug,
    {
        self.ask(api.get_metadata(name)).await.map(drop)
    }

    /// Asks the API server to create an object without keeping it.
    pub async fn try_create(&self, kind: TrialKind, body: Vec<u8>) -> Trial {
        let resource = match kind {
            TrialKind::Pod => "pods",
            TrialKind::ConfigMap => "configmaps",
            TrialKind::Claim => "persistentvolumeclaims",
        };
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let path = format!("/api/v1/namespaces/{}/{resource}", self.namespace);
        let answer = match Request::new(path).create(&dry_run, body) {
            Ok(request) => self.ask(self.client.request::<Value>(request)).await,
            Err(error) => Err(failure::of_typed(&kube::Error::BuildRequest(error))),
        };
        Trial { kind, answer }
    }

    /// What Spark has in the namespace, or everywhere.
    pub async fn spark_objects(&self, all_namespaces: bool) -> Objects {
        let (pods, claims, maps) = tokio::join!(
            self.list(self.scoped::<Pod>(all_namespaces), Some(SPARK)),
            self.list(self.scoped::<PersistentVolumeClaim>(all_namespaces), Some(SPARK)),
            self.list(self.scoped::<ConfigMap>(all_namespaces), Some(SPARK)),
        );
        let object = |kind, metadata, phase| SparkObject {
            kind,
            metadata,
            phase,
        };
        let pods: Answer<Vec<SparkObject>> = pods.map(|pods| {
            let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
            pods.into_iter()
                .map(|pod| object(ObjectKind::Pod, pod.metadata.clone(), phase(&pod)))
                .collect()
        });
        let claims = claims.map(|claims| {
            claims
                .into_iter()
                .map(|claim| object(ObjectKind::PersistentVolumeClaim, claim.metadata, None))
                .collect()
        });
        let maps = maps.map(|maps| {
            maps.into_iter()
                .map(|map| object(ObjectKind::ConfigMap, map.metadata, None))
                .collect()
        });
        let by_kind = vec![
            (ObjectKind::Pod, pods),
            (ObjectKind::PersistentVolumeClaim, claims),
            (ObjectKind::ConfigMap, maps),
        ];
        let all: Vec<SparkObject> = by_kind
            .iter()
            .filter_map(|(_, objects)| objects.as_ref().ok())
            .flatten()
            .cloned()
            .collect();
        let owners = stream::iter(owners(&all))
            .map(|owner| self.owner(owner))
            .buffer_unordered(AT_ONCE)
            .filter_map(|owner| async { owner })
            .collect()
            .await;
        Objects { by_kind, owners }
    }

    /// The UID of a pod; nothing where there is no such pod.
    async fn owner(&self, (namespace, name): Owner) -> Option<(Owner, Option<String>)> {
        let api = Api::<Pod>::namespaced(self.client.clone(), &namespace);
        match self.ask(api.get_metadata_opt(&name)).await {
            Ok(None) => None,
            Ok(Some(pod)) => Some(((namespace, name), pod.metadata.uid)),
            Err(_) => Some(((namespace, name), None)),
        }
    }

    fn namespaced<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn scoped<K>(&self, all_namespaces: bool) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        if all_namespaces {
            Api::all(self.client.clone())
        } else {
            self.namespaced()
        }
    }

    /// All pages of a list, up to a bound.
    async fn list<K>(&self, api: Api<K>, selector: Option<&str>) -> Answer<Vec<K>>
    where
        K: Clone + DeserializeOwned + Debug + Resource<DynamicType = ()>,
    {
        let mut params = ListParams {
            label_selector: selector.map(str::to_owned),
            limit: Some(PAGE),
            ..ListParams::default()
        };
        let mut items = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.ask(api.list(&params)).await?;
            items.extend(page.items);
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                return Ok(items);
            }
        }
        tracing::warn!("{}: only the first {} are looked at", K::plural(&()), items.len());
        Ok(items)
    }

    async fn ask<T>(&self, call: impl Future<Output = kube::Result<T>>) -> Answer<T> {
        match tokio::time::timeout(self.limit, call).await {
            Ok(answer) => answer.map_err(|error| failure::of_typed(&error)),
            Err(_) => Err(failure::no_answer(self.limit)),
        }
    }
}
