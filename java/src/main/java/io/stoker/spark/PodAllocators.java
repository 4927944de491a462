package io.stoker.spark;

import org.apache.spark.SparkConf;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The values of {@code spark.kubernetes.allocation.pods.allocator}. */
final class PodAllocators {

    private static final Logger LOG = LoggerFactory.getLogger(PodAllocators.class);

    private static final String KEY = "spark.kubernetes.allocation.pods.allocator";
    private static final String DIRECT = "direct";

    private PodAllocators() {}

    /** Whether Stoker does the work of this allocator. */
    static boolean isStokers(SparkConf conf) {
        return DIRECT.equals(allocator(conf));
    }

    /** Says why Spark's own backend runs, where it is this key that wants it. */
    static void explain(SparkConf conf) {
        if (!isStokers(conf)) {
            LOG.warn("{} is {}: Spark's own backend runs this allocator, without Stoker.", KEY, allocator(conf));
        }
    }

    private static String allocator(SparkConf conf) {
        return conf.get(KEY, DIRECT);
    }
}
