//! Checks of lists and watches: none without need, and the plan claims no more than it was shown.

use std::time::Duration;

use crate::plan::{Action, CallResult, FailureClass, ListPage, Outcome, PlanConfig, Polling, WatchEvent};

use super::check::{Violations, require};

/// Follows lists and watches.
#[derive(Debug)]
pub(super) struct ListChecker {
    polling: Option<Polling>,
    /// There is a reason for a list.
    may_list: bool,
    /// When the list under way was asked for.
    asked_at: Duration,
    /// When the last list was complete, and its version.
    done: Option<(Duration, u64)>,
    /// The API server's state at this time was shown.
    shown_at: Duration,
    claimed: Duration,
    /// Lists begun, those at the beginning of a watch included.
    pub(super) begun: usize,
}

impl ListChecker {
    pub(super) fn new(cfg: &PlanConfig) -> Self {
        ListChecker {
            polling: cfg.polling,
            may_list: true,
            asked_at: Duration::ZERO,
            done: None,
            shown_at: Duration::ZERO,
            claimed: Duration::ZERO,
            begun: 0,
        }
    }

    pub(super) fn is_first_done(&self) -> bool {
        self.done.is_some()
    }

    pub(super) fn on_action(&mut self, action: &Action, found: &mut Violations) {
        let list = match action {
            Action::List {
                continue_token,
                cached,
                ..
            } => {
                let allowed = self.polling.is_some_and(|polling| polling.cached) && self.done.is_some();
                require!(found, FirstList, !cached || allowed, "a list from a cache");
                continue_token.is_none()
            }
            Action::Watch { resource_version, .. } => {
                require!(
                    found,
                    Frugality,
                    self.polling.is_none(),
                    "a watch although there is to be none"
                );
                resource_version.is_none()
            }
            _ => false,
        };
        if list {
            let now = found.now;
            if self.begun == 0 {
                // Nothing is known before the start.
                self.shown_at = now;
            }
            let due = self
                .polling
                .zip(self.done)
                .is_some_and(|(polling, (at, _))| now >= at + polling.interval);
            require!(found, Frugality, self.may_list || due, "a list without need");
            self.may_list = false;
            self.asked_at = now;
            self.begun += 1;
        }
    }

    /// An event of a watch that was opened by this action.
    pub(super) fn on_event(&mut self, action: &mut Action, event: &WatchEvent, now: Duration) {
        if let (
            Action::Watch {
                resource_version: begun @ None,
                ..
            },
            WatchEvent::Listed { resource_version },
        ) = (&mut *action, event)
        {
            *begun = Some(resource_version.clone());
            self.on_complete(resource_version, now);
        }
        if let Action::Watch {
            resource_version: Some(_),
            ..
        } = action
        {
            self.shown_at = now;
        }
    }

    fn on_complete(&mut self, version: &str, now: Duration) {
        self.done = Some((now, version.parse().unwrap_or(0)));
        self.shown_at = self.shown_at.max(self.asked_at);
    }

    pub(super) fn on_result(&mut self, action: &Action, result: &CallResult, now: Duration) {
        match (action, result) {
            (Action::List { cached, .. }, CallResult::List(Outcome::Done(page))) => {
                self.on_page(page, *cached, now);
            }
            // Neither it nor the list at the beginning of a watch was complete.
            (
                Action::List { .. }
                | Action::Watch {
                    resource_version: None,
                    ..
                },
                _,
            ) => self.may_list = true,
            (Action::Watch { .. }, CallResult::Watch(Outcome::Failed(f) | Outcome::Unknown(f))) => {
                self.may_list |= matches!(f.class, FailureClass::Gone | FailureClass::Forbidden);
            }
            _ => {}
        }
    }

    fn on_page(&mut self, page: &ListPage, cached: bool, now: Duration) {
        let older = |(_, version): (Duration, u64)| page.resource_version.parse().unwrap_or(0) < version;
        if cached && self.done.is_some_and(older) {
            self.may_list = true;
        } else if page.continue_token.is_none() {
            self.on_complete(&page.resource_version, now);
        }
    }

    /// For when the plan claims to know the API server's state.
    pub(super) fn on_claim(&mut self, current_at: Duration, found: &mut Violations) {
        require!(
            found,
            FirstList,
            current_at >= self.claimed,
            "what is known becomes older: {current_at:?} after {:?}",
            self.claimed
        );
        require!(
            found,
            FirstList,
            current_at <= self.shown_at,
            "the state at {current_at:?} is claimed to be known, shown was that at {:?}",
            self.shown_at
        );
        self.claimed = current_at;
    }
}
