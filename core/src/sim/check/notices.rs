//! Checks of what the plan tells: every end of an executor once, and nobody is blamed wrongly.

use crate::plan::{ExecutorId, LossCause, Notice, PodPhase, ProfileId};

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
                    self.take_in(*executor_id, *profile);
                }
                let id = *executor_id;
                let first = self.change(id, |known| {
                    known.uid.replace(uid.clone()).is_none() && !known.reported
                });
                let Some(first) = first else { return };
                require!(self.found, Ids, first, "executor {id} created twice");
                require!(self.found, Ids, !uid.is_empty(), "executor {id} has no UID");
                self.claims.on_created(id, uid);
            }
            Notice::Running { executor_id, .. } => {
                let lives = self.change(*executor_id, |known| known.created() && !known.reported);
                let Some(lives) = lives else { return };
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
                let first = self.change(*executor_id, |known| {
                    !std::mem::replace(&mut known.reported, true)
                });
                let Some(first) = first else { return };
                require!(
                    self.found,
                    Losses,
                    first,
                    "the end of executor {executor_id} is reported twice"
                );
            }
            Notice::Abort { .. } => {
                require!(
                    self.found,
                    Fatal,
                    !self.closing,
                    "aborted although the application ends"
                );
                self.closing = true;
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
        let known = self.change(id, |known| {
            let first = !std::mem::replace(&mut known.reported, true);
            (first, known.created(), known.killed)
        });
        let Some((first, created, killed)) = known else {
            return;
        };
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

    /// An executor whose create was not seen.
    pub(in crate::sim) fn take_in(&mut self, id: ExecutorId, profile: ProfileId) {
        if !self.executors.contains(id) {
            self.executors.insert(id, Known::new(profile));
        }
    }

    /// Changes what is known of the executor of which the plan tells something.
    fn change<T>(&mut self, id: ExecutorId, change: impl FnOnce(&mut Known) -> T) -> Option<T> {
        require!(
            self.found,
            Ids,
            self.executors.contains(id),
            "something is told of executor {id}, which was never created"
        );
        self.executors.change(id, change)
    }
}
