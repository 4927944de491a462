//! Calls between the JVM and the native library, with the allocator and a cluster behind it.

use std::thread;
use std::time::Duration;

use stoker_benches::results::{Figures, Key};

use super::figures;
use crate::field::{Field, app};
use crate::jvm::Jvm;

/// `ABI_VERSION` of the library that is measured.
const ABI: i32 = 2;
const DEADLINE: Duration = Duration::from_mins(2);
/// Until all losses are noticed.
const SETTLE: Duration = Duration::from_secs(5);

pub(super) fn measure(field: &Field, key: &Key) -> Figures {
    let app = app(key);
    let executors = key.case.executors;
    let properties = field.cluster.properties(&app);
    let start = serde_json::json!({
        "abi": ABI, "conf": properties, "sparkVersion": "4.3.0", "appId": app, "sparkUser": "spark",
        "master": properties["spark.master"],
    });
    let command = field
        .programs
        .java(&field.programs.stoker, "io.stoker.spark.JniCost");
    let follow = field.follow(&app);
    let mut jvm = Jvm::start(command, &field.log(&app), Some(&start.to_string()));
    jvm.say(&format!("targets {executors}"));
    let all = executors as usize;
    assert!(
        follow.wait(DEADLINE, |seen| seen.live() == all),
        "{}",
        jvm.end_of_log()
    );
    let [mean, median, p99] = numbers(&jvm.say(&format!("cost {executors}")));
    // What is lost is not replaced: nothing but losses happens.
    jvm.say("targets 0");
    field.clear(&app);
    assert!(
        follow.wait(DEADLINE, |seen| seen.lost().len() == all),
        "{}",
        jvm.log()
    );
    thread::sleep(SETTLE);
    let [taken, batches, nanos] = numbers(&jvm.say(&format!("notices {executors}")));
    jvm.stop();
    figures([
        ("targets_mean_ns", mean),
        ("targets_p50_ns", median),
        ("targets_p99_ns", p99),
        ("notices", taken),
        ("notices_per_batch", taken / batches),
        ("batch_ns", nanos / batches),
    ])
}

fn numbers(answer: &str) -> [f64; 3] {
    let mut words = answer.split(' ').map(str::parse);
    std::array::from_fn(|_| words.next().and_then(Result::ok).expect("three numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_three_numbers() {
        assert_eq!(numbers("1 20 300 done").to_vec(), vec![1.0, 20.0, 300.0]);
    }
}
