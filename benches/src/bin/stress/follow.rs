//! What a plain watch shows of an application's executors, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::api::Api;

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What has been seen of executors' pods.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    live: BTreeSet<u64>,
    /// When each was first seen deleted or failed, in milliseconds since 1970.
    lost: BTreeMap<u64, f64>,
    most: usize,
    /// The latest resource version, from which a watch that the API server has ended goes on.
    version: u64,
}

/// One line of a watch.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Pod,
}

#[derive(Debug, Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    #[serde(default)]
    phase: String,
}

impl Seen {
    fn line(&mut self, line: &[u8], now: f64) {
        let event: Event = serde_json::from_slice(line).expect("an event of a watch");
        let version = event.object.metadata.resource_version.parse();
        self.version = self.version.max(version.expect("resource versions are numbers"));
        let id = event.object.metadata.labels.get("spark-exec-id");
        let id = id.and_then(|id| id.parse().ok()).expect("an executor's pod");
        if event.kind == "DELETED" || matches!(event.object.status.phase.as_str(), "Failed" | "Succeeded") {
            self.live.remove(&id);
            self.lost.entry(id).or_insert(now);
        } else {
            self.live.insert(id);
            self.most = self.most.max(self.live.len());
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.live.len()
    }

    /// The most that have lived at once.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    pub(crate) fn lost(&self) -> &BTreeMap<u64, f64> {
        &self.lost
    }
}

/// A watch; ends with the value.
pub(crate) struct Follow {
    seen: Arc<Mutex<Seen>>,
    watch: JoinHandle<()>,
}

impl Follow {
    /// Follows an application.
    pub(crate) fn start(runtime: &Handle, api: &Arc<Api>, app: &str) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let first = runtime.block_on(api.watch(app, None));
        let watch = runtime.spawn({
            let (seen, api, app) = (Arc::clone(&seen), Arc::clone(api), app.to_owned());
            async move {
                let mut body = first;
                loop {
                    read(&seen, body).await;
                    let version = lock(&seen).version;
                    body = api
                        .watch(&app, Some(version).filter(|version| *version > 0))
                        .await;
                }
            }
        });
        Self { seen, watch }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    /// Waits for a condition, at most so long; whether it came.
    pub(crate) fn wait(&self, most: Duration, condition: impl Fn(&Seen) -> bool) -> bool {
        let deadline = Instant::now() + most;
        while !condition(&self.seen()) {
            assert!(!self.watch.is_finished(), "the watch has ended");
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        true
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Until the API server ends the watch, which it may at any time.
async fn read(seen: &Mutex<Seen>, mut body: Incoming) {
    let mut rest = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let now = now();
        let Ok(data) = frame.into_data() else { continue };
        rest.extend_from_slice(&data);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else {
            continue;
        };
        let tail = rest.split_off(end + 1);
        let mut seen = lock(seen);
        for line in rest.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            seen.line(line, now);
        }
        drop(seen);
        rest = tail;
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds since 1970.
pub(crate) fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock after 1970").as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, id: u32, phase: &str) -> Vec<u8> {
        let labels = serde_json::json!({"spark-exec-id": id.to_string()});
        let metadata = serde_json::json!({"resourceVersion": (10 - id).to_string(), "labels": labels});
        let event =
            serde_json::json!({"type": kind, "object": {"metadata": metadata, "status": {"phase": phase}}});
        serde_json::to_vec(&event).unwrap()
    }

    #[test]
    fn a_loss_counts_from_its_first_event() {
        let mut seen = Seen::default();
        for (at, line) in [
            (1.0, event("ADDED", 1, "Pending")),
            (2.0, event("ADDED", 2, "Pending")),
            (3.0, event("MODIFIED", 1, "Running")),
            (4.0, event("MODIFIED", 1, "Failed")),
            (5.0, event("DELETED", 1, "Failed")),
            (6.0, event("ADDED", 3, "Pending")),
            (7.0, event("DELETED", 2, "Running")),
        ] {
            seen.line(&line, at);
        }
        assert_eq!(seen.live(), 1);
        assert_eq!(seen.most(), 2);
        assert_eq!(seen.version, 9);
        assert_eq!(*seen.lost(), BTreeMap::from([(1, 4.0), (2, 7.0)]));
    }
}
