//! `stoker simulate`: the plan against a simulated cluster, and what it would cost.

mod report;
mod scenario;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use stoker_core::conf::{Conf, Sources, SparkVersion};
use stoker_core::plan::{DriverPod, Outcome, PlanConfig};
use stoker_core::shell;
use stoker_core::sim::cluster::{Cluster, is_alive};
use stoker_core::sim::ops::Op;
use stoker_core::sim::{APP, DRIVER, OWNER, Sim, unreachable};

use crate::documents;
use report::{Observer, Report};
use scenario::{Scenario, What};

/// Options of `stoker simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What is simulated, in YAML or JSON; docs/simulate.md describes it.
    #[arg(long, value_name = "FILE")]
    scenario: PathBuf,
    /// The version of Spark whose keys and defaults apply.
    #[arg(long, value_name = "V", default_value = "4.3.0")]
    spark_version: SparkVersion,
    /// How to print it.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let scenario: Scenario = documents::read(&options.scenario, "scenario")?;
    let timeline = scenario.timeline()?;
    let config = config(&scenario, options.spark_version.clone())?;
    let report = simulate(&scenario, &timeline, config);
    let text = match options.output {
        Format::Table => report.table()?,
        Format::Json => serde_json::to_string_pretty(&report)? + "\n",
    };
    io::stdout().write_all(text.as_bytes())?;
    match report.violations.len() {
        0 => Ok(()),
        count => Err(format!(
            "{count} of the things that always have to hold did not: a defect of Stoker; please report it with the scenario"
        )
        .into()),
    }
}

/// What the plan gets from the properties of the scenario.
fn config(scenario: &Scenario, version: SparkVersion) -> Result<PlanConfig, Box<dyn Error>> {
    let sources = Sources {
        properties: scenario.properties.clone(),
        env: BTreeMap::new(),
        system: BTreeMap::new(),
    };
    let conf = Conf::new(sources, version)?;
    let prepares = scenario.volume_claims > 0;
    let config = shell::plan_config(&conf, APP, "test", prepares, scenario.seed)?;
    Ok(PlanConfig {
        // The simulated driver pod has a name of its own.
        driver_pod: config.driver_pod.map(|_| DRIVER.to_owned()),
        ..config
    })
}

fn simulate(scenario: &Scenario, timeline: &[(Duration, What)], config: PlanConfig) -> Report {
    let driver = config.driver_pod.as_ref().map(|_| DriverPod {
        uid: OWNER.to_owned(),
        ready: true,
    });
    let model = &scenario.cluster;
    let mut cluster = Cluster::new(driver);
    cluster.quota = model.quota;
    let mut sim = Sim::with_cluster(config, scenario.seed, cluster);
    // There and back, with a tenth more or less.
    sim.least_latency = model.latency.0.mul_f64(0.45);
    sim.faults = scenario.faults.faults(model.latency.0.mul_f64(0.1));
    sim.start_time = Some(model.pod_start.0);
    sim.end_time = model.pod_end.0;
    sim.capacity = model.capacity;
    sim.claims_each = scenario.volume_claims;
    let mut observer = Observer::default();
    for (at, what) in timeline {
        run_until(&mut sim, *at, &mut observer);
        happen(&mut sim, *what, &mut observer);
    }
    run_until(&mut sim, scenario.length.0, &mut observer);
    observer.report(&sim)
}

fn run_until(sim: &mut Sim, until: Duration, observer: &mut Observer) {
    while sim.step(until) {
        observer.observe(sim);
    }
    sim.now = sim.now.max(until);
}

fn happen(sim: &mut Sim, what: What, observer: &mut Observer) {
    match what {
        What::Target(target) => {
            let (profile, executors) = target.parts();
            observer.on_target(sim.now, profile, executors);
            sim.target(profile, executors);
            // Spark itself kills what is above the target.
            sim.settle();
        }
        What::Lose(loss) => {
            let (count, fate) = loss.parts();
            for uid in running(sim, count) {
                sim.end(&uid, fate);
            }
        }
        What::Kill(count) => {
            let ids: Vec<_> = sim.registered.iter().copied().take(count).collect();
            sim.kill(&ids);
        }
        What::DeletePods(count) => {
            let alive = sim
                .cluster
                .pods
                .values()
                .filter(|pod| is_alive(pod) && !pod.deleting);
            let names: Vec<_> = alive.take(count).map(|pod| pod.name.clone()).collect();
            for name in names {
                sim.delete(&name);
            }
        }
        What::LoseNodes(count) => {
            for node in sim.nodes().into_iter().take(count) {
                sim.lose_node(&node);
            }
        }
        What::ApiServerDown(span) => sim.outage(span),
        What::Throttle(throttle) => sim.storm(throttle.span.0, throttle.retry_after.0),
        What::Webhook(state) => sim.set_webhook(state.webhook()),
        What::Quota(limit) => sim.cluster.quota = limit.pods(),
        What::Unschedulable(stuck) => sim.perform(&Op::Unschedulable(stuck)),
        What::SuspendDriver(span) => sim.suspend(span),
        What::RestartDriver => {
            observer.observe(sim);
            let targets = sim.plan.snapshot().profiles;
            sim.restart();
            observer.on_restart();
            for (profile, (target, _)) in targets {
                sim.target(profile.0, u32::try_from(target).unwrap_or(u32::MAX));
            }
        }
        What::CutWatch => sim.break_watches(&Outcome::Unknown(unreachable())),
    }
    observer.observe(sim);
}

/// UIDs of so many executors that run.
fn running(sim: &Sim, count: usize) -> Vec<String> {
    let pods = sim.registered.iter().filter_map(|id| sim.pod_of(*id));
    let alive = pods.filter(|pod| is_alive(pod) && !pod.deleting);
    alive.take(count).map(|pod| pod.uid.clone()).collect()
}
