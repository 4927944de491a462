//! The watch: what the API server shows of the application's pods, without gaps.

use std::time::Duration;

use super::Plan;
use super::action::Action;
use super::backoff::Backoff;
use super::event::{ApiFailure, FailureClass, Outcome, WatchEvent};
use super::expect::Call;
use super::lists::Listing;
use super::timer::Timer;

/// The first delay after a list or a watch that failed.
const RETRY: Duration = Duration::from_millis(500);
/// The longest delay between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// A watch that ends sooner than this without an event counts as failed.
const SHORT_WATCH: Duration = Duration::from_secs(1);
/// A watch that lives so long ends the backoff, as an event does.
const HEALTHY_WATCH: Duration = Duration::from_secs(5);

/// State of list and watch.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) state: State,
    /// When the last list was complete.
    listed_at: Duration,
    /// From where to watch. No list that is believed is older.
    pub(super) resource_version: String,
    pub(super) backoff: Backoff,
    /// Of lists because a version was too old: the API server answers, so they do not wait as for an outage.
    relist: Backoff,
    /// Whether the API server may serve a list as the beginning of a watch: it has not failed to yet.
    streams: bool,
    /// What is known was the API server's state at this time.
    current_at: Duration,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    /// Waits for a timer.
    Idle,
    /// Pages are coming.
    Listing(Listing),
    /// Events are coming.
    Open {
        since: Duration,
        events: bool,
        /// The watch begins with a list that is not complete yet.
        listing: Option<Listing>,
    },
}

impl Watch {
    pub(super) fn new(now: Duration) -> Self {
        Watch {
            state: State::Idle,
            listed_at: Duration::ZERO,
            resource_version: String::new(),
            backoff: Backoff::new(RETRY, RETRY_MAX),
            relist: Backoff::new(RETRY, RETRY_MAX),
            streams: true,
            current_at: now,
        }
    }

    /// Whether what a call sent at this time has shown may have ended before the watch began: the list did not
    /// miss it, since it was not known yet, and the watch will not tell.
    pub(super) fn may_have_missed(&self, sent_at: Duration) -> bool {
        sent_at < self.listed_at
    }

    /// A list that was asked for at `started` is complete.
    pub(super) fn listed(&mut self, now: Duration, started: Duration, resource_version: String) {
        self.listed_at = now;
        self.resource_version = resource_version;
        self.is_current(started);
    }

    fn is_current(&mut self, at: Duration) {
        self.current_at = self.current_at.max(at);
    }

    /// When what is known was the API server's state.
    pub(super) fn current_at(&self) -> Duration {
        self.current_at
    }

    pub(super) fn may_stream(&self) -> bool {
        self.streams
    }

    /// Failures so far do not count any more.
    pub(super) fn thrives(&mut self) {
        self.backoff.reset();
        self.relist.reset();
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }
}

impl Plan {
    /// Opens the watch where the last list or watch ended.
    pub(super) fn start_watch(&mut self, now: Duration) {
        let version = self.watch.resource_version.clone();
        self.open_watch(now, Some(version), None);
    }

    /// Opens a watch that begins with a list.
    pub(super) fn stream_list(&mut self, now: Duration) {
        self.open_watch(now, None, Some(Listing::new(now, false)));
    }

    fn open_watch(&mut self, now: Duration, resource_version: Option<String>, listing: Option<Listing>) {
        self.watch.state = State::Open {
            since: now,
            events: false,
            listing,
        };
        let call = self.calls.begin(Call::Watch);
        self.actions.push_back(Action::Watch {
            call,
            resource_version,
        });
    }

    pub(super) fn on_watch_event(&mut self, now: Duration, event: WatchEvent) {
        let version = match event {
            WatchEvent::Applied {
                pod,
                resource_version,
            } => {
                self.observe(now, &pod);
                let executor = self.listed(&pod);
                if let State::Open {
                    listing: Some(listing),
                    ..
                } = &mut self.watch.state
                {
                    listing.show(&pod, executor);
                }
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
            WatchEvent::Listed { resource_version } => {
                if let State::Open { listing, .. } = &mut self.watch.state
                    && let Some(listing) = listing.take()
                {
                    self.on_listed(now, &listing, resource_version.clone());
                }
                resource_version
            }
        };
        // The pods of a list come in no order of their versions.
        if let State::Open {
            events,
            listing: None,
            ..
        } = &mut self.watch.state
        {
            *events = true;
            self.watch.resource_version = version;
            self.watch.is_current(now);
            self.watch.thrives();
        }
    }

    pub(super) fn on_watch_end(&mut self, now: Duration, outcome: Outcome<()>) {
        let State::Open {
            since,
            events,
            listing,
        } = std::mem::replace(&mut self.watch.state, State::Idle)
        else {
            return;
        };
        if self.is_halted() {
            return;
        }
        if listing.is_some() {
            self.on_stream_broken(now, outcome);
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

    /// A watch that was to begin with a list has ended before the list was complete. The list is asked for page by page
    /// from now on, unless the failure says nothing of what the API server serves.
    fn on_stream_broken(&mut self, now: Duration, outcome: Outcome<()>) {
        let failure = match outcome {
            Outcome::Done(()) => None,
            Outcome::Failed(failure) | Outcome::Unknown(failure) => Some(failure),
        };
        let class = failure.as_ref().map(|failure| failure.class);
        tracing::debug!(?failure, "the list at the beginning of a watch broke");
        self.watch.streams = matches!(
            class,
            Some(FailureClass::TooManyRequests | FailureClass::Unreachable | FailureClass::Unauthorized)
        );
        if matches!(class, Some(FailureClass::Invalid | FailureClass::Forbidden)) {
            self.start_list(now);
            return;
        }
        let after = failure.and_then(|failure| failure.retry_after);
        let delay = self.watch.backoff.next(&mut self.rng, after);
        self.timers.set(Timer::List, now + delay);
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
