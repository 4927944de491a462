//! What is to be measured, and in which order.

use clap::ValueEnum;

use crate::results::{Case, Key, Kind, Who};

/// A part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Part {
    /// Creates per second.
    A,
    /// The same with latency.
    B,
    /// Memory and CPU.
    C,
    /// API calls and bytes.
    D,
    /// Loss detection.
    E,
    /// Scale-down.
    F,
    /// Churn.
    G,
    /// JNI.
    I,
    /// Pods built.
    J,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Rounds of what stock Spark takes no part in.
    pub rounds: u32,
    /// Rounds of what it does.
    pub stock_rounds: u32,
    /// Larger numbers of executors are cut to this.
    pub most: u32,
}

/// Round-trip times that the proxy adds, in milliseconds. 0 is the proxy alone.
pub const LATENCIES: [u32; 3] = [0, 50, 150];

/// The cases of a part, each with its numbers of executors.
fn cases(part: Part) -> Vec<Case> {
    use Kind::{Churn, Creates, Jni, Life, Losses, Native, Pods};
    use Who::{Raw, Stock, StockTuned, Stoker};

    let direct = |kind, who, sizes: &[u32]| -> Vec<Case> {
        sizes
            .iter()
            .map(|&executors| Case {
                kind,
                executors,
                latency: None,
                who,
            })
            .collect()
    };
    match part {
        Part::A => [
            direct(Creates, Raw, &[100, 1000, 5000]),
            direct(Creates, Stoker, &[100, 1000, 5000]),
            direct(Creates, Stock, &[100, 1000]),
            direct(Creates, StockTuned, &[100, 1000]),
        ]
        .concat(),
        Part::B => LATENCIES
            .iter()
            .flat_map(|&latency| {
                let away = move |case| Case {
                    latency: Some(latency),
                    ..case
                };
                let ours = direct(Creates, Stoker, &[1000, 5000]);
                // Its own rate without latency is that of part a.
                let stock = if latency == 0 {
                    Vec::new()
                } else {
                    direct(Creates, StockTuned, &[1000])
                };
                ours.into_iter().chain(stock).map(away)
            })
            .collect(),
        Part::C => [
            direct(Native, Stoker, &[1, 1000, 3000, 10_000]),
            direct(Life, Stoker, &[1, 1000, 3000, 10_000]),
            direct(Life, StockTuned, &[1, 1000, 3000]),
        ]
        .concat(),
        Part::D => [direct(Life, Stoker, &[1000]), direct(Life, StockTuned, &[1000])].concat(),
        Part::E => [
            direct(Losses, Stoker, &[1000]),
            direct(Losses, StockTuned, &[1000]),
        ]
        .concat(),
        Part::F => [
            direct(Life, Stoker, &[1000, 5000]),
            direct(Life, StockTuned, &[1000]),
        ]
        .concat(),
        Part::G => [
            direct(Churn, Stoker, &[1000, 2000]),
            direct(Churn, StockTuned, &[1000]),
        ]
        .concat(),
        Part::I => direct(Jni, Stoker, &[1000]),
        Part::J => [direct(Pods, Stoker, &[10_000]), direct(Pods, Stock, &[10_000])].concat(),
    }
}

/// All measurements of these parts. Those who are compared take turns: what changes on the machine meanwhile changes for all.
pub fn schedule(parts: &[Part], extent: Extent) -> Vec<Key> {
    let mut keys = Vec::new();
    for case in parts.iter().flat_map(|part| cases(*part)) {
        let case = Case {
            executors: case.executors.min(extent.most),
            ..case
        };
        let rounds = match (case.kind, case.who) {
            (Kind::Creates, Who::Raw | Who::Stoker) | (Kind::Jni, _) => extent.rounds,
            _ => extent.stock_rounds,
        };
        keys.extend((1..=rounds).map(|round| Key { case, round }));
    }
    keys.sort_by_key(|key| {
        let Case {
            kind,
            executors,
            latency,
            who,
        } = key.case;
        (kind, executors, key.round, latency, who)
    });
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Extent = Extent {
        rounds: 5,
        stock_rounds: 3,
        most: u32::MAX,
    };

    #[test]
    fn those_who_are_compared_take_turns() {
        let keys = schedule(&[Part::A], FULL);
        let first: Vec<_> = keys.iter().take(8).map(|key| (key.round, key.case.who)).collect();
        let round = |round| Who::ALL.map(|who| (round, who));
        assert_eq!(first, [round(1), round(2)].concat());
        assert!(keys.iter().all(|key| !key.case.who.is_stock() || key.round <= 3));
        assert!(
            keys.iter()
                .any(|key| key.case.executors == 5000 && key.round == 5)
        );
    }

    #[test]
    fn what_two_parts_read_is_measured_once() {
        let both = schedule(&[Part::C, Part::D], FULL);
        assert_eq!(both, schedule(&[Part::C], FULL));
    }

    #[test]
    fn a_small_run_has_no_large_numbers_and_nothing_twice() {
        let small = Extent {
            rounds: 1,
            stock_rounds: 1,
            most: 100,
        };
        let keys = schedule(Part::value_variants(), small);
        assert!(keys.iter().all(|key| key.case.executors <= 100));
        let mut unique = keys.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), keys.len());
    }
}
