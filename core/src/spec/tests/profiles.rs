use serde_json::json;

use super::{conf, container, context, default_profile, env, pod, pod_of, profile};
use crate::ids::{ExecutorId, ProfileId};
use crate::spec::{PodStamp, ResourceProfile};

#[test]
fn a_profile_replaces_what_it_names() {
    let conf = conf(&[
        ("spark.executor.cores", "2"),
        ("spark.executor.memory", "1g"),
        ("spark.kubernetes.executor.request.cores", "100m"),
        ("spark.kubernetes.executor.limit.cores", "200m"),
        ("spark.executor.resource.gpu.amount", "1"),
        ("spark.executor.resource.gpu.vendor", "nvidia.com"),
    ]);
    let profile = profile(
        3,
        &json!({"cores": {"amount": 6}, "memory": {"amount": 4096}, "fpga": {"amount": 2, "vendor": "example.com"}}),
    );
    let pod = pod_of(&conf, &context(), &profile);
    // The overhead stays that of the default profile: 10 % of 1 GiB is less than 384 MiB.
    assert_eq!(
        container(&pod)["resources"],
        json!({
            "limits": {"memory": "4480Mi", "example.com/fpga": "2"},
            "requests": {"cpu": "6", "memory": "4480Mi"},
        })
    );
    assert_eq!(env(&pod)["SPARK_EXECUTOR_CORES"], "6");
    assert_eq!(env(&pod)["SPARK_EXECUTOR_MEMORY"], "4096m");
    assert_eq!(env(&pod)["SPARK_RESOURCE_PROFILE_ID"], "3");
    assert_eq!(pod["metadata"]["labels"]["spark-exec-resourceprofile-id"], "3");
}

#[test]
fn memory_is_added_up() {
    let total = |properties: &[(&str, &str)]| {
        let pod = pod(properties);
        container(&pod)["resources"]["requests"]["memory"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(total(&[]), "1408Mi");
    assert_eq!(total(&[("spark.executor.memory", "10g")]), "11264Mi");
    assert_eq!(
        total(&[
            ("spark.executor.memory", "10g"),
            ("spark.kubernetes.memoryOverheadFactor", "0.4")
        ]),
        "14336Mi"
    );
    let both = [
        ("spark.executor.memoryOverheadFactor", "0.5"),
        ("spark.kubernetes.memoryOverheadFactor", "0.4"),
    ];
    assert_eq!(total(&both), "1536Mi");
    assert_eq!(total(&[("spark.executor.memoryOverhead", "100")]), "1124Mi");
    assert_eq!(total(&[("spark.executor.minMemoryOverhead", "1g")]), "2048Mi");
    let off_heap = [
        ("spark.memory.offHeap.enabled", "true"),
        ("spark.memory.offHeap.size", "512m"),
    ];
    assert_eq!(total(&off_heap), "1920Mi");
    assert_eq!(total(&[("spark.executor.pyspark.memory", "512m")]), "1408Mi");
    let python = [
        ("spark.executor.pyspark.memory", "512m"),
        ("spark.kubernetes.resource.type", "python"),
    ];
    assert_eq!(total(&python), "1920Mi");
}

#[test]
fn the_default_profile_can_be_listed() {
    let conf = conf(&[
        ("spark.executor.cores", "2"),
        ("spark.executor.memoryOverhead", "600m"),
        ("spark.executor.resource.gpu.amount", "1"),
        ("spark.executor.resource.gpu.vendor", "nvidia.com"),
    ]);
    let listed = ResourceProfile::default_from(&conf).unwrap();
    assert_eq!(listed.id, ProfileId(0));
    assert_eq!(
        serde_json::to_value(&listed).unwrap()["executorResources"],
        json!({
            "cores": {"amount": 2},
            "gpu": {"amount": 1, "vendor": "nvidia.com"},
            "memory": {"amount": 1024},
            "memoryOverhead": {"amount": 600},
            "offHeap": {"amount": 0},
        })
    );
    let same = |profile: &ResourceProfile| {
        PodStamp::build(&conf, &context(), profile)
            .unwrap()
            .stamp(ExecutorId(1), 0)
    };
    assert_eq!(same(&listed), same(&default_profile()));
}

#[test]
fn profiles_with_unknown_fields_are_refused() {
    assert!(serde_json::from_value::<ResourceProfile>(json!({"id": 1, "executorResource": {}})).is_err());
    let misspelt = json!({"id": 1, "executorResources": {"gpu": {"amount": 1, "vendro": "x"}}});
    assert!(serde_json::from_value::<ResourceProfile>(misspelt).is_err());
}
