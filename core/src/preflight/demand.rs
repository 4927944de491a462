//! What one executor takes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, LimitRange, PersistentVolumeClaim, Pod, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::amount::{Amount, Amounts, add, amounts};

/// What an executor takes of a namespace and of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Demand {
    /// Requests of its pod; what has a limit only is requested as well.
    pub(super) requests: Amounts,
    /// Limits of its pod.
    pub(super) limits: Amounts,
    /// For each claim made for it: its storage class, where one is named, and its size.
    pub(super) claims: Vec<(Option<String>, Amount)>,
    /// Whether one `ConfigMap` is made for all executors.
    pub(super) config_map: bool,
}

impl Demand {
    pub(super) fn of(pod: &Pod, claims: &[PersistentVolumeClaim], config_map: bool) -> Self {
        Self {
            requests: total(pod, requests),
            limits: total(pod, |resources| amounts(resources.limits.as_ref())),
            claims: claims.iter().map(claim).collect(),
            config_map,
        }
    }
}

fn claim(claim: &PersistentVolumeClaim) -> (Option<String>, Amount) {
    let spec = claim.spec.as_ref();
    let size = spec
        .and_then(|spec| spec.resources.as_ref()?.requests.as_ref()?.get("storage"))
        .map_or(Amount::ZERO, Amount::of);
    (spec.and_then(|spec| spec.storage_class_name.clone()), size)
}

/// A limit without a request is a request of the same size.
fn requests(resources: &ResourceRequirements) -> Amounts {
    let mut requests = amounts(resources.limits.as_ref());
    requests.extend(amounts(resources.requests.as_ref()));
    requests
}

/// What the scheduler and quotas count: all containers and sidecars at once, or an init container beside the sidecars
/// before it, whichever is more; the overhead of the runtime class on top. What is set for the pod as a whole counts
/// instead.
fn total(pod: &Pod, pick: impl Fn(&ResourceRequirements) -> Amounts) -> Amounts {
    let Some(spec) = &pod.spec else {
        return Amounts::new();
    };
    let of = |container: &Container| container.resources.as_ref().map(&pick).unwrap_or_default();
    let mut sum = Amounts::new();
    for container in &spec.containers {
        add(&mut sum, &of(container));
    }
    let mut sidecars = Amounts::new();
    let mut peak = Amounts::new();
    for container in spec.init_containers.iter().flatten() {
        let mut now = of(container);
        if container.restart_policy.as_deref() == Some("Always") {
            add(&mut sidecars, &now);
            now.clone_from(&sidecars);
        } else {
            add(&mut now, &sidecars);
        }
        raise(&mut peak, &now);
    }
    add(&mut sum, &sidecars);
    raise(&mut sum, &peak);
    if let Some(resources) = &spec.resources {
        sum.extend(pick(resources));
    }
    add(&mut sum, &amounts(spec.overhead.as_ref()));
    sum
}

fn raise(level: &mut Amounts, to: &Amounts) {
    for (name, amount) in to {
        let highest = level.entry(name.clone()).or_default();
        *highest = (*highest).max(*amount);
    }
}

/// The pod with what limit ranges give to containers that do not say.
pub(super) fn with_defaults(pod: &Pod, ranges: &[LimitRange]) -> Pod {
    let mut pod = pod.clone();
    let items = ranges
        .iter()
        .filter_map(|range| range.spec.as_ref())
        .flat_map(|spec| &spec.limits)
        .filter(|item| item.type_ == "Container");
    let Some(spec) = &mut pod.spec else { return pod };
    for item in items {
        let containers = spec.containers.iter_mut();
        for container in containers.chain(spec.init_containers.iter_mut().flatten()) {
            let resources = container.resources.get_or_insert_default();
            // The API server takes a limit for the request before limit ranges are looked at.
            let own = resources.limits.clone();
            fill(&mut resources.requests, own.as_ref());
            fill(&mut resources.requests, item.default_request.as_ref());
            fill(&mut resources.limits, item.default.as_ref());
        }
    }
    pod
}

fn fill(list: &mut Option<BTreeMap<String, Quantity>>, defaults: Option<&BTreeMap<String, Quantity>>) {
    for (name, quantity) in defaults.into_iter().flatten() {
        list.get_or_insert_default()
            .entry(name.clone())
            .or_insert_with(|| quantity.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn demand(spec: &Value) -> Demand {
        let pod = serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap();
        Demand::of(&pod, &[], false)
    }

    fn shown(amounts: &Amounts) -> Vec<String> {
        amounts
            .iter()
            .map(|(name, amount)| format!("{name}={amount}"))
            .collect()
    }

    fn container(cpu: &str) -> Value {
        json!({"name": "c", "resources": {"requests": {"cpu": cpu}}})
    }

    #[test]
    fn a_limit_without_a_request_is_a_request() {
        let demand = demand(&json!({"containers": [{"name": "c", "resources": {
            "requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "1"}}}]}));
        assert_eq!(
            shown(&demand.requests),
            ["cpu=1", "memory=1Gi", "nvidia.com/gpu=1"]
        );
        assert_eq!(shown(&demand.limits), ["cpu=2", "memory=1Gi", "nvidia.com/gpu=1"]);
    }

    #[test]
    fn init_containers_count_where_they_need_more_and_sidecars_always() {
        let mut sidecar = container("2");
        sidecar["restartPolicy"] = json!("Always");
        let spec = |inits: Value| json!({"containers": [container("1"), container("1500m")], "initContainers": inits, "overhead": {"cpu": "100m"}});
        assert_eq!(
            shown(&demand(&spec(json!([container("1")]))).requests),
            ["cpu=2600m"]
        );
        assert_eq!(
            shown(&demand(&spec(json!([container("7")]))).requests),
            ["cpu=7100m"]
        );
        assert_eq!(
            shown(&demand(&spec(json!([sidecar, container("7")]))).requests),
            ["cpu=9100m"]
        );
        assert_eq!(shown(&demand(&spec(json!([sidecar]))).requests), ["cpu=4600m"]);
    }

    #[test]
    fn the_pods_own_resources_count_instead() {
        let demand =
            demand(&json!({"containers": [container("1")], "resources": {"requests": {"cpu": "5"}}}));
        assert_eq!(shown(&demand.requests), ["cpu=5"]);
    }

    #[test]
    fn limit_ranges_fill_what_is_left_out() {
        let range = serde_json::from_value(json!({"metadata": {}, "spec": {"limits": [
            {"type": "Pod", "max": {"cpu": "1"}},
            {"type": "Container", "default": {"cpu": "4", "memory": "8Gi"}, "defaultRequest": {"cpu": "2", "ephemeral-storage": "1Gi"}},
        ]}}))
        .unwrap();
        let pod = serde_json::from_value(json!({"metadata": {}, "spec": {"containers": [
            {"name": "c", "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}}}]}}))
        .unwrap();
        let demand = Demand::of(&with_defaults(&pod, &[range]), &[], false);
        assert_eq!(
            shown(&demand.requests),
            ["cpu=1", "ephemeral-storage=1Gi", "memory=2Gi"]
        );
        assert_eq!(shown(&demand.limits), ["cpu=4", "memory=2Gi"]);
    }
}
