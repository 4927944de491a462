//! What spark-submit and Spark's own code do before or beside the driver's allocation.

use super::{Key, OptKey, Prefix};
use crate::conf::key::Check;
use std::time::Duration;

const SUBMIT: &str = "used by spark-submit";

keys! {
    /// Container image of the driver.
    DRIVER_CONTAINER_IMAGE: OptKey<String> = "spark.kubernetes.driver.container.image"
        .since(2, 3, 0).fallback(super::CONTAINER_IMAGE.info()).ignored(SUBMIT);

    /// CPU limit of the driver pod.
    DRIVER_LIMIT_CORES: OptKey<String> = "spark.kubernetes.driver.limit.cores"
        .since(2, 3, 0).ignored(SUBMIT);

    /// CPU request of the driver pod.
    DRIVER_REQUEST_CORES: OptKey<String> = "spark.kubernetes.driver.request.cores"
        .since(3, 0, 0).ignored(SUBMIT);

    /// Scheduler of the driver pod.
    DRIVER_SCHEDULER_NAME: OptKey<String> = "spark.kubernetes.driver.scheduler.name"
        .since(3, 3, 0).ignored(SUBMIT);

    /// Beginning of the names of the driver pod and what belongs to it.
    DRIVER_RESOURCE_NAME_PREFIX: OptKey<String> = "spark.kubernetes.driver.resourceNamePrefix"
        .since(3, 0, 0).ignored(SUBMIT);

    /// Whether processes of the driver container may gain privileges their parent does not have.
    DRIVER_ALLOW_PRIVILEGE_ESCALATION: Key<bool> = "spark.kubernetes.driver.securityContext.allowPrivilegeEscalation"
        .since(4, 3, 0).fallback(super::ALLOW_PRIVILEGE_ESCALATION.info()).ignored(SUBMIT);

    /// File with a pod that the driver is made from.
    DRIVER_POD_TEMPLATE_FILE: OptKey<String> = "spark.kubernetes.driver.podTemplateFile"
        .since(3, 0, 0).ignored(SUBMIT);

    /// Which container of that pod is the driver's.
    DRIVER_POD_TEMPLATE_CONTAINER_NAME: OptKey<String> = "spark.kubernetes.driver.podTemplateContainerName"
        .since(3, 0, 0).ignored(SUBMIT);

    /// Classes of the user that change the driver pod.
    DRIVER_POD_FEATURE_STEPS: Key<Vec<String>> = "spark.kubernetes.driver.pod.featureSteps"
        .since(3, 2, 0).default("").ignored(SUBMIT);

    /// Classes of Spark that are not to change the driver pod.
    DRIVER_POD_EXCLUDED_FEATURE_STEPS: Key<Vec<String>> = "spark.kubernetes.driver.pod.excludedFeatureSteps"
        .since(4, 1, 0).default("").ignored(SUBMIT);

    /// Which IP families the driver's service has.
    DRIVER_SERVICE_IP_FAMILY_POLICY: Key<String> = "spark.kubernetes.driver.service.ipFamilyPolicy"
        .since(3, 4, 0).default("SingleStack")
        .check(Check::OneOf(&["SingleStack", "PreferDualStack", "RequireDualStack"])).ignored(SUBMIT);

    /// The IP families of the driver's service, in their order.
    DRIVER_SERVICE_IP_FAMILIES: Key<String> = "spark.kubernetes.driver.service.ipFamilies"
        .since(3, 4, 0).default("IPv4")
        .check(Check::OneOf(&["IPv4", "IPv6", "IPv4,IPv6", "IPv6,IPv4"])).ignored(SUBMIT);

    /// Where spark-submit puts local files for the driver.
    FILE_UPLOAD_PATH: OptKey<String> = "spark.kubernetes.file.upload.path"
        .since(3, 0, 0).ignored(SUBMIT);

    /// Schemes of jars that spark-submit does not download.
    JARS_AVOID_DOWNLOAD_SCHEMES: Key<Vec<String>> = "spark.kubernetes.jars.avoidDownloadSchemes"
        .since(4, 0, 0).default("").ignored(SUBMIT);

    /// Python version of the image; without effect since Spark 3.1, unknown since 4.1.
    PYSPARK_PYTHON_VERSION: OptKey<String> = "spark.kubernetes.pyspark.pythonVersion"
        .since(2, 4, 0).ignored(SUBMIT);

    /// Interval in which spark-submit reports on the application.
    REPORT_INTERVAL: Key<Duration> = "spark.kubernetes.report.interval"
        .since(2, 3, 0).default("1s").check(Check::MoreThan(0.0)).ignored(SUBMIT);

    /// Whether spark-submit waits for the end of the application.
    WAIT_APP_COMPLETION: Key<bool> = "spark.kubernetes.submission.waitAppCompletion"
        .since(2, 3, 0).default("true").ignored(SUBMIT);

    /// How long spark-submit waits for an answer of the API server, in milliseconds.
    SUBMISSION_REQUEST_TIMEOUT: Key<i32> = "spark.kubernetes.submission.requestTimeout"
        .since(3, 0, 0).default("10000").ignored(SUBMIT);

    /// How long spark-submit waits for a connection to the API server, in milliseconds.
    SUBMISSION_CONNECTION_TIMEOUT: Key<i32> = "spark.kubernetes.submission.connectionTimeout"
        .since(3, 0, 0).default("10000").ignored(SUBMIT);

    /// How long pods may take to end when spark-submit kills an application.
    APP_KILL_POD_DELETION_GRACE_PERIOD: OptKey<Duration> = "spark.kubernetes.appKillPodDeletionGracePeriod"
        .since(3, 0, 0).seconds().ignored(SUBMIT);

    /// Credentials of spark-submit.
    AUTH_SUBMISSION_PREFIX: Prefix = "spark.kubernetes.authenticate.submission."
        .since(2, 3, 0).ignored(SUBMIT);

    /// Token that spark-submit mounts in the driver pod.
    AUTH_DRIVER_OAUTH_TOKEN: OptKey<String> = "spark.kubernetes.authenticate.driver.oauthToken"
        .since(2, 3, 0).ignored(SUBMIT);

    /// File with a token that spark-submit mounts in the driver pod.
    AUTH_DRIVER_OAUTH_TOKEN_FILE: OptKey<String> = "spark.kubernetes.authenticate.driver.oauthTokenFile"
        .since(2, 3, 0).ignored(SUBMIT);

    /// Key of a client certificate that spark-submit mounts in the driver pod.
    AUTH_DRIVER_CLIENT_KEY_FILE: OptKey<String> = "spark.kubernetes.authenticate.driver.clientKeyFile"
        .since(2, 3, 0).ignored(SUBMIT);

    /// Client certificate that spark-submit mounts in the driver pod.
    AUTH_DRIVER_CLIENT_CERT_FILE: OptKey<String> = "spark.kubernetes.authenticate.driver.clientCertFile"
        .since(2, 3, 0).ignored(SUBMIT);

    /// Certificate authority that spark-submit mounts in the driver pod.
    AUTH_DRIVER_CA_CERT_FILE: OptKey<String> = "spark.kubernetes.authenticate.driver.caCertFile"
        .since(2, 3, 0).ignored(SUBMIT);

    /// Labels of the driver pod, by name.
    DRIVER_LABEL_PREFIX: Prefix = "spark.kubernetes.driver.label."
        .since(2, 3, 0).ignored(SUBMIT);

    /// Annotations of the driver pod, by name.
    DRIVER_ANNOTATION_PREFIX: Prefix = "spark.kubernetes.driver.annotation."
        .since(2, 3, 0).ignored(SUBMIT);

    /// Labels of the driver's service, by name.
    DRIVER_SERVICE_LABEL_PREFIX: Prefix = "spark.kubernetes.driver.service.label."
        .since(3, 4, 0).ignored(SUBMIT);

    /// Annotations of the driver's service, by name.
    DRIVER_SERVICE_ANNOTATION_PREFIX: Prefix = "spark.kubernetes.driver.service.annotation."
        .since(3, 0, 0).ignored(SUBMIT);

    /// Node labels that the driver asks for, by name.
    DRIVER_NODE_SELECTOR_PREFIX: Prefix = "spark.kubernetes.driver.node.selector."
        .since(3, 3, 0).ignored(SUBMIT);

    /// Secrets mounted in the driver.
    DRIVER_SECRETS_PREFIX: Prefix = "spark.kubernetes.driver.secrets."
        .since(2, 3, 0).ignored(SUBMIT);

    /// Environment variables of the driver taken from secrets.
    DRIVER_SECRET_KEY_REF_PREFIX: Prefix = "spark.kubernetes.driver.secretKeyRef."
        .since(2, 4, 0).ignored(SUBMIT);

    /// Volumes of the driver.
    DRIVER_VOLUMES_PREFIX: Prefix = "spark.kubernetes.driver.volumes."
        .since(2, 4, 0).ignored(SUBMIT);

    /// Environment variables of the driver.
    DRIVER_ENV_PREFIX: Prefix = "spark.kubernetes.driverEnv."
        .since(2, 3, 0).ignored(SUBMIT);

    /// Whether the driver's service is deleted when the application ends.
    DRIVER_SERVICE_DELETE_ON_TERMINATION: Key<bool> = "spark.kubernetes.driver.service.deleteOnTermination"
        .since(3, 2, 0).default("true");

    /// Whether the exception that ended the driver is annotated to its pod.
    DRIVER_ANNOTATE_EXIT_EXCEPTION: Key<bool> = "spark.kubernetes.driver.annotateExitException"
        .since(4, 1, 0).default("false").ignored("done by Spark's own code in the driver");
}
