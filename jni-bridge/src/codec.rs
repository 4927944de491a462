//! Messages between Java and Rust: JSON as UTF-8 bytes, all of one version.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stoker_core::plan::Notice;
use stoker_core::shell::metrics::Report;

use crate::ABI_VERSION;

/// Why a message or an argument cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodecError {
    /// Java passed `null`.
    #[error("{0} is null")]
    Null(&'static str),
    /// Not JSON, or not of the message's shape.
    #[error("{what} cannot be read")]
    Unreadable {
        /// Which message.
        what: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The start message is of another release.
    #[error(
        "the Stoker jar speaks version {theirs} of the native interface, libstoker_jni.so speaks version \
         {ABI_VERSION}: put the jar and the library of one release into the image"
    )]
    Version {
        /// What the message says.
        theirs: i64,
    },
    /// A number outside of its range.
    #[error("{what} is {value}: it must not be {rule}")]
    Range {
        /// Which argument.
        what: &'static str,
        /// Its value.
        value: i64,
        /// What it must not be.
        rule: &'static str,
    },
    /// Arrays that belong together differ in length.
    #[error("{profiles} profile ids came with {counts} counts: each profile needs one count")]
    Lengths {
        /// Length of the profile ids.
        profiles: usize,
        /// Length of the counts.
        counts: usize,
    },
    /// A message of ours could not be written.
    #[error("{what} cannot be written")]
    Unwritable {
        /// Which message.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Argument of `start`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StartMessage {
    /// Version of the sender, checked by [`start`].
    #[expect(dead_code, reason = "read through Envelope")]
    abi: i64,
    /// Every entry of the `SparkConf`.
    pub(crate) conf: Entries,
    /// For example `4.3.0`.
    pub(crate) spark_version: String,
    /// `spark.app.id`
    pub(crate) app_id: String,
    /// Value of `SPARK_USER` in executors.
    pub(crate) spark_user: String,
    /// Secret of `spark.authenticate`, where it is made by the driver.
    #[serde(default)]
    pub(crate) auth_secret: Option<Secret>,
    /// Master URL.
    pub(crate) master: String,
    /// Text of `spark.kubernetes.executor.podTemplateFile`, where it is set.
    #[serde(default)]
    pub(crate) pod_template: Option<String>,
    /// The system properties of the JVM.
    #[serde(default)]
    pub(crate) system_properties: Entries,
}

/// Entries of a configuration or of the system properties. Values may be secrets: not shown.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Entries(pub(crate) BTreeMap<String, String>);

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries", self.0.len())
    }
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The part of a start message that every version has.
#[derive(Deserialize)]
struct Envelope {
    abi: i64,
}

/// Reads a start message, first of all its version.
pub(crate) fn start(bytes: &[u8]) -> Result<StartMessage, CodecError> {
    const WHAT: &str = "the start message";
    let Envelope { abi } = decode(WHAT, bytes)?;
    if abi == i64::from(ABI_VERSION) {
        decode(WHAT, bytes)
    } else {
        Err(CodecError::Version { theirs: abi })
    }
}

/// Reads a message.
pub(crate) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, CodecError> {
    serde_json::from_slice(bytes).map_err(|source| CodecError::Unreadable { what, source })
}

/// Writes a batch of notices.
pub(crate) fn notices(batch: &[Notice]) -> Result<Vec<u8>, CodecError> {
    encode("a batch of notices", &batch)
}

/// Writes a report.
pub(crate) fn metrics(report: &Report) -> Result<Vec<u8>, CodecError> {
    encode("the metrics", &report.to_json())
}

fn encode<T: Serialize>(what: &'static str, message: &T) -> Result<Vec<u8>, CodecError> {
    serde_json::to_vec(message).map_err(|source| CodecError::Unwritable { what, source })
}

/// Pairs profile ids with counts.
pub(crate) fn targets(profiles: &[i32], counts: &[i32]) -> Result<Vec<(u32, u32)>, CodecError> {
    if profiles.len() != counts.len() {
        return Err(CodecError::Lengths {
            profiles: profiles.len(),
            counts: counts.len(),
        });
    }
    profiles
        .iter()
        .zip(counts)
        .map(|(&profile, &count)| Ok((natural("a profile id", profile)?, natural("a count", count)?)))
        .collect()
}

fn natural(what: &'static str, value: i32) -> Result<u32, CodecError> {
    u32::try_from(value).map_err(|_| CodecError::Range {
        what,
        value: value.into(),
        rule: "negative",
    })
}

/// A number that Java holds in a `long` and that is never negative.
pub(crate) fn unsigned(what: &'static str, value: i64) -> Result<u64, CodecError> {
    u64::try_from(value).map_err(|_| CodecError::Range {
        what,
        value,
        rule: "negative",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stoker_core::plan::{ExecutorId, LossCause, LossKind, ProfileId};

    use super::*;

    fn message() -> serde_json::Value {
        json!({
            "abi": ABI_VERSION, "conf": {"spark.a": "hunter2"}, "sparkVersion": "4.3.0", "appId": "spark-1",
            "sparkUser": "root", "authSecret": "hunter2", "master": "k8s://https://api",
            "systemProperties": {"user.home": "/root", "password": "hunter2"},
        })
    }

    fn read(message: &serde_json::Value) -> Result<StartMessage, CodecError> {
        start(message.to_string().as_bytes())
    }

    #[test]
    fn a_start_message_is_read() {
        let message = read(&message()).unwrap();
        assert_eq!(message.conf.0["spark.a"], "hunter2");
        assert_eq!(message.spark_version, "4.3.0");
        assert_eq!(message.app_id, "spark-1");
        assert_eq!(message.spark_user, "root");
        assert_eq!(message.auth_secret, Some(Secret("hunter2".to_owned())));
        assert_eq!(message.master, "k8s://https://api");
        assert_eq!(message.system_properties.0["user.home"], "/root");
    }

    #[test]
    fn secrets_and_properties_may_be_absent() {
        let mut message = message();
        message["authSecret"] = serde_json::Value::Null;
        message.as_object_mut().unwrap().remove("systemProperties");
        let message = read(&message).unwrap();
        assert_eq!(message.auth_secret, None);
        assert!(message.system_properties.0.is_empty());
    }

    #[test]
    fn a_message_does_not_show_secrets() {
        let shown = format!("{:?}", read(&message()).unwrap());
        assert!(shown.contains("spark-1") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn the_version_is_looked_at_before_the_shape() {
        let error = start(br#"{"abi": 700, "of": "another release"}"#).unwrap_err();
        assert!(matches!(error, CodecError::Version { theirs: 700 }), "{error}");
    }

    #[test]
    fn unknown_fields_are_refused() {
        let mut message = message();
        message["appid"] = json!("x");
        assert!(matches!(
            read(&message),
            Err(CodecError::Unreadable {
                what: "the start message",
                ..
            })
        ));
    }

    #[test]
    fn targets_are_pairs_of_natural_numbers() {
        assert_eq!(targets(&[0, 3], &[2, 0]).unwrap(), [(0, 2), (3, 0)]);
        assert!(matches!(
            targets(&[1], &[]),
            Err(CodecError::Lengths {
                profiles: 1,
                counts: 0
            })
        ));
        assert!(matches!(
            targets(&[1], &[-1]),
            Err(CodecError::Range { value: -1, .. })
        ));
        assert!(matches!(
            targets(&[i32::MIN], &[1]),
            Err(CodecError::Range { .. })
        ));
    }

    #[test]
    fn a_notice_is_an_object_with_its_type() {
        let cause = LossCause {
            kind: LossKind::OomKilled,
            message: "out of memory".to_owned(),
            exit_code: 137,
            app_caused: true,
        };
        let lost = Notice::Lost {
            executor_id: ExecutorId(4),
            profile: ProfileId(0),
            pod: "app-exec-4".to_owned(),
            uid: "u".to_owned(),
            cause,
        };
        let batch: serde_json::Value = decode("notices", &notices(&[Notice::Ready, lost]).unwrap()).unwrap();
        let expected = json!([
            {"type": "ready"},
            {"type": "lost", "executorId": 4, "profile": 0, "pod": "app-exec-4", "uid": "u", "cause":
                {"kind": "oomKilled", "message": "out of memory", "exitCode": 137, "appCaused": true}},
        ]);
        assert_eq!(batch, expected);
    }
}
