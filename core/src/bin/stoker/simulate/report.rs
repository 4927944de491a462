//! What a simulation has cost, and whether it went right.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::Serialize;
use stoker_core::plan::{Action, ExecutorId, Notice};
use stoker_core::sim::Sim;

use super::scenario::Span;

/// What is printed. Times are seconds since the start of the driver, durations seconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    simulated: Span,
    targets: Vec<Reached>,
    calls: Calls,
    losses: Losses,
    /// What Spark's log would say about executors that wait.
    waiting: Vec<String>,
    /// Why the application or the allocation had to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    executors_at_end: usize,
    pods_at_end: usize,
    /// What went wrong outside, and how often.
    troubles: BTreeMap<&'static str, u64>,
    /// What always has to hold and did not: defects of Stoker.
    pub(super) violations: Vec<String>,
}

/// A target and when it was reached.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reached {
    at: Span,
    profile: u32,
    executors: usize,
    /// How long until as many executors ran; none where that never was.
    after: Option<Span>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Calls {
    total: usize,
    by_verb: BTreeMap<&'static str, usize>,
    max_in_flight: usize,
    most_in_a_second: usize,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Losses {
    total: usize,
    blamed_on_the_application: usize,
    by_cause: BTreeMap<String, usize>,
    /// From the report of a loss until an executor made after it ran.
    replaced_after: Option<Replaced>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replaced {
    count: usize,
    median: Span,
    max: Span,
}

/// Watches a simulation.
#[derive(Debug, Default)]
pub(super) struct Observer {
    targets: Vec<Reached>,
    max_in_flight: usize,
    notices_seen: usize,
    actions_seen: usize,
    calls: Calls,
    second: (u64, usize),
    losses: Losses,
    /// When executors were lost, and the first id that can replace them.
    lost: Vec<(Duration, ExecutorId)>,
    replacements: Vec<Duration>,
    waiting: Vec<String>,
    ended: Option<String>,
}

impl Observer {
    /// Spark has set a target.
    pub(super) fn on_target(&mut self, now: Duration, profile: u32, executors: u32) {
        self.targets.push(Reached {
            at: Span(now),
            profile,
            executors: executors as usize,
            after: None,
        });
    }

    /// The process of the driver was restarted: what it had told and called is known no more.
    pub(super) fn on_restart(&mut self) {
        (self.notices_seen, self.actions_seen) = (0, 0);
        self.lost.clear();
    }

    /// Something has happened.
    pub(super) fn observe(&mut self, sim: &Sim) {
        self.max_in_flight = self.max_in_flight.max(sim.plan.snapshot().in_flight);
        for (at, action) in &sim.actions[self.actions_seen..] {
            // What is prepared is prepared in the driver.
            if matches!(action, Action::Prepare { .. }) {
                continue;
            }
            self.calls.total += 1;
            *self.calls.by_verb.entry(verb(action)).or_default() += 1;
            let calls = if self.second.0 == at.as_secs() {
                self.second.1 + 1
            } else {
                1
            };
            self.second = (at.as_secs(), calls);
            self.calls.most_in_a_second = self.calls.most_in_a_second.max(calls);
        }
        self.actions_seen = sim.actions.len();
        let notices = &sim.notices[self.notices_seen..];
        self.notices_seen = sim.notices.len();
        for notice in notices {
            self.on_notice(sim, notice);
        }
        let open = self
            .targets
            .iter_mut()
            .rev()
            .filter(|target| target.after.is_none());
        let mut later: Vec<u32> = Vec::new();
        for target in open {
            // Only the last target of a profile can still be reached.
            if !later.contains(&target.profile) && sim.alive(target.profile) == target.executors {
                target.after = Some(Span(sim.now.saturating_sub(target.at.0)));
            }
            later.push(target.profile);
        }
    }

    fn on_notice(&mut self, sim: &Sim, notice: &Notice) {
        match notice {
            Notice::Lost { cause, .. } => {
                self.losses.total += 1;
                self.losses.blamed_on_the_application += usize::from(cause.app_caused);
                let kind = serde_json::to_value(cause.kind).unwrap_or_default();
                let kind = kind.as_str().unwrap_or("unknown").to_owned();
                *self.losses.by_cause.entry(kind).or_default() += 1;
                self.lost.push((sim.now, sim.plan.snapshot().next_id));
            }
            Notice::Running { executor_id, .. } => {
                if let Some(index) = self.lost.iter().position(|(_, next)| executor_id >= next) {
                    let (at, _) = self.lost.remove(index);
                    self.replacements.push(sim.now.saturating_sub(at));
                }
            }
            Notice::Waiting { message, .. } if !self.waiting.contains(message) => {
                self.waiting.push(message.clone());
            }
            Notice::Abort { message, .. } | Notice::Fatal { message, .. } => {
                self.ended = Some(message.clone());
            }
            _ => {}
        }
    }

    /// The report at the end.
    pub(super) fn report(mut self, sim: &Sim) -> Report {
        self.replacements.sort();
        let replaced_after = self.replacements.last().map(|max| Replaced {
            count: self.replacements.len(),
            median: Span(self.replacements[self.replacements.len() / 2]),
            max: Span(*max),
        });
        Report {
            simulated: Span(sim.now),
            targets: self.targets,
            calls: Calls {
                max_in_flight: self.max_in_flight,
                ..self.calls
            },
            losses: Losses {
                replaced_after,
                ..self.losses
            },
            waiting: self.waiting,
            ended: self.ended,
            executors_at_end: sim
                .plan
                .snapshot()
                .profiles
                .keys()
                .map(|id| sim.alive(id.0))
                .sum(),
            pods_at_end: sim.cluster.pods.len(),
            troubles: sim.tally.clone(),
            violations: sim.violations().iter().map(ToString::to_string).collect(),
        }
    }
}

/// A call as the role of the driver's service account names it.
fn verb(action: &Action) -> &'static str {
    match action {
        Action::GetDriverPod { .. } | Action::Get { .. } => "get pods",
        Action::CreateConfigMap { .. } => "create configmaps",
        Action::List { .. } => "list pods",
        Action::Watch { .. } => "watch pods",
        Action::CreateClaim { .. } => "create persistentvolumeclaims",
        Action::DeleteClaim { .. } => "delete persistentvolumeclaims",
        Action::Create { .. } => "create pods",
        Action::Delete { .. } => "delete pods",
        Action::Patch { .. } => "patch pods",
        Action::DeleteConfigMap { .. } => "delete configmaps",
        Action::DeletePods { .. } => "deletecollection pods",
        other => Sim::kind_of(other),
    }
}

/// Whole milliseconds are enough for people.
fn short(span: Span) -> Span {
    let millis = u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX);
    Span(Duration::from_millis(millis))
}

fn counts<'a, T>(counts: impl IntoIterator<Item = (&'a T, impl fmt::Display)>) -> String
where
    T: fmt::Display + 'a,
{
    let parts: Vec<_> = counts
        .into_iter()
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    parts.join(", ")
}

impl Report {
    /// For people.
    pub(super) fn table(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        for target in &self.targets {
            let reached = match target.after {
                Some(after) => format!("running after {}", short(after)),
                None => "never reached".to_owned(),
            };
            let profile = match target.profile {
                0 => String::new(),
                profile => format!(" of resource profile {profile}"),
            };
            writeln!(
                out,
                "target at {:<8} {} executors{profile}: {reached}",
                short(target.at).to_string(),
                target.executors
            )?;
        }
        let calls = &self.calls;
        writeln!(
            out,
            "API calls          {} ({})",
            calls.total,
            counts(&calls.by_verb)
        )?;
        writeln!(
            out,
            "at once            {} creates, gets, deletes and patches at most; {} calls in the busiest second",
            calls.max_in_flight, calls.most_in_a_second
        )?;
        let losses = &self.losses;
        write!(out, "losses             {}", losses.total)?;
        if losses.total > 0 {
            write!(
                out,
                " ({}), {} blamed on the application",
                counts(&losses.by_cause),
                losses.blamed_on_the_application
            )?;
        }
        writeln!(out)?;
        if let Some(replaced) = &losses.replaced_after {
            writeln!(
                out,
                "replacements       {}, running {} after the loss was known (median; at most {})",
                replaced.count,
                short(replaced.median),
                short(replaced.max)
            )?;
        }
        for message in &self.waiting {
            writeln!(out, "log                {message}")?;
        }
        if let Some(message) = &self.ended {
            writeln!(out, "ended              {message}")?;
        }
        if !self.troubles.is_empty() {
            writeln!(out, "troubles           {}", counts(&self.troubles))?;
        }
        writeln!(
            out,
            "at the end         {} executors run, {} pods, after {}",
            self.executors_at_end,
            self.pods_at_end,
            short(self.simulated)
        )?;
        for violation in &self.violations {
            writeln!(out, "VIOLATION          {violation}")?;
        }
        Ok(out)
    }
}
