//! How many executors the resource quotas of a namespace leave room for.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, ResourceQuota, ScopedResourceSelectorRequirement};

use super::amount::{Amount, Amounts, amounts};
use super::demand::Demand;
use super::{Answer, Area, Finding, Level};

/// Where the storage class stands in the name of a quota's resource.
const STORAGE_CLASS: &str = ".storageclass.storage.k8s.io/";
/// What a quota demands of every container once it limits it.
const DEMANDED: [&str; 6] = [
    "cpu",
    "memory",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
];

/// One finding per quota.
pub(super) fn findings(
    quotas: &Answer<Vec<ResourceQuota>>,
    pod: &Pod,
    demand: &Demand,
    executors: u32,
) -> Vec<Finding> {
    let quotas = match quotas {
        Ok(quotas) => quotas,
        Err(failure) => {
            return vec![Finding::new(
                Level::Unknown,
                Area::Quota,
                "whether quotas leave room",
                &failure.message,
                "grant list on resourcequotas to have it checked; a run does not need it",
            )];
        }
    };
    if quotas.is_empty() {
        return vec![Finding::ok(
            Area::Quota,
            "no quota limits the executors",
            "the namespace has no ResourceQuota",
        )];
    }
    quotas
        .iter()
        .map(|quota| finding(quota, pod, demand, executors))
        .collect()
}

fn finding(quota: &ResourceQuota, pod: &Pod, demand: &Demand, executors: u32) -> Finding {
    let name = quota.metadata.name.as_deref().unwrap_or_default();
    let tracks_pods = in_scope(quota, pod);
    let (hard, used) = limits(quota);
    let missing: Vec<&str> = hard
        .keys()
        .map(String::as_str)
        .filter(|resource| tracks_pods && DEMANDED.contains(resource) && !all_say(pod, resource))
        .collect();
    if !missing.is_empty() {
        return Finding::new(
            Level::Error,
            Area::Quota,
            format!("quota {name} demands what the executor pod does not say"),
            format!(
                "it limits {}, so every container has to set it; the API server refuses pods that do not",
                missing.join(", ")
            ),
            "set spark.kubernetes.executor.limit.cores for limits.cpu; give containers of a pod template resources, or \
             the namespace a LimitRange with defaults",
        );
    }
    let bounds: Vec<Bound> = hard
        .iter()
        .filter(|(resource, _)| tracks_pods || !is_of_pods(resource))
        .filter_map(|(resource, hard)| {
            let used = used.get(resource).copied().unwrap_or_default();
            Bound::new(resource, *hard, used, demand)
        })
        .collect();
    let Some(room) = bounds.iter().map(|bound| bound.room).min() else {
        return Finding::ok(
            Area::Quota,
            format!("quota {name} does not limit executors"),
            "it is about other resources or other pods",
        );
    };
    let tight: Vec<String> = bounds
        .iter()
        .filter(|bound| bound.room == room || bound.room < executors)
        .map(Bound::to_string)
        .collect();
    let why = tight.join("; ");
    if room >= executors {
        let room = if room == u32::MAX {
            "any number of".to_owned()
        } else {
            room.to_string()
        };
        return Finding::ok(
            Area::Quota,
            format!("quota {name} has room for {room} executors"),
            why,
        );
    }
    let empty = bounds
        .iter()
        .map(|bound| bound.room_when_empty)
        .min()
        .unwrap_or(0);
    let fix = if empty >= executors {
        "wait for what uses it to end, have it raised, or ask for fewer or smaller executors: the others would wait"
    } else {
        "have it raised, or ask for fewer or smaller executors: so many never fit"
    };
    Finding::new(
        Level::Error,
        Area::Quota,
        format!("quota {name} has room for {room} of {executors} executors"),
        why,
        fix,
    )
}

/// The limits that hold, and what is used of them.
fn limits(quota: &ResourceQuota) -> (Amounts, Amounts) {
    let status = quota.status.as_ref();
    let hard = quota.spec.as_ref().and_then(|spec| spec.hard.as_ref());
    (
        amounts(hard),
        amounts(status.and_then(|status| status.used.as_ref())),
    )
}

/// One resource of a quota that executors take from.
#[derive(Debug)]
struct Bound {
    resource: String,
    hard: Amount,
    used: Amount,
    each: Amount,
    /// How many executors fit into what is left.
    room: u32,
    room_when_empty: u32,
}

impl Bound {
    fn new(resource: &str, hard: Amount, used: Amount, demand: &Demand) -> Option<Self> {
        let (each, room, room_when_empty) = match take(resource, demand) {
            Take::Nothing => return None,
            Take::Each(each) => (each, hard.minus(used).holds(each)?, hard.holds(each)?),
            // One for all: with it there is room for any number.
            Take::Once => {
                let one = Amount::pieces(1);
                let any = |left: Amount| if left >= one { u32::MAX } else { 0 };
                (one, any(hard.minus(used)), any(hard))
            }
        };
        Some(Self {
            resource: resource.to_owned(),
            hard,
            used,
            each,
            room,
            room_when_empty,
        })
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            resource,
            hard,
            used,
            each,
            ..
        } = self;
        write!(f, "{resource}: {used} of {hard} used, {each} wanted")?;
        match resource.strip_prefix("count/").unwrap_or(resource) {
            "configmaps" => Ok(()),
            _ => write!(f, " by each"),
        }
    }
}

/// What is taken of a quota's resource.
#[derive(Debug, PartialEq, Eq)]
enum Take {
    Nothing,
    Each(Amount),
    Once,
}

fn take(resource: &str, demand: &Demand) -> Take {
    let each = |amount: Option<&Amount>| amount.map_or(Take::Nothing, |amount| Take::Each(*amount));
    let claims = |class: Option<&str>| {
        demand
            .claims
            .iter()
            .filter(|(of, _)| class.is_none() || of.as_deref() == class)
            .map(|(_, size)| *size)
            .collect::<Vec<_>>()
    };
    let storage = |class| Take::Each(claims(class).into_iter().fold(Amount::ZERO, Amount::plus));
    let count = |class| Take::Each(Amount::pieces(claims(class).len()));
    if let Some((class, rest)) = resource.split_once(STORAGE_CLASS) {
        return match rest {
            "requests.storage" => storage(Some(class)),
            "persistentvolumeclaims" => count(Some(class)),
            _ => Take::Nothing,
        };
    }
    match resource {
        "pods" | "count/pods" => Take::Each(Amount::pieces(1)),
        "persistentvolumeclaims" | "count/persistentvolumeclaims" => count(None),
        "requests.storage" => storage(None),
        "configmaps" | "count/configmaps" if demand.config_map => Take::Once,
        "cpu" | "memory" | "ephemeral-storage" => each(demand.requests.get(resource)),
        _ if resource.starts_with("hugepages-") => each(demand.requests.get(resource)),
        _ => match resource.split_once('.') {
            Some(("requests", name)) => each(demand.requests.get(name)),
            Some(("limits", name)) => each(demand.limits.get(name)),
            _ => Take::Nothing,
        },
    }
}

/// Whether a quota's resource is counted on pods, so that its scopes matter.
fn is_of_pods(resource: &str) -> bool {
    let others = ["requests.storage", "persistentvolumeclaims", "configmaps"];
    !resource.contains(STORAGE_CLASS) && !others.contains(&resource.trim_start_matches("count/"))
}

/// Whether every container says what a quota demands, or the pod as a whole does.
fn all_say(pod: &Pod, resource: &str) -> bool {
    let (of_limits, name) = match resource.split_once('.') {
        Some(("limits", name)) => (true, name),
        Some((_, name)) => (false, name),
        None => (false, resource),
    };
    let Some(spec) = &pod.spec else { return true };
    let says = |resources: Option<&k8s_openapi::api::core::v1::ResourceRequirements>| {
        let has = |list: Option<&BTreeMap<String, _>>| list.is_some_and(|list| list.contains_key(name));
        resources.is_some_and(|resources| {
            has(resources.limits.as_ref()) || (!of_limits && has(resources.requests.as_ref()))
        })
    };
    let container = |container: &Container| says(container.resources.as_ref());
    says(spec.resources.as_ref())
        || spec
            .containers
            .iter()
            .chain(spec.init_containers.iter().flatten())
            .all(container)
}

/// Whether the quota's scopes take in the pod. An unknown scope takes in none.
fn in_scope(quota: &ResourceQuota, pod: &Pod) -> bool {
    let Some(spec) = &quota.spec else { return false };
    let plain = spec.scopes.iter().flatten().all(|scope| matches(scope, pod));
    let selector = spec.scope_selector.as_ref();
    plain
        && selector
            .into_iter()
            .flat_map(|selector| selector.match_expressions.iter().flatten())
            .all(|requirement| selects(requirement, pod))
}

fn matches(scope: &str, pod: &Pod) -> bool {
    let spec = pod.spec.as_ref();
    let terminating = spec.is_some_and(|spec| spec.active_deadline_seconds.is_some());
    match scope {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => is_best_effort(pod),
        "NotBestEffort" => !is_best_effort(pod),
        "PriorityClass" => spec.is_some_and(|spec| spec.priority_class_name.is_some()),
        _ => false,
    }
}

fn is_best_effort(pod: &Pod) -> bool {
    let demand = Demand::of(pod, &[], false);
    ["cpu", "memory"].iter().all(|name| {
        demand
            .requests
            .get(*name)
            .is_none_or(|amount| *amount == Amount::ZERO)
    })
}

fn selects(requirement: &ScopedResourceSelectorRequirement, pod: &Pod) -> bool {
    if requirement.scope_name != "PriorityClass" {
        return matches(&requirement.scope_name, pod);
    }
    let class = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.priority_class_name.as_ref());
    let listed = class.is_some_and(|class| requirement.values.iter().flatten().any(|value| value == class));
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => class.is_some(),
        "DoesNotExist" => class.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
