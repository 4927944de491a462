//! Spark's general keys that matter to executors.

use super::{ByteSize, Key, OptKey, Prefix};
use crate::conf::key::Check;
use std::time::Duration;

/// `spark.executor.instances` where a cluster manager has to assume a number.
pub const DEFAULT_EXECUTOR_INSTANCES: i32 = 2;

keys! {
    /// Identifies the application.
    APP_ID: OptKey<String> = "spark.app.id"
        .since(1, 4, 0).literal();

    /// What the user calls the application.
    APP_NAME: OptKey<String> = "spark.app.name"
        .since(0, 9, 0).literal();

    /// Which cluster manager, `k8s://https://…`.
    MASTER: OptKey<String> = "spark.master"
        .since(0, 9, 0).literal();

    /// Where Spark is installed; its `conf` directory is used when `SPARK_CONF_DIR` is not set.
    HOME: OptKey<String> = "spark.home"
        .since(0, 8, 0);

    /// How many executors there are to be when dynamic allocation is off.
    EXECUTOR_INSTANCES: OptKey<i32> = "spark.executor.instances"
        .since(1, 0, 0).check(Check::AtLeast(0.0));

    /// Cores of an executor.
    EXECUTOR_CORES: Key<i32> = "spark.executor.cores"
        .since(1, 0, 0).default("1");

    /// Heap of an executor.
    EXECUTOR_MEMORY: Key<ByteSize> = "spark.executor.memory"
        .since(0, 7, 0).mib().default("1g");

    /// Memory of an executor beside the heap; computed from the factor when it is not set.
    EXECUTOR_MEMORY_OVERHEAD: OptKey<ByteSize> = "spark.executor.memoryOverhead"
        .since(2, 3, 0).mib().alternatives(&["spark.yarn.executor.memoryOverhead"]);

    /// Share of the heap that is added for everything beside it.
    EXECUTOR_MEMORY_OVERHEAD_FACTOR: Key<f64> = "spark.executor.memoryOverheadFactor"
        .since(3, 3, 0).default("0.1").check(Check::MoreThan(0.0));

    /// Least memory beside the heap.
    EXECUTOR_MIN_MEMORY_OVERHEAD: Key<ByteSize> = "spark.executor.minMemoryOverhead"
        .since(4, 0, 0).mib().default("384m");

    /// Memory of the Python processes of an executor.
    EXECUTOR_PYSPARK_MEMORY: OptKey<ByteSize> = "spark.executor.pyspark.memory"
        .since(2, 4, 0).mib();

    /// Whether memory outside of the heap is used.
    MEMORY_OFF_HEAP_ENABLED: Key<bool> = "spark.memory.offHeap.enabled"
        .since(1, 6, 0).default("false").alternatives(&["spark.unsafe.offHeap"]);

    /// How much of it.
    MEMORY_OFF_HEAP_SIZE: Key<ByteSize> = "spark.memory.offHeap.size"
        .since(1, 6, 0).default("0");

    /// Options of the executors' JVM that stand before the user's.
    EXECUTOR_DEFAULT_JAVA_OPTIONS: OptKey<String> = "spark.executor.defaultJavaOptions"
        .since(3, 0, 0);

    /// Options of the executors' JVM. `{{APP_ID}}` and `{{EXECUTOR_ID}}` stand for their values.
    EXECUTOR_JAVA_OPTIONS: OptKey<String> = "spark.executor.extraJavaOptions"
        .since(1, 0, 0).prepended(EXECUTOR_DEFAULT_JAVA_OPTIONS.info(), " ");

    /// Class path of the executors' JVM that stands before the user's.
    EXECUTOR_DEFAULT_CLASS_PATH: OptKey<String> = "spark.executor.defaultExtraClassPath"
        .since(4, 0, 0);

    /// Class path of the executors' JVM, beside Spark's own.
    EXECUTOR_CLASS_PATH: OptKey<String> = "spark.executor.extraClassPath"
        .since(1, 0, 0).prepended(EXECUTOR_DEFAULT_CLASS_PATH.info(), ":");

    /// Library path of the executors' JVM.
    EXECUTOR_LIBRARY_PATH: OptKey<String> = "spark.executor.extraLibraryPath"
        .since(1, 0, 0);

    /// Environment variables of executors, by name.
    EXECUTOR_ENV_PREFIX: Prefix = "spark.executorEnv."
        .since(0, 9, 0);

    /// Resources of executors of the default profile: `<name>.amount`, `.vendor`, `.discoveryScript`.
    EXECUTOR_RESOURCE_PREFIX: Prefix = "spark.executor.resource."
        .since(3, 0, 0);

    /// Cores of a task.
    TASK_CPUS: Key<f64> = "spark.task.cpus"
        .since(0, 5, 0).default("1");

    /// Directories for data that does not fit in memory, separated by commas.
    LOCAL_DIR: OptKey<String> = "spark.local.dir"
        .since(0, 5, 0);

    /// Host name or address at which executors reach the driver.
    DRIVER_HOST: OptKey<String> = "spark.driver.host"
        .since(0, 7, 0);

    /// Address to which the driver binds.
    DRIVER_BIND_ADDRESS: OptKey<String> = "spark.driver.bindAddress"
        .since(2, 1, 0).fallback(DRIVER_HOST.info());

    /// Port at which executors reach the driver; 0 is any, executor pods then get 7078.
    DRIVER_PORT: Key<i32> = "spark.driver.port"
        .since(0, 7, 0).default("0");

    /// Port of the block managers; 0 is any.
    BLOCK_MANAGER_PORT: Key<i32> = "spark.blockManager.port"
        .since(1, 1, 0).default("0");

    /// Port of the driver's block manager.
    DRIVER_BLOCK_MANAGER_PORT: Key<i32> = "spark.driver.blockManager.port"
        .since(2, 1, 0).fallback(BLOCK_MANAGER_PORT.info());

    /// Whether driver and executors prove to each other who they are.
    AUTHENTICATE: Key<bool> = "spark.authenticate"
        .since(1, 0, 0).default("false");

    /// The secret they share; made up for each application when it is not set.
    AUTHENTICATE_SECRET: OptKey<String> = "spark.authenticate.secret"
        .since(1, 0, 0);

    /// File with the secret.
    AUTHENTICATE_SECRET_FILE: OptKey<String> = "spark.authenticate.secret.file"
        .since(3, 0, 0);

    /// File with the secret, as executors see it.
    AUTHENTICATE_SECRET_EXECUTOR_FILE: OptKey<String> = "spark.authenticate.secret.executor.file"
        .since(3, 0, 0).fallback(AUTHENTICATE_SECRET_FILE.info());

    /// File with the secret, as the driver sees it.
    AUTHENTICATE_SECRET_DRIVER_FILE: OptKey<String> = "spark.authenticate.secret.driver.file"
        .since(3, 0, 0).fallback(AUTHENTICATE_SECRET_FILE.info());

    /// Whether the number of executors follows the load.
    DYN_ALLOCATION_ENABLED: Key<bool> = "spark.dynamicAllocation.enabled"
        .since(1, 2, 0).default("false");

    /// Least number of executors with dynamic allocation.
    DYN_ALLOCATION_MIN_EXECUTORS: Key<i32> = "spark.dynamicAllocation.minExecutors"
        .since(1, 2, 0).default("0");

    /// Largest number of executors with dynamic allocation.
    DYN_ALLOCATION_MAX_EXECUTORS: Key<i32> = "spark.dynamicAllocation.maxExecutors"
        .since(1, 2, 0).default("2147483647");

    /// Number of executors at the start with dynamic allocation.
    DYN_ALLOCATION_INITIAL_EXECUTORS: Key<i32> = "spark.dynamicAllocation.initialExecutors"
        .since(1, 3, 0).fallback(DYN_ALLOCATION_MIN_EXECUTORS.info());

    /// How long an executor is kept without work.
    DYN_ALLOCATION_EXECUTOR_IDLE_TIMEOUT: Key<Duration> = "spark.dynamicAllocation.executorIdleTimeout"
        .since(1, 2, 0).seconds().default("60s").check(Check::AtLeast(0.0));

    /// Share of the executors that must be there before work starts; 0.8 on Kubernetes when it is not set.
    SCHEDULER_MIN_REGISTERED_RESOURCES_RATIO: OptKey<f64> = "spark.scheduler.minRegisteredResourcesRatio"
        .since(1, 1, 1);

    /// How long work waits for that share.
    SCHEDULER_MAX_REGISTERED_RESOURCES_WAITING_TIME: Key<Duration> =
        "spark.scheduler.maxRegisteredResourcesWaitingTime"
        .since(1, 1, 1).default("30s");

    /// Whether executors hand over their data before they go.
    DECOMMISSION_ENABLED: Key<bool> = "spark.decommission.enabled"
        .since(3, 1, 0).default("false");

    /// Signal that starts it in an executor.
    EXECUTOR_DECOMMISSION_SIGNAL: Key<String> = "spark.executor.decommission.signal"
        .since(3, 2, 0).default("PWR");

    /// After which time an executor is killed from outside once it is decommissioned.
    EXECUTOR_DECOMMISSION_KILL_INTERVAL: OptKey<Duration> = "spark.executor.decommission.killInterval"
        .since(3, 1, 0).seconds();

    /// After which time Spark makes a decommissioned executor end.
    EXECUTOR_DECOMMISSION_FORCE_KILL_TIMEOUT: OptKey<Duration> = "spark.executor.decommission.forceKillTimeout"
        .since(3, 2, 0).seconds();

    /// How many executors may fail before the application does; twice the largest number of executors and at least 3
    /// when it is not set.
    EXECUTOR_MAX_NUM_FAILURES: OptKey<i32> = "spark.executor.maxNumFailures"
        .since(3, 5, 0).alternatives(&["spark.yarn.max.executor.failures"]);

    /// How long a failure counts; for ever when it is not set.
    EXECUTOR_FAILURES_VALIDITY_INTERVAL: OptKey<Duration> = "spark.executor.failuresValidityInterval"
        .since(3, 5, 0).alternatives(&["spark.yarn.executor.failuresValidityInterval"]);

    /// Address of executor logs in the UI; executors get the attributes it may refer to.
    UI_CUSTOM_EXECUTOR_LOG_URL: OptKey<String> = "spark.ui.custom.executor.log.url"
        .since(3, 0, 0);

    /// Regular expression; what matches it in a key or a value hides the value.
    REDACTION_REGEX: Key<String> = "spark.redaction.regex"
        .since(2, 1, 2)
        .default("(?i)secret|password|token|access[.]?key")
        .changed(&[((4, 2, 1), "(?i)secret|password|token|access[.]?key|credential")]);
}
