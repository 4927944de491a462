//! List and watch: what the API server shows of the application's pods, without gaps.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Plan;
use super::action::Action;
use super::backoff::Backoff;
use super::event::{ApiFailure, FailureClass, ListPage, Outcome, WatchEvent};
use super::expect::Call;
use super::lifecycle::End;
use super::timer::Timer;
use super::types::ExecutorId;

/// The first delay after a list or a watch that failed.
const RETRY: Duration = Duration::from_millis(500);
/// The longest delay between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// A watch that ends sooner than this without an event counts as failed.
const SHORT_WATCH: Duration = Duration::from_secs(1);
/// A watch that lives so long ends the backoff, as an event does.
const HEALTHY_WATCH: Duration = Duration::from_secs(5);
/// How soon after a list an executor that was confirmed during the list is asked for.
pub(super) const CONFIRM: Duration = Duration::from_secs(1);

/// State of list and watch.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    state: State,
    /// When the last list was complete.
    listed_at: Duration,
    /// From where to watch.
    resource_version: String,
    backoff: Backoff,
    /// Of lists because a version was too old: the API server answers, so they do not wait as for an outage.
    relist: Backoff,
}

#[derive(Debug, Clone)]
enum State {
    /// Waits for a timer.
    Idle,
    /// Pages are coming.
    Listing {
        /// When the first page was asked for: what was confirmed later may be missing.
        started: Duration,
        seen: BTreeSet<ExecutorId>,
        uids: BTreeSet<String>,
    },
    /// Events are coming.
    Open { since: Duration, events: bool },
}

impl Watch {
    pub(super) fn new() -> Self {
        Watch {
            state: State::Idle,
            listed_at: Duration::ZERO,
            resource_version: String::new(),
            backoff: Backoff::new(RETRY, RETRY_MAX),
            relist: Backoff::new(RETRY, RETRY_MAX),
        }
    }

    /// Whether what a call sent at this time has shown may have ended before the watch began: the list did not
    /// miss it, since it was not known yet, and the watch will not tell.
    pub(super) fn may_have_missed(&self, sent_at: Duration) -> bool {
        sent_at < self.listed_at
    }

    /// Failures so far do not count any more.
    fn thrives(&mut self) {
        self.backoff.reset();
        self.relist.reset();
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }
}

impl Plan {
    /// Lists from the first page.
    pub(super) fn start_list(&mut self, now: Duration) {
        self.watch.state = State::Listing {
            started: now,
            seen: BTreeSet::new(),
            uids: BTreeSet::new(),
        };
        self.ask_page(None);
    }

    fn ask_page(&mut self, continue_token: Option<String>) {
        let call = self.calls.begin(Call::List);
        self.actions.push_back(Action::List { call, continue_token });
    }

    /// Opens the watch where the last list or watch ended.
    pub(super) fn start_watch(&mut self, now: Duration) {
        self.watch.state = State::Open {
            since: now,
            events: false,
        };
        let call = self.calls.begin(Call::Watch);
        self.actions.push_back(Action::Watch {
            call,
            resource_version: self.watch.resource_version.clone(),
        });
    }

    pub(super) fn on_list(&mut self, now: Duration, outcome: Outcome<ListPage>) {
        if self.is_halted() {
            return;
        }
        match outcome {
            Outcome::Done(page) => self.on_page(now, page),
            Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                self.watch.state = State::Idle;
                let delay = self.watch.backoff.next(&mut self.rng, failure.retry_after);
                if self.startup.is_listed() {
                    tracing::warn!(failure = failure.message, ?delay, "listing executor pods failed");
                    self.timers.set(Timer::List, now + delay);
                } else {
                    self.retry_start(now, Timer::List, delay, "the executor pods", &failure);
                }
            }
        }
    }

    fn on_page(&mut self, now: Duration, page: ListPage) {
        let first = !self.startup.is_listed();
        for pod in &page.pods {
            if first {
                self.on_first_list_pod(pod);
            } else {
                if let State::Listing { seen, uids, .. } = &mut self.watch.state {
                    seen.extend(pod.executor);
                    uids.insert(pod.uid.clone());
                }
                self.observe(now, pod);
            }
        }
        if let Some(token) = page.continue_token.filter(|token| !token.is_empty()) {
            self.ask_page(Some(token));
            return;
        }
        self.watch.resource_version = page.resource_version;
        self.watch.listed_at = now;
        if let State::Listing { started, seen, uids } = std::mem::replace(&mut self.watch.state, State::Idle)
        {
            if first {
                self.on_first_list_complete(now);
            } else {
                self.on_relisted(now, started, &seen, &uids);
            }
        }
        self.start_watch(now);
    }

    /// After a break in the watch, absent means lost.
    fn on_relisted(
        &mut self,
        now: Duration,
        started: Duration,
        seen: &BTreeSet<ExecutorId>,
        uids: &BTreeSet<String>,
    ) {
        self.chores.keep_strays(uids);
        self.volumes.keep_pods(uids);
        let unseen: Vec<_> = self
            .ledger
            .iter()
            .filter(|(id, executor)| executor.is_confirmed() && !seen.contains(id))
            .map(|(id, executor)| (id, executor.confirmed_at < started))
            .collect();
        for (id, expected) in unseen {
            if expected {
                let pod = self.cfg.pod_name(id);
                self.gone(now, id, End::missing(id, &pod));
            } else {
                self.ledger.update(id, |executor| {
                    executor.observed = false;
                    executor.get_at = Some(now + CONFIRM);
                });
            }
        }
    }

    pub(super) fn on_watch_event(&mut self, now: Duration, event: WatchEvent) {
        let version = match event {
            WatchEvent::Applied {
                pod,
                resource_version,
            } => {
                self.observe(now, &pod);
                resource_version
            }
            WatchEvent::Deleted {
                pod,
                resource_version,
            } => {
                self.observe_deleted(now, &pod);
                resource_version
            }
            WatchEvent::Bookmark { resource_version } => resource_version,
        };
        if let State::Open { events, .. } = &mut self.watch.state {
            *events = true;
            self.watch.resource_version = version;
            self.watch.thrives();
        }
    }

    pub(super) fn on_watch_end(&mut self, now: Duration, outcome: Outcome<()>) {
        let State::Open { since, events } = std::mem::replace(&mut self.watch.state, State::Idle) else {
            return;
        };
        if self.is_halted() {
            return;
        }
        if now.saturating_sub(since) >= HEALTHY_WATCH {
            self.watch.thrives();
        }
        match outcome {
            Outcome::Done(()) if events || now.saturating_sub(since) >= SHORT_WATCH => self.start_watch(now),
            Outcome::Done(()) => {
                let delay = self.watch.backoff.next(&mut self.rng, None);
                self.timers.set(Timer::Watch, now + delay);
            }
            Outcome::Failed(failure) | Outcome::Unknown(failure) => self.on_watch_broken(now, &failure),
        }
    }

    fn on_watch_broken(&mut self, now: Duration, failure: &ApiFailure) {
        let backoff = match failure.class {
            FailureClass::Gone => &mut self.watch.relist,
            _ => &mut self.watch.backoff,
        };
        let delay = backoff.next(&mut self.rng, failure.retry_after);
        tracing::debug!(
            failure = failure.message,
            ?delay,
            "the watch on executor pods broke"
        );
        // What the version no longer reaches, and what may be listed but not watched, is listed.
        let timer = match failure.class {
            FailureClass::Gone | FailureClass::Forbidden | FailureClass::Invalid => Timer::List,
            _ => Timer::Watch,
        };
        self.timers.set(timer, now + delay);
    }
}
