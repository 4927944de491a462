//! How long calls take, from the moment they start until their answer is read.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::plan::{Action, CallId, Distribution, Summary, labels};

/// Kinds of calls to the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// `POST` of an executor pod.
    CreatePod,
    /// `POST` of a volume claim.
    CreateClaim,
    /// `GET` of a pod.
    GetPod,
    /// `DELETE` of an executor pod.
    DeletePod,
    /// `PATCH` of an executor pod.
    PatchPod,
    /// `GET` of a page of the executor pods.
    ListPods,
    /// `POST`, `PUT` and `DELETE` of a `StatefulSet` or `Deployment`.
    Controller,
    /// Every other call that is answered at once.
    Other,
}

labels! { Verb:
    CreatePod "createPod" "`POST` of an executor pod",
    CreateClaim "createClaim" "`POST` of a volume claim",
    GetPod "getPod" "`GET` of a pod",
    DeletePod "deletePod" "`DELETE` of an executor pod",
    PatchPod "patchPod" "`PATCH` of an executor pod",
    ListPods "listPods" "`GET` of a page of the executor pods",
    Controller "controller" "`POST`, `PUT` and `DELETE` of a StatefulSet or Deployment",
    Other "other" "ConfigMaps, collections and whatever else is rare",
}

impl Verb {
    /// None for what is no call, and for a watch, which lasts.
    fn of(action: &Action) -> Option<Self> {
        match action {
            Action::Watch { .. } | Action::WatchClaims { .. } | Action::Prepare { .. } => None,
            Action::Create { .. } => Some(Self::CreatePod),
            Action::CreateClaim { .. } => Some(Self::CreateClaim),
            Action::GetDriverPod { .. } | Action::Get { .. } => Some(Self::GetPod),
            Action::Delete { .. } => Some(Self::DeletePod),
            Action::Patch { .. } => Some(Self::PatchPod),
            Action::List { .. } => Some(Self::ListPods),
            Action::CreateController { .. }
            | Action::ScaleController { .. }
            | Action::DeleteController { .. } => Some(Self::Controller),
            _ => Some(Self::Other),
        }
    }
}

/// Measures the calls of a loop.
#[derive(Debug, Default)]
pub(in crate::shell) struct Meter {
    open: BTreeMap<CallId, Verb>,
    latencies: BTreeMap<Verb, Distribution>,
}

impl Meter {
    /// A call is about to start.
    pub(in crate::shell) fn begin(&mut self, action: &Action) {
        if let Some(verb) = Verb::of(action) {
            self.open.insert(action.call(), verb);
        }
    }

    /// A call was answered, or given up.
    pub(in crate::shell) fn end(&mut self, now: Duration, call: CallId, took: Duration) {
        if let Some(verb) = self.open.remove(&call) {
            self.latencies.entry(verb).or_default().record(now, took);
        }
    }

    /// A call is not made.
    pub(in crate::shell) fn forget(&mut self, call: CallId) {
        self.open.remove(&call);
    }

    pub(in crate::shell) fn latencies(&self) -> BTreeMap<Verb, Summary> {
        self.latencies
            .iter()
            .map(|(verb, latency)| (*verb, latency.summary()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ExecutorId;

    #[test]
    fn a_call_is_measured_once_and_a_watch_never() {
        let mut meter = Meter::default();
        let get = Action::Get {
            call: CallId(1),
            executor: ExecutorId(1),
            name: String::new(),
        };
        let watch = Action::Watch {
            call: CallId(2),
            resource_version: None,
        };
        let config_map = Action::CreateConfigMap { call: CallId(3) };
        for action in [&get, &watch, &config_map] {
            meter.begin(action);
        }
        let took = Duration::from_millis(5);
        for call in [1, 1, 2, 9] {
            meter.end(took, CallId(call), took);
        }
        meter.forget(CallId(3));
        meter.end(took, CallId(3), took);
        let latencies = meter.latencies();
        assert_eq!(latencies.keys().collect::<Vec<_>>(), [&Verb::GetPod]);
        assert_eq!(latencies[&Verb::GetPod].count, 1);
        assert!(latencies[&Verb::GetPod].max.abs_diff(took) <= took / 100);
    }
}
