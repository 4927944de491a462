package io.stoker.spark;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The values of {@code spark.kubernetes.allocation.pods.allocator}. */
final class PodAllocators {

    private static final Logger LOG = LoggerFactory.getLogger(PodAllocators.class);

    private static final String DIRECT = "direct";
    private static final String STATEFUL_SET = "statefulset";
    private static final String DEPLOYMENT = "deployment";

    /** Spark 4.2 has it; before, {@code deployment} is the name of a class that does not exist. */
    private static final boolean HAS_DEPLOYMENT =
            exists("org.apache.spark.scheduler.cluster.k8s.DeploymentPodsAllocator");

    private PodAllocators() {}

    /** Whether Stoker does the work of this allocator. */
    static boolean isStokers(Settings settings) {
        return DIRECT.equals(settings.allocator()) || (hasController(settings) && !settings.hasFeatureSteps());
    }

    /** Whether a StatefulSet or a Deployment makes the pods, so that executors ask for their ids. */
    static boolean hasController(Settings settings) {
        String allocator = settings.allocator();
        return STATEFUL_SET.equals(allocator) || (HAS_DEPLOYMENT && DEPLOYMENT.equals(allocator));
    }

    /** Says why Spark's own backend runs, where it is this key that wants it. */
    static void explain(Settings settings) {
        if (isStokers(settings)) {
            return;
        }
        if (hasController(settings)) {
            LOG.warn("{} is set: with {}={} Spark's own backend runs it, without Stoker.",
                    Settings.FEATURE_STEPS, Settings.ALLOCATOR, settings.allocator());
        } else {
            LOG.warn("{} is {}: Spark's own backend runs this allocator, without Stoker.", Settings.ALLOCATOR, settings.allocator());
        }
    }

    private static boolean exists(String className) {
        try {
            Class.forName(className, false, PodAllocators.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }
}
