//! What the events say of the executors; whatever is told twice or out of order fails at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The pod of an executor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) uid: String,
}

#[derive(Debug, Default)]
pub(crate) struct Executors {
    pub(crate) created: BTreeMap<u64, Pod>,
    running: BTreeSet<u64>,
    /// With the kind of the loss.
    pub(crate) lost: BTreeMap<u64, String>,
    /// Told as lost because their create never came to anything; they have no pod.
    pub(crate) never_made: BTreeSet<u64>,
    pub(crate) released: BTreeSet<u64>,
}

impl Executors {
    pub(crate) fn take(&mut self, event: &Value) {
        let kind = event["event"].as_str().unwrap_or_default();
        if kind == "waiting" {
            return;
        }
        let id = event["executorId"].as_u64().expect("events name executors");
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let pod = Pod {
            name: text("pod"),
            uid: text("uid"),
        };
        let ended = self.has_ended(id);
        let first = match kind {
            "created" => !ended && self.created.insert(id, pod.clone()).is_none(),
            "running" => !ended && self.created.contains_key(&id) && self.running.insert(id),
            "lost" if pod.uid.is_empty() => {
                !ended && !self.created.contains_key(&id) && self.never_made.insert(id)
            }
            "lost" => {
                assert_eq!(
                    event["cause"]["appCaused"], false,
                    "nothing here is the application's doing: {event}"
                );
                let kind = event["cause"]["kind"].as_str().unwrap_or_default();
                !ended && self.lost.insert(id, kind.to_owned()).is_none()
            }
            "released" => !ended && self.released.insert(id),
            _ => false,
        };
        assert!(first, "told twice or out of order: {event}");
        if !pod.uid.is_empty() {
            assert_eq!(
                self.created.get(&id),
                Some(&pod),
                "another pod than the one created: {event}"
            );
        }
    }

    fn has_ended(&self, id: u64) -> bool {
        self.lost.contains_key(&id) || self.released.contains(&id) || self.never_made.contains(&id)
    }

    /// The pods of the executors that run.
    pub(crate) fn live(&self) -> BTreeSet<&Pod> {
        self.running
            .iter()
            .filter(|id| !self.has_ended(**id))
            .map(|id| &self.created[id])
            .collect()
    }

    pub(crate) fn live_count(&self) -> usize {
        self.running.iter().filter(|id| !self.has_ended(**id)).count()
    }

    /// The executors with these pods.
    pub(crate) fn ids_of(&self, pods: &BTreeSet<String>) -> BTreeSet<u64> {
        self.created
            .iter()
            .filter(|(_, pod)| pods.contains(&pod.name))
            .map(|(id, _)| *id)
            .collect()
    }

    pub(crate) fn lost_ids(&self) -> BTreeSet<u64> {
        self.lost.keys().copied().collect()
    }
}
