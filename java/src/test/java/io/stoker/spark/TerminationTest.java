package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkContext$;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;

class TerminationTest extends SparkTest {

    private static final String ABORT = "{\"type\": \"abort\", \"exitCode\": 11, \"message\": \"too many executors failed\"}";
    private static final String FATAL = "{\"type\": \"fatal\", \"kind\": \"forbidden\", \"message\": \"403: pods is forbidden\"}";
    private static final long FATAL_SECONDS = 5;

    @Test
    void abortExitsFromAFreshDaemonThreadAndStopDoesNotWaitForIt() throws Exception {
        BlockingQueue<Thread> callers = new LinkedBlockingQueue<>();
        FakeClusterManager.exit = code -> {
            // What System.exit does: it runs the shutdown hook, which stops the context, and waits for it.
            SparkContext$.MODULE$.getActive().get().stop();
            callers.add(Thread.currentThread());
            exits.add(code);
        };
        SparkContext sc = new SparkContext(conf());
        binding.send(ABORT);
        assertEquals(11, FakeBinding.next(exits, "the exit"));
        Thread caller = FakeBinding.next(callers, "its thread");
        assertEquals("stoker-exit", caller.getName());
        assertTrue(caller.isDaemon());
        assertTrue(sc.isStopped());
        assertEquals("stop", binding.awaitCall("stop"));
    }

    @Test
    void theJvmEndsWithTheCodeOfTheAbortAfterTheAllocatorWasStopped() throws Exception {
        List<String> command = new ArrayList<>();
        command.add(new File(System.getProperty("java.home"), "bin/java").getPath());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--add-opens"))
                .forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), AbortedDriver.class.getName(), server.master()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        FutureTask<String> output =
                inBackground(() -> new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the driver hangs");
        String text = await(output);
        assertEquals(11, process.exitValue(), text);
        assertTrue(text.contains(AbortedDriver.STOPPED), text);
    }

    @Test
    void fatalFailsTheRunningJobAndStopsTheContextWithTheCause() throws Exception {
        SparkContext sc = new SparkContext(conf());
        ApplicationEnds ends = ApplicationEnds.of(sc);
        FakeExecutor executor = FakeExecutor.register(sc, backend(sc), "1");
        FutureTask<Long> job = job(sc);
        executor.awaitMessage("LaunchTask");
        long begin = System.nanoTime();
        binding.send(FATAL);
        Throwable failure = failureOf(job);
        assertTrue(failure.getMessage().contains("403: pods is forbidden"), failure.getMessage());
        assertTrue(System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(FATAL_SECONDS));
        ends.await(1);
        assertEquals("stop", binding.awaitCall("stop"));
        assertTrue(sc.isStopped());
        assertNoThreadLeft();
    }

    @Test
    void fatalWithoutAJobStopsTheContext() throws Exception {
        SparkContext sc = new SparkContext(conf());
        binding.send(FATAL);
        assertEquals("stop", binding.awaitCall("stop"));
        assertTrue(sc.isStopped());
    }

    @Test
    void theUnexpectedEndOfTheNoticesIsFatal() throws Exception {
        SparkContext sc = new SparkContext(conf());
        binding.closeNotices();
        assertEquals("stop", binding.awaitCall("stop"));
        assertTrue(sc.isStopped());
    }

    @Test
    void aPanicInNativeCodeIsFatal() throws Exception {
        SparkContext sc = new SparkContext(conf());
        binding.noticeFailure = new AllocatorException("index out of bounds", "panic", false);
        assertEquals("stop", binding.awaitCall("stop"));
        assertTrue(sc.isStopped());
    }

    @Test
    void aNoticeThatCannotBeReadIsFatal() throws Exception {
        SparkContext sc = new SparkContext(conf());
        binding.send("{\"type\": \"lost\", \"executorId\": 1}");
        assertEquals("stop", binding.awaitCall("stop"));
        assertTrue(sc.isStopped());
    }

    @Test
    void aFailedStartFailsTheContextWithTheReasonAndLeavesNothing() throws Exception {
        binding.startFailure = new AllocatorException("no driver pod named d in namespace ns", "driverPodMissing", false);
        SparkException failure = assertThrows(SparkException.class, () -> new SparkContext(conf()));
        assertTrue(failure.getMessage().contains("no driver pod named d in namespace ns"), failure.getMessage());
        assertSame(binding.startFailure, failure.getCause());
        assertTrue(SparkContext$.MODULE$.getActive().isEmpty());
        assertNoThreadLeft();

        FakeClusterManager.binding = new FakeBinding();
        SparkContext next = new SparkContext(conf());
        assertEquals("start", FakeClusterManager.binding.awaitCall("start"));
        assertFalse(next.isStopped());
    }

    @Test
    void stoppingTwiceStopsTheAllocatorOnce() throws Exception {
        SparkContext sc = new SparkContext(conf());
        StokerSchedulerBackend backend = backend(sc);
        sc.stop();
        backend.stop();
        assertEquals(1, binding.calls.stream().filter("stop"::equals).count());
    }

    @Test
    void whatComesAfterTheStopIsIgnored() throws Exception {
        SparkContext sc = new SparkContext(conf());
        StokerSchedulerBackend backend = backend(sc);
        sc.stop();
        binding.calls.clear();
        assertFalse(backend.isExecutorExcluded("1", "host"));
        backend.doKillExecutors(scala.collection.immutable.Nil$.MODULE$.$colon$colon("1"));
        assertEquals(List.of(), List.copyOf(binding.calls));
        assertTrue(exits.isEmpty());
    }
}
