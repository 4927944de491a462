package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkContext$;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A test with a real SparkContext that uses our manager, and a fake of the native allocator. */
abstract class SparkTest {

    FakeBinding binding;
    CountingServer server;
    final BlockingQueue<Integer> exits = new LinkedBlockingQueue<>();
    private ClassLoader loaderBefore;

    @BeforeEach
    void prepare() throws Exception {
        binding = new FakeBinding();
        server = new CountingServer();
        FakeClusterManager.binding = binding;
        FakeClusterManager.exit = exits::add;
        FakeClusterManager.requestHandler = null;
        loaderBefore = Thread.currentThread().getContextClassLoader();
        Thread.currentThread().setContextClassLoader(new OneManagerLoader(FakeClusterManager.class));
    }

    @AfterEach
    void cleanUp() {
        if (SparkContext$.MODULE$.getActive().isDefined()) {
            SparkContext$.MODULE$.getActive().get().stop();
        }
        // Where a thread of ours stops the context, the call above returns before it is done.
        assertNoThreadLeft();
        Thread.currentThread().setContextClassLoader(loaderBefore);
        server.close();
    }

    SparkConf conf() {
        return new SparkConf(false)
                .setMaster(server.master())
                .setAppName("Seam Test")
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1")
                .set("spark.scheduler.maxRegisteredResourcesWaitingTime", "0s");
    }

    static StokerSchedulerBackend backend(SparkContext sc) {
        return (StokerSchedulerBackend) sc.schedulerBackend();
    }

    /** Runs a job of one task that never gets done unless an executor does it. */
    static FutureTask<Long> job(SparkContext sc) {
        return inBackground(() -> JavaSparkContext.fromSparkContext(sc).parallelize(List.of(1), 1).count());
    }

    static <T> FutureTask<T> inBackground(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Threads.daemon("test-work", task).start();
        return task;
    }

    static <T> T await(FutureTask<T> task) throws InterruptedException, ExecutionException, TimeoutException {
        return task.get(FakeBinding.WAIT_SECONDS, TimeUnit.SECONDS);
    }

    static Throwable failureOf(FutureTask<?> task) throws InterruptedException, TimeoutException {
        try {
            await(task);
        } catch (ExecutionException e) {
            return e.getCause();
        }
        throw new AssertionError("the work did not fail");
    }

    /** No thread of Stoker is left, those that end by themselves after a bounded time included. */
    static void assertNoThreadLeft() {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("stoker-")) {
                Threads.join(thread, TimeUnit.SECONDS.toMillis(FakeBinding.WAIT_SECONDS));
                assertEquals(Thread.State.TERMINATED, thread.getState(), thread.getName());
            }
        }
    }
}
