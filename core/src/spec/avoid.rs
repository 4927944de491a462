//! Keeps a pod away from nodes.

use serde_json::{Value, json};

use super::object::{Object, append, edit, set, text};

/// The pod with a required node affinity that excludes nodes by their names, in JSON.
///
/// Terms of a node affinity are alternatives: each of them gets the exclusion, and where there is none, one is made. What is
/// only preferred stays as it is. A pod that names its node passes the scheduler by and is left alone, as is what is no
/// pod.
///
/// The names are matched as a field, `metadata.name`, and not by the label `kubernetes.io/hostname`: what is known of a
/// node is its name in `spec.nodeName` of the pods that failed there, and the label need not be the same.
pub fn avoid_nodes(pod: Vec<u8>, nodes: &[String]) -> Vec<u8> {
    if nodes.is_empty() {
        return pod;
    }
    let Ok(Value::Object(mut object)) = serde_json::from_slice(&pod) else {
        return pod;
    };
    let named = edit(&mut object, "spec", |spec| {
        let named = text(spec, "nodeName").is_some_and(|node| !node.is_empty());
        if !named {
            edit(spec, "affinity", |affinity| {
                edit(affinity, "nodeAffinity", |affinity| {
                    edit(
                        affinity,
                        "requiredDuringSchedulingIgnoredDuringExecution",
                        |required| {
                            exclude(required, nodes);
                        },
                    );
                });
            });
        }
        named
    });
    if named {
        return pod;
    }
    Value::Object(object).to_string().into_bytes()
}

/// `selector`: a `v1.NodeSelector`. A term without any requirement matches no node; it would match nodes with the
/// exclusion and is left alone. So is a list without terms, which the API server refuses.
fn exclude(selector: &mut Object, nodes: &[String]) {
    // Of a field, `NotIn` takes exactly one value.
    let excluded = || {
        nodes
            .iter()
            .map(|node| json!({"key": "metadata.name", "operator": "NotIn", "values": [node]}))
    };
    let Some(Value::Array(terms)) = selector.get_mut("nodeSelectorTerms") else {
        let term = json!({ "matchFields": excluded().collect::<Vec<_>>() });
        return set(selector, "nodeSelectorTerms", vec![term]);
    };
    for term in terms.iter_mut().filter_map(Value::as_object_mut) {
        let some = |field| {
            let requirements = term.get(field).and_then(Value::as_array);
            requirements.is_some_and(|requirements| !requirements.is_empty())
        };
        if some("matchExpressions") || some("matchFields") {
            append(term, "matchFields", excluded());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn avoiding(spec: &Value, nodes: &[&str]) -> Value {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": spec}).to_string();
        let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
        let changed: Value = serde_json::from_slice(&avoid_nodes(pod.into_bytes(), &nodes)).unwrap();
        changed["spec"].clone()
    }

    fn not(node: &str) -> Value {
        json!({"key": "metadata.name", "operator": "NotIn", "values": [node]})
    }

    #[test]
    fn a_pod_without_an_affinity_gets_one_term_that_excludes_each_node() {
        let required = json!({"nodeSelectorTerms": [{"matchFields": [not("a"), not("b")]}]});
        let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}});
        assert_eq!(
            avoiding(&json!({"containers": [], "affinity": null}), &["a", "b"]),
            json!({"containers": [], "affinity": affinity})
        );
    }

    #[test]
    fn every_term_gets_the_exclusion_and_all_else_stays() {
        let zone = json!({"key": "zone", "operator": "In", "values": ["x"]});
        let preferred = json!([{"weight": 1, "preference": {"matchExpressions": [zone]}}]);
        let spec = |terms: Value| {
            json!({"affinity": {
                "podAntiAffinity": {"x": 1},
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": preferred,
                    "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms},
                },
            }})
        };
        let before = json!([{"matchExpressions": [zone]}, {"matchFields": [not("c")]}, {}]);
        let after = json!([
            {"matchExpressions": [zone], "matchFields": [not("a")]},
            {"matchFields": [not("c"), not("a")]},
            {},
        ]);
        assert_eq!(avoiding(&spec(before), &["a"]), spec(after));
        assert_eq!(avoiding(&spec(json!([])), &["a"]), spec(json!([])));
    }

    #[test]
    fn nothing_to_avoid_leaves_the_bytes_alone() {
        let pod = b"{ \"spec\": {} }".to_vec();
        assert_eq!(avoid_nodes(pod.clone(), &[]), pod);
        let text = b"no pod".to_vec();
        assert_eq!(avoid_nodes(text.clone(), &["a".to_owned()]), text);
    }

    #[test]
    fn a_pod_with_a_node_of_its_own_is_left_alone() {
        let spec = json!({"nodeName": "a"});
        assert_eq!(avoiding(&spec, &["a"]), spec);
    }
}
