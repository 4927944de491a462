//! Proves that the count of histories is one of simulations that were run, and that they are about something.

use std::sync::atomic::{AtomicU64, Ordering};

use libtest_mimic::{Failed, Trial};

use crate::histories::{Tally, Totals, search};
use crate::properties;

/// From so many histories on, every kind of trouble must have come.
const ALL_TROUBLES_BY: u64 = 1000;

/// What the model makes go wrong.
const TROUBLES: [&str; 18] = [
    "answers lost",
    "application ended",
    "applied late",
    "claim quota",
    "continue token gone",
    "deleted before the answer",
    "duplicate events",
    "node lost",
    "outage",
    "preempted",
    "quota",
    "refused",
    "requests lost",
    "restart",
    "storm",
    "suspended",
    "watch gone",
    "webhook",
];

/// Whether as many histories were run as were asked for, and whether they differ and have all kinds of trouble.
pub(crate) fn check(totals: &Totals, wanted: u64) -> Result<(), String> {
    if totals.histories < wanted {
        return Err(format!(
            "only {} of {wanted} histories were run",
            totals.histories
        ));
    }
    // Histories without any executor are much alike.
    if (totals.distinct() as u64) < totals.histories / 10 * 9 {
        return Err(format!(
            "only {} of {} histories differ",
            totals.distinct(),
            totals.histories
        ));
    }
    let missing: Vec<_> = TROUBLES
        .into_iter()
        .filter(|trouble| !totals.troubles.contains_key(trouble))
        .collect();
    if wanted >= ALL_TROUBLES_BY && !missing.is_empty() {
        return Err(format!("no history had: {}", missing.join(", ")));
    }
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("every_history_that_is_counted_was_run", every_history_is_run),
        Trial::test("a_history_that_breaks_is_found_and_shrunk", what_breaks_is_shrunk),
        Trial::test("too_few_histories_are_an_error", too_few_are_an_error),
    ]
}

fn every_history_is_run() -> Result<(), Failed> {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let tally = Tally::default();
    let outcome = search(
        |scenario, tally| {
            let before = tally.totals();
            properties::converges_and_falls_silent(scenario, tally)?;
            let after = tally.totals();
            // It is counted once, and its calls are those of a simulation of its own.
            if after.histories != before.histories + 1 || after.calls <= before.calls {
                return Err(format!("{before:?} and then {after:?}"));
            }
            RUNS.fetch_add(1, Ordering::Relaxed);
            Ok(())
        },
        30,
        1,
        &tally,
    );
    if let Err(broken) = outcome {
        return Err(broken.message.into());
    }
    let totals = tally.totals();
    if (RUNS.load(Ordering::Relaxed), totals.histories) != (30, 30) || totals.distinct() < 27 {
        return Err(format!("{RUNS:?} of {totals:?}").into());
    }
    Ok(())
}

fn what_breaks_is_shrunk() -> Result<(), Failed> {
    let outcome = search(
        |scenario, _| {
            if scenario.ops.len() > 3 {
                Err("too long".to_owned())
            } else {
                Ok(())
            }
        },
        1000,
        1,
        &Tally::default(),
    );
    match outcome {
        Err(broken) if broken.message == "too long" && broken.scenario.ops.len() == 4 => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn too_few_are_an_error() -> Result<(), Failed> {
    match check(&Totals::default(), 1) {
        Err(message) if message.contains("only 0 of 1") => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}
