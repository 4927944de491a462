package io.stoker.spark;

import java.util.concurrent.TimeUnit;

/** Threads that never keep the JVM alive. */
final class Threads {

    private Threads() {}

    static Thread daemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Waits for the end of a thread for a bounded time; not at all where it is the calling thread. */
    static void join(Thread thread, long millis) {
        if (thread == Thread.currentThread()) {
            return;
        }
        try {
            TimeUnit.MILLISECONDS.timedJoin(thread, millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
