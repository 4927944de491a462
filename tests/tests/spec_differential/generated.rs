//! Cases that nobody wrote: pairs of settings, and random configurations.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::case::Case;
use crate::compare::compare;
use crate::fragments::{BASE, FRAGMENTS, FREE_TEXT, Fragment, HOSTILE, NAMES};
use crate::stock::Stock;

/// Pairs that are compared with each version; all pairs are some two thousand.
const PAIRS: usize = 250;

/// For how long random configurations are drawn for each version.
const USUAL_SECONDS: u64 = 5;

/// The usual seed: what is compared with each change is the same, so that a difference comes from the change.
const USUAL_SEED: u64 = 20_261_121;

/// `STOKER_SEED`: a number, or `random` to look for what nobody has looked at.
pub(crate) fn seed() -> u64 {
    match std::env::var("STOKER_SEED").as_deref() {
        Err(_) => USUAL_SEED,
        Ok("random") => fastrand::u64(..),
        Ok(text) => text.parse().unwrap(),
    }
}

/// `STOKER_DIFF_SECONDS` is for how long random configurations are drawn.
fn time_to_draw() -> Duration {
    let seconds = std::env::var("STOKER_DIFF_SECONDS").map_or(USUAL_SECONDS, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}

/// Compares pairs of fragments, or all of them where there is more than the usual time.
pub(crate) fn compare_pairs(stock: &mut Stock, rng: &mut Rng) -> Vec<String> {
    let mut pairs: Vec<(Fragment, Fragment)> = FRAGMENTS
        .iter()
        .enumerate()
        .flat_map(|(index, first)| FRAGMENTS[index + 1..].iter().map(move |second| (*first, *second)))
        .collect();
    rng.shuffle(&mut pairs);
    if time_to_draw() <= Duration::from_secs(USUAL_SECONDS) {
        pairs.truncate(PAIRS);
    }
    pairs
        .into_iter()
        .filter_map(|(first, second)| failure(stock, Entries::of([BASE, first, second])))
        .collect()
}

/// Draws configurations until the time is over or three differ.
pub(crate) fn compare_random(stock: &mut Stock, rng: &mut Rng) -> Vec<String> {
    let end = Instant::now() + time_to_draw();
    std::iter::from_fn(|| (Instant::now() < end).then(|| Entries::random(rng)))
        .filter_map(|entries| failure(stock, entries))
        .take(3)
        .collect()
}

/// Where stock and Stoker differ on the entries, with as few of them as still differ.
fn failure(stock: &mut Stock, mut entries: Entries) -> Option<String> {
    let mut difference = entries.difference(stock)?;
    // Without one of the base the difference would become another one.
    let is_base = |key: &String| BASE.iter().any(|(base, _)| base == key);
    let keys: Vec<String> = entries.0.keys().filter(|key| !is_base(key)).cloned().collect();
    for key in keys {
        let mut fewer = entries.clone();
        fewer.0.remove(&key);
        if let Some(smaller) = fewer.difference(stock) {
            (entries, difference) = (fewer, smaller);
        }
    }
    let lines: Vec<String> = entries
        .0
        .iter()
        .map(|(key, value)| format!("  {key} = {value:?}"))
        .collect();
    Some(format!(
        "== Spark {}, generated:\n{}\n{difference}",
        stock.version(),
        lines.join("\n")
    ))
}

#[derive(Debug, Clone)]
struct Entries(BTreeMap<String, String>);

impl Entries {
    fn of(fragments: impl IntoIterator<Item = Fragment>) -> Entries {
        let entries = fragments.into_iter().flatten();
        Entries(
            entries
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    /// A few fragments, and free texts with hostile values.
    fn random(rng: &mut Rng) -> Entries {
        let count = rng.usize(0..12);
        let fragments = rng.choose_multiple(FRAGMENTS, count);
        let mut entries = Entries::of([BASE].into_iter().chain(fragments.into_iter().copied()));
        for _ in 0..rng.usize(0..6) {
            let key = rng
                .choice(FREE_TEXT)
                .unwrap()
                .replace('*', rng.choice(NAMES).unwrap());
            let parts = rng.usize(1..4);
            let value = (0..parts).map(|_| *rng.choice(HOSTILE).unwrap()).collect();
            entries.0.insert(key, value);
        }
        entries
    }

    fn difference(&self, stock: &mut Stock) -> Option<String> {
        let mut case = Case::new(self.0.clone());
        case.may_be_refused = true;
        let theirs = stock.build(&case);
        compare(&case, stock, &theirs).err()
    }
}
