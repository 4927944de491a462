//! What the API server says of creates.

use std::fs::File;
use std::io::{BufRead as _, BufReader};

use jiff::Timestamp;
use serde::Deserialize;

use crate::results::Measured;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    object_ref: Option<Object>,
    response_status: Option<Status>,
    request_received_timestamp: Timestamp,
    stage_timestamp: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Object {
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

/// The creates of pods whose names begin so: from the first request to the last answer.
pub(crate) fn creates(log: &str, name_prefix: &str) -> Measured {
    let file = BufReader::new(File::open(log).expect("the audit log"));
    let mut first = Timestamp::MAX;
    let mut last = Timestamp::MIN;
    let mut creates = 0;
    for line in file
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.contains(name_prefix))
    {
        // A line without an end is still being written.
        let Ok(event) = serde_json::from_str::<Event>(&line) else {
            continue;
        };
        let made = event.verb == "create"
            && event.response_status.is_some_and(|status| status.code == 201)
            && event.object_ref.is_some_and(|object| {
                object.resource == "pods"
                    && object.subresource.is_empty()
                    && object.name.starts_with(name_prefix)
            });
        if made {
            creates += 1;
            first = first.min(event.request_received_timestamp);
            last = last.max(event.stage_timestamp);
        }
    }
    assert!(creates > 1, "no executors were made");
    Measured {
        rate: f64::from(creates) / last.duration_since(first).as_secs_f64(),
        creates,
    }
}
