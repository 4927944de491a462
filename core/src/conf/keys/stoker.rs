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

    /// Largest number of calls in flight to the API server.
    STOKER_ALLOCATION_MAX_IN_FLIGHT: Key<i32> = "spark.stoker.allocation.maxInFlight"
        .default("16").check(Check::Between(1.0, 1000.0));

    /// Whether a beginning of pod names that is too long is cut and made unique by random digits at its end. Otherwise it
    /// is refused, as Spark does.
    STOKER_NAMES_TRUNCATE: Key<bool> = "spark.stoker.names.truncate"
        .default("false");
}
