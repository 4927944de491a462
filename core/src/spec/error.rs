//! Why a pod cannot be built.

use crate::conf::ConfError;

/// The configuration or the resource profile does not describe an executor pod.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A key that the pod needs is invalid.
    #[error(transparent)]
    Conf(#[from] ConfError),
    /// The pod template cannot be used.
    #[error("Could not load pod from template file (spark.kubernetes.executor.podTemplateFile): {message}")]
    Template {
        /// What is wrong with it.
        message: String,
    },
    /// No image is configured.
    #[error(
        "Must specify the executor container image: set spark.kubernetes.executor.container.image or \
         spark.kubernetes.container.image"
    )]
    MissingImage,
    /// Executors would not know where the driver is.
    #[error(
        "the address of the driver is unknown: set spark.driver.host (or spark.driver.bindAddress where \
         spark.kubernetes.executor.useDriverPodIP is true)"
    )]
    MissingDriverHost,
    /// The driver's address looks like an IPv6 address and is none.
    #[error(
        "'{host}' is not an IP string literal: set spark.driver.host (or spark.driver.bindAddress) to a host name, an \
         IPv4 address, or an IPv6 address in brackets"
    )]
    DriverHost {
        /// The refused address.
        host: String,
    },
    /// `spark.kubernetes.executor.podNamePrefix`, or what the application's name became.
    #[error(
        "executor pods cannot be named '{prefix}-exec-1': set spark.kubernetes.executor.podNamePrefix to lower-case \
         letters, digits, '-' and '.', beginning and ending with a letter or digit, of at most 237 characters (or have \
         names cut with spark.stoker.names.truncate=true)"
    )]
    PodNamePrefix {
        /// The refused prefix.
        prefix: String,
    },
    /// `spark.blockManager.port` is a port that needs privileges or does not exist.
    #[error("spark.blockManager.port is {port}: the port number must be 0 or in [1024, 65535]")]
    BlockManagerPort {
        /// The refused port.
        port: i32,
    },
    /// A custom label has the name of one that Spark sets.
    #[error(
        "Custom executor labels cannot contain {label} as it is reserved for Spark: remove \
         spark.kubernetes.executor.label.{label}"
    )]
    ReservedLabel {
        /// Name of the label.
        label: String,
    },
    /// A value is not a Kubernetes quantity.
    #[error("{key} is '{value}', which is not a Kubernetes quantity such as 1, 0.5, 500m or 2Gi")]
    Quantity {
        /// The Spark key.
        key: String,
        /// Its value.
        value: String,
    },
    /// The limit would be below the request.
    #[error(
        "The executor cpu request ({request}) should be less than or equal to cpu limit ({limit}): lower \
         spark.kubernetes.executor.request.cores or spark.executor.cores, or raise spark.kubernetes.executor.limit.cores"
    )]
    CpuLimit {
        /// What is requested.
        request: String,
        /// The limit below it.
        limit: String,
    },
    /// A custom resource has no vendor, so that its Kubernetes name is unknown.
    #[error(
        "Resource: {resource} was requested, but vendor was not specified: set \
         spark.executor.resource.{resource}.vendor (or the vendor in the resource profile)"
    )]
    MissingVendor {
        /// Name of the resource, such as `gpu`.
        resource: String,
    },
    /// A key below `spark.executor.resource.` that names no property of a resource.
    #[error(
        "{key} names a resource but none of its properties: set {key}.amount, and {key}.vendor where needed"
    )]
    ResourceKey {
        /// The key.
        key: String,
    },
    /// A custom resource has properties but no amount.
    #[error("You must specify an amount for {resource}: set spark.executor.resource.{resource}.amount")]
    MissingAmount {
        /// Name of the resource.
        resource: String,
    },
    /// The amount of a custom resource is not a whole number.
    #[error("spark.executor.resource.{resource}.amount is '{value}', which is not a whole number")]
    BadAmount {
        /// Name of the resource.
        resource: String,
        /// The refused value.
        value: String,
    },
    /// Off-heap memory is on without a size.
    #[error("spark.memory.offHeap.size must be at least 1MiB when spark.memory.offHeap.enabled is true")]
    OffHeapSize,
    /// A reference to an entry of a secret has another form than the only one.
    #[error("{key} is '{value}': SecretKeyRef must be in the form name:key.")]
    SecretKeyRef {
        /// The key.
        key: String,
        /// The refused value.
        value: String,
    },
    /// A volume is of a type that Spark does not mount.
    #[error(
        "{key}: Kubernetes Volume type `{volume_type}` is not supported; use hostPath, emptyDir, nfs or \
         persistentVolumeClaim"
    )]
    VolumeType {
        /// A key of the volume.
        key: String,
        /// The refused type.
        volume_type: String,
    },
    /// A volume lacks a property that its type needs.
    #[error("{key} is required for {volume_type} and is not set")]
    VolumeProperty {
        /// The key that is missing.
        key: String,
        /// Type of the volume.
        volume_type: &'static str,
    },
    /// Nobody said where a volume is mounted.
    #[error("key not found: {key}; set it to the path at which executors see the volume")]
    VolumePath {
        /// The key that is missing.
        key: String,
    },
    /// A volume has two paths within it.
    #[error("These config options are mutually exclusive: {first}, {second}")]
    VolumeSubPaths {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// `mount.readOnly` is neither true nor false.
    #[error("{key}: For input string: \"{value}\", which is neither true nor false")]
    VolumeReadOnly {
        /// The key.
        key: String,
        /// The refused value.
        value: String,
    },
    /// The size of a volume has probably lost its unit.
    #[error("{key}: Volume size `{value}` is smaller than 1KiB. Missing units?")]
    VolumeSize {
        /// The key.
        key: String,
        /// The refused value.
        value: String,
    },
    /// Pods of a `Deployment` cannot have claims of their own.
    #[error(
        "PersistentVolumeClaims are not supported with the deployment allocator: volume '{volume}' is one. Please remove \
         PVC requirements or choose a different pods allocator (spark.kubernetes.allocation.pods.allocator)."
    )]
    DeploymentClaim {
        /// Name of the volume.
        volume: String,
    },
    /// Two volumes are mounted at the same path.
    #[error("Found duplicated mountPath: '{path}': {} have it", .keys.join(" and "))]
    MountPath {
        /// The path.
        path: String,
        /// The keys with that path.
        keys: Vec<String>,
    },
}
