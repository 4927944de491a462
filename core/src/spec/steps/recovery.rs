//! Recovery mode: executors that run one task at a time.

use crate::conf::{Conf, ConfError, keys};

/// What `SPARK_EXECUTOR_CORES` is in recovery mode, else none: the cores of one task. Spark 4.2 knows only whole cores.
pub(super) fn cores(conf: &Conf) -> Result<Option<String>, ConfError> {
    if !conf.get(&keys::ALLOCATION_RECOVERY_MODE)?.unwrap_or(false) {
        return Ok(None);
    }
    let cores = conf.get(&keys::TASK_CPUS)?.ceil().max(1.0);
    Ok(Some(format!("{cores:.0}")))
}

/// Whether executors run one task at a time once one was lost for want of memory: the user has not said whether they do.
pub fn may_recover(conf: &Conf) -> bool {
    conf.knows(&keys::ALLOCATION_RECOVERY_MODE) && !conf.is_set(&keys::ALLOCATION_RECOVERY_MODE)
}

/// The configuration after an executor was lost for want of memory.
pub fn in_recovery(conf: &Conf) -> Conf {
    if may_recover(conf) {
        conf.with_entry(&keys::ALLOCATION_RECOVERY_MODE, "true")
    } else {
        conf.clone()
    }
}

/// What is to be known of recovery mode where tasks ask for half a core or less: an executor cannot announce less than
/// one core.
pub fn recovery_warning(conf: &Conf) -> Result<Option<String>, ConfError> {
    let cpus = conf.get(&keys::TASK_CPUS)?;
    if cores(conf)?.is_none() || cpus > 0.5 || cpus <= 0.0 {
        return Ok(None);
    }
    let tasks = (1.0 / cpus).floor();
    Ok(Some(format!(
        "Executors are to run one task at a time (spark.kubernetes.allocation.recoveryMode.enabled), but announce one core \
         and run up to {tasks:.0} tasks of spark.task.cpus={cpus}; set spark.task.cpus above 0.5"
    )))
}
