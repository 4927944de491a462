//! Loss detection: from the API server's event to Spark's `removeExecutor`.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use stoker_benches::results::{Figures, Key};
use stoker_benches::statistics::percentile;

use super::figures;
use crate::field::{Field, app, pods_of, tune};

const DEADLINE: Duration = Duration::from_mins(5);
/// Between two losses.
const PACE: Duration = Duration::from_millis(50);
/// What the driver's endpoint says on level debug before it does anything.
const REMOVE: &str = "Asked to remove executor ";

pub(super) fn measure(field: &Field, key: &Key) -> Figures {
    let app = app(key);
    let executors = key.case.executors;
    let losses = executors / 2;
    let mut properties = field.cluster.properties(&app);
    tune(key.case.who, &mut properties, executors);
    let follow = field.follow(&app);
    let mut driver = field.driver(key.case.who, &app, properties, executors);
    let all = executors as usize;
    assert!(
        follow.wait(DEADLINE, |seen| seen.live() >= all),
        "{}",
        driver.end_of_log()
    );
    driver.say(&format!("register 1 {losses}"));

    let prefix = pods_of(&app);
    for id in 1..=losses {
        let began = Instant::now();
        let pod = format!("{prefix}{id}");
        field.runtime.block_on(async {
            if id % 2 == 0 {
                field.api.delete_pod(&pod).await;
            } else {
                field.api.fail_pod(&pod).await;
            }
        });
        thread::sleep(PACE.saturating_sub(began.elapsed()));
    }
    let deadline = Instant::now() + DEADLINE;
    let removed = loop {
        let removed = removed(&driver.log());
        if (1..=u64::from(losses)).all(|id| removed.contains_key(&id)) {
            break removed;
        }
        assert!(Instant::now() < deadline, "{} of {losses} losses", removed.len());
        thread::sleep(PACE);
    };
    driver.stop();
    field.clear(&app);
    let millis = delays(follow.seen().lost(), &removed);
    let at = |share| percentile(&millis, share).unwrap_or(f64::NAN);
    figures([
        ("p50_ms", at(0.5)),
        ("p99_ms", at(0.99)),
        ("most_ms", at(1.0)),
        ("losses", f64::from(losses)),
    ])
}

/// When Spark was first asked to remove each executor, in milliseconds since 1970.
fn removed(log: &str) -> BTreeMap<u64, f64> {
    let mut removed = BTreeMap::new();
    for line in log.lines() {
        let Some((before, after)) = line.split_once(REMOVE) else {
            continue;
        };
        let time = before.split(' ').next().and_then(|time| time.parse().ok());
        let id = after.split(' ').next().and_then(|id| id.parse().ok());
        if let (Some(time), Some(id)) = (time, id) {
            removed.entry(id).or_insert(time);
        }
    }
    removed
}

/// The log knows no fraction of a millisecond: nothing came before its event.
fn delays(lost: &BTreeMap<u64, f64>, removed: &BTreeMap<u64, f64>) -> Vec<f64> {
    removed
        .iter()
        .filter_map(|(id, removed)| Some((removed - lost.get(id)?.floor()).max(0.0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_from_the_event_to_the_first_request() {
        let log = "1000 DEBUG KubernetesDriverEndpoint: Asked to remove executor 1 with reason gone\n\
                   1009 DEBUG KubernetesDriverEndpoint: Asked to remove executor 1 with reason again\n\
                   at something that is no line of the log\n\
                   1020 DEBUG KubernetesDriverEndpoint: Asked to remove executor 2 with reason gone\n";
        let removed = removed(log);
        assert_eq!(removed, BTreeMap::from([(1, 1000.0), (2, 1020.0)]));
        let lost = BTreeMap::from([(1, 1000.4), (2, 1015.0), (3, 1.0)]);
        assert_eq!(delays(&lost, &removed), [0.0, 5.0]);
    }
}
