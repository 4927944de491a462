import io.stoker.spark.Native;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Metrics, of the fake engine and of an allocator with an API server. */
final class Metrics extends Checks {

    private Metrics() {}

    static void check() throws Exception {
        long fake = Native.start(message("fake:ok", "app"));
        Native.setTargets(fake, new int[] {0}, new int[] {3});
        String metrics = metrics(fake);
        check(metrics.startsWith("{\"counters\":{") && metrics.contains("},\"gauges\":{"), metrics);
        equal("3", number(metrics, "creates.sent"));
        equal("9007199254740993", number(metrics, "watch.events"));
        equal("1.5", number(metrics, "executors.toRunningMs.mean"));
        Native.updateConf(fake, utf8("{\"fake.lines\":\"5000\"}"));
        metrics = metrics(fake);
        equal("4096", number(metrics, "log.queued"));
        equal("904", number(metrics, "log.dropped"));
        Native.stop(fake, LONG);

        try (Server server = new Server()) {
            long handle = Native.start(real(server.master(), "4.3.0", ""));
            Native.setTargets(handle, new int[] {0}, new int[] {2});
            server.nextPod();
            server.nextPod();
            while (!number(metrics(handle), "creates.created").equals("2")) {
                Thread.onSpinWait();
            }
            metrics = metrics(handle);
            equal("2", number(metrics, "executors.target"));
            equal("2", number(metrics, "executors.live"));
            equal("2", number(metrics, "latencyMs.createPod.count"));
            equal("0", number(metrics, "losses.total"));
            Native.stop(handle, LONG);
            fails("staleHandle", () -> Native.metrics(handle));
        }
    }

    private static String metrics(long handle) {
        return new String(Native.metrics(handle), StandardCharsets.UTF_8);
    }

    private static String number(String metrics, String name) {
        Matcher number = Pattern.compile("\"" + Pattern.quote(name) + "\":([0-9.]+)[,}]").matcher(metrics);
        check(number.find(), name + " is not in " + metrics);
        return number.group(1);
    }
}
