//! The one thing every mode goes through: 200 executors are made, 20 are deleted behind Stoker's back and
//! replaced, all are released. What is true is asked of the API server itself, not through the proxy.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use stoker_tests::fault_proxy::{FaultProxy, Kind, Verb};
use stoker_tests::local_cluster::{Allocate, LocalCluster, eventually};

use crate::executors::{Executors, Pod};
use crate::modes::Mode;

const EXECUTORS: usize = 200;
const VICTIMS: usize = 20;
/// For each part; the slowest take a tenth of it to a third.
const DEADLINE: Duration = Duration::from_mins(5);
const PROGRESS: Duration = Duration::from_secs(10);

/// The API server deletes a collection pod by pod, and stops in the middle when the client is gone. Several at once
/// on a small machine would not be done before `stoker allocate` has to end, 10 s after the signal.
static RELEASING: Mutex<()> = Mutex::new(());

struct Scenario<'a> {
    cluster: &'a LocalCluster,
    mode: &'a Mode,
    seed: u64,
    proxy: FaultProxy,
    stoker: Allocate,
    executors: Executors,
    selector: String,
}

pub(crate) fn run(cluster: &LocalCluster, mode: &Mode, seed: u64) {
    let mut scenario = Scenario::start(cluster, mode, seed);
    let allocated = timed(|| scenario.reach_the_target());
    let replaced = timed(|| scenario.lose_and_replace());
    let released = timed(|| scenario.release());
    scenario.settle_accounts();
    let (executors, counters) = (&scenario.executors, scenario.proxy.counters());
    eprintln!(
        "{:24} allocated in {:5.1} s, replaced in {:5.1} s, released in {:4.1} s; {} creates for {} pods, {} never made, {} faults",
        mode.name,
        allocated,
        replaced,
        released,
        counters.of(Verb::Create, Kind::Pods),
        executors.created.len(),
        executors.never_made.len(),
        counters.hits(),
    );
}

/// Seconds that something takes.
fn timed(part: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    part();
    begun.elapsed().as_secs_f64()
}

impl<'a> Scenario<'a> {
    fn start(cluster: &'a LocalCluster, mode: &'a Mode, seed: u64) -> Self {
        let app = format!("fault-{}", mode.name);
        let proxy = FaultProxy::start(
            cluster.env("API_SERVER"),
            Path::new(cluster.env("CA_FILE")),
            mode.allocating.clone(),
            seed,
        );
        let mut properties = cluster.properties(&app);
        properties.insert("spark.master".into(), format!("k8s://{}", proxy.url()));
        for (key, value) in &mode.properties {
            properties.insert((*key).into(), (*value).into());
        }
        let stoker = Allocate::start(&properties, u32::try_from(EXECUTORS).unwrap());
        Self {
            cluster,
            mode,
            seed,
            proxy,
            stoker,
            executors: Executors::default(),
            selector: format!("spark-role=executor,spark-app-selector={app}"),
        }
    }

    fn reach_the_target(&mut self) {
        self.follow("the target", |executors| executors.live_count() == EXECUTORS);
        self.assert_live();
        assert_eq!(
            self.executors.lost.len(),
            0,
            "nothing was lost: {:?}",
            self.executors.lost
        );
        assert!(self.proxy.counters().hits() > 0, "nothing went wrong");
    }

    fn lose_and_replace(&mut self) {
        let hits = self.proxy.counters().hits();
        self.proxy.arm(self.mode.losing.clone());
        let mut live: Vec<String> = self
            .executors
            .live()
            .into_iter()
            .map(|pod| pod.name.clone())
            .collect();
        Rng::with_seed(self.seed).shuffle(&mut live);
        let victims: BTreeSet<String> = live.into_iter().take(VICTIMS).collect();
        let names = victims.iter().map(String::as_str);
        let args: Vec<&str> = ["delete", "pod", "--wait=false"]
            .into_iter()
            .chain(names)
            .collect();
        self.cluster.kubectl(&args, None);

        let victims = self.executors.ids_of(&victims);
        self.follow("the replacements", |executors| {
            executors.lost_ids().is_superset(&victims) && executors.live_count() == EXECUTORS
        });
        assert_eq!(self.executors.lost_ids(), victims);
        let kinds: BTreeSet<&str> = self.executors.lost.values().map(String::as_str).collect();
        assert!(
            kinds.is_subset(&BTreeSet::from(["deleted", "missing"])),
            "{kinds:?}"
        );
        self.assert_live();
        assert!(
            self.proxy.counters().hits() > hits,
            "nothing went wrong while executors were lost"
        );
    }

    fn release(&mut self) {
        let lost = self.executors.lost_ids();
        self.proxy.arm(self.mode.releasing.clone());
        {
            let _one_at_a_time = RELEASING.lock().unwrap_or_else(PoisonError::into_inner);
            self.stoker.signal("TERM");
            while self.take_event(DEADLINE) {}
            assert_eq!(self.stoker.exit_code(), Some(0));
        }
        assert_eq!(self.executors.lost_ids(), lost, "releasing is no loss");
        for kind in ["pods", "configmaps"] {
            eventually("everything to be gone", || {
                self.cluster.list(kind, &self.selector).is_empty().then_some(())
            });
        }
        assert_eq!(
            self.executors.released.len(),
            EXECUTORS,
            "all were released before stoker had to end"
        );
    }

    /// By the API server's own account: no pod was made twice, none without need, no create without a reason.
    fn settle_accounts(&self) {
        let made = self.cluster.pods_made(&format!("fault-{}-exec-", self.mode.name));
        let names: BTreeSet<String> = made.iter().cloned().collect();
        assert_eq!(made.len(), names.len(), "made twice: {made:?}");
        let told: BTreeSet<String> = self
            .executors
            .created
            .values()
            .map(|pod| pod.name.clone())
            .collect();
        let untold: Vec<_> = names.difference(&told).collect();
        assert!(untold.is_empty(), "made and not told: {untold:?}");
        assert_eq!(told.len(), EXECUTORS + VICTIMS);

        let counters = self.proxy.counters();
        let creates = &counters.creates;
        // The audit log has no 201 for a create that was cut off while the API server was at it, applied or not.
        let cut: Vec<_> = told.difference(&names).collect();
        assert!(
            cut.len() <= usize::try_from(creates.cut).unwrap(),
            "told and not made: {cut:?}"
        );
        assert_eq!(
            (creates.refused, counters.unanswered),
            (0, 0),
            "the API server itself refuses nothing"
        );
        let arrived = usize::try_from(counters.of(Verb::Create, Kind::Pods)).unwrap();
        let explained = usize::try_from(creates.kept_back + creates.cut).unwrap();
        assert!(
            arrived <= told.len() + explained,
            "{arrived} creates for {} pods",
            told.len()
        );
        assert!(
            arrived - told.len() <= self.mode.creates_in_vain,
            "{} creates in vain, expected are {} at most",
            arrived - told.len(),
            self.mode.creates_in_vain
        );
    }

    /// The pods that the cluster has are those that the events name.
    fn assert_live(&self) {
        let pods = self.cluster.list("pods", &self.selector);
        let of = |pod: &serde_json::Value, field: &str| {
            pod["metadata"][field].as_str().unwrap_or_default().to_owned()
        };
        let ids: BTreeSet<&str> = pods
            .iter()
            .filter_map(|pod| pod["metadata"]["labels"]["spark-exec-id"].as_str())
            .collect();
        assert_eq!(ids.len(), pods.len(), "executor ids are unique");
        let pods: BTreeSet<Pod> = pods
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .map(|pod| Pod {
                name: of(pod, "name"),
                uid: of(pod, "uid"),
            })
            .collect();
        assert_eq!(pods.len(), EXECUTORS);
        let pods: BTreeSet<&Pod> = pods.iter().collect();
        let live = self.executors.live();
        let only_one: Vec<_> = pods.symmetric_difference(&live).collect();
        assert!(only_one.is_empty(), "there or told, but not both: {only_one:?}");
    }

    /// Takes events until they satisfy a condition.
    fn follow(&mut self, what: &str, condition: impl Fn(&Executors) -> bool) {
        let begun = Instant::now();
        let mut told = begun;
        while !condition(&self.executors) {
            assert!(begun.elapsed() < DEADLINE, "waited in vain for {what}");
            assert!(
                self.take_event(Duration::from_secs(1)),
                "stoker ended before {what}"
            );
            if told.elapsed() > PROGRESS {
                told = Instant::now();
                eprintln!(
                    "{:24} waits for {what} for {} s: {} run, {} lost",
                    self.mode.name,
                    begun.elapsed().as_secs(),
                    self.executors.live_count(),
                    self.executors.lost.len()
                );
            }
        }
    }

    /// Takes an event if one comes in time; false when there will be none any more.
    fn take_event(&mut self, wait: Duration) -> bool {
        match self.stoker.next_event(wait) {
            Ok(event) => self.executors.take(&event),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }
}

impl Drop for Scenario<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "=== {} failed, STOKER_FAULTS_SEED={}; the proxy saw:\n{}events: {} created, {} live, {} lost, {} \
                 never made, {} released\nend of stoker's log:\n{}\n===",
                self.mode.name,
                self.seed,
                self.proxy.counters(),
                self.executors.created.len(),
                self.executors.live_count(),
                self.executors.lost.len(),
                self.executors.never_made.len(),
                self.executors.released.len(),
                self.stoker.log(),
            );
        }
    }
}
