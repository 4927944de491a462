//! What a pod refers to: each is looked up.

use std::fs;

use serde_json::json;
use stoker_core::conf::{Conf, Sources, SparkVersion};
use stoker_core::preflight::{Candidate, Needs, TrialKind, judge, references_of};
use stoker_core::shell::access::{Access, Lookups};
use stoker_core::shell::client;
use stoker_core::shell::preflight::{Cluster, Executor};

use crate::support::Place;

pub(crate) fn what_is_not_there_is_named(place: &Place) {
    let account = "spark.kubernetes.authenticate.executor.serviceAccountName";
    let checked = place.check(&[(account, "nobody")], &[]);
    checked.assert_says("error", "references", "service account nobody does not exist");
    checked.assert_says("error", "admission", "nobody");

    let pull = ("spark.kubernetes.container.image.pullSecrets", "registry");
    let checked = place.check(&[pull], &[]);
    checked.assert_says(
        "warning",
        "references",
        "image pull secret registry does not exist",
    );
    place.cluster.kubectl(
        &[
            "create",
            "secret",
            "generic",
            "registry",
            "--from-literal=user=me",
        ],
        None,
    );
    let checked = place.check(&[pull], &[]);
    checked.assert_says("ok", "references", "image pull secret registry exists");
    let checked = place.check_as_driver(&[pull], &[]);
    checked.assert_says(
        "unknown",
        "references",
        "whether image pull secret registry exists",
    );

    let driver = ("spark.kubernetes.driver.pod.name", "nobody");
    let checked = place.check(&[driver], &[]);
    checked.assert_says("error", "references", "driver pod nobody does not exist");

    let checked = place.check(&[("spark.kubernetes.namespace", "nowhere")], &[]);
    checked.assert_says("error", "access", "namespace nowhere does not exist");
    let checked = place.check_as_driver(&[("spark.kubernetes.namespace", "nowhere")], &[]);
    checked.assert_says(
        "error",
        "rights",
        "not allowed to create, get, list, watch, delete pods",
    );
}

/// By keys and by a pod template.
pub(crate) fn secrets_and_their_entries_are_looked_up(place: &Place) {
    let env = |name: &str| format!("spark.kubernetes.executor.secretKeyRef.{name}");
    place.cluster.kubectl(
        &[
            "create",
            "secret",
            "generic",
            "login",
            "--from-literal=password=x",
        ],
        None,
    );
    let checked = place.check(&[(&env("A"), "login:password")], &[]);
    assert!(!checked.levels().contains("error"), "{checked:#?}");
    checked.assert_says("ok", "references", "secret login exists");
    let checked = place.check(&[(&env("A"), "login:user"), (&env("B"), "none:user")], &[]);
    checked.assert_says("error", "references", "secret login has no entry user");
    checked.assert_says("error", "references", "secret none does not exist");
    checked.assert_says("ok", "admission", "the executor pod is accepted");

    let template = place.cluster.dir().join("template.yaml");
    let text = "spec: {priorityClassName: no-class, volumes: [{name: v, secret: {secretName: of-template}}]}";
    fs::write(&template, text).unwrap();
    let key = "spark.kubernetes.executor.podTemplateFile";
    let checked = place.check(&[(key, &template.display().to_string())], &[]);
    checked.assert_says("error", "references", "secret of-template does not exist");
    checked.assert_says("error", "references", "priority class no-class does not exist");
    checked.assert_says(
        "error",
        "admission",
        "no PriorityClass with name no-class was found",
    );

    let volume =
        |option: &str| format!("spark.kubernetes.executor.volumes.persistentVolumeClaim.data.{option}");
    let on_demand = [
        (volume("mount.path"), "/data"),
        (volume("options.claimName"), "OnDemand"),
        (volume("options.storageClass"), "no-class"),
        (volume("options.sizeLimit"), "1Gi"),
    ];
    let on_demand: Vec<(&str, &str)> = on_demand
        .iter()
        .map(|(key, value)| (key.as_str(), *value))
        .collect();
    let checked = place.check(&on_demand, &[]);
    checked.assert_says("error", "references", "storage class no-class does not exist");
    checked.assert_says("ok", "admission", "the volume claim is accepted");
    checked.assert_says("ok", "rights", "list persistentvolumeclaims");
}

/// What pod templates and keys may name, by the pod itself.
pub(crate) fn what_the_pod_names_is_looked_up(place: &Place) {
    place.cluster.kubectl(
        &["create", "secret", "generic", "db", "--from-literal=password=x"],
        None,
    );
    let from = |secret: &str, key: &str| json!({"secretKeyRef": {"name": secret, "key": key}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "checked-exec-1"}, "spec": {
        "containers": [{"name": "c", "image": "any", "env": [
            {"name": "A", "valueFrom": from("db", "password")},
            {"name": "B", "valueFrom": from("db", "user")},
            {"name": "C", "valueFrom": from("none", "user")},
        ]}],
        "volumes": [
            {"name": "mounted", "secret": {"secretName": "also-none"}},
            {"name": "claimed", "persistentVolumeClaim": {"claimName": "no-claim"}},
            {"name": "mapped", "configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca"}]}},
        ],
    }});
    let claim = json!({"metadata": {"name": "made"}, "spec": {"storageClassName": "no-class", "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}}});
    let body = pod.to_string().into_bytes();
    let candidate = Candidate {
        pod: serde_json::from_value(pod).unwrap(),
        claims: vec![serde_json::from_value(claim).unwrap()],
        config_map: false,
    };
    let executor = Executor {
        references: references_of(&candidate, None),
        candidate,
        needs: Needs::default(),
        bodies: vec![(TrialKind::Pod, body)],
        warnings: Vec::new(),
    };
    let sources = Sources {
        properties: place.properties(&[]),
        ..Sources::default()
    };
    let conf = Conf::new(sources, SparkVersion::new(4, 3, 0)).unwrap();
    let lookups = Lookups::system(Some(place.kubeconfig.clone().into()));
    let access = Access::resolve(&conf, None, &lookups).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let facts = runtime.block_on(async {
        let client = client::connect(&access, client::USER_AGENT).await.unwrap();
        let cluster = Cluster::new(client, access.namespace(), access.request_timeout);
        cluster.inspect(&executor).await
    });
    let findings = judge(&executor.candidate, 1, &facts);
    let told: Vec<String> = findings
        .iter()
        .filter(|finding| serde_json::to_value(finding.area).unwrap() == "references")
        .map(|finding| format!("{:?}: {}", finding.level, finding.what))
        .collect();
    assert_eq!(
        told,
        [
            "Error: secret also-none does not exist",
            "Error: secret db has no entry user",
            "Error: secret none does not exist",
            "Ok: ConfigMap kube-root-ca.crt exists",
            "Error: volume claim no-claim does not exist",
            "Error: storage class no-class does not exist",
        ]
    );
}
