//! Building the pod of a profile, and stamping it for an executor.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark has no interface and may fail"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stoker_benches::{conf, context};
use stoker_core::ids::ExecutorId;
use stoker_core::spec::{PodStamp, ResourceProfile};

fn pods(criterion: &mut Criterion) {
    let (conf, context) = (conf().unwrap(), context());
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
