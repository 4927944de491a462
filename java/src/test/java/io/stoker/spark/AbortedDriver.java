package io.stoker.spark;

import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;

/** A driver whose allocator gives up, in a JVM of its own: see {@link TerminationTest}. */
final class AbortedDriver {

    static final String STOPPED = "the allocator was stopped";

    private AbortedDriver() {}

    public static void main(String[] args) throws Exception {
        FakeBinding binding = new FakeBinding();
        SparkContext sc = DriverJvm.context(binding, args[0], "aborted");
        Threads.daemon("watch-stop", () -> {
            try {
                binding.awaitCall("stop");
                System.out.println(STOPPED);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }).start();
        binding.send("{\"type\": \"abort\", \"exitCode\": 11, \"message\": \"too many executors failed\"}");
        // The application's own thread is busy, and would be for long.
        TimeUnit.MINUTES.sleep(10);
        sc.stop();
    }
}
