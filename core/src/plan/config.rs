//! What the plan needs to know of the configuration.

use std::time::Duration;

use super::types::ExecutorId;
use crate::spec::ControllerKind;

/// Settings of a [`Plan`](super::Plan). All durations are on the clock of the plan.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings that are independent of each other"
)]
pub struct PlanConfig {
    /// `spark.app.id`: label `spark-app-selector` of everything the plan owns.
    pub app_id: String,
    /// `spark.kubernetes.namespace`, for messages.
    pub namespace: String,
    /// `spark.kubernetes.executor.podNamePrefix` as resolved: executor 7 is the pod `<prefix>-exec-7`.
    pub pod_name_prefix: String,
    /// `spark.kubernetes.driver.pod.name`: the pod that owns everything. None in client mode outside of a pod.
    pub driver_pod: Option<String>,
    /// How long to wait for the driver pod to be ready before executors are made all the same; 1 s.
    /// `spark.kubernetes.allocation.driver.readinessTimeout`; zero does not wait, as
    /// `spark.kubernetes.driver.service.publishNotReadyAddresses` has it.
    pub driver_readiness_timeout: Duration,
    /// How long the start tolerates an API server that does not answer; 60 s. `spark.stoker.startTimeout`
    pub start_timeout: Duration,
    /// Whether the executor `ConfigMap` is made; true. `spark.kubernetes.executor.disableConfigMap` negated.
    pub config_map: bool,
    /// Upper bound of calls in flight, the watch, lists and the calls of start and stop not counted; 128.
    /// `spark.stoker.allocation.maxInFlight`
    pub max_in_flight: usize,
    /// Upper bound of the rate of creates, where the user has set one.
    pub batch: Option<Batch>,
    /// Upper bound of executors that do not run yet; no bound. `spark.kubernetes.allocation.maxPendingPods`
    pub max_pending_pods: usize,
    /// The same for each resource profile; no bound. `spark.kubernetes.allocation.maxPendingPodsPerRp`
    pub max_pending_pods_per_profile: usize,
    /// Executor ids stay below this number; 2147483647. `spark.kubernetes.allocation.maximum`
    pub max_executor_id: u64,
    /// When an accepted executor pod that was never seen again is asked for; 600 s.
    /// The longer of `spark.kubernetes.allocation.executor.timeout` and five times
    /// `spark.kubernetes.allocation.batch.delay`.
    pub create_timeout: Duration,
    /// How long after a kill a registered executor may still run before its pod is deleted; 5 s.
    /// `spark.kubernetes.dynamicAllocation.deleteGracePeriod`
    pub kill_grace: Duration,
    /// How long a pod above the target is kept after its create while it is pending; 60 s.
    /// `spark.dynamicAllocation.executorIdleTimeout`
    pub idle_timeout: Duration,
    /// Whether ended pods and, at the stop, all pods are deleted; true. `spark.kubernetes.executor.deleteOnTermination`
    pub delete_executors: bool,
    /// Whether the driver's service is deleted at the stop; false. `spark.kubernetes.driver.service.deleteOnTermination`.
    /// Without a driver pod there is none.
    pub delete_driver_service: bool,
    /// Whether the failure of any container ends the executor; true. To be false for a restart policy other than
    /// `Never`. `spark.kubernetes.executor.checkAllContainers`
    pub check_all_containers: bool,
    /// Name of the executor's container; `spark-kubernetes-executor`.
    /// `spark.kubernetes.executor.podTemplateContainerName`
    pub executor_container: String,
    /// The application ends when more executors than this have failed; no bound.
    /// `spark.executor.maxNumFailures` or its default.
    pub max_executor_failures: Option<usize>,
    /// Whether executors that node or cluster ended (eviction, preemption, node loss) count as failed; false.
    /// `spark.stoker.failures.countInfrastructure`
    pub count_infrastructure_failures: bool,
    /// How long a failure counts; for ever. `spark.executor.failuresValidityInterval`
    pub failure_validity: Option<Duration>,
    /// Label and value set on executors that are decommissioned or killed.
    /// `spark.kubernetes.executor.decommissionLabel` and `…decommissionLabelValue`
    pub decommission_label: Option<(String, String)>,
    /// Whether executors are prepared before their creates: they have volume claims, or feature steps of users
    /// customise their pods; false.
    pub prepares: bool,
    /// Who owns the volume claims of executors. Without a driver pod it is always the executor pod.
    /// `spark.kubernetes.driver.ownPersistentVolumeClaim`
    pub claim_owner: ClaimOwner,
    /// Whether claims of the driver pod are given to new executors when the pods that used them are gone; false. Without
    /// a driver pod, or where executor pods own their claims, there is nothing to give.
    /// `spark.kubernetes.driver.reusePersistentVolumeClaim`
    pub reuse_claims: bool,
    /// Whether executors wait for a claim whose pod is on its way out, instead of getting a new one; false.
    /// `spark.kubernetes.driver.waitToReusePersistentVolumeClaim`
    pub wait_for_claims: bool,
    /// Lists in intervals instead of a watch; none. `spark.kubernetes.executor.enableApiWatcher=false`
    pub polling: Option<Polling>,
    /// Seed of all jitter.
    pub seed: u64,
    /// After how many executors in a row that failed to start on a node it is avoided; 2. Zero avoids none.
    /// `spark.stoker.nodes.avoidAfterFailures`
    pub avoid_nodes_after: usize,
    /// How long a node is avoided after the last failure there; 10 min. `spark.stoker.nodes.avoidFor`
    pub avoid_nodes_for: Duration,
    /// How long a registered executor may be without a pod that list or watch have shown before it is asked for; 30 s.
    /// `spark.kubernetes.executor.missingPodDetectDelta`
    pub missing_pod_delta: Duration,
    /// How long a pod may run before its executor has registered; 10 min. None where nobody tells of registrations.
    /// `spark.stoker.registrationTimeout`
    pub registration_timeout: Option<Duration>,
    /// Whether creates that fail count as failed executors; false. `spark.stoker.failures.countCreates`
    pub count_failed_creates: bool,
    /// What makes the executor pods; the plan itself where there is none. `spark.kubernetes.allocation.pods.allocator`
    pub controller: Option<ControllerKind>,
    /// What pods of executors that are decommissioned or killed cost a `Deployment` that has too many.
    /// `spark.kubernetes.executor.podDeletionCost`
    pub deletion_cost: Option<i32>,
}

/// Who owns the volume claims of executors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimOwner {
    /// The driver pod: claims are made before the executor's pod and outlive it.
    Driver,
    /// The executor pod: claims are made after it and go with it.
    Pod,
}

/// At most `size` creates within any `delay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// `spark.kubernetes.allocation.batch.size`, at least 1.
    pub size: usize,
    /// `spark.kubernetes.allocation.batch.delay`
    pub delay: Duration,
}

/// Lists in intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    /// From the end of one list to the next. `spark.kubernetes.executor.apiPollingInterval`
    pub interval: Duration,
    /// Whether the API server may answer from its cache. `spark.kubernetes.executor.enablePollingWithResourceVersion`
    pub cached: bool,
}

impl PlanConfig {
    /// The defaults for an application.
    pub fn new(
        app_id: impl Into<String>,
        namespace: impl Into<String>,
        pod_name_prefix: impl Into<String>,
    ) -> Self {
        PlanConfig {
            app_id: app_id.into(),
            namespace: namespace.into(),
            pod_name_prefix: pod_name_prefix.into(),
            driver_pod: None,
            driver_readiness_timeout: Duration::from_secs(1),
            start_timeout: Duration::from_mins(1),
            config_map: true,
            max_in_flight: 128,
            batch: None,
            max_pending_pods: usize::MAX,
            max_pending_pods_per_profile: usize::MAX,
            max_executor_id: 2_147_483_647,
            create_timeout: Duration::from_mins(10),
            kill_grace: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(1),
            delete_executors: true,
            delete_driver_service: false,
            check_all_containers: true,
            executor_container: "spark-kubernetes-executor".into(),
            max_executor_failures: None,
            count_infrastructure_failures: false,
            failure_validity: None,
            decommission_label: None,
            prepares: false,
            claim_owner: ClaimOwner::Pod,
            reuse_claims: false,
            wait_for_claims: false,
            polling: None,
            seed: 0,
            avoid_nodes_after: 2,
            avoid_nodes_for: Duration::from_mins(10),
            missing_pod_delta: Duration::from_secs(30),
            registration_timeout: Some(Duration::from_mins(10)),
            count_failed_creates: false,
            controller: None,
            deletion_cost: None,
        }
    }

    /// The name of an executor's pod.
    pub fn pod_name(&self, executor: ExecutorId) -> String {
        format!("{}-exec-{executor}", self.pod_name_prefix)
    }

    /// The executor whose pod has this name.
    pub(super) fn executor_of(&self, pod: &str) -> Option<ExecutorId> {
        let id = pod.strip_prefix(&self.pod_name_prefix)?.strip_prefix("-exec-")?;
        id.parse().ok().map(ExecutorId)
    }

    /// Whether this is [`pod_name`](Self::pod_name), for each event and without making that.
    pub(super) fn is_pod_name(&self, name: &str, executor: ExecutorId) -> bool {
        let digits = executor.0.checked_ilog10().map_or(1, |log| log as usize + 1);
        let exact = name.len() == self.pod_name_prefix.len() + "-exec-".len() + digits;
        exact && self.executor_of(name) == Some(executor)
    }
}
