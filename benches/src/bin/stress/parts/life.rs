//! A driver gets its executors, keeps them for a while, and lets them all go: memory, CPU, API calls, bytes, and how long the
//! going takes.

use std::thread;
use std::time::{Duration, Instant};

use stoker_benches::results::{Figures, Key, Who};

use super::figures;
use crate::audit;
use crate::field::{Field, app, by_way_of, pods_of, tune};
use crate::jvm::{processor_seconds, resident_bytes};

/// Until the JVM has done what it does at the start anyway.
const SETTLE: Duration = Duration::from_secs(5);
/// CPU is counted for so long from the moment the executors are wanted; stock lists all pods every half of it.
const WINDOW: Duration = Duration::from_mins(1);
/// How long it may take until all executors are there, or gone.
const DEADLINE: Duration = Duration::from_mins(5);

pub(super) fn measure(field: &Field, key: &Key) -> Figures {
    let app = app(key);
    let executors = key.case.executors;
    let who = key.case.who;
    let all = executors as usize;
    let mut properties = field.cluster.properties(&app);
    tune(who, &mut properties, executors);
    let relay = field.relay(Duration::ZERO);
    by_way_of(&mut properties, &relay);

    let follow = field.follow(&app);
    let mut driver = field.driver(who, &app, properties, 1);
    assert!(
        follow.wait(DEADLINE, |seen| seen.live() == 1),
        "{}",
        driver.end_of_log()
    );
    thread::sleep(SETTLE);

    let audit = field.audit();
    let (sent, received) = relay.bytes();
    let cpu = processor_seconds(driver.id());
    let began = Instant::now();
    driver.say(&format!("total {executors}"));
    assert!(
        follow.wait(DEADLINE, |seen| seen.live() >= all),
        "{}",
        driver.end_of_log()
    );
    thread::sleep(WINDOW.saturating_sub(began.elapsed()));
    let cpu = processor_seconds(driver.id()) - cpu;
    let heap = driver.heap();
    let outside = resident_bytes(driver.id());

    // All but the first, which was there before the calls were counted. Executors that have not registered would go without
    // being killed.
    driver.say(&format!("register 1 {executors}"));
    let began = Instant::now();
    driver.say("total 1");
    driver.say(&format!("kill 2 {executors}"));
    assert!(
        follow.wait(DEADLINE, |seen| seen.live() <= 1),
        "{}",
        driver.end_of_log()
    );
    let gone = began.elapsed();
    thread::sleep(SETTLE);

    let calls = audit.calls();
    let (sent_now, received_now) = relay.bytes();
    driver.stop();
    #[expect(clippy::cast_precision_loss, reason = "far less than 2^52 bytes")]
    let mut measured = figures([
        ("cpu_s", cpu),
        ("heap_bytes", heap),
        ("resident_bytes", outside),
        ("gone_s", gone.as_secs_f64()),
        ("sent_bytes", (sent_now - sent) as f64),
        ("received_bytes", (received_now - received) as f64),
        ("most", follow.seen().most() as f64),
    ]);
    measured.extend(audit::creates(&calls, &pods_of(&app)));
    let agent = if who == Who::Stoker { "stoker/" } else { "fabric8" };
    for (call, count) in audit::count(&calls, agent) {
        measured.insert(format!("calls {call}"), f64::from(count));
    }
    field.clear(&app);
    measured
}
