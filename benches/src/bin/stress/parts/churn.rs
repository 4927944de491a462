//! Half of the executors are lost at once.

use std::thread;
use std::time::{Duration, Instant};

use stoker_benches::results::{Figures, Key};

use super::figures;
use crate::audit;
use crate::field::{Field, app, pods_of, tune};

const DEADLINE: Duration = Duration::from_mins(5);
/// Whoever makes too many has made them by then.
const AFTER: Duration = Duration::from_secs(5);

pub(super) fn measure(field: &Field, key: &Key) -> Figures {
    let app = app(key);
    let executors = key.case.executors;
    let (all, losses) = (executors as usize, executors / 2);
    let mut properties = field.cluster.properties(&app);
    tune(key.case.who, &mut properties, executors);
    let follow = field.follow(&app);
    let audit = field.audit();
    let mut driver = field.driver(key.case.who, &app, properties, executors);
    assert!(
        follow.wait(DEADLINE, |seen| seen.live() >= all),
        "{}",
        driver.end_of_log()
    );
    driver.say(&format!("register 1 {losses}"));

    let began = Instant::now();
    let prefix = pods_of(&app);
    let lost = (1..=losses).map(|id| format!("{prefix}{id}"));
    field.runtime.block_on(field.api.delete_pods(lost));
    let deleted = began.elapsed();
    let gone = losses as usize;
    let back = follow.wait(DEADLINE, |seen| seen.lost().len() >= gone && seen.live() >= all);
    let back_after = began.elapsed();
    assert!(back, "{}", driver.end_of_log());
    thread::sleep(AFTER);
    driver.stop();
    let created = audit::creates(&audit.calls(), &pods_of(&app))["creates"];
    let most = u32::try_from(follow.seen().most()).unwrap_or(u32::MAX);
    field.clear(&app);
    figures([
        ("deleted_s", deleted.as_secs_f64()),
        ("back_s", back_after.as_secs_f64()),
        ("most", f64::from(most)),
        ("creates", created),
        ("too_many", created - f64::from(executors + losses)),
    ])
}
