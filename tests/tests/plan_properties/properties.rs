//! What holds of every history, beyond what the simulation checks in each of its steps.

use std::time::Duration;

use stoker_core::plan::{Action, Notice, ProfileId};
use stoker_core::sim::Sim;
use stoker_core::sim::faults::Faults;
use stoker_core::sim::ops::Op;

use crate::histories::Tally;
use crate::scenario::{Scenario, heal};

/// Returns what does not hold.
pub(crate) type Check = fn(&Scenario, &Tally) -> Result<(), String>;

/// A property by its name.
#[derive(Clone, Copy)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) check: Check,
}

macro_rules! properties {
    ($($name:ident),+ $(,)?) => {
        [$(Property { name: stringify!($name), check: $name }),+]
    };
}

/// All of them.
pub(crate) const ALL: [Property; 5] = properties![
    converges_and_falls_silent,
    stop_leaves_nothing,
    a_restart_at_any_time_leaks_nothing,
    is_deterministic,
    a_quiet_cluster_costs_one_post_for_each_executor,
];

/// Returns from a property with what does not hold.
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}

/// Ends a history: nothing may have been violated.
fn end(sim: &Sim, tally: &Tally) -> Result<(), String> {
    tally.add(sim);
    let found: Vec<_> = sim.violations().iter().map(ToString::to_string).collect();
    ensure!(found.is_empty(), "{}\n{}", found.join("\n"), sim.tail());
    Ok(())
}

/// Whether the application had to end: a webhook has denied the first pod of a profile.
fn has_aborted(sim: &Sim) -> bool {
    sim.notices
        .iter()
        .any(|notice| matches!(notice, Notice::Abort { .. }))
}

/// Whatever happens, once target and API server are stable the executors are as many as wanted, nobody is
/// counted who is not there, and the plan falls silent. (Invariants 2, 7 and 9.)
pub(crate) fn converges_and_falls_silent(scenario: &Scenario, tally: &Tally) -> Result<(), String> {
    let mut sim = scenario.start();
    heal(&mut sim);
    sim.run(Duration::from_mins(12));
    for _ in 0..3 {
        sim.settle();
        sim.run(Duration::from_mins(3));
    }
    let quiet_from = sim.actions.len();
    if sim.violations().is_empty() && !has_aborted(&sim) {
        for (profile, (target, counts)) in sim.plan.snapshot().profiles {
            let alive = sim.alive(profile.0);
            ensure!(
                alive == target && counts.live == target,
                "profile {profile}: {alive} of {target} alive, {counts:?}\n{}",
                sim.tail()
            );
        }
        sim.check.on_end(&sim.cluster);
    }
    let polls = scenario.settings.polling.is_some();
    // Lists go on and on, one like the other.
    sim.run(Duration::from_mins(if polls { 10 } else { 30 }));
    let may_come = |action: &Action| polls && matches!(action, Action::List { .. });
    let later = sim.actions[quiet_from..].iter();
    let later: Vec<_> = later.filter(|(_, action)| !may_come(action)).collect();
    ensure!(later.is_empty(), "not silent: {later:?}\n{}", sim.tail());
    end(&sim, tally)
}

/// The stop ends by its deadline and leaves nothing behind that it can reach. (Invariants 5 and 6.)
pub(crate) fn stop_leaves_nothing(scenario: &Scenario, tally: &Tally) -> Result<(), String> {
    let mut sim = scenario.start();
    if scenario.healthy {
        heal(&mut sim);
        sim.run(Duration::from_mins(2));
    }
    if let Some(goodbye) = scenario.goodbye {
        sim.close();
        sim.run(Duration::from_millis(goodbye));
    }
    let in_time = sim.stop(Duration::from_secs(10));
    sim.faults = Faults::NONE;
    end(&sim, tally)?;
    ensure!(
        in_time || !scenario.healthy,
        "the stop takes until its deadline\n{}",
        sim.tail()
    );
    ensure!(
        sim.plan.poll_timeout().is_none(),
        "a deadline after the stop\n{}",
        sim.tail()
    );
    let sent = sim.actions.len();
    sim.run(Duration::from_mins(5));
    ensure!(sim.actions.len() == sent, "calls after the stop\n{}", sim.tail());
    if scenario.settings.delete_executors && scenario.healthy {
        let cluster = &sim.cluster;
        let left = (cluster.pods.len(), cluster.config_maps, cluster.claims.len());
        ensure!(
            left == (0, 0, 0),
            "pods, ConfigMaps and claims are left behind: {left:?}\n{}",
            sim.tail()
        );
    }
    if scenario.healthy && scenario.settings.owned {
        let kept = usize::from(!scenario.settings.delete_driver_service);
        ensure!(
            sim.cluster.services == kept,
            "{} services of the driver are left, not {kept}\n{}",
            sim.cluster.services,
            sim.tail()
        );
    }
    if !scenario.settings.delete_executors {
        let deletes = sim.check.deletes_of_pods();
        ensure!(
            deletes == 0,
            "{deletes} pods are deleted that are to be kept\n{}",
            sim.tail()
        );
    }
    end_again(&sim)
}

/// Whenever the driver's container is restarted, the next plan finds what the last one left, deletes it and
/// comes to the target; nothing runs unseen. (Invariants 4, 5 and 7.)
pub(crate) fn a_restart_at_any_time_leaks_nothing(scenario: &Scenario, tally: &Tally) -> Result<(), String> {
    let mut scenario = scenario.clone();
    scenario.settings.owned = true;
    scenario.settings.delete_executors = true;
    // The controllers of an earlier life are refused.
    scenario.settings.controller = None;
    let mut sim = scenario.start();
    for crash in &scenario.crashes {
        sim.target(0, 5);
        sim.run(Duration::from_millis(*crash));
        // What is broken stays broken: a restart does not make it well.
        end_again(&sim)?;
        sim.perform(&Op::Restart);
    }
    heal(&mut sim);
    let earlier = sim.notices.len();
    sim.target(0, 7);
    sim.run(Duration::from_mins(15));
    end(&sim, tally)?;
    let aborted = sim.notices[earlier..]
        .iter()
        .any(|notice| matches!(notice, Notice::Abort { .. }));
    if !aborted {
        let (alive, pods) = (sim.alive(0), sim.cluster.pods.len());
        ensure!(
            alive == 7 && pods == 7,
            "{alive} of 7 alive, {pods} pods: {:?}\n{}",
            sim.cluster.pods.keys(),
            sim.tail()
        );
    }
    Ok(())
}

/// The same seed and the same events give the same actions and notices. (Invariant 8.)
pub(crate) fn is_deterministic(scenario: &Scenario, tally: &Tally) -> Result<(), String> {
    let (one, other) = (scenario.start(), scenario.start());
    end(&one, tally)?;
    ensure!(
        one.trace == other.trace,
        "two runs differ\n{}\n---\n{}",
        one.tail(),
        other.tail()
    );
    Ok(())
}

/// Without faults every create is one POST and no pod is asked for. (Invariant 9.)
pub(crate) fn a_quiet_cluster_costs_one_post_for_each_executor(
    scenario: &Scenario,
    tally: &Tally,
) -> Result<(), String> {
    let Some((_, Op::Target(_, target))) = scenario.ops.first() else {
        return Ok(());
    };
    let mut quiet = scenario.clone();
    quiet.faults = Faults::NONE;
    quiet.page_size = 500;
    quiet.settings.controller = None;
    quiet.claims_each *= usize::from(scenario.settings.prepares);
    let mut sim = quiet.sim();
    if let Some(driver) = &mut sim.cluster.driver {
        driver.ready = true;
    }
    sim.target(0, *target);
    sim.run(Duration::from_mins(10));
    end(&sim, tally)?;
    let target = *target as usize;
    let claims = target * quiet.claims_each;
    let created = sim.notices.iter().filter(|n| matches!(n, Notice::Created { .. }));
    let counts = [
        sim.alive(0),
        created.count(),
        sim.cluster.created,
        sim.plan.snapshot().profiles[&ProfileId(0)].1.live,
    ];
    ensure!(
        counts == [target; 4] && sim.cluster.claims.len() == claims,
        "{target} executors with {claims} claims are to be alive, told, created and counted: {counts:?}\n{}",
        sim.tail()
    );
    let settings = &quiet.settings;
    let (lists, polls) = (sim.check.lists(), settings.polling.is_some());
    let sent = |wanted: fn(&Action) -> bool| sim.actions.iter().filter(|(_, action)| wanted(action)).count();
    let claim_lists = sent(|action| matches!(action, Action::ListClaims { .. }));
    let claim_watches = sent(|action| matches!(action, Action::WatchClaims { .. }));
    ensure!(
        claim_lists <= 1 && claim_watches <= 1,
        "claims are looked for again and again\n{}",
        sim.tail()
    );
    let start_calls = usize::from(!polls)
        + usize::from(settings.config_map)
        + usize::from(settings.owned)
        + claim_lists
        + claim_watches;
    let is_call = |(_, action): &&(Duration, Action)| !matches!(action, Action::Prepare { .. });
    let calls = sim.actions.iter().filter(is_call).count();
    ensure!(
        (polls || lists == 1) && calls == lists + start_calls + target + claims,
        "{lists} lists, {calls} calls for {target} executors with {claims} claims\n{}",
        sim.tail()
    );
    Ok(())
}

/// Nothing was violated since the history was counted.
fn end_again(sim: &Sim) -> Result<(), String> {
    match sim.violations().first() {
        Some(violation) => Err(format!("{violation}\n{}", sim.tail())),
        None => Ok(()),
    }
}
