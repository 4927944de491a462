//! The file that says what is simulated.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use stoker_core::sim::cluster::Fate;
use stoker_core::sim::faults::Faults;
use stoker_core::sim::trouble::Webhook;
use thiserror::Error;

/// A scenario, as its author writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Scenario {
    /// `spark.*` properties.
    #[serde(default)]
    pub(super) properties: BTreeMap<String, String>,
    /// Volume claims that are made on demand for each executor.
    #[serde(default)]
    pub(super) volume_claims: usize,
    #[serde(default)]
    pub(super) cluster: ClusterModel,
    #[serde(default)]
    pub(super) faults: FaultModel,
    /// How long is simulated.
    #[serde(rename = "for", default = "usual_length")]
    pub(super) length: Span,
    /// What happens, and when.
    pub(super) events: Vec<Event>,
    /// Decides everything that is random.
    #[serde(default)]
    pub(super) seed: u64,
}

fn usual_length() -> Span {
    Span(Duration::from_mins(10))
}

/// How the cluster behaves while all is well.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct ClusterModel {
    /// How long a call takes there and back, on average.
    pub(super) latency: Span,
    /// From a pod's create until it runs.
    pub(super) pod_start: Span,
    /// From a running pod's delete until it has gone.
    pub(super) pod_end: Span,
    /// How many pods the namespace may have.
    pub(super) quota: Option<usize>,
    /// How many executors the nodes can run at once.
    pub(super) capacity: Option<usize>,
}

impl Default for ClusterModel {
    fn default() -> Self {
        ClusterModel {
            latency: Span(Duration::from_millis(20)),
            pod_start: Span(Duration::from_millis(1500)),
            pod_end: Span(Duration::from_secs(2)),
            quota: None,
            capacity: None,
        }
    }
}

/// What goes wrong all the time, each in percent of the calls, watches or events.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct FaultModel {
    refused: Percent,
    answers_lost: Percent,
    requests_lost: Percent,
    applied_late: Percent,
    watches_cut: Percent,
    events_doubled: Percent,
}

impl FaultModel {
    /// The same for the simulation; `latency` is the part of it that varies.
    pub(super) fn faults(&self, latency: Duration) -> Faults {
        Faults {
            latency,
            refuse: self.refused.0,
            lose_answer: self.answers_lost.0,
            lose_request: self.requests_lost.0,
            apply_late: self.applied_late.0,
            drop_watch: self.watches_cut.0,
            duplicate: self.events_doubled.0,
            ..Faults::NONE
        }
    }
}

/// Something that happens. One of the fields beside `at` says what.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Event {
    /// Since the start of the driver.
    pub(super) at: Span,
    target: Option<Target>,
    lose: Option<Loss>,
    kill: Option<usize>,
    delete_pods: Option<usize>,
    lose_nodes: Option<usize>,
    api_server_down: Option<Span>,
    throttle: Option<Throttle>,
    webhook: Option<WebhookState>,
    quota: Option<Limit>,
    unschedulable: Option<bool>,
    suspend_driver: Option<Span>,
    restart_driver: Option<bool>,
    cut_watch: Option<bool>,
}

/// What happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    Target(Target),
    Lose(Loss),
    Kill(usize),
    DeletePods(usize),
    LoseNodes(usize),
    ApiServerDown(Duration),
    Throttle(Throttle),
    Webhook(WebhookState),
    Quota(Limit),
    Unschedulable(bool),
    SuspendDriver(Duration),
    RestartDriver,
    CutWatch,
}

/// How many executors Spark wants from now on: a number, or a number for a resource profile.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(
    untagged,
    expecting = "write a number of executors, or {profile: 1, executors: 20}"
)]
pub(super) enum Target {
    Default(u32),
    Of(ProfileTarget),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ProfileTarget {
    profile: u32,
    executors: u32,
}

impl Target {
    /// Resource profile and number.
    pub(super) fn parts(self) -> (u32, u32) {
        match self {
            Target::Default(executors) => (0, executors),
            Target::Of(ProfileTarget { profile, executors }) => (profile, executors),
        }
    }
}

/// Executors that end: a number, or a number with a cause.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(
    untagged,
    expecting = "write a number of executors, or {executors: 5, cause: oomKilled}"
)]
pub(super) enum Loss {
    Evicted(usize),
    With(LossWith),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LossWith {
    executors: usize,
    #[serde(default)]
    cause: Cause,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Cause {
    #[default]
    Evicted,
    Preempted,
    OomKilled,
    Failed,
}

impl Loss {
    /// How many, and of what.
    pub(super) fn parts(self) -> (usize, Fate) {
        match self {
            Loss::Evicted(executors) => (executors, Fate::Evicted),
            Loss::With(LossWith { executors, cause }) => {
                let fate = match cause {
                    Cause::Evicted => Fate::Evicted,
                    Cause::Preempted => Fate::Preempted,
                    Cause::OomKilled => Fate::Oom,
                    Cause::Failed => Fate::Exit(1),
                };
                (executors, fate)
            }
        }
    }
}

/// 429 to every call.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Throttle {
    #[serde(rename = "for")]
    pub(super) span: Span,
    #[serde(default)]
    pub(super) retry_after: Span,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum WebhookState {
    Denies,
    Fails,
    Works,
}

impl WebhookState {
    pub(super) fn webhook(self) -> Option<Webhook> {
        match self {
            WebhookState::Denies => Some(Webhook::Denies),
            WebhookState::Fails => Some(Webhook::Fails),
            WebhookState::Works => None,
        }
    }
}

/// A number, or `none`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "write a number of pods, or none")]
pub(super) enum Limit {
    Pods(usize),
    None(NoLimit),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum NoLimit {
    None,
}

impl Limit {
    pub(super) fn pods(self) -> Option<usize> {
        match self {
            Limit::Pods(pods) => Some(pods),
            Limit::None(NoLimit::None) => None,
        }
    }
}

/// Why a scenario cannot be simulated.
#[derive(Debug, Error)]
pub(super) enum ScenarioError {
    /// An event has no field beside `at`, or several.
    #[error(
        "the event at {at} says {count} things to happen; write exactly one of target, lose, kill, deletePods, loseNodes, \
         apiServerDown, throttle, webhook, quota, unschedulable, suspendDriver, restartDriver, cutWatch beside `at`"
    )]
    NotOne {
        /// When.
        at: Span,
        /// How many things.
        count: usize,
    },
    /// An event would never come.
    #[error("the event at {at} comes after the end of the scenario; make `for` longer, which is {length}")]
    TooLate {
        /// When.
        at: Span,
        /// How long is simulated.
        length: Span,
    },
    /// Nothing is asked for.
    #[error("no event sets a target, so no executor is ever wanted; add one such as {{at: 0s, target: 100}}")]
    NoTarget,
}

impl Scenario {
    /// What happens, in order.
    pub(super) fn timeline(&self) -> Result<Vec<(Duration, What)>, ScenarioError> {
        let mut timeline = self
            .events
            .iter()
            .map(|event| {
                let (at, length) = (event.at, self.length);
                if at.0 > length.0 {
                    return Err(ScenarioError::TooLate { at, length });
                }
                Ok((at.0, event.what()?))
            })
            .collect::<Result<Vec<_>, _>>()?;
        timeline.sort_by_key(|(at, _)| *at);
        if !timeline.iter().any(|(_, what)| matches!(what, What::Target(_))) {
            return Err(ScenarioError::NoTarget);
        }
        Ok(timeline)
    }
}

impl Event {
    fn what(&self) -> Result<What, ScenarioError> {
        let all = [
            self.target.map(What::Target),
            self.lose.map(What::Lose),
            self.kill.map(What::Kill),
            self.delete_pods.map(What::DeletePods),
            self.lose_nodes.map(What::LoseNodes),
            self.api_server_down.map(|span| What::ApiServerDown(span.0)),
            self.throttle.map(What::Throttle),
            self.webhook.map(What::Webhook),
            self.quota.map(What::Quota),
            self.unschedulable.map(What::Unschedulable),
            self.suspend_driver.map(|span| What::SuspendDriver(span.0)),
            self.restart_driver
                .filter(|yes| *yes)
                .map(|_| What::RestartDriver),
            self.cut_watch.filter(|yes| *yes).map(|_| What::CutWatch),
        ];
        let said: Vec<_> = all.into_iter().flatten().collect();
        match said[..] {
            [what] => Ok(what),
            _ => Err(ScenarioError::NotOne {
                at: self.at,
                count: said.len(),
            }),
        }
    }
}

/// A duration as people write it: `50ms`, `30s`, `2m`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map(Span).map_err(|error| {
            D::Error::custom(format!(
                "{text:?} is no duration, such as 50ms, 30s or 2m: {error}"
            ))
        })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

/// 0 to 100.
#[derive(Debug, Clone, Copy, Default)]
struct Percent(u32);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = u32::deserialize(deserializer)?;
        if percent <= 100 {
            Ok(Percent(percent))
        } else {
            Err(D::Error::custom(format!(
                "{percent} is no percentage; write a number from 0 to 100"
            )))
        }
    }
}
