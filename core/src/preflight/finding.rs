//! What is told to the user.

use serde::Serialize;

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Could not be found out, mostly for want of a right that a run does not need.
    Unknown,
    /// A run works, but not as well as it could, or not in every case.
    Warning,
    /// A run fails, or never gets what it asks for.
    Error,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Area {
    /// Spark's properties and the pod that is built from them.
    Configuration,
    /// The API server, TLS, credentials and the namespace.
    Access,
    /// RBAC.
    Rights,
    /// Objects that the executor pod names.
    References,
    /// What the API server says to the pod: validation, defaults, policies, webhooks.
    Admission,
    /// Resource quotas.
    Quota,
    /// Nodes that could run an executor.
    Nodes,
    /// Objects that nobody owns.
    Orphans,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How it is to be taken.
    pub level: Level,
    /// What it is about.
    pub area: Area,
    /// What was found, in one line.
    pub what: String,
    /// Why it is so, or what follows from it.
    pub why: String,
    /// What the user can do, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(area: Area, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            area,
            what: what.into(),
            why: why.into(),
            fix: None,
        }
    }

    /// Not as it should be, or not known.
    pub fn new(
        level: Level,
        area: Area,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            level,
            area,
            what: what.into(),
            why: why.into(),
            fix: Some(fix.into()),
        }
    }
}
