//! What an executor pod looks like.

use super::{Key, OptKey, Prefix};
use crate::conf::key::Check;
use std::time::Duration;

const DRIVER_POD: &str =
    "used by spark-submit for the driver pod; executors get what they need from the driver";

keys! {
    /// Container image of driver and executors. Since Spark 4.1 `{{SPARK_VERSION}}` in it
    /// stands for the version of Spark.
    CONTAINER_IMAGE: OptKey<String> = "spark.kubernetes.container.image"
        .since(2, 3, 0);

    /// Container image of executors. Since Spark 4.1 `{{SPARK_VERSION}}` in it
    /// stands for the version of Spark.
    EXECUTOR_CONTAINER_IMAGE: OptKey<String> = "spark.kubernetes.executor.container.image"
        .since(2, 3, 0).fallback(CONTAINER_IMAGE.info());

    /// When the kubelet pulls the image.
    CONTAINER_IMAGE_PULL_POLICY: Key<String> = "spark.kubernetes.container.image.pullPolicy"
        .since(2, 3, 0).default("IfNotPresent").check(Check::OneOf(&["Always", "Never", "IfNotPresent"]));

    /// Names of the secrets with which images are pulled.
    IMAGE_PULL_SECRETS: Key<Vec<String>> = "spark.kubernetes.container.image.pullSecrets"
        .since(2, 4, 0).default("");

    /// Beginning of the names of executor pods: executor 7 is the pod `<prefix>-exec-7`. Made
    /// from the application's name when it is not set.
    EXECUTOR_POD_NAME_PREFIX: OptKey<String> = "spark.kubernetes.executor.podNamePrefix"
        .since(2, 3, 0)
        .check(Check::Form(
            super::checks::pod_name_prefix,
            "must be lower case letters, digits, - and ., begin and end each part between dots with a letter or digit, \
             and have at most 237 characters, unless spark.stoker.names.truncate is true",
        ));

    /// CPU request of executors of the default profile as a Kubernetes quantity, such as `500m`; the cores of the
    /// executor when it is not set.
    EXECUTOR_REQUEST_CORES: OptKey<String> = "spark.kubernetes.executor.request.cores"
        .since(2, 4, 0);

    /// CPU limit of executors as a Kubernetes quantity; no limit when it is not set.
    EXECUTOR_LIMIT_CORES: OptKey<String> = "spark.kubernetes.executor.limit.cores"
        .since(2, 3, 0);

    /// Scheduler of driver and executor pods.
    SCHEDULER_NAME: OptKey<String> = "spark.kubernetes.scheduler.name"
        .since(3, 3, 0);

    /// Scheduler of executor pods; `spark.kubernetes.scheduler.name` when it is not set.
    EXECUTOR_SCHEDULER_NAME: OptKey<String> = "spark.kubernetes.executor.scheduler.name"
        .since(3, 0, 0);

    /// Service account of executor pods; the driver's when it is not set.
    EXECUTOR_SERVICE_ACCOUNT_NAME: OptKey<String> = "spark.kubernetes.authenticate.executor.serviceAccountName"
        .since(3, 1, 0);

    /// Service account of the driver pod, and of executors that name none of their own.
    DRIVER_SERVICE_ACCOUNT_NAME: OptKey<String> = "spark.kubernetes.authenticate.driver.serviceAccountName"
        .since(2, 3, 0);

    /// Factor of the memory overhead where `spark.executor.memoryOverheadFactor` is not set; 0.4 is usual for Python
    /// and R.
    MEMORY_OVERHEAD_FACTOR: Key<f64> = "spark.kubernetes.memoryOverheadFactor"
        .since(2, 4, 0).default("0.1").check(Check::AtLeast(0.0));

    /// Whether the volumes of the local directories are kept in memory; they then count towards the memory limit.
    LOCAL_DIRS_TMPFS: Key<bool> = "spark.kubernetes.local.dirs.tmpfs"
        .since(3, 0, 0).default("false");

    /// Whether executors do without the `ConfigMap` of Spark's configuration files.
    EXECUTOR_DISABLE_CONFIG_MAP: Key<bool> = "spark.kubernetes.executor.disableConfigMap"
        .since(3, 2, 0).default("false");

    /// Largest size of the `ConfigMap` in bytes; files that do not fit are left out.
    CONFIG_MAP_MAX_SIZE: Key<i64> = "spark.kubernetes.configMap.maxSize"
        .since(3, 1, 0).default("1048576").check(Check::AtMost(1_048_576.0));

    /// Whether executors reach the driver at its bind address, the pod's IP, instead of at its host name, the service.
    EXECUTOR_USE_DRIVER_POD_IP: Key<bool> = "spark.kubernetes.executor.useDriverPodIP"
        .since(4, 1, 0).default("false").changed(&[((4, 3, 0), "true")]);

    /// How long the kubelet waits for an executor to end by itself before it is killed.
    EXECUTOR_TERMINATION_GRACE_PERIOD: Key<Duration> = "spark.kubernetes.executor.terminationGracePeriodSeconds"
        .since(4, 1, 0).seconds().default("30s").check(Check::AtLeast(0.0));

    /// Whether the processes of driver and executor containers may gain privileges their parent does not have.
    ALLOW_PRIVILEGE_ESCALATION: Key<bool> = "spark.kubernetes.securityContext.allowPrivilegeEscalation"
        .since(4, 3, 0).default("false");

    /// The same for executors only.
    EXECUTOR_ALLOW_PRIVILEGE_ESCALATION: Key<bool> =
        "spark.kubernetes.executor.securityContext.allowPrivilegeEscalation"
        .since(4, 3, 0).fallback(ALLOW_PRIVILEGE_ESCALATION.info());

    /// Script in the image that is run before a decommissioned executor is stopped.
    DECOMMISSION_SCRIPT: Key<String> = "spark.kubernetes.decommission.script"
        .since(3, 2, 0).default("/opt/decom.sh");

    /// Kind of application. Set by spark-submit.
    APP_RESOURCE_TYPE: OptKey<String> = "spark.kubernetes.resource.type"
        .since(2, 4, 1).check(Check::OneOf(&["java", "python", "r"]));

    /// Labels of executor pods, by name. Labels that Spark sets itself are refused.
    EXECUTOR_LABEL_PREFIX: Prefix = "spark.kubernetes.executor.label."
        .since(2, 3, 0);

    /// Annotations of executor pods, by name.
    EXECUTOR_ANNOTATION_PREFIX: Prefix = "spark.kubernetes.executor.annotation."
        .since(2, 3, 0);

    /// Node labels that driver and executors ask for, by name.
    NODE_SELECTOR_PREFIX: Prefix = "spark.kubernetes.node.selector."
        .since(2, 3, 0);

    /// Node labels that executors ask for, by name.
    EXECUTOR_NODE_SELECTOR_PREFIX: Prefix = "spark.kubernetes.executor.node.selector."
        .since(3, 3, 0);

    /// Secrets mounted in executors: the name of the secret, and the path.
    EXECUTOR_SECRETS_PREFIX: Prefix = "spark.kubernetes.executor.secrets."
        .since(2, 3, 0);

    /// Environment variables of executors taken from secrets: the variable, and `secret:key`.
    EXECUTOR_SECRET_KEY_REF_PREFIX: Prefix = "spark.kubernetes.executor.secretKeyRef."
        .since(2, 4, 0);

    /// Volumes of executors: `<type>.<name>.mount.path`, `.options.…`, `.label.…`, `.annotation.…`.
    EXECUTOR_VOLUMES_PREFIX: Prefix = "spark.kubernetes.executor.volumes."
        .since(2, 4, 0);

    /// File with a pod that executors are made from.
    EXECUTOR_POD_TEMPLATE_FILE: OptKey<String> = "spark.kubernetes.executor.podTemplateFile"
        .since(3, 0, 0);

    /// Which container of the template is the executor's.
    EXECUTOR_POD_TEMPLATE_CONTAINER_NAME: OptKey<String> = "spark.kubernetes.executor.podTemplateContainerName"
        .since(3, 0, 0);

    /// Classes of the user that change executor pods.
    EXECUTOR_POD_FEATURE_STEPS: Key<Vec<String>> = "spark.kubernetes.executor.pod.featureSteps"
        .since(3, 2, 0).default("");

    /// Classes of Spark that are not to change executor pods.
    EXECUTOR_POD_EXCLUDED_FEATURE_STEPS: Key<Vec<String>> = "spark.kubernetes.executor.pod.excludedFeatureSteps"
        .since(4, 1, 0).default("");

    /// File with the pod group that Volcano's feature step makes.
    VOLCANO_POD_GROUP_TEMPLATE_FILE: OptKey<String> = "spark.kubernetes.scheduler.volcano.podGroupTemplateFile"
        .since(3, 3, 0).ignored("the pod group is made by spark-submit; executors only name it");

    /// The same pod group as JSON text.
    VOLCANO_POD_GROUP_TEMPLATE_JSON: OptKey<String> = "spark.kubernetes.scheduler.volcano.podGroupTemplateJson"
        .since(4, 2, 0).ignored("the pod group is made by spark-submit; executors only name it");

    /// `ConfigMap` of Hadoop's configuration that executors mount. Set by spark-submit.
    EXECUTOR_HADOOP_CONFIG_MAP_NAME: OptKey<String> = "spark.kubernetes.executor.hadoopConfigMapName"
        .since(3, 0, 0);

    /// `ConfigMap` with the files of a Hadoop configuration.
    HADOOP_CONFIG_MAP_NAME: OptKey<String> = "spark.kubernetes.hadoop.configMapName"
        .since(3, 0, 0).ignored(DRIVER_POD);

    /// File `krb5.conf` to be mounted.
    KERBEROS_KRB5_PATH: OptKey<String> = "spark.kubernetes.kerberos.krb5.path"
        .since(3, 0, 0).ignored(DRIVER_POD);

    /// `ConfigMap` with a `krb5.conf` to be mounted.
    KERBEROS_KRB5_CONFIG_MAP_NAME: OptKey<String> = "spark.kubernetes.kerberos.krb5.configMapName"
        .since(3, 0, 0).ignored(DRIVER_POD);

    /// Secret that holds delegation tokens.
    KERBEROS_TOKEN_SECRET_NAME: OptKey<String> = "spark.kubernetes.kerberos.tokenSecret.name"
        .since(3, 0, 0).ignored(DRIVER_POD);

    /// Which item of that secret holds them.
    KERBEROS_TOKEN_SECRET_ITEM_KEY: OptKey<String> = "spark.kubernetes.kerberos.tokenSecret.itemKey"
        .since(3, 0, 0).ignored(DRIVER_POD);

    /// Whether the driver pod owns on-demand volume claims, instead of the executor pods.
    DRIVER_OWN_PVC: Key<bool> = "spark.kubernetes.driver.ownPersistentVolumeClaim"
        .since(3, 2, 0).default("true");

    /// Whether on-demand volume claims that the driver pod owns are given to new executors as soon as the pods that used
    /// them are gone. Storage class, size, access modes, volume mode and labels have to be the same. The driver's role
    /// should have `list` and `watch` on `persistentvolumeclaims`: without `watch` they are listed before one is used
    /// again, without both only those that this driver has made are. Pods that are kept
    /// (`spark.kubernetes.executor.deleteOnTermination=false`) keep their claims.
    DRIVER_REUSE_PVC: Key<bool> = "spark.kubernetes.driver.reusePersistentVolumeClaim"
        .since(3, 2, 0).default("true");

    /// Whether executors wait for a claim whose pod is on its way out instead of getting a new one, so that there are
    /// never more claims than executors are wanted. It takes `spark.kubernetes.driver.ownPersistentVolumeClaim` and
    /// `spark.kubernetes.driver.reusePersistentVolumeClaim`.
    DRIVER_WAIT_TO_REUSE_PVC: Key<bool> = "spark.kubernetes.driver.waitToReusePersistentVolumeClaim"
        .since(3, 4, 0).default("false");

    /// Whether claims are `ReadWriteOnce` instead of `ReadWriteOncePod`.
    LEGACY_PVC_ACCESS_MODE: Key<bool> = "spark.kubernetes.legacy.useReadWriteOnceAccessMode"
        .since(3, 4, 3).default("true").changed(&[((4, 0, 0), "false")]);
}
