use serde_json::{Value, json};

use super::{conf, container, context, default_profile, pod_of, profile};
use crate::spec::{AppContext, PodStamp, PodTemplate, SpecError};

fn with_template(text: &str) -> AppContext {
    AppContext {
        pod_template: Some(PodTemplate::parse(text).unwrap()),
        ..context()
    }
}

fn refusal(text: &str) -> String {
    let built = PodTemplate::parse(text).and_then(|template| {
        let context = AppContext {
            pod_template: Some(template),
            ..context()
        };
        PodStamp::build(&conf(&[]), &context, &default_profile())
    });
    built.unwrap_err().to_string()
}

fn names(pod: &Value) -> Vec<&str> {
    let containers = pod["spec"]["containers"].as_array().unwrap();
    containers
        .iter()
        .map(|container| container["name"].as_str().unwrap())
        .collect()
}

#[test]
fn the_executors_container_comes_last() {
    let context = with_template("spec: {containers: [{name: a}, {name: b}, {name: c}]}");
    let of = |name: &str| {
        let conf = conf(&[("spark.kubernetes.executor.podTemplateContainerName", name)]);
        let warnings = PodStamp::build(&conf, &context, &default_profile())
            .unwrap()
            .warnings()
            .to_vec();
        (pod_of(&conf, &context, &default_profile()), warnings)
    };
    let (named, warnings) = of("b");
    assert_eq!(names(&named), ["a", "c", "b"]);
    assert_eq!(warnings, Vec::<String>::new());
    let (unknown, warnings) = of("x");
    assert_eq!(names(&unknown), ["b", "c", "a"]);
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("specified container x not found"));
}

#[test]
fn a_name_that_two_containers_have_names_none() {
    let context = with_template("spec: {containers: [{name: a}, {name: b}, {name: b}]}");
    let conf = conf(&[("spark.kubernetes.executor.podTemplateContainerName", "b")]);
    let stamp = PodStamp::build(&conf, &context, &default_profile()).unwrap();
    assert_eq!(stamp.warnings().len(), 1);
    assert_eq!(
        names(&pod_of(&conf, &context, &default_profile())),
        ["b", "b", "a"]
    );
}

#[test]
fn resources_of_the_template_are_for_the_default_profile() {
    let context =
        with_template("spec: {containers: [{name: a, resources: {limits: {x/y: 1}, claims: [{name: r}]}}]}");
    let limits = |pod: &Value| container(pod)["resources"]["limits"].clone();
    let default = pod_of(&conf(&[]), &context, &default_profile());
    assert_eq!(limits(&default), json!({"x/y": "1", "memory": "1408Mi"}));
    assert_eq!(container(&default)["resources"]["claims"], json!([{"name": "r"}]));
    let other = pod_of(&conf(&[]), &context, &profile(1, &json!({})));
    assert_eq!(limits(&other), json!({"memory": "1408Mi"}));
    assert!(container(&other)["resources"].get("claims").is_none());
}

#[test]
fn what_is_wrong_in_a_template_is_named() {
    for (text, problem) in [
        (
            "spec: {containers: text}",
            "spec.containers is \"text\" and should be a list",
        ),
        (
            "spec: {containers: [{env: [{name: [a]}]}]}",
            "spec.containers[0].env[0].name is [\"a\"] and should be a text",
        ),
        (
            "metadata: {labels: [a]}\nspec: {}",
            "metadata.labels is [\"a\"] and should be an object",
        ),
        (
            "spec: {hostNetwork: yes}",
            "spec.hostNetwork is \"yes\" and should be true or false",
        ),
        ("metadata: {}", "it has no spec"),
        ("- a", "not a YAML or JSON object"),
        ("{\"spec\": ", "EOF"),
        ("spec: {}\n---\nspec: {}", "2 documents"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.starts_with("Could not load pod from template file"));
        assert!(refusal.contains(problem), "{refusal}");
    }
}

#[test]
fn a_template_that_nobody_loaded_is_missed() {
    let conf = conf(&[("spark.kubernetes.executor.podTemplateFile", "s3a://b/pod.yaml")]);
    let error = PodStamp::build(&conf, &context(), &default_profile()).unwrap_err();
    assert!(matches!(error, SpecError::Template { .. }));
    assert!(error.to_string().contains("s3a://b/pod.yaml has not been loaded"));
}
