package io.stoker.spark;

import java.util.Collections;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;

/** A driver whose notice pump dies while it runs a job, in a JVM of its own: see {@link DeadPumpTest}. */
final class DeadPumpDriver {

    static final String DEFECT = "the pump's thread has died";

    private DeadPumpDriver() {}

    public static void main(String[] args) throws Exception {
        FakeBinding binding = new FakeBinding();
        SparkContext sc = DriverJvm.context(binding, args[0], "dead-pump");
        kill(binding, sc);
        // No executor ever comes: without an end of the context the job would wait for ever.
        JavaSparkContext.fromSparkContext(sc).parallelize(Collections.singletonList(1), 1).count();
    }

    /** Has the pump's listener throw an error after its next batch, of which there is at least one a second. */
    static void kill(FakeBinding binding, SparkContext sc) {
        binding.confError = new NoSuchMethodError(DEFECT);
        sc.conf().set("spark.executor.memory", "3g");
    }
}
