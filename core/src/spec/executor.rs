//! The texts of a pod that are another's for another executor.

use super::names;
use super::steps::local_dirs::LocalDirs;
use crate::ids::ExecutorId;

/// Where these texts come from. No step may decide anything on them: the pod is built once with marks and then
/// filled in for each executor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Executor<'a> {
    /// An executor with its number and random bits that no other executor has.
    Real {
        prefix: &'a str,
        id: ExecutorId,
        seed: u128,
    },
    /// Every executor of a controller: it asks the driver for its number.
    Template { prefix: &'a str, seed: u128 },
    /// Stand-ins: the code of a text between two of this character.
    Marked(char),
}

/// What executors take for "ask the driver".
const TEMPLATE_ID: &str = "EXECID";

/// Codes of the texts; that of a single local directory is its index.
pub(super) const ID: &str = "id";
pub(super) const NAME: &str = "name";
pub(super) const HOSTNAME: &str = "host";
pub(super) const DIRS: &str = "dirs";

impl Executor<'_> {
    pub(super) fn id(&self) -> String {
        match self {
            Executor::Real { id, .. } => id.to_string(),
            Executor::Template { .. } => TEMPLATE_ID.to_owned(),
            Executor::Marked(mark) => between(*mark, ID),
        }
    }

    /// Name of the pod.
    pub(super) fn pod_name(&self) -> String {
        match self {
            Executor::Real { prefix, id, .. } => names::pod_name(prefix, *id),
            Executor::Template { prefix, .. } => format!("{prefix}-exec-{TEMPLATE_ID}"),
            Executor::Marked(mark) => between(*mark, NAME),
        }
    }

    pub(super) fn hostname(&self) -> String {
        match self {
            Executor::Real { .. } | Executor::Template { .. } => names::hostname(&self.pod_name()),
            Executor::Marked(mark) => between(*mark, HOSTNAME),
        }
    }

    /// The local directories in this executor's order.
    pub(super) fn dirs(&self, local_dirs: &LocalDirs) -> Vec<String> {
        match self {
            Executor::Real { seed, .. } | Executor::Template { seed, .. } => local_dirs.of_executor(*seed),
            Executor::Marked(mark) => match local_dirs {
                LocalDirs::Fixed(dirs) => dirs.clone(),
                _ => (0..local_dirs.len())
                    .map(|index| between(*mark, &index.to_string()))
                    .collect(),
            },
        }
    }

    /// Those with commas between them.
    pub(super) fn joined_dirs(&self, local_dirs: &LocalDirs) -> String {
        match (self, local_dirs) {
            (Executor::Marked(mark), LocalDirs::PerExecutor | LocalDirs::Shuffled(_)) => between(*mark, DIRS),
            _ => self.dirs(local_dirs).join(","),
        }
    }
}

fn between(mark: char, code: &str) -> String {
    format!("{mark}{code}{mark}")
}
