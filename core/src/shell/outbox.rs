//! The queue of notices between the loop and whoever takes them: the Java pump or the command.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::plan::Notice;

/// Most notices handed out by one [`Outbox::take`].
const BATCH: usize = 512;
/// Longest wait of one [`Outbox::take`]: some clocks overflow on longer ones.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Which notices the taker wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeFilter {
    /// All of them: `stoker allocate`.
    All,
    /// Only those Spark acts on: no `created`, `running` and `released`.
    Spark,
}

impl NoticeFilter {
    fn wants(self, notice: &Notice) -> bool {
        match self {
            Self::All => true,
            Self::Spark => !matches!(
                notice,
                Notice::Created { .. } | Notice::Running { .. } | Notice::Released { .. }
            ),
        }
    }
}

/// Notices in order, taken in batches by a thread that blocks for them.
///
/// The queue needs no cap of its own: each executor adds at most four notices in its life, and `waiting`
/// replaces its predecessor for the same profile.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
    filter: NoticeFilter,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Notice>,
    closed: bool,
}

impl Outbox {
    pub(super) fn new(filter: NoticeFilter) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            filter,
        }
    }

    /// Appends a notice, unless the taker does not want its kind or the box is closed.
    pub(super) fn push(&self, notice: Notice) {
        if !self.filter.wants(&notice) {
            return;
        }
        let mut state = self.lock();
        if state.closed {
            return;
        }
        if let Notice::Waiting { profile, .. } = &notice {
            let same = |queued: &Notice| matches!(queued, Notice::Waiting { profile: p, .. } if p == profile);
            state.queue.retain(|queued| !same(queued));
        }
        state.queue.push_back(notice);
        self.changed.notify_all();
    }

    /// Blocks until there is a notice, `max_wait` is over (an empty batch) or the box is closed and empty
    /// (`None`).
    pub(super) fn take(&self, max_wait: Duration) -> Option<Vec<Notice>> {
        let nothing_yet = |state: &mut State| state.queue.is_empty() && !state.closed;
        let mut state = self
            .changed
            .wait_timeout_while(self.lock(), max_wait.min(LONGEST_WAIT), nothing_yet)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        if state.queue.is_empty() && state.closed {
            return None;
        }
        let count = state.queue.len().min(BATCH);
        Some(state.queue.drain(..count).collect())
    }

    /// How many notices wait.
    pub(super) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// Wakes all takers; what is queued can still be taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The queue is valid after every statement, so a panic elsewhere cannot have broken it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ExecutorId, ProfileId};
    use std::sync::Arc;
    use std::thread;

    fn waiting(profile: u32, message: &str) -> Notice {
        Notice::Waiting {
            profile: ProfileId(profile),
            message: message.into(),
        }
    }

    fn created(id: u64) -> Notice {
        Notice::Created {
            executor_id: ExecutorId(id),
            profile: ProfileId(0),
            pod: "p".into(),
            uid: "u".into(),
        }
    }

    #[test]
    fn keeps_order_and_the_newest_waiting_of_a_profile() {
        let outbox = Outbox::new(NoticeFilter::All);
        for notice in [waiting(0, "a"), created(1), waiting(1, "b"), waiting(0, "c")] {
            outbox.push(notice);
        }
        assert_eq!(
            outbox.take(Duration::ZERO),
            Some(vec![created(1), waiting(1, "b"), waiting(0, "c")])
        );
        assert_eq!(outbox.take(Duration::ZERO), Some(vec![]));
    }

    #[test]
    fn spark_is_spared_what_it_does_not_act_on() {
        let outbox = Outbox::new(NoticeFilter::Spark);
        outbox.push(created(1));
        outbox.push(Notice::Ready);
        assert_eq!(outbox.take(Duration::ZERO), Some(vec![Notice::Ready]));
    }

    #[test]
    fn close_wakes_a_blocked_taker_and_keeps_what_is_queued() {
        let outbox = Arc::new(Outbox::new(NoticeFilter::All));
        let taker = thread::spawn({
            let outbox = Arc::clone(&outbox);
            move || outbox.take(Duration::MAX)
        });
        outbox.close();
        assert_eq!(taker.join().unwrap(), None);

        let outbox = Outbox::new(NoticeFilter::All);
        outbox.push(Notice::Ready);
        outbox.close();
        outbox.push(created(1));
        assert_eq!(outbox.take(Duration::MAX), Some(vec![Notice::Ready]));
        assert_eq!(outbox.take(Duration::MAX), None);
    }
}
