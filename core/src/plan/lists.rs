//! Lists: page by page, at the beginning of a watch, or in intervals where the user has turned the watch off.

use std::collections::HashSet;
use std::time::Duration;

use super::Plan;
use super::action::Action;
use super::event::{ListPage, Outcome};
use super::expect::Call;
use super::lifecycle::End;
use super::timer::Timer;
use super::types::{ExecutorId, PodFacts};
use super::watch::State;

/// How long after a list an executor that was confirmed during the list is asked for. The watch begins at the list's
/// version and shows what was made since; what it does not show by then was deleted before the list was taken.
pub(super) const CONFIRM_LISTED: Duration = Duration::from_secs(10);

/// What a list has shown so far.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    /// When it was asked for: what was confirmed later may be missing.
    started: Duration,
    /// It may show a state of long ago.
    cached: bool,
    seen: HashSet<ExecutorId>,
    uids: HashSet<String>,
}

impl Listing {
    pub(super) fn new(started: Duration, cached: bool) -> Self {
        Listing {
            started,
            cached,
            seen: HashSet::new(),
            uids: HashSet::new(),
        }
    }

    /// Takes note of a pod and of whose it is.
    pub(super) fn show(&mut self, pod: &PodFacts, executor: Option<ExecutorId>) {
        self.seen.extend(executor);
        self.uids.insert(pod.uid.clone());
    }
}

/// Whether a resource version is older than another; false where they cannot be compared. Versions are decimal
/// numbers without leading zeros, of any length.
fn is_older(version: &str, than: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    number(version) && number(than) && (version.len(), version) < (than.len(), than)
}

impl Plan {
    /// Asks for all pods. The first list is the cheapest there is, since there are hardly any pods yet. Later ones, which
    /// many drivers may want at the same time, begin a watch where the API server serves that; it then need not
    /// collect whole pages in its memory.
    pub(super) fn start_list(&mut self, now: Duration) {
        if self.startup.is_listed() && self.cfg.polling.is_none() && self.watch.may_stream() {
            self.stream_list(now);
        } else {
            // Ids and what an earlier life has left must not be missed.
            let cached = self.startup.is_listed() && self.cfg.polling.is_some_and(|polling| polling.cached);
            self.list(now, cached);
        }
    }

    /// Lists from the first page. Unless `cached`, a list is read from the storage itself: it is never older than what
    /// the watch has shown, however old the version is from which the watch cannot go on.
    fn list(&mut self, now: Duration, cached: bool) {
        self.watch.state = State::Listing(Listing::new(now, cached));
        self.ask_page(None, cached);
    }

    fn ask_page(&mut self, continue_token: Option<String>, cached: bool) {
        let call = self.calls.begin(Call::List);
        self.actions.push_back(Action::List {
            call,
            continue_token,
            cached,
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
        let State::Listing(mut listing) = std::mem::replace(&mut self.watch.state, State::Idle) else {
            return;
        };
        if listing.cached && is_older(&page.resource_version, &self.watch.resource_version) {
            // A cache that lags behind what was shown before: the storage is asked.
            self.list(now, false);
            return;
        }
        let first = !self.startup.is_listed();
        for pod in &page.pods {
            if first {
                self.on_first_list_pod(pod);
            } else {
                self.observe(now, pod);
                listing.show(pod, self.listed(pod));
            }
        }
        if let Some(token) = page.continue_token.filter(|token| !token.is_empty()) {
            let cached = listing.cached;
            self.watch.state = State::Listing(listing);
            self.ask_page(Some(token), cached);
            return;
        }
        self.on_listed(now, &listing, page.resource_version);
        match self.cfg.polling {
            Some(polling) => {
                self.watch.thrives();
                self.timers.set(Timer::List, now + polling.interval);
            }
            None => self.start_watch(now),
        }
    }

    /// A list is complete.
    pub(super) fn on_listed(&mut self, now: Duration, listing: &Listing, resource_version: String) {
        self.watch.listed(now, listing.started, resource_version);
        if self.startup.is_listed() {
            self.on_relisted(now, listing);
        } else {
            self.on_first_list_complete(now);
        }
    }

    /// After a break in the watch, absent means lost.
    fn on_relisted(&mut self, now: Duration, listing: &Listing) {
        self.chores.keep_strays(&listing.uids);
        self.volumes.keep_pods(&listing.uids);
        let unseen: Vec<_> = self
            .ledger
            .iter()
            .filter(|(id, executor)| executor.is_confirmed() && !listing.seen.contains(id))
            .map(|(id, executor)| {
                let expected = executor.confirmed_at < listing.started;
                (id, expected, executor.deleting)
            })
            .collect();
        for (id, expected, deleting) in unseen {
            if expected && !listing.cached {
                let pod = self.pod_name(id);
                self.gone(now, id, End::absent(id, &pod, deleting));
                continue;
            }
            // What a cache does not show may be there. What came during the list is shown by the watch or the next
            // list.
            let look = match self.cfg.polling {
                Some(_) => expected.then_some(now),
                None => Some(now + CONFIRM_LISTED),
            };
            self.ledger.update(id, |executor| {
                executor.observed = false;
                executor.get_at = look.or(executor.get_at);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn versions_are_compared_as_numbers_or_not_at_all() {
        assert!(is_older("9", "10") && is_older("10", "11"));
        assert!(is_older("99999999999999999999", "100000000000000000000"));
        assert!(!is_older("10", "10") && !is_older("11", "10"));
        assert!(!is_older("", "10") && !is_older("5", "") && !is_older("a5", "b6"));
    }
}
