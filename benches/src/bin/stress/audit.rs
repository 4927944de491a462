//! What the API server says of the calls made to it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use stoker_benches::results::Figures;

/// A call, as the API server records it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    stage: String,
    verb: String,
    #[serde(default)]
    user_agent: String,
    object_ref: Option<Object>,
    response_status: Option<Status>,
    request_received_timestamp: Timestamp,
    stage_timestamp: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Object {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
struct Status {
    code: u16,
}

impl Call {
    fn makes_pod(&self, name_prefix: &str) -> bool {
        self.verb == "create"
            && self
                .response_status
                .as_ref()
                .is_some_and(|status| status.code == 201)
            && self.object_ref.as_ref().is_some_and(|object| {
                object.resource == "pods"
                    && object.subresource.is_empty()
                    && object.name.starts_with(name_prefix)
            })
    }

    /// A watch is recorded twice, when it begins and when it ends.
    fn is_end_of_watch(&self) -> bool {
        self.verb == "watch" && self.stage == "ResponseComplete"
    }
}

/// What is written to the audit log from some moment on.
pub(crate) struct Audit {
    path: PathBuf,
    from: u64,
}

impl Audit {
    /// From now on.
    pub(crate) fn now(path: &str) -> Self {
        let from = std::fs::metadata(path).expect("the audit log").len();
        Self {
            path: path.into(),
            from,
        }
    }

    /// All calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let mut file = File::open(&self.path).expect("the audit log");
        file.seek(SeekFrom::Start(self.from)).expect("the audit log");
        let mut text = Vec::new();
        file.read_to_end(&mut text).expect("the audit log");
        text.split(|byte| *byte == b'\n')
            // A line without an end is still being written.
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }
}

/// The creates of pods whose names begin so: how many, and how many per second from the first request to the last answer.
pub(crate) fn creates(calls: &[Call], name_prefix: &str) -> Figures {
    let made: Vec<&Call> = calls.iter().filter(|call| call.makes_pod(name_prefix)).collect();
    let first = made.iter().map(|call| call.request_received_timestamp).min();
    let last = made.iter().map(|call| call.stage_timestamp).max();
    let count = f64::from(u32::try_from(made.len()).unwrap_or(u32::MAX));
    let mut figures = Figures::from([("creates".to_owned(), count)]);
    if let (Some(first), Some(last)) = (first, last) {
        let seconds = last.duration_since(first).as_secs_f64();
        figures.insert("rate".to_owned(), count / seconds.max(1e-3));
    }
    figures
}

/// How often callers whose user agent begins so made each call: `create pods` and so on.
pub(crate) fn count(calls: &[Call], user_agent: &str) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for call in calls {
        let Some(object) = &call.object_ref else { continue };
        if call.user_agent.starts_with(user_agent) && !call.is_end_of_watch() {
            *counts
                .entry(format!("{} {}", call.verb, object.resource))
                .or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(verb: &str, stage: &str, name: &str, code: u16, from: u32, to: u32) -> Call {
        serde_json::from_value(serde_json::json!({
            "stage": stage, "verb": verb, "userAgent": "stoker/1",
            "objectRef": {"resource": "pods", "name": name}, "responseStatus": {"code": code},
            "requestReceivedTimestamp": format!("2026-01-01T00:00:0{from}Z"),
            "stageTimestamp": format!("2026-01-01T00:00:0{to}Z"),
        }))
        .unwrap()
    }

    #[test]
    fn creates_count_from_the_first_request_to_the_last_answer() {
        let calls = [
            call("create", "ResponseComplete", "a-exec-1", 201, 1, 2),
            call("create", "ResponseComplete", "a-exec-2", 201, 1, 3),
            call("create", "ResponseComplete", "a-exec-3", 201, 2, 3),
            call("create", "ResponseComplete", "a-exec-4", 201, 2, 3),
            call("create", "ResponseComplete", "a-exec-5", 409, 2, 9),
            call("create", "ResponseComplete", "b-exec-1", 201, 0, 9),
        ];
        let expected = [("creates", 4.0), ("rate", 2.0)].map(|(name, value)| (name.to_owned(), value));
        assert_eq!(creates(&calls, "a-exec-"), Figures::from(expected));
        assert!(!creates(&calls, "none").contains_key("rate"));
    }

    #[test]
    fn a_watch_is_one_call() {
        let calls = [
            call("watch", "ResponseStarted", "", 200, 1, 1),
            call("watch", "ResponseComplete", "", 200, 1, 2),
            call("list", "ResponseComplete", "", 200, 1, 2),
        ];
        let counts = count(&calls, "stoker/");
        assert_eq!(counts["watch pods"], 1);
        assert_eq!(counts["list pods"], 1);
        assert!(count(&calls, "fabric8").is_empty());
    }
}
