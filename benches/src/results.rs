//! What has been measured: one JSON object a line, kept in a file so that a run can be interrupted.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::statistics::median;

/// What kind of measurement; several parts of the report may read the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Executor pods made as fast as possible.
    Creates,
    /// `stoker allocate` alone: its memory with so many executors.
    Native,
    /// A driver gets its executors, keeps them, and lets them go.
    Life,
    /// Executors that are lost one after the other.
    Losses,
    /// Half of the executors lost at once.
    Churn,
    /// The plan alone.
    Plan,
    /// Calls between the JVM and the native library.
    Jni,
    /// Pods built, without a cluster.
    Pods,
}

impl Kind {
    /// In the order in which they are measured.
    pub const ALL: [Kind; 8] = [
        Kind::Creates,
        Kind::Native,
        Kind::Life,
        Kind::Losses,
        Kind::Churn,
        Kind::Plan,
        Kind::Jni,
        Kind::Pods,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Creates => "creates",
            Kind::Native => "native memory",
            Kind::Life => "life of a driver",
            Kind::Losses => "losses",
            Kind::Churn => "churn",
            Kind::Plan => "plan",
            Kind::Jni => "JNI",
            Kind::Pods => "pods built",
        })
    }
}

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Connections that POST.
    Raw,
    /// Stoker.
    Stoker,
    /// Stock Spark as it comes.
    Stock,
    /// Stock Spark with `batch.size` of all executors and `batch.delay` of a second.
    StockTuned,
}

impl Who {
    /// In the order of the report.
    pub const ALL: [Who; 4] = [Who::Raw, Who::Stoker, Who::Stock, Who::StockTuned];

    /// Whether it is stock Spark, tuned or not.
    pub fn is_stock(self) -> bool {
        matches!(self, Who::Stock | Who::StockTuned)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Who::Raw => "raw API server",
            Who::Stoker => "Stoker",
            Who::Stock => "stock Spark",
            Who::StockTuned => "stock Spark, tuned",
        })
    }
}

/// What is measured, in all rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Case {
    /// The kind of measurement.
    pub kind: Kind,
    /// Number of executors.
    pub executors: u32,
    /// Milliseconds that a proxy adds to the way to the API server and back; `None` without a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<u32>,
    /// Who is measured.
    pub who: Who,
}

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// What is measured.
    #[serde(flatten)]
    pub case: Case,
    /// Counts from 1.
    pub round: u32,
}

impl Key {
    /// What is measured once, without a proxy.
    pub fn first(kind: Kind, who: Who, executors: u32) -> Self {
        let case = Case {
            kind,
            executors,
            latency: None,
            who,
        };
        Self { case, round: 1 }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case {
            kind,
            executors,
            latency,
            who,
        } = self.case;
        write!(f, "{kind}: {who}, {executors} executors, ")?;
        if let Some(latency) = latency {
            write!(f, "{latency} ms away, ")?;
        }
        write!(f, "round {}", self.round)
    }
}

/// What a measurement gave: figures by name, with the unit in the name.
pub type Figures = BTreeMap<String, f64>;

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    key: Key,
    figures: Figures,
}

/// All measurements.
#[derive(Debug, Default)]
pub struct Results {
    path: PathBuf,
    all: BTreeMap<Key, Figures>,
}

impl Results {
    /// Reads the file, if there is one.
    pub fn open(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other?,
        };
        Ok(Self {
            path: path.to_owned(),
            all: parse(&text),
        })
    }

    /// Results that are in no file.
    pub fn of(measured: impl IntoIterator<Item = (Key, Figures)>) -> Self {
        Self {
            path: PathBuf::new(),
            all: measured.into_iter().collect(),
        }
    }

    /// Whether this was measured before.
    pub fn has(&self, key: &Key) -> bool {
        self.all.contains_key(key)
    }

    /// Keeps what was measured.
    pub fn add(&mut self, key: Key, figures: Figures) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        let line = serde_json::to_string(&Line {
            key,
            figures: figures.clone(),
        })?;
        writeln!(file, "{line}")?;
        self.all.insert(key, figures);
        Ok(())
    }

    /// The cases that have been measured.
    pub fn cases(&self, kind: Kind) -> Vec<Case> {
        let mut cases: Vec<Case> = self
            .all
            .keys()
            .map(|key| key.case)
            .filter(|case| case.kind == kind)
            .collect();
        cases.dedup();
        cases
    }

    /// The rounds of what was measured most often.
    pub fn most_rounds(&self, kind: Kind) -> Option<u32> {
        let rounds = self
            .all
            .keys()
            .filter(|key| key.case.kind == kind)
            .map(|key| key.round);
        rounds.max()
    }

    /// A figure in each round that has it.
    pub fn rounds(&self, case: Case, figure: &str) -> BTreeMap<u32, f64> {
        self.all
            .iter()
            .filter(|(key, _)| key.case == case)
            .filter_map(|(key, figures)| Some((key.round, *figures.get(figure)?)))
            .collect()
    }

    /// A figure's values in all rounds.
    pub fn values(&self, case: Case, figure: &str) -> Vec<f64> {
        self.rounds(case, figure).into_values().collect()
    }

    /// The median of a figure's rounds.
    pub fn median(&self, case: Case, figure: &str) -> Option<f64> {
        median(&self.values(case, figure))
    }

    /// The median of the ratios of two cases that were measured in the same rounds: what the machine did meanwhile met both.
    pub fn paired_ratio(&self, of: Case, to: Case, figure: &str) -> Option<f64> {
        let others = self.rounds(to, figure);
        let ratios: Vec<f64> = self
            .rounds(of, figure)
            .into_iter()
            .filter_map(|(round, value)| Some(value / others.get(&round)?))
            .collect();
        median(&ratios)
    }

    /// The names of a case's figures that begin so, without that beginning.
    pub fn names(&self, case: Case, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .all
            .iter()
            .filter(|(key, _)| key.case == case)
            .flat_map(|(_, figures)| figures.keys())
            .filter_map(|name| name.strip_prefix(prefix).map(str::to_owned))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The last line of a run that was killed may be cut: it is measured again.
fn parse(text: &str) -> BTreeMap<Key, Figures> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        .map(|line| (line.key, line.figures))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(who: Who, round: u32) -> Key {
        let case = Case {
            kind: Kind::Creates,
            executors: 100,
            latency: Some(50),
            who,
        };
        Key { case, round }
    }

    fn rate(value: f64) -> Figures {
        Figures::from([("rate".to_owned(), value)])
    }

    #[test]
    fn a_run_goes_on_where_it_was_interrupted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.jsonl");
        let mut results = Results::open(&path).unwrap();
        results.add(key(Who::Raw, 1), rate(7.5)).unwrap();
        results.add(key(Who::Stoker, 1), rate(8.5)).unwrap();
        let cut = fs::read_to_string(&path).unwrap();
        fs::write(&path, &cut[..cut.len() - 5]).unwrap();

        let again = Results::open(&path).unwrap();
        assert!(again.has(&key(Who::Raw, 1)));
        assert!(!again.has(&key(Who::Stoker, 1)));
        assert_eq!(again.values(key(Who::Raw, 1).case, "rate"), [7.5]);
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let results = Results::of([
            (key(Who::Stoker, 1), rate(10.0)),
            (key(Who::Stoker, 2), rate(30.0)),
            (key(Who::Stoker, 3), rate(1000.0)),
            (key(Who::Raw, 1), rate(10.0)),
            (key(Who::Raw, 2), rate(20.0)),
        ]);
        let (ours, raw) = (key(Who::Stoker, 1).case, key(Who::Raw, 1).case);
        assert_eq!(results.paired_ratio(ours, raw, "rate"), Some(1.25));
        assert_eq!(results.median(ours, "rate"), Some(30.0));
        assert_eq!(results.paired_ratio(ours, raw, "none"), None);
    }
}
