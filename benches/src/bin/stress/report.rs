//! The table of what was measured.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::contenders::Contender;
use crate::results::{Key, Results};

/// Creates per second: medians, and Stoker's ratio to each of the others.
pub(crate) fn creates(results: &Results, planned: &[Key]) -> String {
    let sizes: BTreeSet<u32> = planned.iter().map(|key| key.executors).collect();
    let mut text = String::from(
        "# Creates per second\n\nMedians of the rounds of one run, in brackets the least and the most, by the API server's audit log, from the first \
         request to the last answer. The raw API server gets the same bytes over the number of connections it does best \
         with.\n\n| Executors | Who | Creates per second | Stoker's ratio |\n|---|---|---|---|\n",
    );
    for executors in sizes {
        for contender in Contender::ALL {
            let rates = results.rates(contender, executors);
            let Some(middle) = median(&rates) else { continue };
            let ratio = match contender {
                Contender::Stoker => String::new(),
                // What the machine does meanwhile meets both of a pair.
                Contender::Raw => ratio_of_pairs(results, planned, executors)
                    .map_or_else(String::new, |r| format!("{r:.2}")),
                Contender::Stock | Contender::StockTuned => {
                    let ours = median(&results.rates(Contender::Stoker, executors));
                    ours.map_or_else(String::new, |ours| format!("{:.1}", ours / middle))
                }
            };
            let (least, most) = (rates[0], rates[rates.len() - 1]);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {executors} | {contender} | {middle:.1} ({least:.1} to {most:.1}) | {ratio} |"
            );
        }
    }
    text
}

fn ratio_of_pairs(results: &Results, planned: &[Key], executors: u32) -> Option<f64> {
    let rounds: BTreeSet<u32> = planned.iter().map(|key| key.round).collect();
    let rate = |contender, round| results.rate(contender, executors, round);
    let mut ratios: Vec<f64> = rounds
        .into_iter()
        .filter_map(|round| Some(rate(Contender::Stoker, round)? / rate(Contender::Raw, round)?))
        .collect();
    ratios.sort_by(f64::total_cmp);
    median(&ratios)
}

/// Of ascending numbers.
fn median(ascending: &[f64]) -> Option<f64> {
    let middle = ascending.len() / 2;
    match ascending {
        [] => None,
        all if all.len() % 2 == 1 => Some(all[middle]),
        all => Some(f64::midpoint(all[middle - 1], all[middle])),
    }
}
