use serde_json::{Value, json};

use super::{conf, container, context, default_profile, env, error, pod};
use crate::ids::ExecutorId;
use crate::spec::{PodStamp, custom_steps};

const STEPS: &str = "spark.kubernetes.executor.pod.featureSteps";
const EXCLUDED: &str = "spark.kubernetes.executor.pod.excludedFeatureSteps";
const VOLCANO: &str = "org.apache.spark.deploy.k8s.features.VolcanoFeatureStep";

#[test]
fn custom_steps_are_those_that_need_a_jvm() {
    let listed = format!("com.example.A,{VOLCANO}, com.example.B,com.example.A");
    let steps = |properties: &[(&str, &str)]| custom_steps(&conf(properties)).unwrap();
    assert_eq!(steps(&[]), Vec::<String>::new());
    assert_eq!(
        steps(&[(STEPS, &listed)]),
        ["com.example.A", "com.example.B", "com.example.A"]
    );
    assert_eq!(
        steps(&[(STEPS, &listed), (EXCLUDED, "com.example.A")]),
        ["com.example.B"]
    );
}

#[test]
fn volcanos_step_can_be_excluded_too() {
    let group = |excluded: &str| {
        let pod = pod(&[(STEPS, VOLCANO), (EXCLUDED, excluded)]);
        pod["metadata"]["annotations"]["scheduling.k8s.io/group-name"].clone()
    };
    assert_eq!(group(""), "spark-app-1-podgroup");
    assert_eq!(group(VOLCANO), Value::Null);
}

#[test]
fn an_excluded_step_leaves_the_others() {
    let pod = pod(&[(
        EXCLUDED,
        "org.apache.spark.deploy.k8s.features.LocalDirsFeatureStep",
    )]);
    assert!(!env(&pod).contains_key("SPARK_LOCAL_DIRS"));
    assert_eq!(container(&pod)["volumeMounts"].as_array().unwrap().len(), 1);
    assert_eq!(pod["metadata"]["name"], "pi-0001-exec-7");
}

#[test]
fn claims_are_made_for_each_executor() {
    let volume = "spark.kubernetes.executor.volumes.persistentVolumeClaim";
    let properties = [
        ("a.mount.path", "/a"),
        ("a.options.claimName", "OnDemand"),
        ("a.options.storageClass", "fast"),
        ("a.options.sizeLimit", "1Gi"),
        ("a.label.team", "data"),
        ("b.mount.path", "/b"),
        ("b.options.claimName", "there-SPARK_EXECUTOR_ID"),
    ]
    .map(|(key, value)| (format!("{volume}.{key}"), value));
    let properties: Vec<(&str, &str)> = properties.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    let stamp = PodStamp::build(&conf(&properties), &context(), &default_profile()).unwrap();
    for id in [7, 12] {
        let stamped = stamp.stamp(ExecutorId(id), 0);
        let pod: Value = serde_json::from_slice(&stamped.body).unwrap();
        let name = format!("pi-0001-exec-{id}-pvc-0");
        let claim = |volume: usize| pod["spec"]["volumes"][volume]["persistentVolumeClaim"].clone();
        assert_eq!(claim(1), json!({"claimName": name, "readOnly": false}));
        assert_eq!(
            claim(2),
            json!({"claimName": format!("there-{id}"), "readOnly": false})
        );
        assert_eq!(stamped.claims.len(), 1);
        assert_eq!(stamped.claims[0].name, name);
        assert_eq!(
            stamped.claims[0].manifest(),
            &json!({
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "labels": {"team": "data", "spark-app-selector": "spark-app-1"}},
                "spec": {
                    "accessModes": ["ReadWriteOncePod"],
                    "resources": {"requests": {"storage": "1Gi"}},
                    "storageClassName": "fast",
                },
            })
        );
    }
}

#[test]
fn what_is_wrong_with_a_volume_is_said() {
    for (properties, problem) in [
        (
            &[("hostPath.d.options.path", "/d")][..],
            "key not found: spark.kubernetes.executor.volumes.hostPath.d.mount.path",
        ),
        (
            &[("hostPath.d.mount.path", "/d")],
            "spark.kubernetes.executor.volumes.hostPath.d.options.path is required for hostPath",
        ),
        (
            &[("cinder.d.mount.path", "/d")],
            "Kubernetes Volume type `cinder` is not supported; use hostPath, emptyDir, nfs or persistentVolumeClaim",
        ),
        (
            &[
                ("emptyDir.d.mount.path", "/d"),
                ("emptyDir.d.options.sizeLimit", "10"),
            ],
            "spark.kubernetes.executor.volumes.emptyDir.d.options.sizeLimit: Volume size `10` is smaller than 1KiB",
        ),
        (
            &[("emptyDir.d.mount.path", "/d"), ("emptyDir.e.mount.path", "/d")],
            "Found duplicated mountPath: '/d': spark.kubernetes.executor.volumes.emptyDir.d.mount.path and \
             spark.kubernetes.executor.volumes.emptyDir.e.mount.path have it",
        ),
        (
            &[
                ("emptyDir.d.mount.path", "/d"),
                ("emptyDir.d.mount.subPath", "s"),
                ("emptyDir.d.mount.subPathExpr", "t"),
            ],
            "mutually exclusive: spark.kubernetes.executor.volumes.emptyDir.d.mount.subPath, \
             spark.kubernetes.executor.volumes.emptyDir.d.mount.subPathExpr",
        ),
        (
            &[
                ("emptyDir.d.mount.path", "/d"),
                ("emptyDir.d.mount.readOnly", "yes"),
            ],
            "emptyDir.d.mount.readOnly: For input string: \"yes\"",
        ),
    ] {
        let properties: Vec<(String, &str)> = properties
            .iter()
            .map(|(key, value)| (format!("spark.kubernetes.executor.volumes.{key}"), *value))
            .collect();
        let properties: Vec<(&str, &str)> = properties.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        let error = error(&properties).to_string();
        assert!(error.contains(problem), "{error}");
    }
    let secret = error(&[("spark.kubernetes.executor.secretKeyRef.A", "name")]).to_string();
    assert!(secret.contains("spark.kubernetes.executor.secretKeyRef.A is 'name': SecretKeyRef must be"));
}
