//! Watches: how they begin, what they say and how they end.

use std::time::Duration;

use crate::plan::{CallId, CallResult, FailureClass, Outcome, WatchEvent};

use super::cluster::refuse;
use super::{APP, Happening, Sim, unreachable};

/// How often the API server says up to where a watch has come.
const BOOKMARKS: Duration = Duration::from_mins(1);

/// An open watch on the server's side.
#[derive(Debug)]
pub(super) struct Connection {
    /// The last version that was put on the wire.
    sent: u64,
    /// Events arrive in order.
    last: Duration,
}

impl Sim {
    pub(super) fn open_watch(&mut self, call: CallId, version: Option<&str>) {
        let refused = match version {
            Some(version) => {
                let version = version.parse().unwrap_or(0);
                self.cluster.events_since(version).err()
            }
            None if self.faults.no_streaming_lists => {
                Some(refuse(FailureClass::Invalid, "sendInitialEvents is forbidden"))
            }
            None => None,
        };
        if let Some(failure) = refused {
            let delay = self.latency();
            let result = CallResult::Watch(Outcome::Failed(failure));
            self.later(delay, Happening::Answer(call, result));
            return;
        }
        let sent = version.map_or(self.cluster.version(), |version| version.parse().unwrap_or(0));
        self.watches.insert(call, Connection { sent, last: self.now });
        if version.is_none() {
            self.send_list(call);
        }
        self.later(BOOKMARKS, Happening::Bookmark(call));
        self.cut_watch(call);
        self.publish();
    }

    /// A watch may end within seconds.
    pub(super) fn cut_watch(&mut self, call: CallId) {
        if self.rng.u32(0..100) < self.faults.drop_watch {
            let delay = Duration::from_millis(self.rng.u64(0..20_000));
            let outcome = match self.rng.u32(0..3) {
                0 => Outcome::Done(()),
                1 => Outcome::Failed(refuse(FailureClass::Gone, "too old resource version")),
                _ => Outcome::Unknown(unreachable()),
            };
            self.later(delay, Happening::EndWatch(call, outcome));
        }
    }

    /// The list at the beginning of a watch: the pods in no order of their versions, and its end.
    fn send_list(&mut self, call: CallId) {
        let mut pods: Vec<_> = self.cluster.of_app(APP).collect();
        self.rng.shuffle(&mut pods);
        for pod in pods {
            let event = WatchEvent::Applied {
                pod: Box::new(pod),
                resource_version: "0".to_owned(),
            };
            self.say(call, event);
        }
        let resource_version = self.cluster.version().to_string();
        self.say(call, WatchEvent::Listed { resource_version });
    }

    /// Puts an event on the wire, behind those before it.
    fn say(&mut self, call: CallId, event: WatchEvent) {
        let latency = self.latency();
        let now = self.now;
        if let Some(connection) = self.watches.get_mut(&call).filter(|_| !self.silent) {
            connection.last = connection.last.max(now + latency);
            let delay = connection.last.saturating_sub(now);
            if self.faults.duplicate > 0 && self.rng.u32(0..100) < self.faults.duplicate {
                self.count("duplicate events");
                self.later(delay, Happening::Event(call, event.clone()));
            }
            self.later(delay, Happening::Event(call, event));
        }
    }

    /// It is time for a bookmark.
    pub(super) fn bookmark(&mut self, call: CallId) {
        if let Some(connection) = self.watches.get(&call) {
            let resource_version = connection.sent.to_string();
            self.say(call, WatchEvent::Bookmark { resource_version });
            self.later(BOOKMARKS, Happening::Bookmark(call));
        }
    }

    /// What has changed is seen: by who tends the cluster, and on every open watch.
    pub(super) fn publish(&mut self) {
        self.tend();
        self.publish_claims();
        let version = self.cluster.version();
        let behind = self.watches.iter().filter(|(_, watch)| watch.sent < version);
        let behind: Vec<_> = behind.map(|(call, watch)| (*call, watch.sent)).collect();
        for (call, sent) in behind {
            let Ok(events) = self.cluster.events_since(sent) else {
                let outcome = Outcome::Failed(refuse(FailureClass::Gone, "too old"));
                self.later(Duration::ZERO, Happening::EndWatch(call, outcome));
                continue;
            };
            for (version, event) in events {
                self.say(call, event);
                if let Some(connection) = self.watches.get_mut(&call) {
                    connection.sent = version;
                }
            }
        }
    }
}
