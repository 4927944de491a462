//! The plan alone: what an event costs, and how that grows with the number of live executors.
//!
//! An executor's life is four events: its pod is created, runs, registers and is deleted, which makes the plan create the
//! next one. Measured is the time of the processor, so that other work on the machine does not count.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark has no interface and may fail"
)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stoker_benches::processor_time;
use stoker_core::ids::{ExecutorId, ProfileId};
use stoker_core::plan::{
    Action, CallId, CallResult, DriverPod, ListPage, Outcome, Plan, PlanConfig, PodFacts, PodPhase,
    WatchEvent,
};

const APP: &str = "spark-0123456789abcdef0123456789abcdef";
const OWNER: &str = "00000000-0000-4000-8000-000000000000";
const PROFILE: ProfileId = ProfileId(0);
const EVENTS_IN_A_LIFE: u64 = 4;
/// Lives whose events are built before they are measured: few enough that they are in the cache, as what was just decoded is.
const LIVES: u64 = 100;

/// What an executor's life brings, built before it is measured.
struct Life {
    id: ExecutorId,
    created: Box<PodFacts>,
    runs: WatchEvent,
    gone: WatchEvent,
}

/// A plan with live executors.
struct Application {
    plan: Plan,
    cfg: PlanConfig,
    now: Duration,
    version: u64,
    /// The oldest executor that lives.
    oldest: u64,
    newest: u64,
}

impl Application {
    fn new(executors: u32) -> Self {
        let cfg = PlanConfig {
            driver_pod: Some("driver".into()),
            ..PlanConfig::new(APP, "jobs", "benchmark-0123456789abcdef")
        };
        let mut application = Application {
            plan: Plan::new(cfg.clone(), Duration::ZERO),
            cfg,
            now: Duration::ZERO,
            version: 1,
            oldest: 1,
            newest: 0,
        };
        application.start();
        application
            .plan
            .handle_targets(application.now, &[(PROFILE, executors)]);
        while application.newest < u64::from(executors) {
            let call = application.create().unwrap();
            let life = application.life(application.newest);
            application.begin(life.id, call, life.created, life.runs);
        }
        while application.plan.poll_notice().is_some() {}
        application
    }

    fn start(&mut self) {
        while let Some(action) = self.plan.poll_action() {
            let result = match action {
                Action::GetDriverPod { .. } => CallResult::DriverPod(Outcome::Done(Some(DriverPod {
                    uid: OWNER.into(),
                    ready: true,
                }))),
                Action::CreateConfigMap { .. } => CallResult::ConfigMap(Outcome::Done(())),
                Action::List { .. } => CallResult::List(Outcome::Done(ListPage {
                    resource_version: "1".into(),
                    ..ListPage::default()
                })),
                Action::Watch { .. } => continue,
                other => panic!("{other:?} at the start"),
            };
            self.plan.handle_result(self.now, action.call(), result);
        }
    }

    /// The create that the plan wants sent, if it wants one.
    fn create(&mut self) -> Option<CallId> {
        match self.plan.poll_action()? {
            Action::Create { call, executor, .. } => {
                self.newest = executor.0;
                Some(call)
            }
            other => panic!("{other:?} is no create"),
        }
    }

    fn begin(&mut self, id: ExecutorId, call: CallId, created: Box<PodFacts>, runs: WatchEvent) {
        self.now += Duration::from_micros(1);
        self.plan
            .handle_result(self.now, call, CallResult::Pod(Outcome::Done(Some(created))));
        self.plan.handle_watch(self.now, runs);
        self.plan.handle_registered(self.now, id);
    }

    fn life(&mut self, id: u64) -> Life {
        let id = ExecutorId(id);
        let created = PodFacts {
            name: self.cfg.pod_name(id),
            uid: format!("10000000-0000-4000-8000-{id:0>12}"),
            app_id: Some(APP.into()),
            executor: Some(id),
            profile: Some(PROFILE),
            owner_uid: Some(OWNER.into()),
            ..PodFacts::default()
        };
        let running = PodFacts {
            phase: PodPhase::Running,
            node: Some(format!("node-{}", id.0 % 500)),
            ..created.clone()
        };
        let mut version = || {
            self.version += 1;
            self.version.to_string()
        };
        Life {
            id,
            runs: WatchEvent::Applied {
                pod: Box::new(running.clone()),
                resource_version: version(),
            },
            gone: WatchEvent::Deleted {
                pod: Box::new(running),
                resource_version: version(),
            },
            created: Box::new(created),
        }
    }

    /// One executor after the other is lost and replaced; the time of the processor.
    fn churn(&mut self, lives: u64) -> Duration {
        let ends: Vec<_> = (0..lives).map(|n| self.life(self.oldest + n).gone).collect();
        let begins: Vec<_> = (1..=lives).map(|n| self.life(self.newest + n)).collect();
        self.oldest += lives;
        let start = processor_time();
        for (end, life) in ends.into_iter().zip(begins) {
            self.plan.handle_watch(self.now, end);
            let call = self.create().unwrap();
            self.begin(life.id, call, life.created, life.runs);
            while let Some(notice) = self.plan.poll_notice() {
                black_box(notice);
            }
            black_box(self.plan.poll_timeout());
        }
        processor_time().saturating_sub(start)
    }
}

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(EVENTS_IN_A_LIFE));
    for executors in [1_000, 10_000, 100_000] {
        let mut application = Application::new(executors);
        group.bench_function(BenchmarkId::new("life", executors), |b| {
            b.iter_custom(|lives| {
                let mut time = Duration::ZERO;
                let mut left = lives;
                while left > 0 {
                    let some = left.min(LIVES).min(u64::from(executors));
                    time += application.churn(some);
                    left -= some;
                }
                time
            });
        });
    }
    group.finish();
}

criterion_group!(benches, events);
criterion_main!(benches);
