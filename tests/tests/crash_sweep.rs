//! The driver's process dies after every single API call of a story in turn: before the call has arrived, and when it
//! was applied and its answer is still on its way. The driver pod stays, so that everything made so far is still owned.
//! The next process comes to its target, has nothing run unseen, and its stop leaves nothing.

use std::time::Duration;

use stoker_core::plan::{ClaimOwner, PlanConfig};
use stoker_core::sim::Sim;
use stoker_core::sim::cluster::Fate;
use stoker_core::sim::ops::Op;

/// Executors that Spark wants after the crash.
const AFTERWARDS: u32 = 4;

/// What happens, each so many milliseconds after the one before.
struct Story {
    cfg: PlanConfig,
    claims_each: usize,
    ops: Vec<(u64, Op)>,
    /// Whether it ends with a stop.
    stops: bool,
}

impl Story {
    fn new(ops: impl IntoIterator<Item = (u64, Op)>) -> Self {
        Story {
            cfg: Sim::config(),
            claims_each: 0,
            ops: ops.into_iter().collect(),
            stops: false,
        }
    }

    fn with_claims(self, owner: ClaimOwner) -> Self {
        Story {
            cfg: PlanConfig {
                prepares: true,
                claim_owner: owner,
                ..self.cfg
            },
            claims_each: 2,
            ..self
        }
    }

    /// Plays until so many calls were sent, or to the end.
    fn play(&self, calls: usize) -> Sim {
        let mut sim = Sim::new(self.cfg.clone(), 1);
        sim.claims_each = self.claims_each;
        for (delay, op) in &self.ops {
            if play_until(&mut sim, *delay, calls) {
                return sim;
            }
            sim.perform(op);
        }
        if !play_until(&mut sim, 30_000, calls) && self.stops {
            sim.begin_stop(Duration::from_secs(10));
            play_until(&mut sim, 10_000, calls);
        }
        sim
    }
}

fn play_until(sim: &mut Sim, millis: u64, calls: usize) -> bool {
    let until = sim.now + Duration::from_millis(millis);
    while sim.actions.len() < calls {
        if !sim.step(until) {
            sim.now = until;
            return false;
        }
    }
    true
}

/// Lets the process die after each call of a story; returns how many calls it has.
fn sweep(story: &Story) -> usize {
    let all = story.play(usize::MAX);
    assert!(all.violations().is_empty(), "{:?}", all.violations());
    for calls in 1..=all.actions.len() {
        for arrived in [false, true] {
            let mut sim = story.play(calls);
            let last = sim.actions[calls - 1].1.clone();
            sim.restart_after(last.call(), arrived);
            sim.target(0, AFTERWARDS);
            sim.run(Duration::from_mins(15));
            sim.check.on_end(&sim.cluster);
            let wanted = AFTERWARDS as usize;
            let pods = (sim.alive(0), sim.cluster.pods.len(), sim.cluster.config_maps);
            let story = || {
                format!(
                    "died after call {calls}, {last:?}, arrived: {arrived}\n{}",
                    sim.tail()
                )
            };
            assert!(sim.violations().is_empty(), "{:?}\n{}", sim.violations(), story());
            assert_eq!(
                pods,
                (wanted, wanted, 1),
                "executors, pods and ConfigMaps, {}",
                story()
            );
            assert!(
                sim.cluster.claims.len() >= wanted * sim.claims_each,
                "{:?}, {}",
                sim.cluster.claims,
                story()
            );
            let in_time = sim.stop(Duration::from_secs(10));
            sim.run(Duration::from_mins(1));
            let left = (
                sim.cluster.pods.len(),
                sim.cluster.claims.len(),
                sim.cluster.config_maps,
            );
            assert!(
                in_time && left == (0, 0, 0) && sim.violations().is_empty(),
                "pods, claims and ConfigMaps are left: {left:?}, {:?}, call {calls}, {last:?}, {arrived}\n{}",
                sim.violations(),
                sim.tail()
            );
        }
    }
    all.actions.len()
}

#[test]
fn after_every_call_of_start_and_ramp() {
    let calls = sweep(&Story::new([(0, Op::Target(0, 10))]));
    assert_eq!(calls, 14, "driver pod, ConfigMap, list, watch, 10 creates");
}

#[test]
fn after_every_call_of_losses_and_their_replacements() {
    let calls = sweep(&Story::new([
        (0, Op::Target(0, 5)),
        (8000, Op::End(0, Fate::Oom)),
        (50, Op::End(1, Fate::Preempted)),
        (50, Op::DeletePod(2)),
        (500, Op::BreakWatch),
        (10, Op::End(3, Fate::Exit(0))),
        (200, Op::WatchGone),
    ]));
    assert!(calls > 4 + 5 + 4 + 3, "{calls}");
}

#[test]
fn after_every_call_of_kills_and_a_lowered_target() {
    let mut story = Story::new([
        (0, Op::Target(0, 6)),
        (8000, Op::Target(0, 3)),
        (0, Op::Kill(0)),
        (0, Op::Kill(1)),
        (100, Op::Kill(2)),
        (3000, Op::Target(0, 8)),
        (1, Op::KillPending(0)),
    ]);
    story.cfg.decommission_label = Some(("leaves".to_owned(), "true".to_owned()));
    let calls = sweep(&story);
    assert!(calls >= 4 + 6 + 3 + 3 + 5, "{calls}");
}

#[test]
fn after_every_call_that_makes_volume_claims() {
    for owner in [ClaimOwner::Driver, ClaimOwner::Pod] {
        let story = Story::new([(0, Op::Target(0, 4)), (8000, Op::End(0, Fate::Evicted))]);
        let calls = sweep(&story.with_claims(owner));
        assert!(calls > 4 + 5 * 3, "{calls}");
    }
}

#[test]
fn after_every_call_of_a_stop() {
    for (owner, least) in [(None, 4 + 4 + 2), (Some(ClaimOwner::Driver), 4 + 4 * 3 + 3)] {
        let mut story = Story::new([(0, Op::Target(0, 4))]);
        story.stops = true;
        if let Some(owner) = owner {
            story = story.with_claims(owner);
        }
        let calls = sweep(&story);
        assert!(calls >= least, "{calls}");
    }
}
