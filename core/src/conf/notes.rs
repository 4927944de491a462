//! What is worth telling about a valid configuration.

use std::fmt;

use super::key::{KeyInfo, Status};
use super::spelling::closest;
use super::version::Release;
use super::{Conf, keys};

const WATCHED: &str = "pods are watched and listed only after the watch broke; lists in intervals come with \
     spark.kubernetes.executor.enableApiWatcher=false";
const UNSEEN: &str = "without a watch only lists show what becomes of executors";

/// Something in a configuration that has no effect, or not the name it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A deprecated name is used.
    Deprecated {
        /// The name.
        key: String,
        /// The name it has now.
        instead: &'static str,
        /// Whether that is set as well, so that the deprecated name does not count.
        overridden: bool,
    },
    /// The key has no effect in Stoker.
    NoEffect {
        /// The key.
        key: String,
        /// Why.
        reason: &'static str,
    },
    /// The key came with a later version of Spark.
    TooNew {
        /// The key.
        key: String,
        /// The first version that knows it.
        since: Release,
    },
    /// Neither Spark nor Stoker has such a key.
    Unknown {
        /// The key.
        key: String,
        /// The key that is probably meant.
        closest: Option<String>,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deprecated {
                key,
                instead,
                overridden: false,
            } => write!(f, "{key} is deprecated, use {instead}"),
            Self::Deprecated {
                key,
                instead,
                overridden: true,
            } => {
                write!(f, "{key} is deprecated and does not count, for {instead} is set")
            }
            Self::NoEffect { key, reason } => write!(f, "{key} has no effect in Stoker: {reason}"),
            Self::TooNew {
                key,
                since: (major, minor, patch),
            } => {
                write!(f, "{key} has no effect before Spark {major}.{minor}.{patch}")
            }
            Self::Unknown { key, closest } => {
                write!(
                    f,
                    "{key} is not a key that Spark or Stoker know and has no effect; "
                )?;
                match closest {
                    Some(closest) => write!(f, "did you mean {closest}?"),
                    None => write!(f, "is it misspelt?"),
                }
            }
        }
    }
}

impl Conf {
    /// What is worth a line in the log, in the order of the keys. Only keys of the table are looked at, and names that
    /// begin with `spark.kubernetes.` or `spark.stoker.`.
    pub fn notes(&self) -> Vec<Note> {
        self.iter().filter_map(|(name, _)| self.note(name)).collect()
    }

    fn note(&self, name: &str) -> Option<Note> {
        let key = name.to_owned();
        if let Some(info) = keys::all().find(|info| info.alternatives().contains(&name)) {
            let overridden = self.raw(info.name()).is_some();
            return Some(Note::Deprecated {
                key,
                instead: info.name(),
                overridden,
            });
        }
        let Some(info) = keys::find(name) else {
            let ours = name.starts_with("spark.kubernetes.") || name.starts_with("spark.stoker.");
            return ours.then(|| Note::Unknown {
                closest: closest(name, self.version().release()),
                key,
            });
        };
        match info.status() {
            Status::Ignored(reason) => Some(Note::NoEffect { key, reason }),
            _ if let Some(reason) = self.no_polling(info) => Some(Note::NoEffect { key, reason }),
            _ if !info.exists_in(self.version().release()) => Some(Note::TooNew {
                key,
                since: info.since(),
            }),
            Status::Built => None,
        }
    }

    /// Why a key of the lists in intervals has no effect.
    fn no_polling(&self, info: &KeyInfo) -> Option<&'static str> {
        let switch = keys::EXECUTOR_ENABLE_API_POLLING.info();
        let polling = [
            switch,
            keys::EXECUTOR_API_POLLING_INTERVAL.info(),
            keys::EXECUTOR_POLLING_WITH_RESOURCE_VERSION.info(),
        ];
        if !polling.iter().any(|key| key.name() == info.name()) {
            return None;
        }
        if self.get(&keys::EXECUTOR_ENABLE_API_WATCHER).unwrap_or(true) {
            return Some(WATCHED);
        }
        let off = info.name() == switch.name() && self.get(&keys::EXECUTOR_ENABLE_API_POLLING) == Ok(false);
        off.then_some(UNSEEN)
    }
}
