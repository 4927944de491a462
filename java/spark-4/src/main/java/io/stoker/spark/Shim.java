package io.stoker.spark;

import io.fabric8.kubernetes.client.KubernetesClient;
import org.apache.spark.SparkConf;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsLifecycleManager;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsSnapshotsStore;
import org.apache.spark.util.SystemClock;

/** Constructors that are not the same in Spark 3.5 and 4. */
final class Shim {

    private Shim() {}

    static ExecutorPodsLifecycleManager lifecycle(SparkConf conf, KubernetesClient client, ExecutorPodsSnapshotsStore snapshots) {
        return new ExecutorPodsLifecycleManager(conf, client, snapshots, new SystemClock());
    }
}
