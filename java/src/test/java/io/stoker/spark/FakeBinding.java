package io.stoker.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** An allocator without native code: records what Spark asks for and says what a test wants it to say. */
final class FakeBinding implements AllocatorBinding {

    static final long WAIT_SECONDS = 20;

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final byte[] CLOSED = {};

    final BlockingQueue<String> calls = new LinkedBlockingQueue<>();
    final BlockingQueue<JsonNode> answers = new LinkedBlockingQueue<>();
    final BlockingQueue<JsonNode> confs = new LinkedBlockingQueue<>();
    final BlockingQueue<Integer> logLevels = new LinkedBlockingQueue<>();
    final Set<Long> deleted = ConcurrentHashMap.newKeySet();
    final BlockingQueue<Long> noticeCalls = new LinkedBlockingQueue<>();
    final AtomicInteger metricsCalls = new AtomicInteger();
    volatile byte[] metrics;
    volatile RuntimeException metricsFailure;
    /** The pod that gets id 7. */
    volatile String askingPod;
    volatile RuntimeException startFailure;
    volatile RuntimeException noticeFailure;
    volatile RuntimeException confFailure;
    volatile Error confError;
    volatile JsonNode startMessage;
    private final BlockingQueue<byte[]> notices = new LinkedBlockingQueue<>();
    private final BlockingQueue<byte[]> logs = new LinkedBlockingQueue<>();

    /** Sends one batch with one notice. */
    void send(String notice) {
        notices.add(("[" + notice + "]").getBytes(StandardCharsets.UTF_8));
    }

    void log(String line) {
        logs.add(("[" + line + "]").getBytes(StandardCharsets.UTF_8));
    }

    /** Ends the notices, as a native thread that dies would. */
    void closeNotices() {
        notices.add(CLOSED);
    }

    /** The next call whose text begins with this; drops those before it. */
    String awaitCall(String prefix) throws InterruptedException {
        String call = next(calls, prefix);
        while (!call.startsWith(prefix)) {
            call = next(calls, prefix);
        }
        return call;
    }

    static <T> T next(BlockingQueue<T> queue, String what) throws InterruptedException {
        T item = queue.poll(WAIT_SECONDS, TimeUnit.SECONDS);
        if (item == null) {
            throw new AssertionError("nothing came: " + what);
        }
        return item;
    }

    static JsonNode json(byte[] bytes) {
        try {
            return JSON.readTree(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void start(byte[] startJson) {
        startMessage = json(startJson);
        if (startFailure != null) {
            throw startFailure;
        }
        calls.add("start");
    }

    @Override
    public void setProfile(byte[] profileJson) {
        calls.add("setProfile " + json(profileJson));
    }

    @Override
    public void setTargets(int[] profileIds, int[] counts) {
        calls.add("setTargets " + Arrays.toString(profileIds) + " " + Arrays.toString(counts));
    }

    @Override
    public void kill(long[] executorIds) {
        calls.add("kill " + Arrays.toString(executorIds));
    }

    @Override
    public void decommission(long[] executorIds) {
        calls.add("decommission " + Arrays.toString(executorIds));
    }

    @Override
    public void registered(long executorId) {
        calls.add("registered " + executorId);
    }

    @Override
    public void disconnected(long executorId) {
        calls.add("disconnected " + executorId);
    }

    @Override
    public long executorIdFor(String podName) {
        calls.add("executorIdFor " + podName);
        return podName.equals(askingPod) ? 7 : 0;
    }

    @Override
    public boolean isDeleted(long executorId) {
        return deleted.contains(executorId);
    }

    @Override
    public byte[] nextNotices(long maxWaitMillis) {
        noticeCalls.add(maxWaitMillis);
        if (noticeFailure != null) {
            throw noticeFailure;
        }
        byte[] batch = poll(notices, maxWaitMillis);
        return batch == CLOSED ? null : batch;
    }

    @Override
    public void answer(long requestId, byte[] payloadJson) {
        calls.add("answer " + requestId);
        answers.add(json(payloadJson));
    }

    @Override
    public void updateConf(byte[] confJson) {
        confs.add(json(confJson));
        if (confError != null) {
            throw confError;
        }
        if (confFailure != null) {
            throw confFailure;
        }
    }

    @Override
    public byte[] metrics() {
        metricsCalls.incrementAndGet();
        if (metricsFailure != null) {
            throw metricsFailure;
        }
        return metrics;
    }

    @Override
    public void closing() {
        calls.add("closing");
    }

    @Override
    public void stop(long deadlineMillis) {
        calls.add("stop");
        closeNotices();
    }

    @Override
    public byte[] nextLogs(long maxWaitMillis) {
        return poll(logs, maxWaitMillis);
    }

    @Override
    public void setLogLevel(int level) {
        logLevels.add(level);
    }

    private static byte[] poll(BlockingQueue<byte[]> queue, long millis) {
        try {
            byte[] batch = queue.poll(millis, TimeUnit.MILLISECONDS);
            return batch == null ? "[]".getBytes(StandardCharsets.UTF_8) : batch;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }
}
