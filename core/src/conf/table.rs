//! The rows of the table together.

use super::key::KeyInfo;
use super::keys::{allocation, cluster, executor, spark, stoker, submit};
use super::value::Kind;

/// The rows by group, with the title of the group on the reference page.
pub(super) const GROUPS: [(&str, &[&KeyInfo]); 6] = [
    ("Stoker", stoker::TABLE),
    ("Cluster", cluster::TABLE),
    ("Executor pods", executor::TABLE),
    ("Allocation", allocation::TABLE),
    ("Spark", spark::TABLE),
    ("Submission and driver", submit::TABLE),
];

/// Every row of the table.
pub fn all() -> impl Iterator<Item = &'static KeyInfo> {
    GROUPS.iter().flat_map(|(_, rows)| rows.iter().copied())
}

/// The row of a name as it stands in a configuration: of the key with this name, or of the group it belongs to.
pub fn find(name: &str) -> Option<&'static KeyInfo> {
    all()
        .find(|info| info.name() == name && info.kind() != Kind::Prefix)
        .or_else(|| {
            all().find(|info| {
                info.kind() == Kind::Prefix && name.len() > info.name().len() && name.starts_with(info.name())
            })
        })
}
