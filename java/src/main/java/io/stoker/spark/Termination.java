package io.stoker.spark;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the application, at most once. Both ways run on a fresh daemon thread: each of them ends up in the backend's
 * {@code stop()}, which must never wait for the thread that asked for it.
 */
final class Termination {

    private static final Logger LOG = LoggerFactory.getLogger(Termination.class);

    /** Spark's exit code of an application that its scheduler gave up. */
    private static final int CONTEXT_EXIT_CODE = 1;

    private final IntConsumer exit;
    private final AtomicBoolean ended = new AtomicBoolean();

    Termination(IntConsumer exit) {
        this.exit = exit;
    }

    /** Ends the JVM with this code. */
    void exit(int code, String message) {
        if (ended.compareAndSet(false, true)) {
            LOG.error("Ending the driver with exit code {}: {}", code, message);
            Threads.daemon("stoker-exit", () -> exit.accept(code)).start();
        }
    }

    /** Fails the running jobs with this message and stops the SparkContext. */
    void stopContext(SparkContext sc, TaskSchedulerImpl scheduler, String message, Throwable cause) {
        if (ended.compareAndSet(false, true)) {
            LOG.error("Stopping the SparkContext: {}", message, cause);
            Threads.daemon("stoker-stop-context", () -> {
                failJobs(scheduler, message);
                sc.stop(CONTEXT_EXIT_CODE);
            }).start();
        }
    }

    private static void failJobs(TaskSchedulerImpl scheduler, String message) {
        try {
            scheduler.error(message);
        } catch (Exception e) {
            // Spark throws the message where no job is running that it could fail.
            LOG.debug("No job was running.", e);
        }
    }
}
