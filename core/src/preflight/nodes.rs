//! Whether there are nodes that could ever run an executor.

use k8s_openapi::api::core::v1::{Node, Pod, Taint, Toleration};

use super::amount::{Amounts, amounts};
use super::demand::Demand;
use super::{Answer, Area, Finding, Level};

/// A hint and no more: affinity, topology and what runs on the nodes are not looked at, and an autoscaler may bring
/// other nodes.
pub(super) fn finding(nodes: &Answer<Vec<Node>>, pod: &Pod, demand: &Demand) -> Finding {
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(failure) => {
            return Finding::new(
                Level::Unknown,
                Area::Nodes,
                "whether a node can hold an executor",
                &failure.message,
                "nothing: a run does not need to list nodes",
            );
        }
    };
    let warning = |what: String, why: String, fix: &str| {
        Finding::new(
            Level::Warning,
            Area::Nodes,
            what,
            why + "; an autoscaler that adds other nodes would change that",
            fix,
        )
    };
    let selected: Vec<&Node> = nodes.iter().filter(|node| is_selected(node, pod)).collect();
    if selected.is_empty() {
        let selector = pod.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
        let selector: Vec<String> = selector
            .into_iter()
            .flatten()
            .map(|(label, value)| format!("{label}={value}"))
            .collect();
        return warning(
            "no node matches the executors' node selector".to_owned(),
            format!("none of {} nodes has {}", nodes.len(), selector.join(", ")),
            "correct spark.kubernetes.node.selector.* and spark.kubernetes.executor.node.selector.*",
        );
    }
    let open: Vec<&Node> = selected
        .iter()
        .copied()
        .filter(|node| tolerates(pod, node))
        .collect();
    if open.is_empty() {
        return warning(
            "no node takes the executors".to_owned(),
            format!(
                "all {} nodes that match the node selector are cordoned or have taints that the executor pod does not \
                 tolerate",
                selected.len()
            ),
            "add tolerations in a pod template, or choose other nodes",
        );
    }
    let fitting = open.iter().filter(|node| holds(node, &demand.requests)).count();
    if fitting == 0 {
        return warning(
            "no node can hold an executor".to_owned(),
            too_small(&open, &demand.requests),
            "lower spark.executor.cores, spark.executor.memory and its overhead, or use larger nodes",
        );
    }
    Finding::ok(
        Area::Nodes,
        format!("{fitting} of {} nodes can hold an executor", nodes.len()),
        "by what they can allocate at most; what runs there already is not looked at",
    )
}

fn allocatable(node: &Node) -> Amounts {
    amounts(
        node.status
            .as_ref()
            .and_then(|status| status.allocatable.as_ref()),
    )
}

fn holds(node: &Node, requests: &Amounts) -> bool {
    let allocatable = allocatable(node);
    requests
        .iter()
        .all(|(name, wanted)| allocatable.get(name).copied().unwrap_or_default() >= *wanted)
}

/// For each resource that no node has enough of: the most that one has. Where each is there somewhere, none has all.
fn too_small(nodes: &[&Node], requests: &Amounts) -> String {
    let short: Vec<String> = requests
        .iter()
        .filter_map(|(name, wanted)| {
            let most = nodes
                .iter()
                .filter_map(|node| allocatable(node).get(name).copied())
                .max()
                .unwrap_or_default();
            (most < *wanted)
                .then(|| format!("an executor asks for {wanted} of {name}, the largest node has {most}"))
        })
        .collect();
    if short.is_empty() {
        "no single node has enough of everything that an executor asks for".to_owned()
    } else {
        short.join("; ")
    }
}

fn is_selected(node: &Node, pod: &Pod) -> bool {
    let selector = pod.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
    let labels = node.metadata.labels.as_ref();
    selector
        .into_iter()
        .flatten()
        .all(|(label, value)| labels.is_some_and(|labels| labels.get(label) == Some(value)))
}

fn tolerates(pod: &Pod, node: &Node) -> bool {
    let Some(spec) = &node.spec else { return true };
    let tolerations = pod.spec.as_ref().and_then(|spec| spec.tolerations.as_ref());
    let all: Vec<&Toleration> = tolerations.into_iter().flatten().collect();
    let mut taints = spec
        .taints
        .iter()
        .flatten()
        .filter(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute"));
    spec.unschedulable != Some(true) && taints.all(|taint| all.iter().any(|of| is_tolerated(taint, of)))
}

fn is_tolerated(taint: &Taint, by: &Toleration) -> bool {
    let effect = by
        .effect
        .as_ref()
        .is_none_or(|effect| effect.is_empty() || *effect == taint.effect);
    let exists = by.operator.as_deref() == Some("Exists");
    let key = match by.key.as_deref() {
        None | Some("") => exists,
        Some(key) => key == taint.key,
    };
    let value =
        exists || by.value.as_deref().unwrap_or_default() == taint.value.as_deref().unwrap_or_default();
    effect && key && value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn node(labels: &Value, spec: &Value, cpu: &str, memory: &str) -> Node {
        serde_json::from_value(json!({"metadata": {"labels": labels}, "spec": spec,
            "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "110"}}}))
        .unwrap()
    }

    fn told(nodes: Vec<Node>, spec: Value) -> (Level, String, String) {
        let mut spec = spec;
        spec["containers"] = json!([{"name": "c", "resources": {"requests": {"cpu": "2", "memory": "4Gi"}}}]);
        let pod = serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap();
        let demand = Demand::of(&pod, &[], false);
        let finding = finding(&Ok(nodes), &pod, &demand);
        (finding.level, finding.what, finding.why)
    }

    #[test]
    fn a_node_that_is_large_enough_will_do() {
        let nodes = vec![
            node(&json!({}), &json!({}), "1", "64Gi"),
            node(&json!({}), &json!({}), "2", "4Gi"),
        ];
        let (level, what, _) = told(nodes, json!({}));
        assert_eq!(
            (level, what.as_str()),
            (Level::Ok, "1 of 2 nodes can hold an executor")
        );
    }

    #[test]
    fn what_is_short_is_named() {
        let small = |cpu, memory| node(&json!({}), &json!({}), cpu, memory);
        let (level, _, why) = told(vec![small("1500m", "64Gi"), small("1", "8Gi")], json!({}));
        assert_eq!(level, Level::Warning);
        assert!(
            why.starts_with("an executor asks for 2 of cpu, the largest node has 1500m;"),
            "{why}"
        );
        let (_, _, why) = told(vec![small("8", "2Gi"), small("1", "8Gi")], json!({}));
        assert!(why.starts_with("no single node"), "{why}");
    }

    #[test]
    fn selector_cordon_and_taints_shut_nodes_out() {
        let large = |labels: Value, spec: Value| node(&labels, &spec, "64", "256Gi");
        let what = |nodes, spec| told(nodes, spec).1;
        let tainted = json!({"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]});
        let spark = json!({"nodeSelector": {"pool": "spark"}});
        assert_eq!(
            what(vec![large(json!({"pool": "web"}), json!({}))], spark.clone()),
            "no node matches the executors' node selector"
        );
        assert_eq!(
            what(vec![large(json!({"pool": "spark"}), json!({}))], spark),
            "1 of 1 nodes can hold an executor"
        );
        let shut = "no node takes the executors";
        assert_eq!(
            what(vec![large(json!({}), json!({"unschedulable": true}))], json!({})),
            shut
        );
        assert_eq!(what(vec![large(json!({}), tainted.clone())], json!({})), shut);
        for toleration in [
            json!({"operator": "Exists"}),
            json!({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}),
            json!({"key": "gpu", "value": "yes"}),
        ] {
            let spec = json!({"tolerations": [toleration]});
            assert_ne!(what(vec![large(json!({}), tainted.clone())], spec), shut);
        }
        let other = json!({"tolerations": [{"key": "gpu", "value": "no"}, {"key": "gpu", "operator": "Exists", "effect": "NoExecute"}]});
        assert_eq!(what(vec![large(json!({}), tainted)], other), shut);
        let preferred = json!({"taints": [{"key": "k", "effect": "PreferNoSchedule"}]});
        assert_ne!(what(vec![large(json!({}), preferred)], json!({})), shut);
    }
}
