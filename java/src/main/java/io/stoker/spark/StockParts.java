package io.stoker.spark;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.File;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.k8s.KubernetesUtils;
import org.apache.spark.deploy.k8s.SparkKubernetesClientFactory;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsLifecycleManager;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsPollingSnapshotSource;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsSnapshotsStore;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsWatchSnapshotSource;
import scala.Option;

/**
 * What the constructor of Spark's backend wants beside an allocator, all of it inert: a client that is not made before its
 * first use, executors without a thread, and watch, poll and lifecycle classes that a conf of ours keeps off the API.
 */
final class StockParts {

    final KubernetesClient client;
    final ScheduledExecutorService executor;
    final ExecutorPodsSnapshotsStore snapshots;
    final ExecutorPodsLifecycleManager lifecycle;
    final ExecutorPodsWatchSnapshotSource watch;
    final ExecutorPodsPollingSnapshotSource poll;

    StockParts(SparkConf conf, String masterUrl) {
        SparkConf inert = inertConf(conf);
        client = LazyKubernetesClient.of(() -> realClient(conf, masterUrl));
        executor = idleExecutor("stoker-stock-maintenance");
        snapshots = new SnapshotsOff();
        lifecycle = Shim.lifecycle(inert, client, snapshots);
        watch = new ExecutorPodsWatchSnapshotSource(snapshots, client, inert);
        poll = new ExecutorPodsPollingSnapshotSource(inert, client, snapshots, idleExecutor("stoker-stock-polling"));
    }

    /** A copy of the conf in which everything is off that makes Spark's own backend call the API. */
    static SparkConf inertConf(SparkConf conf) {
        return conf.clone()
                .set("spark.kubernetes.executor.disableConfigMap", "true")
                .set("spark.kubernetes.executor.deleteOnTermination", "false")
                .set("spark.kubernetes.driver.service.deleteOnTermination", "false")
                .set("spark.kubernetes.driver.ownPersistentVolumeClaim", "false")
                .set("spark.kubernetes.executor.enableApiWatcher", "false")
                .set("spark.kubernetes.executor.enableApiPolling", "false")
                .remove("spark.kubernetes.executor.decommissionLabel")
                .remove("spark.kubernetes.executor.decommissionLabelValue")
                .remove("spark.kubernetes.executor.podDeletionCost");
    }

    /** The client that Spark's own manager would have made. */
    private static KubernetesClient realClient(SparkConf conf, String masterUrl) {
        Settings settings = new Settings(conf);
        boolean clusterMode = settings.submittedInDriver();
        File serviceAccountCa = new File(Config.KUBERNETES_SERVICE_ACCOUNT_CA_CRT_PATH);
        return SparkKubernetesClientFactory.createKubernetesClient(
                clusterMode ? settings.driverMaster() : KubernetesUtils.parseMasterUrl(masterUrl),
                Option.apply(settings.namespace()),
                clusterMode ? "spark.kubernetes.authenticate.driver.mounted" : "spark.kubernetes.authenticate",
                // By name: the type of its accessor is not the same in 4.0 and 4.1.
                SparkKubernetesClientFactory.ClientType$.MODULE$.withName("Driver"),
                conf,
                Option.apply(clusterMode && serviceAccountCa.exists() ? serviceAccountCa : null));
    }

    /** Starts its thread with the first task, which is why the usual one starts none. */
    private static ScheduledExecutorService idleExecutor(String name) {
        return new ScheduledThreadPoolExecutor(1, task -> Threads.daemon(name, task));
    }
}
