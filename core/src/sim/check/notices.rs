//! Checks of what the plan tells: every end of an executor once, and nobody is blamed wrongly.

use crate::plan::{ExecutorId, LossCause, Notice, PodPhase};

use super::super::cluster::{Cluster, is_alive};
use super::known::Known;
use super::{Checker, require};

impl Checker {
    /// The plan tells something.
    pub fn on_notice(&mut self, notice: &Notice, cluster: &Cluster) {
        self.metrics.on_notice(notice);
        match notice {
            Notice::Ready => {
                require!(self.found, FirstList, !self.ready, "ready twice");
                self.ready = true;
            }
            Notice::Created {
                executor_id,
                profile,
                uid,
                ..
            } => {
                if self.cfg.controller.is_some() || self.claims.is_asked(*executor_id) {
                    // Its pod was there before its create, or without one.
                    self.executors
                        .entry(*executor_id)
                        .or_insert_with(|| Known::new(*profile));
                }
                let id = *executor_id;
                let Some(known) = self.known(id) else { return };
                let first = !known.created && !known.reported;
                known.created = true;
                require!(self.found, Ids, first, "executor {id} created twice");
                require!(self.found, Ids, !uid.is_empty(), "executor {id} has no UID");
                self.claims.on_created(id, uid);
            }
            Notice::Running { executor_id, .. } => {
                let Some(known) = self.known(*executor_id) else {
                    return;
                };
                let lives = known.created && !known.reported;
                require!(
                    self.found,
                    Losses,
                    lives,
                    "executor {executor_id} runs before or after its life"
                );
                self.nodes.on_running(*executor_id);
                self.presence.on_running(self.found.now, *executor_id);
            }
            Notice::Lost {
                executor_id,
                uid,
                cause,
                ..
            } => self.on_lost(*executor_id, uid, cause, cluster),
            Notice::Released { executor_id, .. } => {
                let Some(known) = self.known(*executor_id) else {
                    return;
                };
                let first = !std::mem::replace(&mut known.reported, true);
                require!(
                    self.found,
                    Losses,
                    first,
                    "the end of executor {executor_id} is reported twice"
                );
            }
            Notice::Abort { .. } => {
                require!(self.found, Fatal, !self.aborted, "aborted twice");
                self.aborted = true;
            }
            Notice::Waiting { .. } | Notice::Request { .. } => {}
            Notice::Fatal { .. } => {
                require!(
                    self.found,
                    Fatal,
                    !self.ready,
                    "fatal after the start: {notice:?}"
                );
            }
        }
    }

    fn on_lost(&mut self, id: ExecutorId, uid: &str, cause: &LossCause, cluster: &Cluster) {
        let Some(known) = self.known(id) else { return };
        let first = !std::mem::replace(&mut known.reported, true);
        let (created, killed) = (known.created, known.killed);
        self.lost.insert(id, cause.app_caused);
        require!(
            self.found,
            Losses,
            first,
            "the end of executor {id} is reported twice"
        );
        require!(
            self.found,
            Losses,
            !killed && !self.stopping,
            "executor {id} was asked to go: no loss"
        );
        require!(
            self.found,
            Losses,
            created != uid.is_empty(),
            "executor {id} is lost with the UID {uid:?}, created: {created}"
        );
        if let Some(pod) = cluster.by_uid(uid) {
            let over = !is_alive(pod)
                || (pod.deleting && pod.phase == PodPhase::Pending)
                || self.claims.is_refused(id)
                || self.presence.is_overdue(self.found.now, id)
                || (self.cfg.controller.is_some() && self.is_process_over(id, uid));
            require!(
                self.found,
                Losses,
                over,
                "executor {id} lives and is reported lost: {cause:?}"
            );
        }
        if cause.app_caused {
            let fate = cluster.fates.get(uid);
            require!(
                self.found,
                Losses,
                cluster.ended_by_app.contains(uid) || fate.is_some_and(|fate| fate.is_apps()),
                "the application is blamed for {fate:?}: {cause:?}"
            );
        }
    }

    /// The executor of which the plan tells something.
    fn known(&mut self, id: ExecutorId) -> Option<&mut Known> {
        require!(
            self.found,
            Ids,
            self.executors.contains_key(&id),
            "something is told of executor {id}, which was never created"
        );
        self.executors.get_mut(&id)
    }
}
