//! What has been measured, kept in a file so that a run can be interrupted.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::contenders::Contender;

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) executors: u32,
    pub(crate) contender: Contender,
    pub(crate) round: u32,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key {
            executors,
            contender,
            round,
        } = self;
        write!(f, "{contender}: {executors} executors, round {round}")
    }
}

/// What it gave.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Creates per second, from the first request to the last answer by the API server's account.
    pub(crate) rate: f64,
    /// Creates within that time.
    pub(crate) creates: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    measured: Measured,
}

/// All measurements.
pub(crate) struct Results {
    path: PathBuf,
    all: BTreeMap<Key, Measured>,
}

impl Results {
    /// Reads the file, if there is one.
    pub(crate) fn open(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let all = text
            .lines()
            // The last line of a run that was killed may be cut.
            .filter_map(|line| serde_json::from_str::<Line>(line).ok())
            .map(|line| (line.key, line.measured))
            .collect();
        Self {
            path: path.to_owned(),
            all,
        }
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.all.contains_key(key)
    }

    pub(crate) fn add(&mut self, key: Key, measured: Measured) {
        let line = Line {
            key: key.clone(),
            measured,
        };
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .expect("the file of results is written");
        let line = serde_json::to_string(&line).expect("a result is JSON");
        writeln!(file, "{line}").expect("the file of results is written");
        self.all.insert(key, measured);
    }

    /// The rates of these measurements, in ascending order.
    pub(crate) fn rates(&self, contender: Contender, executors: u32) -> Vec<f64> {
        let mut rates: Vec<_> = self
            .all
            .iter()
            .filter(|(key, _)| key.contender == contender && key.executors == executors)
            .map(|(_, measured)| measured.rate)
            .collect();
        rates.sort_by(f64::total_cmp);
        rates
    }

    /// The rate in a round.
    pub(crate) fn rate(&self, contender: Contender, executors: u32, round: u32) -> Option<f64> {
        let key = Key {
            executors,
            contender,
            round,
        };
        self.all.get(&key).map(|measured| measured.rate)
    }
}
