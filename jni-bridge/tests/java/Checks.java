import io.stoker.spark.AllocatorException;
import io.stoker.spark.Native;
import java.io.File;
import java.net.URL;
import java.nio.charset.StandardCharsets;

/** What the cases of {@link Boundary} share. */
abstract class Checks {

    static final String FACE = "\uD83D\uDE00";
    static final long LONG = 60_000;
    /** How a start message begins. */
    static final String ABI = "\"abi\":" + Native.ABI_VERSION;

    Checks() {}

    static void blockedDaemons(long handle) throws Exception {
        awaitBlocked(thread(() -> Native.nextNotices(handle, Long.MAX_VALUE)));
        awaitBlocked(thread(() -> Native.nextLogs(Long.MAX_VALUE)));
    }

    static Thread thread(Runnable body) {
        Thread thread = new Thread(body);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Until it is in a native method. */
    static void awaitBlocked(Thread thread) {
        while (true) {
            StackTraceElement[] stack = thread.getStackTrace();
            if (stack.length > 0 && stack[0].isNativeMethod() && stack[0].getClassName().equals("io.stoker.spark.Native")) {
                return;
            }
            check(thread.isAlive(), "it is blocked, not ended");
            Thread.onSpinWait();
        }
    }

    static byte[] message(String master, String name) {
        return utf8("{" + ABI + ",\"conf\":{\"spark.app.name\":\"" + name.replace("\u0000", "\\u0000") + "\",\"spark.secret\":\"hunter2\"},"
                + "\"sparkVersion\":\"4.3.0\",\"appId\":\"spark-1\",\"sparkUser\":\"root\",\"authSecret\":\"hunter2\","
                + "\"master\":\"" + master + "\",\"systemProperties\":{}}");
    }

    /** A start message for the allocator of stoker-core, with an API server that refuses connections. */
    static byte[] real(String sparkVersion, String entries) {
        return real("k8s://https://127.0.0.1:9", sparkVersion, entries);
    }

    static byte[] real(String master, String sparkVersion, String entries) {
        return utf8("{" + ABI + ",\"conf\":{" + entries + "\"spark.kubernetes.executor.container.image\":\"spark\"," + "\"spark.app.name\":\"app\","
                + "\"spark.kubernetes.namespace\":\"jobs\",\"spark.driver.host\":\"localhost\",\"spark.driver.port\":\"7078\"},"
                + "\"sparkVersion\":\"" + sparkVersion + "\",\"appId\":\"spark-1\",\"sparkUser\":\"root\",\"authSecret\":null,"
                + "\"master\":\"" + master + "\"}");
    }

    static String notices(long handle) {
        return notices(handle, LONG);
    }

    static String notices(long handle, long wait) {
        return new String(Native.nextNotices(handle, wait), StandardCharsets.UTF_8);
    }

    static String logLines(long wait) {
        return new String(Native.nextLogs(wait), StandardCharsets.UTF_8);
    }

    static URL[] classPath() throws Exception {
        return new URL[] {new File(System.getProperty("java.class.path")).toURI().toURL()};
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static AllocatorException fails(String kind, Runnable call) {
        try {
            call.run();
        } catch (AllocatorException e) {
            equal(kind, e.kind());
            return e;
        }
        throw new AssertionError("no exception of kind " + kind);
    }

    static void contains(String text, String part) {
        check(text.contains(part), "\"" + part + "\" is not in: " + text);
    }

    static void equal(Object expected, Object actual) {
        check(expected.equals(actual), "expected " + expected + ", not " + actual);
    }

    static void check(boolean holds, String message) {
        if (!holds) {
            throw new AssertionError(message);
        }
    }
}
