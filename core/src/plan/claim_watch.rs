//! List and watch of volume claims, where they are reused: which there are, so that no pod is given one that is gone.
//!
//! Without the right to watch them, a list before claims are reused that is not older than [`VALID`]. Without the right
//! to list them, the plan knows those it has made.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Plan;
use super::action::Action;
use super::backoff::Backoff;
use super::config::ClaimOwner;
use super::event::{ApiFailure, ClaimEvent, ClaimFacts, ClaimPage, FailureClass, Outcome};
use super::expect::Call;
use super::timer::Timer;
use super::types::{ExecutorId, PodFacts};

/// The first delay after a list or a watch that failed.
const RETRY: Duration = Duration::from_millis(500);
/// The longest delay between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// A watch that ends sooner than this without an event counts as failed.
const SHORT_WATCH: Duration = Duration::from_secs(1);
/// How long a list is believed where claims may not be watched.
const VALID: Duration = Duration::from_secs(30);
/// What scheduler and kubelet say of a pod whose claim is gone.
const MISSING: [&str; 2] = ["persistentvolumeclaim", "not found"];

/// State of list and watch of volume claims.
#[derive(Debug, Clone)]
pub(super) struct ClaimWatch {
    may_list: bool,
    may_watch: bool,
    listing: Option<Listing>,
    /// When the last complete list began.
    listed_at: Option<Duration>,
    open: Option<Open>,
    /// From where to watch.
    resource_version: String,
    backoff: Backoff,
}

/// Pages are coming.
#[derive(Debug, Clone)]
struct Listing {
    started: Duration,
    /// All claims, by name.
    uids: BTreeMap<String, String>,
    /// Name, UID and owner of claims whose name is in question.
    asked: BTreeMap<String, (String, Option<String>)>,
}

/// Events are coming.
#[derive(Debug, Clone)]
struct Open {
    since: Duration,
    events: bool,
}

impl ClaimWatch {
    /// `may_watch`: the user has not turned watches off.
    pub(super) fn new(may_watch: bool) -> Self {
        ClaimWatch {
            may_list: true,
            may_watch,
            listing: None,
            listed_at: None,
            open: None,
            resource_version: String::new(),
            backoff: Backoff::new(RETRY, RETRY_MAX),
        }
    }

    /// Whether claims can be listed, as far as is known.
    pub(super) fn may_list(&self) -> bool {
        self.may_list
    }
}

impl Plan {
    /// Whether claims are given to new executors.
    pub(super) fn reuses_claims(&self) -> bool {
        self.cfg.prepares
            && self.cfg.reuse_claims
            && self.cfg.claim_owner == ClaimOwner::Driver
            && self.cfg.controller.is_none()
    }

    /// Whether the claims of an earlier life of the driver are known, as far as they can be.
    pub(super) fn has_claims_listed(&self) -> bool {
        !self.reuses_claims() || self.claim_watch.listed_at.is_some() || !self.claim_watch.may_list
    }

    /// Lists claims from the first page, unless that is under way or about to be.
    pub(super) fn list_claims(&mut self, now: Duration) {
        if self.claim_watch.listing.is_some()
            || self.timers.is_set(Timer::ListClaims)
            || !self.claim_watch.may_list
            || self.is_halted()
        {
            return;
        }
        self.claim_watch.listing = Some(Listing {
            started: now,
            uids: BTreeMap::new(),
            asked: BTreeMap::new(),
        });
        self.ask_claim_page(None);
    }

    fn ask_claim_page(&mut self, continue_token: Option<String>) {
        let call = self.calls.begin(Call::ListClaims);
        self.actions
            .push_back(Action::ListClaims { call, continue_token });
    }

    pub(super) fn on_claim_list(&mut self, now: Duration, outcome: Outcome<ClaimPage>) {
        if self.is_halted() {
            return;
        }
        match outcome {
            Outcome::Done(page) => self.on_claim_page(now, page),
            Outcome::Failed(failure)
                if matches!(failure.class, FailureClass::Forbidden | FailureClass::Invalid) =>
            {
                self.on_claim_list_forbidden(now, &failure);
            }
            Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                self.claim_watch.listing = None;
                let delay = self.claim_watch.backoff.next(&mut self.rng, failure.retry_after);
                if self.has_claims_listed() {
                    tracing::warn!(failure = failure.message, ?delay, "listing volume claims failed");
                    self.timers.set(Timer::ListClaims, now + delay);
                } else {
                    self.retry_start(now, Timer::ListClaims, delay, "the volume claims", &failure);
                }
            }
        }
    }

    fn on_claim_list_forbidden(&mut self, now: Duration, failure: &ApiFailure) {
        self.claim_watch.listing = None;
        self.claim_watch.may_list = false;
        tracing::warn!(
            failure = failure.message,
            "volume claims cannot be listed: those that an earlier container of the driver has left are not used \
             again. Give the driver's role the verbs list and watch on persistentvolumeclaims, or set \
             spark.kubernetes.driver.reusePersistentVolumeClaim=false"
        );
        self.resolve_asked(now, now, &BTreeMap::new());
        self.check_ready(now);
    }

    fn on_claim_page(&mut self, now: Duration, page: ClaimPage) {
        let started = self.claim_watch.listing.as_ref().map(|listing| listing.started);
        for claim in &page.claims {
            let asked = self.is_asked(&claim.name);
            if let Some(listing) = &mut self.claim_watch.listing {
                listing.uids.insert(claim.name.clone(), claim.uid.clone());
                if asked {
                    let found = (claim.uid.clone(), claim.owner_uid.clone());
                    listing.asked.insert(claim.name.clone(), found);
                }
            }
            self.see_claim(now, claim, started);
        }
        if let Some(token) = page.continue_token.filter(|token| !token.is_empty()) {
            return self.ask_claim_page(Some(token));
        }
        let Some(listing) = self.claim_watch.listing.take() else {
            return;
        };
        self.claim_watch.backoff.reset();
        self.claim_watch.listed_at = Some(listing.started);
        for (id, name) in self.volumes.listed(listing.started, &listing.uids) {
            self.on_claim_lost(now, id, &name);
        }
        self.resolve_asked(now, listing.started, &listing.asked);
        if self.watches_claims() && self.claim_watch.open.is_none() && !self.timers.is_set(Timer::WatchClaims)
        {
            self.claim_watch.resource_version = page.resource_version;
            self.watch_claims(now);
        }
        self.check_ready(now);
    }

    /// A claim as list or watch show it. Claims of the driver are the ledger's; others only have a name.
    fn see_claim(&mut self, now: Duration, claim: &ClaimFacts, listed: Option<Duration>) {
        if self.cfg.claim_owner != ClaimOwner::Driver || self.owner.is_none() || claim.owner_uid != self.owner
        {
            return;
        }
        // The stop deletes it.
        self.claims_made = true;
        // The next claim of that name would be this one.
        if let Some(id) = self.executor_of_claim(&claim.name) {
            self.ledger.start_above(id);
        }
        if let Some(id) = self.volumes.shown(now, claim, listed) {
            self.on_claim_lost(now, id, &claim.name);
        }
    }

    /// The executor that a claim made on demand is named after.
    fn executor_of_claim(&self, name: &str) -> Option<ExecutorId> {
        let rest = name
            .strip_prefix(self.cfg.pod_name_prefix.as_str())?
            .strip_prefix("-exec-")?;
        let (id, _) = rest.split_once("-pvc-")?;
        id.parse().ok().map(ExecutorId)
    }

    /// Opens the watch on claims where the last list or watch ended.
    pub(super) fn watch_claims(&mut self, now: Duration) {
        self.claim_watch.open = Some(Open {
            since: now,
            events: false,
        });
        let call = self.calls.begin(Call::WatchClaims);
        self.actions.push_back(Action::WatchClaims {
            call,
            resource_version: self.claim_watch.resource_version.clone(),
        });
    }

    /// An event of the open watch on volume claims.
    pub fn handle_claim_event(&mut self, now: Duration, event: ClaimEvent) {
        let version = match event {
            ClaimEvent::Applied {
                claim,
                resource_version,
            } => {
                self.see_claim(now, &claim, None);
                resource_version
            }
            ClaimEvent::Deleted {
                claim,
                resource_version,
            } => {
                let creating = self.calls.any_claim();
                if let Some(id) = self.volumes.deleted(&claim, creating) {
                    self.on_claim_lost(now, id, &claim.name);
                }
                resource_version
            }
            ClaimEvent::Bookmark { resource_version } => resource_version,
        };
        if let Some(open) = &mut self.claim_watch.open {
            open.events = true;
            self.claim_watch.resource_version = version;
            self.claim_watch.backoff.reset();
        }
        self.pump(now);
    }

    pub(super) fn on_claim_watch_end(&mut self, now: Duration, outcome: Outcome<()>) {
        let Some(open) = self.claim_watch.open.take() else {
            return;
        };
        if self.is_halted() {
            return;
        }
        let lived = open.events || now.saturating_sub(open.since) >= SHORT_WATCH;
        let failure = match outcome {
            Outcome::Done(()) if lived => return self.watch_claims(now),
            Outcome::Done(()) => None,
            Outcome::Failed(failure) | Outcome::Unknown(failure) => Some(failure),
        };
        let class = failure.as_ref().map(|failure| failure.class);
        if matches!(class, Some(FailureClass::Forbidden | FailureClass::Invalid)) {
            self.claim_watch.may_watch = false;
            tracing::info!("volume claims may not be watched; they are listed before one is used again");
            return;
        }
        let wish = failure.and_then(|failure| failure.retry_after);
        let delay = self.claim_watch.backoff.next(&mut self.rng, wish);
        let timer = match class {
            Some(FailureClass::Gone) => Timer::ListClaims,
            _ => Timer::WatchClaims,
        };
        self.timers.set(timer, now + delay);
    }

    /// Whether what is known of claims is good enough to use one again; if not, it soon will be.
    pub(super) fn knows_claims(&mut self, now: Duration) -> bool {
        let watch = &self.claim_watch;
        let fresh = watch.listed_at.is_some_and(|at| now.saturating_sub(at) <= VALID);
        if self.watches_claims() || !watch.may_list || fresh {
            return true;
        }
        self.list_claims(now);
        false
    }

    /// Whether events tell of claims that are gone.
    fn watches_claims(&self) -> bool {
        self.reuses_claims() && self.claim_watch.may_watch
    }

    /// A pod that does not start because its claim is gone shows that claims have to be listed. The scheduler may also
    /// say so because it has not seen a new claim yet.
    pub(super) fn look_for_claims(&mut self, now: Duration, pod: &PodFacts) {
        let first = self.cfg.claim_owner == ClaimOwner::Driver;
        if !first || self.watches_claims() || pod.claims.is_empty() {
            return;
        }
        let says = |said: &String| MISSING.iter().all(|part| said.contains(part));
        if pod.conditions.iter().filter_map(|c| c.message.as_ref()).any(says)
            && self.claim_watch.may_list
            && !self.timers.is_set(Timer::ListClaims)
        {
            let at = self.claim_watch.listed_at.map_or(now, |at| now.max(at + VALID));
            self.timers.set(Timer::ListClaims, at);
        }
    }
}
