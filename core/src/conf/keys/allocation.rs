//! How executors are made, watched and removed.

use super::{Key, OptKey};
use crate::conf::key::Check;
use std::time::Duration;

const PLUGIN: &str = "read by the Spark plugin it belongs to, which runs as always";

keys! {
    /// Who makes executor pods: with `direct` Stoker does; with `statefulset` or `deployment` (since 4.2) a `StatefulSet` or
    /// `Deployment` that Stoker makes and scales for each resource profile. With class names, and where
    /// `spark.kubernetes.executor.pod.featureSteps` is to change pods of such a controller, Spark's own backend runs.
    ALLOCATION_PODS_ALLOCATOR: Key<String> = "spark.kubernetes.allocation.pods.allocator"
        .since(3, 3, 0).default("direct");

    /// Largest number of pods that are created within one `spark.kubernetes.allocation.batch.delay`.
    ALLOCATION_BATCH_SIZE: Key<i32> = "spark.kubernetes.allocation.batch.size"
        .since(2, 3, 0).default("5").changed(&[((4, 0, 0), "10"), ((4, 2, 0), "20")]).check(Check::AtLeast(1.0));

    /// The time that `spark.kubernetes.allocation.batch.size` refers to.
    ALLOCATION_BATCH_DELAY: Key<Duration> = "spark.kubernetes.allocation.batch.delay"
        .since(2, 3, 0).default("1s").check(Check::MoreThan(100.0));

    /// Largest number of executor pods that are created in the life of the application.
    ALLOCATION_MAXIMUM: Key<i32> = "spark.kubernetes.allocation.maximum"
        .since(4, 1, 0).default("2147483647").check(Check::AtLeast(1.0));

    /// Largest number of pods that do not run yet, over all resource profiles.
    ALLOCATION_MAX_PENDING_PODS: Key<i32> = "spark.kubernetes.allocation.maxPendingPods"
        .since(3, 2, 0).default("2147483647").check(Check::AtLeast(1.0));

    /// Largest number of pods that do not run yet in each resource profile.
    ALLOCATION_MAX_PENDING_PODS_PER_RP: Key<i32> = "spark.kubernetes.allocation.maxPendingPodsPerRp"
        .since(4, 1, 0).default("2147483647").check(Check::AtLeast(1.0));

    /// How long to wait for the driver pod to be ready before executors are made all the same.
    ALLOCATION_DRIVER_READINESS_TIMEOUT: Key<Duration> = "spark.kubernetes.allocation.driver.readinessTimeout"
        .since(3, 1, 3).seconds().default("1s").check(Check::MoreThan(0.0));

    /// Whether the driver's service answers for a driver pod that is not ready; executors are then made without waiting
    /// for it.
    DRIVER_SERVICE_PUBLISH_NOT_READY: Key<bool> = "spark.kubernetes.driver.service.publishNotReadyAddresses"
        .since(4, 3, 0).default("false");

    /// How long a pod may stay unseen after it was asked for before it is given up and replaced.
    ALLOCATION_EXECUTOR_TIMEOUT: Key<Duration> = "spark.kubernetes.allocation.executor.timeout"
        .since(3, 1, 0).default("600s").check(Check::MoreThan(0.0));

    /// Whether executors run one task at a time, for the sake of their memory. Where it is not set, they do so after the
    /// first executor was lost for want of memory.
    ALLOCATION_RECOVERY_MODE: OptKey<bool> = "spark.kubernetes.allocation.recoveryMode.enabled"
        .since(4, 2, 0);

    /// Whether pods of lost and of released executors are deleted.
    DELETE_EXECUTORS: Key<bool> = "spark.kubernetes.executor.deleteOnTermination"
        .since(3, 0, 0).default("true");

    /// How long an executor that is no longer wanted may take to end by itself.
    DYN_ALLOC_KILL_GRACE_PERIOD: Key<Duration> = "spark.kubernetes.dynamicAllocation.deleteGracePeriod"
        .since(3, 0, 0).default("5s");

    /// Whether the end of any container of the pod ends the executor, not only of Spark's own.
    EXECUTOR_CHECK_ALL_CONTAINERS: Key<bool> = "spark.kubernetes.executor.checkAllContainers"
        .since(3, 1, 0).default("false").changed(&[((4, 0, 0), "true")]);

    /// How long a registered executor may be missing from the list of pods before it counts as lost.
    EXECUTOR_MISSING_POD_DETECT_DELTA: Key<Duration> = "spark.kubernetes.executor.missingPodDetectDelta"
        .since(3, 1, 1).default("30s").check(Check::MoreThan(0.0));

    /// Label that is set on pods of executors that are decommissioned.
    EXECUTOR_DECOMMISSION_LABEL: OptKey<String> = "spark.kubernetes.executor.decommissionLabel"
        .since(3, 3, 0);

    /// Value of that label.
    EXECUTOR_DECOMMISSION_LABEL_VALUE: OptKey<String> = "spark.kubernetes.executor.decommissionLabelValue"
        .since(3, 3, 0);

    /// Whether pods are watched. Without a watch they are listed in intervals.
    EXECUTOR_ENABLE_API_WATCHER: Key<bool> = "spark.kubernetes.executor.enableApiWatcher"
        .since(3, 4, 0).default("true");

    /// Whether pods are listed in intervals. Stoker does so without a watch, whatever this says, and never beside one.
    EXECUTOR_ENABLE_API_POLLING: Key<bool> = "spark.kubernetes.executor.enableApiPolling"
        .since(3, 4, 0).default("true");

    /// From the end of one of these lists to the next; without effect while pods are watched.
    EXECUTOR_API_POLLING_INTERVAL: Key<Duration> = "spark.kubernetes.executor.apiPollingInterval"
        .since(2, 4, 0).default("30s").check(Check::MoreThan(0.0));

    /// Whether these lists may be answered from the API server's cache; without effect while pods are watched. What
    /// the cache does not show is asked for before it counts as lost.
    EXECUTOR_POLLING_WITH_RESOURCE_VERSION: Key<bool> = "spark.kubernetes.executor.enablePollingWithResourceVersion"
        .since(3, 3, 0).default("false");

    /// Interval in which what was watched is looked at.
    EXECUTOR_EVENT_PROCESSING_INTERVAL: Key<Duration> = "spark.kubernetes.executor.eventProcessingInterval"
        .since(2, 4, 0).default("1s").check(Check::MoreThan(0.0)).ignored("events are acted on as they come");

    /// How long a stop waits for the threads that look at what was watched.
    EXECUTOR_SNAPSHOTS_SUBSCRIBERS_GRACE_PERIOD: Key<Duration> =
        "spark.kubernetes.executorSnapshotsSubscribersShutdownGracePeriod"
        .since(3, 4, 0).seconds().default("20s").check(Check::MoreThan(0.0))
        .ignored("Stoker has no such threads; its stop takes at most ten seconds");

    /// How long deleted executors are remembered.
    EXECUTOR_DELETED_CACHE_TIMEOUT: Key<Duration> = "spark.kubernetes.executor.deletedExecutorsCacheTimeout"
        .since(4, 1, 0).seconds().default("180s").check(Check::AtLeast(0.0))
        .ignored("Stoker remembers for as long as it matters");

    /// What the pods of executors that are decommissioned or killed cost: of a deployment that has too many pods those
    /// with the lowest cost go first. Pods of a deployment begin with 0.
    EXECUTOR_POD_DELETION_COST: OptKey<i32> = "spark.kubernetes.executor.podDeletionCost"
        .since(4, 2, 0);

    /// Interval in which an executor is replaced by a fresh one; 0 is never.
    EXECUTOR_ROLL_INTERVAL: Key<Duration> = "spark.kubernetes.executor.rollInterval"
        .since(3, 3, 0).seconds().default("0").check(Check::AtLeast(0.0)).ignored(PLUGIN);

    /// How the executor to be replaced is chosen.
    EXECUTOR_ROLL_POLICY: Key<String> = "spark.kubernetes.executor.rollPolicy"
        .since(3, 3, 0).default("OUTLIER").ignored(PLUGIN);

    /// How many tasks an executor must have run before it may be replaced.
    EXECUTOR_MIN_TASKS_BEFORE_ROLLING: Key<i32> = "spark.kubernetes.executor.minTasksPerExecutorBeforeRolling"
        .since(3, 3, 0).default("0").check(Check::AtLeast(0.0)).ignored(PLUGIN);

    /// Interval in which the memory of executors is adapted; 0 is never.
    EXECUTOR_RESIZE_INTERVAL: Key<Duration> = "spark.kubernetes.executor.resizeInterval"
        .since(4, 2, 0).seconds().default("0").changed(&[((4, 2, 1), "1m")]).check(Check::AtLeast(0.0)).ignored(PLUGIN);

    /// Share of the memory in use above which more is given.
    EXECUTOR_RESIZE_THRESHOLD: Key<f64> = "spark.kubernetes.executor.resizeThreshold"
        .since(4, 2, 0).default("0.9").ignored(PLUGIN);

    /// Share of the memory that is added.
    EXECUTOR_RESIZE_FACTOR: Key<f64> = "spark.kubernetes.executor.resizeFactor"
        .since(4, 2, 0).default("0.1").ignored(PLUGIN);

    /// Interval in which the size of volume claims is adapted; 0 is never.
    PVC_RESIZE_INTERVAL: Key<Duration> = "spark.kubernetes.executor.pvc.resizeInterval"
        .since(4, 2, 0).minutes().default("5min").ignored(PLUGIN);

    /// Share of a claim in use above which it is made larger.
    PVC_RESIZE_THRESHOLD: Key<f64> = "spark.kubernetes.executor.pvc.resizeThreshold"
        .since(4, 2, 0).default("0.5").ignored(PLUGIN);

    /// Share of a claim that is added.
    PVC_RESIZE_FACTOR: Key<f64> = "spark.kubernetes.executor.pvc.resizeFactor"
        .since(4, 2, 0).default("1.0").ignored(PLUGIN);
}
