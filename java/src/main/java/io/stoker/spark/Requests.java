package io.stoker.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers what native code asks of the JVM. Each request gets exactly one answer, {@code {"ok": …}} or {@code {"error": "…"}},
 * on a thread of its own, so that slow code of a user delays no loss notice.
 */
final class Requests {

    /** Does what a request asks. */
    @FunctionalInterface
    interface Handler {
        JsonNode answer(JsonNode payload) throws Exception;
    }

    private static final Logger LOG = LoggerFactory.getLogger(Requests.class);
    private static final int MAX_WAITING = 1024;
    private static final long IDLE_SECONDS = 10;

    private final AllocatorBinding binding;
    private final Handler handler;
    private final ThreadPoolExecutor worker;

    Requests(AllocatorBinding binding, Handler handler) {
        this.binding = binding;
        this.handler = handler;
        this.worker = new ThreadPoolExecutor(
                1, 1, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(MAX_WAITING), task -> Threads.daemon("stoker-requests", task));
        worker.allowCoreThreadTimeOut(true);
    }

    void accept(long requestId, JsonNode payload) {
        try {
            worker.execute(() -> answer(requestId, payload));
        } catch (RejectedExecutionException e) {
            send(requestId, error("too many requests are waiting for the driver"));
        }
    }

    /** Interrupts the request at work and drops those that wait; the allocator that asked is gone. */
    void close() {
        worker.shutdownNow();
    }

    private void answer(long requestId, JsonNode payload) {
        ObjectNode answer;
        try {
            answer = Messages.object();
            answer.set("ok", handler.answer(payload));
        } catch (Throwable e) {
            // Errors too: native code waits for as long as there is no answer.
            LOG.warn("Request {} of the allocator failed.", requestId, e);
            answer = error(e.getMessage() == null ? e.toString() : e.getMessage());
        }
        send(requestId, answer);
    }

    private void send(long requestId, ObjectNode answer) {
        try {
            binding.answer(requestId, Messages.bytes(answer));
        } catch (AllocatorException e) {
            LOG.debug("The allocator no longer wants the answer to request {}.", requestId, e);
        }
    }

    private static ObjectNode error(String message) {
        return Messages.object().put("error", message);
    }
}
