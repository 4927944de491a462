//! Those who make executor pods, each on the same cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stoker_core::conf::{Conf, Sources, SparkVersion};
use stoker_core::ids::ExecutorId;
use stoker_core::spec::{AppContext, PodStamp, ResourceProfile, config_map_name};
use stoker_tests::local_cluster::{Allocate, LocalCluster};

use crate::audit;
use crate::raw::Raw;
use crate::results::{Key, Measured};

/// Numbers of connections of which the raw API server gets the best.
const CONNECTIONS: [usize; 4] = [8, 16, 32, 64];
/// Creates to find that out with.
const TRIAL: u32 = 300;
/// Stock Spark is stopped after so long: its rate does not change any more.
const STOCK_WINDOW: Duration = Duration::from_mins(1);
const KWOK_NODES: u32 = 3;

/// Who makes the pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contender {
    /// Connections that POST.
    Raw,
    /// `stoker allocate`.
    Stoker,
    /// Stock Spark as it comes.
    Stock,
    /// Stock Spark with `batch.size` of all executors.
    StockTuned,
}

impl Contender {
    pub(crate) const ALL: [Contender; 4] = [
        Contender::Raw,
        Contender::Stoker,
        Contender::Stock,
        Contender::StockTuned,
    ];

    pub(crate) fn is_stock(self) -> bool {
        matches!(self, Contender::Stock | Contender::StockTuned)
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Contender::Raw => "raw API server",
            Contender::Stoker => "Stoker",
            Contender::Stock => "stock Spark",
            Contender::StockTuned => "stock Spark, tuned",
        })
    }
}

/// The cluster on which they are measured.
pub(crate) struct Field {
    cluster: LocalCluster,
    runtime: tokio::runtime::Runtime,
    connections: usize,
}

impl Field {
    /// Starts the cluster, and finds out how many connections the raw API server does best with.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let mut field = Self {
            cluster: LocalCluster::start(KWOK_NODES),
            runtime,
            connections: 0,
        };
        let mut best = 0.0;
        for connections in CONNECTIONS {
            let app = format!("trial-{connections}");
            field.raw(&app, TRIAL, connections);
            let rate = field.measured(&app).rate;
            eprintln!("raw API server, {connections} connections: {rate:.0} creates per second");
            if rate > best {
                best = rate;
                field.connections = connections;
            }
        }
        field
    }

    pub(crate) fn measure(&self, key: &Key) -> Measured {
        let unique = Instant::now();
        let app = format!("{:?}-{}-{}", key.contender, key.executors, key.round).to_lowercase();
        match key.contender {
            Contender::Raw => self.raw(&app, key.executors, self.connections),
            Contender::Stoker => self.stoker(&app, key.executors),
            Contender::Stock => self.stock(&app, key.executors, None),
            Contender::StockTuned => self.stock(&app, key.executors, Some(key.executors)),
        }
        eprintln!("    took {:.0} s", unique.elapsed().as_secs_f64());
        self.measured(&app)
    }

    fn raw(&self, app: &str, executors: u32, connections: usize) {
        let properties = self.cluster.properties(app);
        let bodies = bodies(&properties, app, executors);
        let raw = Arc::new(Raw::new(&self.cluster));
        let selector = format!("spark-app-selector%3D{app}");
        self.runtime.block_on(raw.post(bodies, connections, &selector));
    }

    fn stoker(&self, app: &str, executors: u32) {
        let mut stoker = Allocate::start(&self.cluster.properties(app), executors);
        let all = executors as usize;
        stoker.wait_for("all executors", |events| {
            events.len() >= all && events.iter().filter(|event| event["event"] == "created").count() >= all
        });
        stoker.signal("TERM");
        let (code, _) = stoker.wait();
        assert_eq!(code, Some(0));
    }

    fn stock(&self, app: &str, executors: u32, batch: Option<u32>) {
        let mut properties = self.cluster.properties(app);
        properties.insert("spark.executor.instances".into(), executors.to_string());
        properties.remove("spark.driver.port");
        properties.insert("spark.ui.enabled".into(), "false".into());
        if let Some(size) = batch {
            properties.insert("spark.kubernetes.allocation.batch.size".into(), size.to_string());
            properties.insert("spark.kubernetes.allocation.batch.delay".into(), "1s".into());
        }
        let _driver = Driver(submit(&properties, &self.cluster));
        let started = Instant::now();
        let mut began = None;
        loop {
            thread::sleep(Duration::from_secs(1));
            let made = self.cluster.pods_made(&format!("{app}-exec-")).len();
            if made > 0 && began.is_none() {
                began = Some(Instant::now());
            }
            let over = began.is_some_and(|began| began.elapsed() > STOCK_WINDOW);
            if made >= executors as usize || over {
                break;
            }
            assert!(
                started.elapsed() < STOCK_WINDOW * 3,
                "stock Spark made no executors"
            );
        }
    }

    /// What was made is measured, and deleted.
    fn measured(&self, app: &str) -> Measured {
        let measured = audit::creates(self.cluster.env("AUDIT_LOG"), &format!("{app}-exec-"));
        let selector = format!("spark-app-selector={app}");
        for kind in ["pods", "configmaps"] {
            let delete = [
                "delete",
                kind,
                "-l",
                &selector,
                "--grace-period=0",
                "--force",
                "--wait=true",
            ];
            self.cluster.kubectl(&delete, None);
        }
        measured
    }
}

/// The very bytes that `stoker render` gives.
fn bodies(properties: &BTreeMap<String, String>, app: &str, executors: u32) -> Vec<Bytes> {
    let sources = Sources {
        properties: properties.clone(),
        ..Sources::default()
    };
    let conf = Conf::new(sources, SparkVersion::new(4, 3, 0)).expect("properties");
    let context = AppContext {
        app_id: app.to_owned(),
        spark_user: "spark".to_owned(),
        auth_secret: None,
        pod_name_prefix: app.to_owned(),
        config_map_name: config_map_name("0123456789abcdef"),
        driver_pod: None,
        conf_files: Vec::new(),
        pod_template: None,
    };
    let profile = ResourceProfile::default_from(&conf).expect("a profile");
    let stamp = PodStamp::build(&conf, &context, &profile).expect("a pod");
    (1..=executors)
        .map(|id| Bytes::from(stamp.stamp(ExecutorId(u64::from(id)), u128::from(id)).body))
        .collect()
}

/// A driver that ends with the value.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn submit(properties: &BTreeMap<String, String>, cluster: &LocalCluster) -> Child {
    let home = std::env::var("STOKER_SPARK_HOME").expect("STOKER_SPARK_HOME: run `make stress`");
    let apps = std::env::var("STOKER_APPS").expect("STOKER_APPS: run `make stress`");
    let log = File::create(cluster.dir().join("stock.log")).expect("a log");
    let mut command = Command::new(format!("{home}/bin/spark-submit"));
    command.args(["--deploy-mode", "client", "--class", "SparkPi"]);
    for (key, value) in properties {
        command.arg("--conf").arg(format!("{key}={value}"));
    }
    // Its executors never register: the job waits for as long as it is left alone.
    command.args([&format!("{apps}/apps.jar"), "1", "1", "600"]);
    command.env("SPARK_HOME", &home).env("KUBECONFIG", "/dev/null");
    let stderr = log.try_clone().expect("a log");
    command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(stderr)
        .spawn()
        .expect("spark-submit starts")
}
