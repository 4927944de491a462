//! Executors in pods that a controller makes.
//!
//! A pod gets its executor's number when it appears, and the executor asks for it by the pod's name when it starts. A
//! `StatefulSet` gives the names of lost pods to new ones, and a container that ended is started again in its pod; so
//! an executor that asks again, or that asks before its pod was seen, gets a new number, and a get tells which pod it
//! is that now has the name.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Plan;
use super::action::PodPatch;
use super::ledger::Stage;
use super::lifecycle::{self, End};
use super::types::{ExecutorId, PodFacts, ProfileId};

/// Names of pods, and whose they are.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats {
    by_name: BTreeMap<String, Seat>,
    names: BTreeMap<ExecutorId, String>,
}

#[derive(Debug, Clone)]
struct Seat {
    id: ExecutorId,
    /// UID of the pod; empty until a get has told.
    uid: String,
    /// The executor has asked for its number.
    asked: bool,
    /// Only a get can tell which pod has the name: events may be of an earlier one.
    doubtful: bool,
    /// Events were passed over meanwhile: the get has to be repeated, since it may have come before them.
    missed: bool,
}

impl Seats {
    fn take(&mut self, name: &str, seat: Seat) {
        self.names.insert(seat.id, name.to_owned());
        self.by_name.insert(name.to_owned(), seat);
    }

    /// The executor has gone.
    pub(super) fn leave(&mut self, id: ExecutorId) {
        if let Some(name) = self.names.remove(&id)
            && self.by_name.get(&name).is_some_and(|seat| seat.id == id)
        {
            self.by_name.remove(&name);
        }
    }

    /// The pod of an executor.
    pub(super) fn name_of(&self, id: ExecutorId) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// A pod has gone, and with it whoever was in it.
    pub(super) fn note_deleted(&mut self, pod: &PodFacts) {
        if let Some(seat) = self.by_name.get_mut(&pod.name) {
            seat.doubtful &= seat.uid != pod.uid;
            seat.missed |= seat.doubtful;
        }
    }

    /// The executor of the pod that has, or had, this name.
    fn at(&self, name: &str) -> Option<ExecutorId> {
        self.by_name.get(name).map(|seat| seat.id)
    }

    /// Whose pod this is.
    pub(super) fn executor_in(&self, pod: &PodFacts) -> Option<ExecutorId> {
        self.by_name
            .get(&pod.name)
            .filter(|seat| seat.uid == pod.uid && !seat.doubtful)
            .map(|seat| seat.id)
    }
}

impl Plan {
    /// Whether a controller makes the pods.
    pub(super) fn has_controllers(&self) -> bool {
        self.cfg.controller.is_some()
    }

    /// The name of an executor's pod.
    pub(super) fn pod_name(&self, id: ExecutorId) -> String {
        self.seats
            .name_of(id)
            .map_or_else(|| self.cfg.pod_name(id), str::to_owned)
    }

    /// The number of the executor in the pod of this name, which asks for it when it starts; none for a pod that is
    /// not the application's, and after the end. An executor that asks again has been started anew: it gets another
    /// number, and the one before is lost.
    pub fn handle_executor_id_for(&mut self, now: Duration, pod: &str) -> Option<ExecutorId> {
        if !self.has_controllers() {
            return self.cfg.executor_of(pod);
        }
        let profile = self.profile_of(pod).filter(|_| self.may_create())?;
        let waits = self.seats.by_name.get_mut(pod).filter(|seat| {
            let known = self.ledger.get(seat.id);
            let lives = known.is_some_and(|executor| executor.stage != Stage::Ended);
            !seat.asked && !seat.doubtful && lives
        });
        let id = if let Some(seat) = waits {
            seat.asked = true;
            seat.id
        } else {
            if let Some(before) = self.seats.at(pod) {
                self.gone(now, before, End::restarted(before, pod));
            }
            self.seat_unseen(now, pod, profile)
        };
        self.label(id, PodPatch::ExecutorId(id));
        self.pump(now);
        Some(id)
    }

    fn seat_unseen(&mut self, now: Duration, pod: &str, profile: ProfileId) -> ExecutorId {
        let id = self.insert_seated(now, profile);
        let seat = Seat {
            id,
            uid: String::new(),
            asked: true,
            doubtful: true,
            missed: false,
        };
        self.seats.take(pod, seat);
        self.ask_for(id);
        id
    }

    fn insert_seated(&mut self, now: Duration, profile: ProfileId) -> ExecutorId {
        let stage = Stage::Unconfirmed {
            since: now,
            attempts: 0,
            taken: false,
        };
        self.ledger.insert(profile, stage, now)
    }

    /// A controller's pod, as list or watch show it. That a container has ended may be news of an executor that was
    /// started anew meanwhile, so a get has to confirm it; not so in a pod that is on its way out, where none is started.
    pub(super) fn observe_seated(&mut self, now: Duration, pod: &PodFacts) {
        let Some(profile) = self.profile_of(&pod.name).filter(|_| self.is_of_app(pod)) else {
            return;
        };
        // A get was ahead of list and watch: what they show of a pod that has gone says nothing of the next of its name.
        if self.chores.is_stray(&pod.uid) {
            return;
        }
        let ended = lifecycle::has_ended(pod) && !pod.deleting;
        let empty = lifecycle::is_between_executors(pod, self.rules());
        let ledger = &self.ledger;
        let asks = |id| ledger.get(id).is_some_and(|executor| executor.getting);
        let lives = |id| {
            ledger
                .get(id)
                .is_some_and(|executor| executor.stage != Stage::Ended)
        };
        match self.seats.by_name.get_mut(&pod.name) {
            Some(seat) if seat.doubtful => seat.missed = true,
            Some(seat) if seat.uid == pod.uid && !(ended && lives(seat.id)) => {
                let id = seat.id;
                self.observe_as(now, id, pod);
            }
            // A new pod, an end, or what was on its way of an earlier pod or executor.
            Some(seat) => {
                let id = seat.id;
                seat.doubtful = true;
                // A get that is under way may have come before it.
                seat.missed = asks(id);
                self.ask_for(id);
            }
            // The controller replaces by itself what is on its way out. The next executor comes when its container starts.
            None if pod.deleting || empty || self.stop.is_some() => {}
            None => {
                let id = self.insert_seated(now, profile);
                let seat = Seat {
                    id,
                    uid: pod.uid.clone(),
                    asked: false,
                    doubtful: false,
                    missed: false,
                };
                self.seats.take(&pod.name, seat);
                self.observe_as(now, id, pod);
            }
        }
    }

    /// A get has told which pod has the name of an executor's.
    pub(super) fn settle_seat(&mut self, now: Duration, id: ExecutorId, pod: &PodFacts) {
        let confirmed = self
            .ledger
            .get(id)
            .is_some_and(super::ledger::Executor::is_confirmed);
        let Some(seat) = self.seats.by_name.get_mut(&pod.name).filter(|seat| seat.id == id) else {
            return;
        };
        let missed = std::mem::take(&mut seat.missed);
        seat.doubtful = false;
        let now_in = if seat.uid == pod.uid || !confirmed {
            seat.uid.clone_from(&pod.uid);
            Some(id)
        } else {
            let before = std::mem::take(&mut seat.uid);
            self.chores.bury(&before);
            self.gone(now, id, End::deleted(id, &pod.name));
            self.observe_seated(now, pod);
            self.seats.at(&pod.name)
        };
        if let Some(id) = now_in.filter(|_| missed) {
            self.ask_for(id);
        }
    }

    /// The executor that a complete list shows to be there.
    pub(super) fn listed(&self, pod: &PodFacts) -> Option<ExecutorId> {
        if !self.has_controllers() {
            return pod.executor;
        }
        let id = self.seats.at(&pod.name)?;
        self.ledger
            .get(id)
            .filter(|executor| executor.uid == pod.uid)
            .map(|_| id)
    }

    /// Whether a pod that a controller may have made is of this application.
    fn is_of_app(&self, pod: &PodFacts) -> bool {
        pod.app_id.as_deref() == Some(&self.cfg.app_id)
    }

    /// The profile of the controller that a pod is named after.
    fn profile_of(&self, pod: &str) -> Option<ProfileId> {
        let named = self.cfg.controller?.profile_of(pod, &self.cfg.app_id)?;
        self.targets
            .iter()
            .any(|(profile, _)| profile == named)
            .then_some(named)
    }
}
