//! What the benchmarks share: an application whose executor pods are built, the clock, what is measured, and the report of it.

pub mod criterion;
pub mod machine;
pub mod report;
pub mod results;
pub mod schedule;
pub mod statistics;

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use stoker_core::conf::{Conf, ConfError, Sources, SparkVersion};
use stoker_core::spec::{AppContext, OwnerPod, config_map_name};

/// The application's properties.
pub fn properties() -> BTreeMap<String, String> {
    [
        ("spark.app.name", "benchmark"),
        ("spark.driver.host", "driver-svc.jobs.svc"),
        (
            "spark.executor.extraJavaOptions",
            "-XX:+UseG1GC -Dlog=/logs/{{APP_ID}}/{{EXECUTOR_ID}}",
        ),
        ("spark.executorEnv.LANG", "C.UTF-8"),
        (
            "spark.kubernetes.container.image",
            "registry.example.com/spark:4.3.0",
        ),
        (
            "spark.kubernetes.executor.annotation.example.com/executor",
            "{{EXECUTOR_ID}}",
        ),
        ("spark.kubernetes.executor.label.team", "data"),
        (
            "spark.kubernetes.executor.podNamePrefix",
            "benchmark-0123456789abcdef",
        ),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// What this thread has had of the processor: what else the machine does does not count.
pub fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// The configuration of these properties.
pub fn conf() -> Result<Conf, ConfError> {
    let sources = Sources {
        properties: properties(),
        ..Sources::default()
    };
    Conf::new(sources, SparkVersion::new(4, 3, 0))
}

/// What a pod needs besides.
pub fn context() -> AppContext {
    AppContext {
        app_id: "spark-0123456789abcdef0123456789abcdef".to_owned(),
        spark_user: "spark".to_owned(),
        auth_secret: None,
        pod_name_prefix: "benchmark-0123456789abcdef".to_owned(),
        config_map_name: config_map_name("0123456789abcdef"),
        driver_pod: Some(OwnerPod {
            name: "benchmark-driver".to_owned(),
            uid: "00000000-0000-4000-8000-000000000000".to_owned(),
        }),
        conf_files: vec!["log4j2.properties".to_owned()],
        pod_template: None,
    }
}
