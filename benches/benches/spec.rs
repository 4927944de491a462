//! Building the pod of a profile, and stamping it for an executor.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark has no interface and may fail"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stoker_core::conf::{Conf, Sources, SparkVersion};
use stoker_core::ids::ExecutorId;
use stoker_core::spec::{AppContext, OwnerPod, PodStamp, ResourceProfile, config_map_name};

fn conf() -> Conf {
    let properties = [
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
    ];
    let properties = properties
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    Conf::new(
        Sources {
            properties,
            ..Sources::default()
        },
        SparkVersion::new(4, 3, 0),
    )
    .unwrap()
}

fn context() -> AppContext {
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

fn pods(criterion: &mut Criterion) {
    let (conf, context) = (conf(), context());
    let profile = ResourceProfile::default_from(&conf).unwrap();
    let mut group = criterion.benchmark_group("spec");
    group.bench_function("build", |b| {
        b.iter(|| PodStamp::build(black_box(&conf), &context, &profile).unwrap());
    });
    let stamp = PodStamp::build(&conf, &context, &profile).unwrap();
    group.throughput(Throughput::Elements(1));
    let mut executor = 0;
    group.bench_function("stamp", |b| {
        b.iter(|| {
            executor += 1;
            stamp.stamp(black_box(ExecutorId(executor)), u128::from(executor))
        });
    });
    group.finish();
}

criterion_group!(benches, pods);
criterion_main!(benches);
