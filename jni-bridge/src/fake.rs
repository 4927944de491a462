//! An allocator without a cluster, for the tests of the boundary.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stoker_core::plan::{ExecutorId, FatalKind, Notice, Plan, PlanConfig, ProfileId, Summary};
use stoker_core::shell::metrics::{Queues, Report};
use stoker_core::shell::{StartError, UnknownRequest};
use stoker_core::spec::ResourceProfile;

use crate::codec::StartMessage;
use crate::engine::{Engine, EngineError};

/// Masters that are served here: `fake:ok`, or the one of [`start`]'s failures.
pub(crate) const SCHEME: &str = "fake:";

/// A target for this profile panics.
const PANIC_PROFILE: ProfileId = ProfileId(666);

/// A request that is never made.
const NEVER_ASKED: u64 = 404;

/// Starts, or fails as the master says.
pub(crate) fn start(message: StartMessage) -> Result<Arc<dyn Engine>, EngineError> {
    let fatal = |kind, message: &str| {
        Err(EngineError::Start(StartError::Refused {
            kind,
            message: message.to_owned(),
        }))
    };
    match message.master.as_str() {
        "fake:unreachable" => fatal(FatalKind::Unreachable, "no answer from https://fake"),
        "fake:forbidden" => fatal(FatalKind::Forbidden, "pods is forbidden 😀"),
        #[expect(clippy::panic, reason = "what this master is for")]
        "fake:panic" => panic!("asked to panic in {}", message.app_id),
        _ => {
            let engine = Fake::default();
            engine.with(|state| {
                state.waiting(format!("{message:?}"));
                state.conf = message.conf.0;
            });
            Ok(Arc::new(engine))
        }
    }
}

#[derive(Default)]
struct Fake {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    conf: BTreeMap<String, String>,
    pods: Vec<String>,
    killed: Vec<ExecutorId>,
    notices: VecDeque<Notice>,
    stopped: bool,
}

impl State {
    /// Echoes what came in.
    fn waiting(&mut self, message: String) {
        self.notices.push_back(Notice::Waiting {
            profile: ProfileId(0),
            message,
        });
    }
}

impl Fake {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        drop(state);
        self.changed.notify_all();
        result
    }

    fn echo(&self, message: String) {
        self.with(|state| state.waiting(message));
    }
}

impl Engine for Fake {
    fn set_profile(&self, profile: ResourceProfile) {
        self.echo(format!("{profile:?}"));
    }

    fn set_targets(&self, targets: Vec<(ProfileId, u32)>) {
        assert!(
            targets.iter().all(|(profile, _)| *profile != PANIC_PROFILE),
            "asked to panic 😀"
        );
        self.with(|state| {
            for (profile, count) in targets {
                for _ in 0..count {
                    let id = state.pods.len() + 1;
                    let name = state.conf.get("spark.app.name").map_or("fake", String::as_str);
                    let pod = format!("{name}-exec-{id}");
                    state.pods.push(pod.clone());
                    state.notices.push_back(Notice::Created {
                        executor_id: ExecutorId(id as u64),
                        profile,
                        pod,
                        uid: format!("uid-{id}"),
                    });
                }
            }
        });
    }

    fn kill(&self, executors: Vec<ExecutorId>) {
        self.with(|state| state.killed.extend(executors));
    }

    fn decommission(&self, executors: Vec<ExecutorId>) {
        self.echo(format!("decommission {executors:?}"));
    }

    fn registered(&self, executor: ExecutorId) {
        self.echo(format!("registered {executor}"));
    }

    fn disconnected(&self, executor: ExecutorId) {
        self.echo(format!("disconnected {executor}"));
    }

    fn executor_id_for(&self, pod: &str) -> Option<ExecutorId> {
        let index = self.with(|state| state.pods.iter().position(|name| name == pod));
        index.map(|index| ExecutorId(index as u64 + 1))
    }

    fn is_deleted(&self, executor: ExecutorId) -> bool {
        self.with(|state| state.killed.contains(&executor))
    }

    fn next_notices(&self, max_wait: Duration) -> Option<Vec<Notice>> {
        let deadline = Instant::now() + max_wait;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if !state.notices.is_empty() {
                return Some(state.notices.drain(..).collect());
            }
            if state.stopped {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Some(Vec::new());
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn answer(&self, request: u64, payload: serde_json::Value) -> Result<(), EngineError> {
        if request == NEVER_ASKED {
            return Err(UnknownRequest(request).into());
        }
        self.echo(format!("answer {request} {payload}"));
        Ok(())
    }

    fn update_conf(&self, conf: BTreeMap<String, String>) -> Result<(), EngineError> {
        let number = |key| {
            conf.get(key)
                .and_then(|value: &String| value.parse().ok())
                .unwrap_or(0_u32)
        };
        for line in 0..number("fake.lines") {
            tracing::info!(line, "a line");
        }
        if let Some(text) = conf.get("fake.say") {
            tracing::error!(text, "said at error");
            tracing::debug!(text, "said at debug");
            tracing_log::log::warn!(target: "some_library", "said through log: {text}");
            tracing_log::log::info!(target: "some_library", "not heard: {text}");
        }
        self.with(|state| state.conf = conf);
        Ok(())
    }

    fn metrics(&self) -> Option<Report> {
        let plan = Plan::new(PlanConfig::new("app", "default", "fake"), Duration::ZERO);
        let made = self.with(|state| state.pods.len());
        let mut counters = plan.counters().clone();
        counters.creates_sent = made as u64;
        // More than any double can hold exactly.
        counters.events = (1 << 53) + 1;
        Some(Report {
            plan: plan.snapshot(),
            staleness: Duration::ZERO,
            counters,
            to_running: Summary {
                mean: Duration::from_micros(1500),
                ..Summary::default()
            },
            to_registered: Summary::default(),
            latencies: BTreeMap::new(),
            queues: Queues::default(),
        })
    }

    fn closing(&self) {
        self.echo("closing".to_owned());
    }

    fn stop(&self, _deadline: Duration) {
        let panic = self.with(|state| {
            state.stopped = true;
            state.conf.contains_key("fake.panicOnStop")
        });
        assert!(!panic, "asked to panic in stop");
    }
}
