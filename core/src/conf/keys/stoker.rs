//! Stoker's own keys.

use super::Key;
use crate::conf::key::Check;
use std::time::Duration;

keys! {
    /// Whether Stoker makes the executors; `false` hands the job to Spark's own cluster manager.
    STOKER_ENABLED: Key<bool> = "spark.stoker.enabled"
        .default("true");

    /// How long the start may take: the first answer of the API server and the first complete list of pods.
    STOKER_START_TIMEOUT: Key<Duration> = "spark.stoker.startTimeout"
        .default("60s").check(Check::MoreThan(0.0));

    /// How long a call to the API server may take before its outcome counts as unknown.
    STOKER_REQUEST_TIMEOUT: Key<Duration> = "spark.stoker.requestTimeout"
        .default("30s").check(Check::MoreThan(0.0));

    /// Largest number of calls in flight to the API server. Up to it, their number follows what the API server takes.
    STOKER_ALLOCATION_MAX_IN_FLIGHT: Key<i32> = "spark.stoker.allocation.maxInFlight"
        .default("128").check(Check::Between(1.0, 1000.0));

    /// Whether executors whose pods failed through eviction, preemption or the loss of a node count towards
    /// `spark.executor.maxNumFailures`, as they do with Spark's own manager.
    STOKER_FAILURES_COUNT_INFRASTRUCTURE: Key<bool> = "spark.stoker.failures.countInfrastructure"
        .default("false");

    /// How long a pod may run before its executor has registered with the driver. Then it is deleted and replaced, and counts
    /// as failed. 0 waits for ever, as Spark's own manager does.
    STOKER_REGISTRATION_TIMEOUT: Key<Duration> = "spark.stoker.registrationTimeout"
        .default("10m").check(Check::AtLeast(0.0));

    /// Whether creates of pods and volume claims that fail count towards `spark.executor.maxNumFailures`, as they do with
    /// Spark's own manager since 4.3, whatever they fail for. Failures that may pass by themselves (429, 5xx, no answer),
    /// which Spark's client tries ten times before it counts one, count once for all that fail together.
    STOKER_FAILURES_COUNT_CREATES: Key<bool> = "spark.stoker.failures.countCreates"
        .default("false");

    /// After how many executors in a row that failed to start on a node new executors keep away from it, provided that
    /// executors start on other nodes; 0 keeps away from none. What failed there does not count towards
    /// `spark.executor.maxNumFailures`.
    STOKER_NODES_AVOID_AFTER_FAILURES: Key<i32> = "spark.stoker.nodes.avoidAfterFailures"
        .default("2").check(Check::AtLeast(0.0));

    /// How long new executors keep away from such a node after the last failure. Before that it ends where an executor
    /// starts there all the same, or where executors find no other node within a minute.
    STOKER_NODES_AVOID_FOR: Key<Duration> = "spark.stoker.nodes.avoidFor"
        .default("10m").check(Check::MoreThan(0.0));

    /// Whether a beginning of pod names that is too long is cut and made unique by random digits at its end. Otherwise it
    /// is refused, as Spark does.
    STOKER_NAMES_TRUNCATE: Key<bool> = "spark.stoker.names.truncate"
        .default("false");
}
