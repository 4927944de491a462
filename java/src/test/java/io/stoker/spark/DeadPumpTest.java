package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.junit.jupiter.api.Test;

/** An error, not an exception, ends the thread that takes the allocator's notices. */
class DeadPumpTest extends SparkTest {

    private static final long SECONDS = 5;

    @Test
    void theContextStopsWithTheCauseInTime() throws Exception {
        SparkContext sc = new SparkContext(conf());
        ApplicationEnds ends = ApplicationEnds.of(sc);
        FakeExecutor executor = FakeExecutor.register(sc, backend(sc), "1");
        FutureTask<Long> job = job(sc);
        executor.awaitMessage("LaunchTask");

        long begin = System.nanoTime();
        DeadPumpDriver.kill(binding, sc);
        Throwable failure = failureOf(job);
        assertTrue(failure.getMessage().contains("ended unexpectedly: " + DeadPumpDriver.DEFECT), failure.getMessage());
        ends.await(1);
        assertEquals("stop", binding.awaitCall("stop"));
        assertTrue(sc.isStopped());
        long took = System.nanoTime() - begin;
        assertTrue(took < TimeUnit.SECONDS.toNanos(SECONDS), "it took " + TimeUnit.NANOSECONDS.toMillis(took) + " ms");
        assertNoThreadLeft();
    }

    /** What any driver ends with whose job has failed. */
    @Test
    void theJvmEndsWithTheFailureOfTheJob() throws Exception {
        DriverJvm driver = DriverJvm.run(DeadPumpDriver.class, server.master());
        assertEquals(1, driver.exitCode, driver.output);
        assertTrue(driver.output.contains("ended unexpectedly: " + DeadPumpDriver.DEFECT), driver.output);
    }
}
