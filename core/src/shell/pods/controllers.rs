//! Calls on `StatefulSet`s and `Deployment`s.

use kube::core::params::{DeleteParams, PostParams, PropagationPolicy};
use kube::core::request::Request;
use serde_json::json;

use super::{DRAIN_LIMIT, Effect, PodApi, nothing};
use crate::plan::{ControllerKind, Outcome};

/// The collections of one namespace.
#[derive(Clone)]
pub(super) struct Collections {
    stateful_sets: Request,
    deployments: Request,
}

impl Collections {
    pub(super) fn of(namespace: &str) -> Self {
        let apps = format!("/apis/apps/v1/namespaces/{namespace}");
        Self {
            stateful_sets: Request::new(format!("{apps}/statefulsets")),
            deployments: Request::new(format!("{apps}/deployments")),
        }
    }

    fn get(&self, kind: ControllerKind) -> &Request {
        match kind {
            ControllerKind::StatefulSet => &self.stateful_sets,
            ControllerKind::Deployment => &self.deployments,
        }
    }
}

impl PodApi {
    /// `POST` a controller, the bytes as they are.
    pub async fn create_controller(&self, kind: ControllerKind, body: Vec<u8>) -> Outcome<()> {
        let request = self.controllers.get(kind).create(&PostParams::default(), body);
        self.call(Effect::Write, request, DRAIN_LIMIT, nothing).await
    }

    /// `PUT` the size of the controller of that name, whatever it was: the verb `update` on its subresource `scale`, which
    /// stock needs too.
    pub async fn scale_controller(&self, kind: ControllerKind, name: &str, replicas: u32) -> Outcome<()> {
        let body = json!({
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": name},
            "spec": {"replicas": replicas},
        });
        let collection = self.controllers.get(kind);
        let body = body.to_string().into_bytes();
        let request = collection.replace_subresource("scale", name, &PostParams::default(), body);
        self.call(Effect::Write, request, DRAIN_LIMIT, nothing).await
    }

    /// `DELETE` the controller of that name; its pods follow in the background.
    pub async fn delete_controller(&self, kind: ControllerKind, name: &str) -> Outcome<()> {
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        let request = self.controllers.get(kind).delete(name, &params);
        self.call(Effect::Write, request, DRAIN_LIMIT, nothing).await
    }
}
