//! The simulator for tests: what it finds not to hold panics.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use stoker_core::plan::{PlanConfig, PodFacts};
use stoker_core::sim;
use stoker_core::sim::cluster::Cluster;

/// A simulation that panics at the first violation, at the latest when it is dropped.
pub struct Sim(sim::Sim);

impl Sim {
    /// A simulation of a plan with this configuration; `seed` decides everything.
    pub fn new(cfg: PlanConfig, seed: u64) -> Self {
        Sim(sim::Sim::new(cfg, seed))
    }

    /// The same on a cluster that has a past.
    pub fn with_cluster(cfg: PlanConfig, seed: u64, cluster: Cluster) -> Self {
        Sim(sim::Sim::with_cluster(cfg, seed, cluster))
    }

    /// A configuration for tests.
    pub fn config() -> PlanConfig {
        sim::Sim::config()
    }

    /// Runs for a while.
    ///
    /// # Panics
    ///
    /// When something does not hold.
    pub fn run(&mut self, span: Duration) {
        self.0.run(span);
        self.assert_holds();
    }

    /// Runs until a condition holds.
    ///
    /// # Panics
    ///
    /// When it does not within the span, or something else does not hold.
    pub fn run_until(&mut self, span: Duration, what: &str, mut holds: impl FnMut(&Sim) -> bool) {
        let until = self.now + span;
        while !holds(self) {
            let more = self.0.step(until);
            self.assert_holds();
            assert!(more, "not within {span:?}: {what}\n{}", self.tail());
        }
    }

    /// Runs until so many executors of the default profile run and have registered.
    ///
    /// # Panics
    ///
    /// When they have not after two minutes, or something else does not hold.
    pub fn run_up(&mut self, target: u32) {
        self.target(0, target);
        let wanted = target as usize;
        self.run_until(Duration::from_mins(2), "all executors have registered", |sim| {
            sim.registered.len() == wanted
        });
    }

    /// Spark stops; true when the plan was done before the deadline.
    ///
    /// # Panics
    ///
    /// When something does not hold.
    pub fn stop(&mut self, span: Duration) -> bool {
        let in_time = self.0.stop(span);
        self.assert_holds();
        in_time
    }

    /// Somebody else creates a pod.
    ///
    /// # Panics
    ///
    /// When there is one of its name.
    pub fn plant(&mut self, pod: PodFacts) {
        let planted = self.0.plant(pod);
        assert!(planted.is_ok(), "{planted:?}");
    }

    /// Checks what has to hold when nothing happens any more.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn assert_ended(&mut self) {
        let Sim(sim) = self;
        sim.check.on_end(&sim.cluster);
        self.assert_holds();
    }

    fn assert_holds(&self) {
        let found = self.violations().iter().map(ToString::to_string);
        let found: Vec<_> = found.collect();
        assert!(found.is_empty(), "{}\n{}", found.join("\n"), self.tail());
    }
}

impl Deref for Sim {
    type Target = sim::Sim;

    fn deref(&self) -> &sim::Sim {
        &self.0
    }
}

impl DerefMut for Sim {
    fn deref_mut(&mut self) -> &mut sim::Sim {
        &mut self.0
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_holds();
        }
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
