//! The time of the processor per pod built, of Stoker and of stock Spark: executors of one profile.

use std::hint::black_box;
use std::io::Write as _;
use std::process::Stdio;

use stoker_benches::results::{Figures, Key, Who};
use stoker_benches::{conf, context, processor_time, properties};
use stoker_core::conf::properties::write;
use stoker_core::ids::ExecutorId;
use stoker_core::spec::{PodStamp, ResourceProfile};

use super::figures;
use crate::jvm::Programs;

pub(crate) fn measure(programs: &Programs, key: &Key) -> Figures {
    let pods = key.case.executors;
    if key.case.who == Who::Stoker {
        stoker(pods)
    } else {
        stock(programs, pods)
    }
}

fn stoker(pods: u32) -> Figures {
    let (conf, context) = (conf().expect("properties"), context());
    let profile = ResourceProfile::default_from(&conf).expect("a profile");
    let start = processor_time();
    let stamp = PodStamp::build(&conf, &context, &profile).expect("a pod");
    for executor in 1..=pods {
        black_box(stamp.stamp(ExecutorId(u64::from(executor)), u128::from(executor)));
    }
    let time = processor_time().saturating_sub(start).as_secs_f64();
    figures([("with_json_us", time * 1e6 / f64::from(pods))])
}

/// The first half only warms the JVM up.
fn stock(programs: &Programs, pods: u32) -> Figures {
    let context = context();
    let driver = context.driver_pod.expect("a driver pod");
    let mut jvm = programs
        .java(&programs.stock, "StockBuild")
        .args([pods.to_string(), context.app_id, driver.name, driver.uid])
        .env("SPARK_USER", context.spark_user)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Java starts");
    let mut input = jvm.stdin.take().expect("piped");
    input
        .write_all(write(&properties(), "", "").as_bytes())
        .expect("StockBuild reads");
    drop(input);
    let output = jvm.wait_with_output().expect("StockBuild ends");
    assert!(output.status.success(), "StockBuild failed");
    let text = String::from_utf8_lossy(&output.stdout);
    let (build, with_json) = text.trim().split_once(' ').expect("two numbers");
    let number = |text: &str| text.parse().expect("a number");
    figures([("build_us", number(build)), ("with_json_us", number(with_json))])
}
