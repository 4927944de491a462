//! The invariants on random histories.
//!
//! `STOKER_HISTORIES` says how many, for all properties together. Their seed is always the same, so that a red run means a
//! change; `STOKER_SEED=random` looks further, and `STOKER_SEED` with a number repeats such a run. A history that breaks a
//! property is shrunk, printed and kept in `tests/regressions`; what is kept there is replayed first. `make histories`
//! runs many, with the core optimised and all checks of a debug build.

#![expect(clippy::print_stderr, reason = "a test")]

mod counting;
mod histories;
mod properties;
mod scenario;

use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use histories::{Regression, Tally};

/// Without `STOKER_HISTORIES`: enough for a look while one works.
const USUAL: u32 = 500;
/// Without `STOKER_SEED`.
const USUAL_SEED: u64 = 1;

fn from_env<T: std::str::FromStr>(name: &str, otherwise: T) -> Result<T, String> {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("{name}={text} is not a number that fits")),
        Err(_) => Ok(otherwise),
    }
}

fn trials(histories: u32, seed: u64, tally: &Arc<Tally>) -> std::io::Result<Vec<Trial>> {
    let mut trials = counting::trials();
    for (name, regression) in Regression::all()? {
        trials.push(Trial::test(format!("regression::{name}"), move || {
            regression.replay(&Tally::default()).map_err(Into::into)
        }));
    }
    // In parts, so that all cores have something to do until the end.
    let parts = 4 * u32::try_from(properties::ALL.len()).unwrap_or(u32::MAX);
    for part in 0..4_u32 {
        for (index, property) in properties::ALL.into_iter().enumerate() {
            let tally = Arc::clone(tally);
            let seed = seed.wrapping_add(index as u64 + 100 * u64::from(part));
            let count = histories.div_ceil(parts);
            trials.push(Trial::test(format!("{}::{part}", property.name), move || {
                histories::search_and_keep(property, count, seed, &tally).map_err(Into::into)
            }));
        }
    }
    Ok(trials)
}

fn main() -> Result<(), String> {
    let args = Arguments::from_args();
    let histories = from_env("STOKER_HISTORIES", USUAL)?;
    let seed = match std::env::var("STOKER_SEED").as_deref() {
        Ok("random") => fastrand::u64(..1_000_000_000),
        _ => from_env("STOKER_SEED", USUAL_SEED)?,
    };
    let tally = Arc::new(Tally::default());
    let trials = trials(histories, seed, &tally).map_err(|error| error.to_string())?;
    eprintln!("STOKER_SEED={seed} STOKER_HISTORIES={histories}");
    let all = args.filter.is_none() && !args.list && args.skip.is_empty();
    let conclusion = libtest_mimic::run(&args, trials);
    eprintln!("{}", tally.summary());
    conclusion.exit_if_failed();
    if all {
        counting::check(&tally.totals(), u64::from(histories))?;
    }
    Ok(())
}
