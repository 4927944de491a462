//! The plan's settings, read from the configuration.

use std::time::Duration;

use crate::conf::{Conf, ConfError, keys};
use crate::plan::{Batch, ClaimOwner, PlanConfig, Polling};

/// What the plan is to know of the configuration.
pub fn plan_config(
    conf: &Conf,
    app_id: &str,
    pod_name_prefix: &str,
    prepares: bool,
    seed: u64,
) -> Result<PlanConfig, ConfError> {
    let at_least_one = |n: i32| usize::try_from(n).unwrap_or(1).max(1);
    let batch_delay = conf.get(&keys::ALLOCATION_BATCH_DELAY)?;
    let limits_creates =
        conf.is_set(&keys::ALLOCATION_BATCH_SIZE) || conf.is_set(&keys::ALLOCATION_BATCH_DELAY);
    let label_value = conf
        .get(&keys::EXECUTOR_DECOMMISSION_LABEL_VALUE)?
        .unwrap_or_default();
    Ok(PlanConfig {
        driver_pod: conf.get(&keys::DRIVER_POD_NAME)?,
        driver_readiness_timeout: driver_readiness_timeout(conf)?,
        start_timeout: conf.get(&keys::STOKER_START_TIMEOUT)?,
        config_map: !conf.get(&keys::EXECUTOR_DISABLE_CONFIG_MAP)?,
        max_in_flight: at_least_one(conf.get(&keys::STOKER_ALLOCATION_MAX_IN_FLIGHT)?),
        batch: limits_creates
            .then(|| {
                Ok::<_, ConfError>(Batch {
                    size: at_least_one(conf.get(&keys::ALLOCATION_BATCH_SIZE)?),
                    delay: batch_delay,
                })
            })
            .transpose()?,
        max_pending_pods: at_least_one(conf.get(&keys::ALLOCATION_MAX_PENDING_PODS)?),
        max_pending_pods_per_profile: at_least_one(conf.get(&keys::ALLOCATION_MAX_PENDING_PODS_PER_RP)?),
        max_executor_id: u64::try_from(conf.get(&keys::ALLOCATION_MAXIMUM)?).unwrap_or(u64::MAX),
        // As stock: never sooner than five rounds of its own allocator.
        create_timeout: conf.get(&keys::ALLOCATION_EXECUTOR_TIMEOUT)?.max(batch_delay * 5),
        kill_grace: conf.get(&keys::DYN_ALLOC_KILL_GRACE_PERIOD)?,
        idle_timeout: conf.get(&keys::DYN_ALLOCATION_EXECUTOR_IDLE_TIMEOUT)?,
        delete_executors: conf.get(&keys::DELETE_EXECUTORS)?,
        delete_driver_service: conf.get(&keys::DRIVER_SERVICE_DELETE_ON_TERMINATION)?,
        check_all_containers: conf.get(&keys::EXECUTOR_CHECK_ALL_CONTAINERS)?,
        max_executor_failures: max_executor_failures(conf)?,
        count_infrastructure_failures: conf.get(&keys::STOKER_FAILURES_COUNT_INFRASTRUCTURE)?,
        failure_validity: conf.get(&keys::EXECUTOR_FAILURES_VALIDITY_INTERVAL)?,
        decommission_label: conf
            .get(&keys::EXECUTOR_DECOMMISSION_LABEL)?
            .map(|label| (label, label_value)),
        prepares,
        // Without a driver pod the plan takes the executor pod, as stock does.
        claim_owner: if conf.get(&keys::DRIVER_OWN_PVC)? {
            ClaimOwner::Driver
        } else {
            ClaimOwner::Pod
        },
        reuse_claims: conf.get(&keys::DRIVER_REUSE_PVC)?,
        wait_for_claims: conf.get(&keys::DRIVER_WAIT_TO_REUSE_PVC)?,
        polling: polling(conf)?,
        seed,
        avoid_nodes_after: usize::try_from(conf.get(&keys::STOKER_NODES_AVOID_AFTER_FAILURES)?).unwrap_or(0),
        avoid_nodes_for: conf.get(&keys::STOKER_NODES_AVOID_FOR)?,
        missing_pod_delta: conf.get(&keys::EXECUTOR_MISSING_POD_DETECT_DELTA)?,
        registration_timeout: Some(conf.get(&keys::STOKER_REGISTRATION_TIMEOUT)?)
            .filter(|timeout| !timeout.is_zero()),
        count_failed_creates: conf.get(&keys::STOKER_FAILURES_COUNT_CREATES)?,
        deletion_cost: conf.get(&keys::EXECUTOR_POD_DELETION_COST)?,
        ..PlanConfig::new(app_id, conf.get(&keys::NAMESPACE)?, pod_name_prefix)
    })
}

/// How long the driver pod may take to be ready. Executors reach it through its service; where the service answers for
/// a pod that is not ready, there is nothing to wait for.
fn driver_readiness_timeout(conf: &Conf) -> Result<Duration, ConfError> {
    if conf.get(&keys::DRIVER_SERVICE_PUBLISH_NOT_READY)? {
        return Ok(Duration::ZERO);
    }
    conf.get(&keys::ALLOCATION_DRIVER_READINESS_TIMEOUT)
}

/// Without a watch there are lists, also where the user has turned these off as well: otherwise nobody would learn
/// what becomes of executors. The interval alone causes none.
fn polling(conf: &Conf) -> Result<Option<Polling>, ConfError> {
    let polling = Polling {
        interval: conf.get(&keys::EXECUTOR_API_POLLING_INTERVAL)?,
        cached: conf.get(&keys::EXECUTOR_POLLING_WITH_RESOURCE_VERSION)?,
    };
    Ok((!conf.get(&keys::EXECUTOR_ENABLE_API_WATCHER)?).then_some(polling))
}

/// After how many failed executors the application ends: `spark.executor.maxNumFailures`, else twice the number
/// of executors and at least 3. With dynamic allocation that number is its maximum, which is no bound by default.
fn max_executor_failures(conf: &Conf) -> Result<Option<usize>, ConfError> {
    if let Some(failures) = conf.get(&keys::EXECUTOR_MAX_NUM_FAILURES)? {
        return Ok(usize::try_from(failures).ok());
    }
    let executors = if conf.get(&keys::DYN_ALLOCATION_ENABLED)? {
        conf.get(&keys::DYN_ALLOCATION_MAX_EXECUTORS)?
    } else {
        conf.get(&keys::EXECUTOR_INSTANCES)?
            .unwrap_or(keys::DEFAULT_EXECUTOR_INSTANCES)
    };
    Ok(executors
        .checked_mul(2)
        .map(|failures| usize::try_from(failures).unwrap_or_default().max(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, &str)]) -> PlanConfig {
        plan_config(&Conf::of(entries), "spark-1", "pi", false, 7).unwrap()
    }

    #[test]
    fn the_users_batches_are_bounds_and_the_defaults_are_none() {
        assert_eq!(config(&[]).batch, None);
        let second = Duration::from_secs(1);
        let sized = config(&[("spark.kubernetes.allocation.batch.size", "7")]);
        assert_eq!(
            sized.batch,
            Some(Batch {
                size: 7,
                delay: second
            })
        );
        let delayed = config(&[("spark.kubernetes.allocation.batch.delay", "3s")]);
        assert_eq!(
            delayed.batch,
            Some(Batch {
                size: 20,
                delay: second * 3
            })
        );
    }

    #[test]
    fn failures_are_bounded_as_stock_does() {
        let failures = |entries: &[(&str, &str)]| config(entries).max_executor_failures;
        assert_eq!(failures(&[]), Some(4));
        assert_eq!(failures(&[("spark.executor.instances", "1")]), Some(3));
        assert_eq!(failures(&[("spark.executor.instances", "50")]), Some(100));
        assert_eq!(failures(&[("spark.dynamicAllocation.enabled", "true")]), None);
        let bounded = [
            ("spark.dynamicAllocation.enabled", "true"),
            ("spark.dynamicAllocation.maxExecutors", "10"),
        ];
        assert_eq!(failures(&bounded), Some(20));
        assert_eq!(failures(&[("spark.executor.maxNumFailures", "5")]), Some(5));
    }

    #[test]
    fn the_driver_pod_is_not_waited_for_where_its_service_publishes_it_anyway() {
        assert_eq!(config(&[]).driver_readiness_timeout, Duration::from_secs(1));
        let key = "spark.kubernetes.driver.service.publishNotReadyAddresses";
        assert_eq!(config(&[(key, "true")]).driver_readiness_timeout, Duration::ZERO);
    }

    #[test]
    fn the_driver_owns_claims_unless_the_user_says_otherwise() {
        assert_eq!(config(&[]).claim_owner, ClaimOwner::Driver);
        let key = "spark.kubernetes.driver.ownPersistentVolumeClaim";
        assert_eq!(config(&[(key, "false")]).claim_owner, ClaimOwner::Pod);
    }

    #[test]
    fn claims_are_used_again_unless_the_user_says_otherwise() {
        let usual = config(&[]);
        assert!(usual.reuse_claims && !usual.wait_for_claims);
        let other = config(&[
            ("spark.kubernetes.driver.reusePersistentVolumeClaim", "false"),
            ("spark.kubernetes.driver.waitToReusePersistentVolumeClaim", "true"),
        ]);
        assert!(!other.reuse_claims && other.wait_for_claims);
    }

    #[test]
    fn a_create_is_given_up_no_sooner_than_after_five_batch_delays() {
        assert_eq!(config(&[]).create_timeout, Duration::from_mins(10));
        let slow = config(&[("spark.kubernetes.allocation.batch.delay", "300s")]);
        assert_eq!(slow.create_timeout, Duration::from_mins(25));
    }

    #[test]
    fn only_without_a_watch_there_are_lists_in_intervals() {
        let polling = |entries: &[(&str, &str)]| config(entries).polling;
        let interval = ("spark.kubernetes.executor.apiPollingInterval", "7s");
        let watcher = ("spark.kubernetes.executor.enableApiWatcher", "false");
        let cached = (
            "spark.kubernetes.executor.enablePollingWithResourceVersion",
            "true",
        );
        let off = ("spark.kubernetes.executor.enableApiPolling", "false");
        assert_eq!(polling(&[]), None);
        assert_eq!(polling(&[interval, cached]), None);
        let lists = |seconds, cached| {
            Some(Polling {
                interval: Duration::from_secs(seconds),
                cached,
            })
        };
        assert_eq!(polling(&[watcher]), lists(30, false));
        assert_eq!(polling(&[watcher, off]), lists(30, false));
        assert_eq!(polling(&[watcher, interval, cached]), lists(7, true));
    }
}
