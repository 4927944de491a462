//! What happens in the simulation, and what comes of it.

use std::time::Duration;

use crate::plan::{
    Action, CallId, CallResult, ClaimEvent, ExecutorId, FailureClass, Outcome, PodFacts, PodPhase, WatchEvent,
};

use super::Sim;
use super::cluster::Fate;

/// How often the scheduler looks for a place.
const SCHEDULER_ROUND: Duration = Duration::from_secs(1);

/// Something that happens at a time.
#[derive(Debug)]
pub(super) enum Happening {
    /// A request reaches the API server.
    Arrive(Action),
    /// A request whose caller has given up reaches the API server.
    ArriveLate(Action),
    /// An answer reaches the plan.
    Answer(CallId, CallResult),
    /// A watch event reaches the plan.
    Event(CallId, WatchEvent),
    /// An event of a watch on volume claims reaches the plan.
    ClaimEvent(CallId, ClaimEvent),
    /// It is time for a watch to say how far it is.
    Bookmark(CallId),
    /// A watch ends.
    EndWatch(CallId, Outcome<()>),
    /// The kubelet starts a pod.
    Start(String),
    /// The kubelet has ended a pod that is being deleted.
    Vanish { name: String, uid: String },
    /// An executor registers with the driver.
    Register(ExecutorId, String),
    /// The plan hears of an executor that has registered.
    Admitted(ExecutorId, String),
    /// An executor that Spark has told to exit does so.
    Exit(String),
    /// A pod ends by itself.
    End(String, Fate),
    /// The controllers and the garbage collector look at what there is.
    Reconcile,
    /// The container ends in the pod with this UID, which is being deleted.
    Terminate(String),
    /// The container in the pod with this UID waits to be started again.
    BackOff(String),
    /// The kubelet starts a container again in the pod with this UID.
    Revive(String),
    /// The executor in the pod with this UID asks for its number.
    Ask(String),
}

impl Happening {
    /// Whether it happens in the driver's process; nothing else changes the plan.
    pub(super) fn needs_driver(&self) -> bool {
        matches!(
            self,
            Happening::Answer(..)
                | Happening::Event(..)
                | Happening::ClaimEvent(..)
                | Happening::EndWatch(..)
                | Happening::Register(..)
                | Happening::Admitted(..)
                | Happening::Ask(_)
        )
    }
}

impl Sim {
    pub(super) fn happen(&mut self, happening: Happening) {
        if self.now < self.frozen_until() && happening.needs_driver() {
            return self.later(self.frozen_until().saturating_sub(self.now), happening);
        }
        self.check.set_time(self.now);
        match happening {
            Happening::Arrive(action) => self.arrive(action),
            Happening::ArriveLate(action) => {
                if let CallResult::Pod(Outcome::Failed(failure)) = self.apply(&action)
                    && failure.class == FailureClass::AlreadyExists
                {
                    self.count("a late create came second");
                }
            }
            Happening::Answer(call, result) => {
                self.count_answer(&result);
                self.check.on_result(call, &result);
                self.plan.handle_result(self.now, call, result);
            }
            Happening::Event(call, event) => {
                if self.watches.contains_key(&call) {
                    if let WatchEvent::Deleted { pod, .. } = &event
                        && self.check.is_being_created(pod.executor)
                    {
                        self.count("deleted before the answer");
                    }
                    self.check.on_event(call, &event);
                    self.plan.handle_watch(self.now, event);
                }
            }
            Happening::ClaimEvent(call, event) => {
                if self.claim_watches.contains_key(&call) {
                    self.plan.handle_claim_event(self.now, event);
                }
            }
            Happening::Bookmark(call) => self.bookmark(call),
            Happening::EndWatch(call, outcome) => {
                if self.watches.remove(&call).is_some() || self.claim_watches.remove(&call).is_some() {
                    if matches!(&outcome, Outcome::Failed(failure) if failure.class == FailureClass::Gone) {
                        self.count("watch gone");
                    }
                    let result = CallResult::Watch(outcome);
                    self.check.on_result(call, &result);
                    self.plan.handle_result(self.now, call, result);
                }
            }
            Happening::Start(uid) => self.start_pod(&uid),
            Happening::Vanish { name, uid } => {
                if self.cluster.by_uid(&uid).is_some() {
                    self.cluster.remove(&name);
                }
            }
            Happening::Register(id, uid) => self.register(id, &uid),
            Happening::Admitted(id, uid) => self.admitted(id, &uid),
            Happening::Exit(uid) => self.cluster.end(&uid, Fate::Exit(0)),
            Happening::End(uid, fate) => self.cluster.end(&uid, fate),
            Happening::Reconcile => self.reconcile(),
            Happening::Terminate(uid) => self.terminate(&uid),
            Happening::BackOff(uid) => self.back_off(&uid),
            Happening::Revive(uid) => self.revive(&uid),
            Happening::Ask(uid) => self.ask(&uid),
        }
        self.publish();
    }

    fn start_pod(&mut self, uid: &str) {
        let starts = |pod: &PodFacts| pod.phase == PodPhase::Pending && !pod.deleting;
        if !self.cluster.by_uid(uid).is_some_and(starts) || self.waits_for_claim(uid) {
            return;
        }
        if let Some(capacity) = self.capacity {
            let on_nodes = self.cluster.pods.values();
            let on_nodes = on_nodes.filter(|pod| pod.phase == PodPhase::Running).count();
            if on_nodes >= capacity {
                return self.later(SCHEDULER_ROUND, Happening::Start(uid.to_owned()));
            }
        }
        if self.place(uid) {
            self.come_up(uid);
        }
    }

    /// The executor of a pod that runs reaches the driver.
    pub(super) fn come_up(&mut self, uid: &str) {
        if self
            .cluster
            .by_uid(uid)
            .is_some_and(|pod| self.cluster.is_kept(pod))
        {
            return self.ask_later(uid);
        }
        if let Some((id, uid)) = self
            .cluster
            .by_uid(uid)
            .and_then(|pod| Some((pod.executor?, pod.uid.clone())))
        {
            self.later(Duration::from_millis(700), Happening::Register(id, uid));
        }
    }
}
