use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::plan::Plan;
use crate::shell::allocator::tests::{Created, STEPS, server, settings};
use crate::shell::clock::Clock;
use crate::shell::outbox::Outbox;
use crate::shell::plan_config::plan_config;
use crate::shell::pod_factory::PodFactory;
use crate::shell::pods::PodApi;
use crate::shell::run::Command;

/// Lines of the log, shared with the subscriber that writes them.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    /// How often it was said that executors wait, and what last.
    fn reminders(&self) -> (usize, Option<String>) {
        let text = self.0.lock().unwrap();
        let mut lines = text.lines().filter(|line| line.contains("executors wait for"));
        (lines.clone().count(), lines.next_back().map(str::to_owned))
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The request that the loop has made, as soon as it has made it.
async fn request(outbox: &Outbox) -> u64 {
    loop {
        let notices = outbox.take(Duration::ZERO).expect("an open outbox");
        if let Some(Notice::Request { request_id, .. }) = notices.first() {
            return *request_id;
        }
        tokio::task::yield_now().await;
    }
}

/// Lets virtual time go on, with all that happens in it.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_answers_is_told_after_30_seconds_and_each_minute() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    let _log = tracing::subscriber::set_default(subscriber);
    let settings = settings(&[STEPS]);
    let factory = PodFactory::new(&settings).unwrap();
    let prefix = factory.pod_name_prefix();
    let config = plan_config(&settings.conf, &settings.app_id, prefix, factory.prepares(), 1).unwrap();
    let client = server(&Created::default(), |_| {});
    let pods = PodApi::new(client, "default", &settings.app_id, Duration::from_secs(5));
    let clock = Clock::start();
    let outbox = Arc::new(Outbox::new(settings.notices));
    let (started, start) = oneshot::channel();
    let (commands, receiver) = mpsc::channel(8);
    let plan = Plan::new(config, clock.now());
    let running = Loop::new(plan, factory, None, pods, Arc::clone(&outbox), clock, started);
    let running = tokio::spawn(running.run(receiver));
    start.await.unwrap().unwrap();

    let targets = vec![(ProfileId(0), 3)];
    commands.send(Command::SetTargets(targets)).await.unwrap();
    let id = request(&outbox).await;
    pass(29).await;
    assert_eq!(log.reminders(), (0, None));
    pass(2).await;
    let (count, line) = log.reminders();
    let line = line.unwrap_or_default();
    assert_eq!(count, 1);
    for part in [
        "executors=3",
        "waited=30",
        "com.acme.A, com.acme.B",
        "featureSteps",
    ] {
        assert!(line.contains(part), "{part} is not in {line:?}");
    }
    pass(58).await;
    assert_eq!(log.reminders().0, 1);
    pass(2).await;
    assert_eq!(log.reminders().0, 2);

    let (taken, answered) = oneshot::channel();
    let answer = Command::Answer(id, json!({"error": "too late"}), taken);
    commands.send(answer).await.unwrap();
    assert!(answered.await.unwrap());
    pass(600).await;
    assert_eq!(log.reminders().0, 2, "nobody waits any more");

    commands
        .send(Command::Stop(Duration::from_secs(8)))
        .await
        .unwrap();
    running.await.unwrap();
}
