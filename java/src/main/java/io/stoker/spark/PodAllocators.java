package io.stoker.spark;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The values of {@code spark.kubernetes.allocation.pods.allocator}. */
final class PodAllocators {

    private static final Logger LOG = LoggerFactory.getLogger(PodAllocators.class);

    private static final String DIRECT = "direct";

    private PodAllocators() {}

    /** Whether Stoker does the work of this allocator. */
    static boolean isStokers(Settings settings) {
        return DIRECT.equals(settings.allocator());
    }

    /** Says why Spark's own backend runs, where it is this key that wants it. */
    static void explain(Settings settings) {
        if (!isStokers(settings)) {
            LOG.warn("{} is {}: Spark's own backend runs this allocator, without Stoker.", Settings.ALLOCATOR, settings.allocator());
        }
    }
}
