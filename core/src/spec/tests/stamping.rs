use proptest::prelude::*;
use serde_json::json;

use super::{conf, context, default_profile};
use crate::ids::ExecutorId;
use crate::spec::stamp::build_directly;
use crate::spec::{AppContext, PodStamp, PodTemplate};

proptest! {
    /// Stamping gives the bytes that building the pod for that executor gives, whatever the user's texts are: the
    /// placeholders, quotes, escapes and characters of the private use areas among them.
    #[test]
    fn stamping_is_building(
        executor in 1..u64::from(u32::MAX),
        seed: u128,
        texts in proptest::collection::vec(
            proptest::collection::vec(
                prop_oneof![
                    Just("{{EXECUTOR_ID}}".to_owned()),
                    Just("{{APP_ID}}".to_owned()),
                    Just("\u{E000}".to_owned()),
                    Just("id\u{E001}".to_owned()),
                    Just("\"\\'".to_owned()),
                    Just("SPARK_EXECUTOR_ID".to_owned()),
                    any::<String>(),
                ],
                0..5,
            ).prop_map(|parts| parts.concat()),
            8,
        ),
        mounted: bool,
        prefix in "[a-z]([a-z0-9.]{0,80}[a-z0-9])?",
    ) {
        prop_assume!(!prefix.contains(".."));
        let volume = "spark.kubernetes.executor.volumes.persistentVolumeClaim";
        let local_dir = if mounted { "spark-local-dir-x" } else { "v" };
        let claim = |property: &str| format!("{volume}.{local_dir}.{property}");
        let template = json!({
            "metadata": {"annotations": {"z": texts[6]}},
            "spec": {"containers": [{"volumeMounts": [{"name": "spark-local-dir-t", "mountPath": texts[7]}]}]},
        });
        let conf = conf(&[
            (&claim("mount.path"), "/v"),
            (&claim("options.claimName"), &format!("OnDemand{}SPARK_EXECUTOR_ID", texts[5])),
            (&claim("options.storageClass"), "s"),
            (&claim("options.sizeLimit"), "1Gi"),
            (&claim("annotation.a"), &texts[5]),
            ("spark.kubernetes.executor.label.x", &texts[0]),
            ("spark.kubernetes.executor.annotation.y", &texts[1]),
            ("spark.executor.extraJavaOptions", &texts[2].replace('$', "_")),
            ("spark.executorEnv.SPARK_EXECUTOR_DIRS", &texts[3]),
            ("spark.local.dir", &texts[4]),
        ]);
        let pod_template = mounted.then(|| PodTemplate::parse(&template.to_string()).unwrap());
        let context = AppContext { pod_name_prefix: prefix, pod_template, ..context() };
        let executor = ExecutorId(executor);
        let stamped = PodStamp::build(&conf, &context, &default_profile()).unwrap().stamp(executor, seed);
        let built = build_directly(&conf, &context, &default_profile(), executor, seed).unwrap();
        prop_assert_eq!(stamped, built);
    }
}
