//! What a simulation shows of itself, for tests and for people.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::plan::{Action, ExecutorId, PodFacts, PodPhase, ProfileId};

use super::check::Violation;
use super::cluster::is_alive;
use super::{APP, Sim, server};

impl Sim {
    /// What did not hold so far. Nothing happens any more after the first.
    pub fn violations(&self) -> &[Violation] {
        self.check.violations()
    }

    /// The last lines of the trace.
    pub fn tail(&self) -> String {
        let last = &self.trace[self.trace.len().saturating_sub(60)..];
        let lines: Vec<_> = last.iter().map(|(at, entry)| format!("{at:?} {entry}")).collect();
        lines.join("\n")
    }

    /// A number that differs where the plan has done something else, or at another time.
    pub fn digest(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        for (at, action) in &self.actions {
            (at, server::name_of(action)).hash(&mut digest);
        }
        self.now.hash(&mut digest);
        digest.finish()
    }

    /// What a call is, in a word or two.
    pub fn kind_of(action: &Action) -> &'static str {
        server::name_of(action)
    }

    /// When actions of this name were sent.
    pub fn sent(&self, name: &str) -> Vec<Duration> {
        self.actions
            .iter()
            .filter(|(_, action)| server::name_of(action) == name)
            .map(|(at, _)| *at)
            .collect()
    }

    /// Running executors of a profile that are not on their way out.
    pub fn alive(&self, profile: u32) -> usize {
        self.cluster
            .pods
            .values()
            .filter(|pod| {
                is_alive(pod)
                    && pod.phase == PodPhase::Running
                    && !pod.deleting
                    && pod.app_id.as_deref() == Some(APP)
                    && pod.profile == Some(ProfileId(profile))
            })
            .count()
    }

    /// The pod of an executor.
    pub fn pod_of(&self, id: ExecutorId) -> Option<&PodFacts> {
        if self.check.config().controller.is_some() {
            return self.cluster.by_uid(self.check.pod_of(id)?);
        }
        self.cluster.pods.get(&format!("test-exec-{id}"))
    }

    /// The UID of an executor's pod.
    pub fn uid_of(&self, id: ExecutorId) -> Option<String> {
        self.pod_of(id).map(|pod| pod.uid.clone())
    }
}
