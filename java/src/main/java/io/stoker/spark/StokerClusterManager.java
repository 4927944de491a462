package io.stoker.spark;

import java.util.function.IntConsumer;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.deploy.k8s.KubernetesConf;
import org.apache.spark.scheduler.SchedulerBackend;
import org.apache.spark.scheduler.TaskScheduler;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import org.apache.spark.scheduler.cluster.k8s.KubernetesClusterManager;

/**
 * The cluster manager for {@code k8s://} masters. Spark finds it as a service; two managers for one master are refused, which
 * is why installing Stoker takes Spark's own entry away.
 */
public class StokerClusterManager extends KubernetesClusterManager {

    private static final String ENABLED = "spark.stoker.enabled";
    private static final String NAME_PREFIX = "spark.kubernetes.executor.podNamePrefix";
    private static final String DIRECT = "direct";

    /** For {@link java.util.ServiceLoader}. */
    public StokerClusterManager() {}

    @Override
    public SchedulerBackend createSchedulerBackend(SparkContext sc, String masterUrl, TaskScheduler scheduler) {
        SparkConf conf = sc.conf();
        if (!usesStoker(conf)) {
            return super.createSchedulerBackend(sc, masterUrl, scheduler);
        }
        if (!conf.contains(NAME_PREFIX)) {
            conf.set(NAME_PREFIX, KubernetesConf.getResourceNamePrefix(conf.get("spark.app.name")));
        }
        TaskSchedulerImpl taskScheduler = (TaskSchedulerImpl) scheduler;
        StokerPodsAllocator allocator = new StokerPodsAllocator(
                sc, taskScheduler, masterUrl, PodTemplate.text(conf), binding(), requestHandler(conf), new Termination(exit()));
        return new StokerSchedulerBackend(taskScheduler, sc, new StockParts(conf, masterUrl), allocator);
    }

    /** Not for a driver that runs its tasks itself, nor where the user wants Spark's own or another allocator. */
    static boolean usesStoker(SparkConf conf) {
        Settings settings = new Settings(conf);
        return conf.getBoolean(ENABLED, true)
                && DIRECT.equals(settings.allocator())
                && !settings.driverMaster().startsWith("local");
    }

    /** The allocator of a new SparkContext. */
    AllocatorBinding binding() {
        return new NativeBinding();
    }

    /** Answers the allocator's requests. */
    Requests.Handler requestHandler(SparkConf conf) {
        return new FeatureSteps(conf);
    }

    /** Ends the JVM. */
    IntConsumer exit() {
        return System::exit;
    }
}
