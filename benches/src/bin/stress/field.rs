//! The cluster on which all are measured.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use stoker_benches::results::{Key, Who};
use stoker_tests::local_cluster::LocalCluster;
use tokio::runtime::Runtime;

use crate::api::Api;
use crate::audit::Audit;
use crate::follow::Follow;
use crate::jvm::{Jvm, Programs};
use crate::relay::Relay;

const KWOK_NODES: u32 = 20;

/// A cluster, what runs on it, and where the programs are.
pub(crate) struct Field {
    pub(crate) cluster: LocalCluster,
    pub(crate) api: Arc<Api>,
    pub(crate) runtime: Runtime,
    pub(crate) programs: Programs,
    /// Found out once, by those who need it.
    pub(crate) connections: OnceLock<u32>,
}

impl Field {
    /// Starts the cluster.
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let cluster = LocalCluster::start(KWOK_NODES);
        // A driver may not say that a pod has failed: in the benchmark somebody has to.
        let role = "--role=fail-pods";
        cluster.kubectl(
            &[
                "create",
                "role",
                "fail-pods",
                "--verb=patch",
                "--resource=pods/status",
            ],
            None,
        );
        let account = format!("--serviceaccount={}:spark", cluster.env("NAMESPACE"));
        cluster.kubectl(&["create", "rolebinding", "fail-pods", role, &account], None);
        Self {
            api: Arc::new(Api::new(&cluster)),
            cluster,
            runtime,
            programs: Programs::from_env(),
            connections: OnceLock::new(),
        }
    }

    /// From now on.
    pub(crate) fn audit(&self) -> Audit {
        Audit::now(self.cluster.env("AUDIT_LOG"))
    }

    pub(crate) fn follow(&self, app: &str) -> Follow {
        Follow::start(self.runtime.handle(), &self.api, app)
    }

    /// A relay with this much latency.
    pub(crate) fn relay(&self, latency: Duration) -> Relay {
        let server = self.cluster.env("API_SERVER").trim_start_matches("https://");
        let server: SocketAddr = server.parse().expect("an address of the API server");
        let relay = self.runtime.block_on(Relay::start(server, latency));
        relay.expect("a free port")
    }

    /// Deletes what is left of an application.
    pub(crate) fn clear(&self, app: &str) {
        self.runtime.block_on(self.api.clear(app));
    }

    pub(crate) fn log(&self, app: &str) -> PathBuf {
        self.cluster.dir().join(format!("{app}.log"))
    }

    /// Starts a driver for so many executors.
    pub(crate) fn driver(
        &self,
        who: Who,
        app: &str,
        properties: BTreeMap<String, String>,
        executors: u32,
    ) -> Jvm {
        let properties = driver_properties(who, properties, executors);
        Jvm::driver(&self.programs, who, &properties, &self.log(app))
    }
}

/// The name of what is measured, as application id and beginning of the pods' names.
pub(crate) fn app(key: &Key) -> String {
    let latency = key
        .case
        .latency
        .map_or(String::new(), |latency| format!("-{latency}ms"));
    let case = key.case;
    let name = format!(
        "{:?}-{:?}-{}{latency}-{}",
        case.kind, case.who, case.executors, key.round
    );
    name.to_lowercase()
}

/// The pods' names without the executors' ids.
pub(crate) fn pods_of(app: &str) -> String {
    format!("{app}-exec-")
}

/// Leads the application to the API server by way of the relay.
pub(crate) fn by_way_of(properties: &mut BTreeMap<String, String>, relay: &Relay) {
    let master = format!("k8s://https://{}", relay.address());
    properties.insert("spark.master".to_owned(), master);
}

/// What a driver's own properties are, beside those of its application.
fn driver_properties(
    who: Who,
    mut properties: BTreeMap<String, String>,
    executors: u32,
) -> BTreeMap<String, String> {
    let mut set = |key: &str, value: String| properties.insert(key.to_owned(), value);
    set("spark.executor.instances", executors.to_string());
    set("spark.ui.enabled", "false".to_owned());
    // No executor runs, and the driver need not wait for one.
    set("spark.scheduler.minRegisteredResourcesRatio", "0".to_owned());
    // Executors are lost on purpose.
    set("spark.executor.maxNumFailures", "1000000".to_owned());
    if who == Who::StockTuned {
        set("spark.kubernetes.allocation.batch.delay", "1s".to_owned());
    }
    properties.remove("spark.driver.port");
    properties
}

/// Stock Spark, tuned, makes all of these at once.
pub(crate) fn tune(who: Who, properties: &mut BTreeMap<String, String>, executors: u32) {
    if who == Who::StockTuned {
        let key = "spark.kubernetes.allocation.batch.size";
        properties.insert(key.to_owned(), executors.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoker_benches::results::{Case, Kind};

    #[test]
    fn names_are_different_and_short() {
        let case = Case {
            kind: Kind::Creates,
            executors: 5000,
            latency: Some(150),
            who: Who::StockTuned,
        };
        assert_eq!(app(&Key { case, round: 2 }), "creates-stocktuned-5000-150ms-2");
    }

    #[test]
    fn only_stock_is_tuned() {
        let mut ours = BTreeMap::new();
        tune(Who::Stoker, &mut ours, 7);
        tune(Who::Stock, &mut ours, 7);
        assert!(ours.is_empty());
        tune(Who::StockTuned, &mut ours, 7);
        assert_eq!(ours["spark.kubernetes.allocation.batch.size"], "7");
    }
}
