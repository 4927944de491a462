//! Runs properties on many histories, counts them, and keeps what breaks one.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde::{Deserialize, Serialize};
use stoker_core::sim::Sim;

use crate::properties::{self, Check, Property};
use crate::scenario::{Scenario, scenarios};

/// Progress is told after so many histories.
const TELL_EVERY: u64 = 20_000;

/// What was run.
pub(crate) struct Tally {
    begun: Instant,
    totals: Mutex<Totals>,
}

/// Sums over all histories that came to their end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) histories: u64,
    pub(crate) calls: u64,
    pub(crate) notices: u64,
    /// What went wrong, and how often.
    pub(crate) troubles: BTreeMap<&'static str, u64>,
    /// Digests of what the plan did.
    digests: HashSet<u64>,
}

impl Totals {
    /// Histories that are not the same as another.
    pub(crate) fn distinct(&self) -> usize {
        self.digests.len()
    }
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            begun: Instant::now(),
            totals: Mutex::default(),
        }
    }
}

impl Tally {
    /// Counts a history that was run.
    pub(crate) fn add(&self, sim: &Sim) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.histories += 1;
        totals.calls += sim.actions.len() as u64;
        totals.notices += sim.notices.len() as u64;
        totals.digests.insert(sim.digest());
        for (trouble, times) in &sim.tally {
            *totals.troubles.entry(trouble).or_default() += times;
        }
        if totals.histories.is_multiple_of(TELL_EVERY) {
            let seconds = self.begun.elapsed().as_secs_f64();
            eprintln!("{} histories after {seconds:.0} s", totals.histories);
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// In one line, and a second with what went wrong.
    pub(crate) fn summary(&self) -> String {
        let totals = self.totals();
        let seconds = self.begun.elapsed().as_secs_f64();
        let troubles: Vec<_> = totals
            .troubles
            .iter()
            .map(|(what, times)| format!("{what} {times}"))
            .collect();
        format!(
            "{} histories, {} different, {} calls, {} notices in {seconds:.0} s\nTroubles: {}",
            totals.histories,
            totals.distinct(),
            totals.calls,
            totals.notices,
            troubles.join(", ")
        )
    }
}

/// A history that breaks a property, as it is kept in `tests/regressions`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Regression {
    pub(crate) property: String,
    pub(crate) scenario: Scenario,
}

impl Regression {
    pub(crate) fn directory() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("regressions")
    }

    /// All that are kept, by the names of their files.
    pub(crate) fn all() -> std::io::Result<Vec<(String, Regression)>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(Self::directory())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let regression = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
                let name = path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                all.push((name, regression));
            }
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(all)
    }

    /// Runs its property once more.
    pub(crate) fn replay(&self, tally: &Tally) -> Result<(), String> {
        let property = properties::ALL.iter().find(|p| p.name == self.property);
        let property = property.ok_or_else(|| format!("there is no property {}", self.property))?;
        (property.check)(&self.scenario, tally)
    }
}

/// The shortest history that was found to break a property.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) scenario: Scenario,
    pub(crate) message: String,
}

/// Draws so many histories from a seed; stops at the first that breaks the property, and shrinks it.
pub(crate) fn search(check: Check, count: u32, seed: u64, tally: &Tally) -> Result<(), Box<Broken>> {
    let config = Config {
        cases: count,
        failure_persistence: None,
        max_shrink_time: 30_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&scenarios(), |scenario| {
        check(&scenario, tally).map_err(TestCaseError::fail)
    });
    outcome.map_err(|error| {
        Box::new(match error {
            TestError::Fail(reason, scenario) => Broken {
                scenario,
                message: reason.message().to_owned(),
            },
            TestError::Abort(reason) => Broken {
                scenario: Scenario::default(),
                message: format!("no histories: {reason}"),
            },
        })
    })
}

/// Looks for a history that breaks a property, and keeps it as a regression.
pub(crate) fn search_and_keep(
    property: Property,
    count: u32,
    seed: u64,
    tally: &Tally,
) -> Result<(), String> {
    search(property.check, count, seed, tally).map_err(|broken| {
        let Broken { scenario, message } = *broken;
        let regression = Regression {
            property: property.name.to_owned(),
            scenario,
        };
        let kept = serde_json::to_string_pretty(&regression).map_or_else(
            |error| format!("not kept: {error}"),
            |json| {
                let path = Regression::directory().join(format!("{}-{seed:x}.json", property.name));
                match std::fs::write(&path, format!("{json}\n")) {
                    Ok(()) => format!("kept as {}", path.display()),
                    Err(error) => format!("not kept as {}: {error}", path.display()),
                }
            },
        );
        format!("{message}\n{regression:#?}\n{kept}")
    })
}
