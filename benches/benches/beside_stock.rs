//! The time of the processor per pod of Stoker and of stock Spark, in one run: 10,000 executors of one profile.
//!
//! Needs `STOKER_SPARK_HOME`, a directory with the `jars` of a Spark distribution, and a Java runtime.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark has no interface, may fail and prints its result"
)]

use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use stoker_benches::{conf, context, processor_time, properties};
use stoker_core::conf::properties::write;
use stoker_core::ids::ExecutorId;
use stoker_core::spec::{PodStamp, ResourceProfile};

const PODS: u32 = 10_000;
/// Of which the first half only warms the JVM up.
const STOCK_PODS: u32 = 4_000;

fn main() {
    // `cargo test --benches` only wants to see that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let ours = stoker();
    let (build, with_json) = stock();
    println!("| Microseconds of the processor per executor pod | |\n|---|---|");
    println!("| Stoker: one build and {PODS} stamps, JSON included | {ours:.1} |");
    println!("| stock Spark, warm: the pod | {build:.1} |");
    println!("| stock Spark, warm: the pod and its JSON | {with_json:.1} |");
    println!(
        "\nStock takes {:.0} times as long as Stoker, {:.0} times with the JSON.",
        build / ours,
        with_json / ours
    );
}

fn stoker() -> f64 {
    let (conf, context) = (conf().unwrap(), context());
    let profile = ResourceProfile::default_from(&conf).unwrap();
    let start = processor_time();
    let stamp = PodStamp::build(&conf, &context, &profile).unwrap();
    for executor in 1..=PODS {
        black_box(stamp.stamp(ExecutorId(u64::from(executor)), u128::from(executor)));
    }
    processor_time().saturating_sub(start).as_secs_f64() * 1e6 / f64::from(PODS)
}

/// Without and with the JSON.
fn stock() -> (f64, f64) {
    let home = std::env::var("STOKER_SPARK_HOME")
        .expect("STOKER_SPARK_HOME is not set: `make bench` sets it to a distribution of stock Spark");
    let java = std::env::var("JAVA_HOME").map_or("java".into(), |home| Path::new(&home).join("bin/java"));
    let context = context();
    let driver = context.driver_pod.unwrap();
    let mut jvm = Command::new(java)
        .arg("-cp")
        .arg(Path::new(&home).join("jars/*"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("StockBuild.java"))
        .args([STOCK_PODS.to_string(), context.app_id, driver.name, driver.uid])
        .env("SPARK_USER", context.spark_user)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Java starts");
    let mut input = jvm.stdin.take().unwrap();
    input.write_all(write(&properties(), "", "").as_bytes()).unwrap();
    drop(input);
    let output = jvm.wait_with_output().unwrap();
    assert!(output.status.success(), "StockBuild failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let (build, with_json) = text.trim().split_once(' ').unwrap();
    (build.parse().unwrap(), with_json.parse().unwrap())
}
