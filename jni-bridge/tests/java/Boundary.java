import io.stoker.spark.AllocatorException;
import io.stoker.spark.Native;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The boundary as Java sees it, against the fake engine. One case for each JVM: {@code java Boundary <case> <library>}. A case that
 * ends without an exception has passed; {@code tests/jvm_boundary.rs} looks at the exit code and at the output.
 */
public final class Boundary extends Checks {

    /** The case, so that each failure is thrown to {@code main}. */
    private interface Case {
        void run() throws Exception;
    }

    private static final Map<String, Case> CASES = new TreeMap<>();

    static {
        CASES.put("handshake", Boundary::handshake);
        CASES.put("calls", Boundary::calls);
        CASES.put("panics", Boundary::panics);
        CASES.put("failures", Boundary::failures);
        CASES.put("staleHandles", Boundary::staleHandles);
        CASES.put("closeWakes", Boundary::closeWakes);
        CASES.put("badMessages", Boundary::badMessages);
        CASES.put("badArguments", Boundary::badArguments);
        CASES.put("unicode", Boundary::unicode);
        CASES.put("threads", Boundary::threads);
        CASES.put("secondLoader", Boundary::secondLoader);
        CASES.put("ownLoader", Boundary::ownLoader);
        CASES.put("refusedConfigurations", Boundary::refusedConfigurations);
        CASES.put("noApiServer", Boundary::noApiServer);
        CASES.put("returnWhileStarting", Boundary::returnWhileStarting);
        CASES.put("customSteps", Boundary::customSteps);
        CASES.put("metrics", Metrics::check);
        CASES.put("logs", Boundary::logs);
        CASES.put("logOverflow", Boundary::logOverflow);
        CASES.put("returnFromMain", Boundary::returnFromMain);
        CASES.put("exitWhileBlocked", Boundary::exitWhileBlocked);
        CASES.put("exitWithHook", Boundary::exitWithHook);
    }

    private static String library;

    public static void main(String[] args) throws Exception {
        library = args[1];
        if (!args[0].equals("ownLoader")) {
            System.load(library);
        }
        CASES.get(args[0]).run();
        System.out.println("passed " + args[0]);
    }

    // The cases.

    private static void handshake() {
        equal(Native.ABI_VERSION, Native.abiVersion());
        AllocatorException refused = fails("badMessage", () -> Native.start(utf8("{\"abi\":700,\"new\":true}")));
        contains(refused.getMessage(), "version 700");
        contains(refused.getMessage(), "one release");
    }

    private static void calls() {
        long handle = Native.start(message("fake:ok", "app"));
        String started = notices(handle);
        contains(started, "spark-1");
        contains(started, "4.3.0");
        check(!started.contains("hunter2"), "a secret is shown: " + started);

        Native.setProfile(handle, utf8("{\"id\":3,\"executorResources\":{\"cores\":{\"amount\":4},"
                + "\"gpu\":{\"amount\":1,\"vendor\":\"nvidia.com\",\"discoveryScript\":\"/find\"}}}"));
        String profile = notices(handle);
        contains(profile, "ProfileId(3)");
        contains(profile, "nvidia.com");

        Native.setTargets(handle, new int[] {0, 3}, new int[] {2, 1});
        String created = notices(handle);
        equal("[{\"type\":\"created\",\"executorId\":1,\"profile\":0,\"pod\":\"app-exec-1\",\"uid\":\"uid-1\"},"
                + "{\"type\":\"created\",\"executorId\":2,\"profile\":0,\"pod\":\"app-exec-2\",\"uid\":\"uid-2\"},"
                + "{\"type\":\"created\",\"executorId\":3,\"profile\":3,\"pod\":\"app-exec-3\",\"uid\":\"uid-3\"}]", created);
        equal("[]", notices(handle, 0));
        equal("[]", notices(handle, -5));
        Native.setTargets(handle, new int[0], new int[0]);
        equal("[]", notices(handle, 10));

        equal(2L, Native.executorIdFor(handle, "app-exec-2"));
        equal(0L, Native.executorIdFor(handle, "another-pod"));
        check(!Native.isDeleted(handle, 2), "2 is alive");
        Native.kill(handle, new long[] {2, 5_000_000_000L});
        check(Native.isDeleted(handle, 2), "2 is killed");
        check(Native.isDeleted(handle, 5_000_000_000L), "ids are longs");
        check(!Native.isDeleted(handle, 1), "1 is alive");

        Native.decommission(handle, new long[] {1, 3});
        contains(notices(handle), "decommission [ExecutorId(1), ExecutorId(3)]");
        Native.registered(handle, 1);
        contains(notices(handle), "registered 1");
        Native.disconnected(handle, 1);
        contains(notices(handle), "disconnected 1");
        Native.closing(handle);
        contains(notices(handle), "closing");
        Native.answer(handle, 9, utf8("{\"pods\":[]}"));
        contains(notices(handle), "answer 9 {\\\"pods\\\":[]}");
        contains(fails("badMessage", () -> Native.answer(handle, 404, utf8("{}"))).getMessage(), "no request 404");
        Native.updateConf(handle, utf8("{\"spark.app.name\":\"new\"}"));
        Native.stop(handle, LONG);
        check(Native.nextNotices(handle, LONG) == null, "closed");
    }

    private static void panics() {
        long handle = Native.start(message("fake:ok", "app"));
        for (int i = 0; i < 3; i++) {
            AllocatorException panic = fails("panic", () -> Native.setTargets(handle, new int[] {666}, new int[] {1}));
            contains(panic.getMessage(), "asked to panic " + FACE);
            check(!panic.retryable(), "a panic is not retried");
        }
        contains(fails("panic", () -> Native.start(message("fake:panic", "app"))).getMessage(), "spark-1");
        notices(handle);
        Native.setTargets(handle, new int[] {0}, new int[] {1});
        contains(notices(handle), "app-exec-1");

        Native.updateConf(handle, utf8("{\"fake.panicOnStop\":\"1\"}"));
        fails("panic", () -> Native.stop(handle, LONG));
        check(Native.nextNotices(handle, LONG) == null, "closed though stop has panicked");
        Native.stop(handle, LONG);
    }

    private static void failures() {
        AllocatorException unreachable = fails("unreachable", () -> Native.start(message("fake:unreachable", "app")));
        equal("no answer from https://fake", unreachable.getMessage());
        check(unreachable.retryable(), "it may answer later");
        AllocatorException forbidden = fails("forbidden", () -> Native.start(message("fake:forbidden", "app")));
        equal("pods is forbidden " + FACE, forbidden.getMessage());
        check(!forbidden.retryable(), "somebody has to allow it first");
    }

    private static void staleHandles() {
        long first = Native.start(message("fake:ok", "app"));
        long second = Native.start(message("fake:ok", "app"));
        check(first > 0 && second > 0 && first != second, "handles " + first + " and " + second);
        Native.stop(first, LONG);
        Native.stop(first, 0);
        Native.stop(first, -1);
        fails("staleHandle", () -> Native.setTargets(first, new int[] {0}, new int[] {1}));
        fails("staleHandle", () -> Native.setProfile(first, utf8("{\"id\":1}")));
        fails("staleHandle", () -> Native.kill(first, new long[] {1}));
        fails("staleHandle", () -> Native.decommission(first, new long[] {1}));
        fails("staleHandle", () -> Native.registered(first, 1));
        fails("staleHandle", () -> Native.disconnected(first, 1));
        fails("staleHandle", () -> Native.executorIdFor(first, "pod"));
        fails("staleHandle", () -> Native.isDeleted(first, 1));
        fails("staleHandle", () -> Native.answer(first, 1, utf8("null")));
        fails("staleHandle", () -> Native.updateConf(first, utf8("{}")));
        fails("staleHandle", () -> Native.metrics(first));
        fails("staleHandle", () -> Native.closing(first));
        check(Native.nextNotices(first, LONG) == null, "a closed one has no more notices");

        long third = Native.start(message("fake:ok", "app"));
        check(third != first && third != second, "handles are not given out twice");
        fails("staleHandle", () -> Native.registered(first, 1));
        Native.stop(first, LONG);
        Native.registered(third, 1);
        Native.registered(second, 1);

        for (long wrong : new long[] {0, -1, 1, Long.MAX_VALUE, Long.MIN_VALUE, third + 1}) {
            contains(fails("staleHandle", () -> Native.registered(wrong, 1)).getMessage(), Long.toString(wrong));
            fails("staleHandle", () -> Native.nextNotices(wrong, LONG));
            fails("staleHandle", () -> Native.stop(wrong, LONG));
        }
    }

    private static void closeWakes() throws Exception {
        long handle = Native.start(message("fake:ok", "app"));
        notices(handle);
        AtomicReference<Object> result = new AtomicReference<>();
        Thread pump = thread(() -> {
            byte[] last = Native.nextNotices(handle, Long.MAX_VALUE);
            result.set(last == null ? "closed" : new String(last, StandardCharsets.UTF_8));
        });
        awaitBlocked(pump);
        Native.stop(handle, LONG);
        pump.join(LONG);
        equal("closed", result.get());
        fails("staleHandle", () -> Native.registered(handle, 1));
    }

    private static void badMessages() {
        contains(fails("badMessage", () -> Native.start(utf8("{"))).getMessage(), "the start message cannot be read: EOF");
        fails("badMessage", () -> Native.start(new byte[0]));
        fails("badMessage", () -> Native.start(new byte[] {(byte) 0xff, (byte) 0xfe}));
        fails("badMessage", () -> Native.start(utf8("[]")));
        contains(fails("badMessage", () -> Native.start(utf8("{}"))).getMessage(), "missing field `abi`");
        contains(fails("badMessage", () -> Native.start(utf8("{" + ABI + "}"))).getMessage(), "missing field `conf`");
        contains(fails("badMessage", () -> Native.start(utf8("{" + ABI + ",\"appID\":\"x\"}"))).getMessage(), "appID");
        fails("badMessage", () -> Native.start(utf8("{\"abi\":1e99}")));
        long handle = Native.start(message("fake:ok", "app"));
        contains(fails("badMessage", () -> Native.setProfile(handle, utf8("{\"id\":-1}"))).getMessage(), "a resource profile");
        fails("badMessage", () -> Native.setProfile(handle, utf8("{\"id\":1,\"executorResources\":{\"cores\":4}}")));
        fails("badMessage", () -> Native.updateConf(handle, utf8("{\"spark.x\":1}")));
        fails("badMessage", () -> Native.updateConf(handle, utf8("{\"spark.x\":\"\\ud800\"}")));
        fails("badMessage", () -> Native.answer(handle, 1, utf8("not json")));
        Native.registered(handle, 1);
        Native.stop(handle, LONG);
    }

    private static void badArguments() {
        contains(fails("badMessage", () -> Native.start(null)).getMessage(), "the start message is null");
        long handle = Native.start(message("fake:ok", "app"));
        notices(handle);
        fails("badMessage", () -> Native.setProfile(handle, null));
        fails("badMessage", () -> Native.setTargets(handle, null, new int[0]));
        fails("badMessage", () -> Native.setTargets(handle, new int[0], null));
        contains(fails("badMessage", () -> Native.setTargets(handle, new int[2], new int[3])).getMessage(), "2 profile ids came with 3 counts");
        contains(fails("badMessage", () -> Native.setTargets(handle, new int[] {1}, new int[] {-2})).getMessage(), "-2");
        fails("badMessage", () -> Native.setTargets(handle, new int[] {-1}, new int[] {2}));
        fails("badMessage", () -> Native.kill(handle, null));
        fails("badMessage", () -> Native.kill(handle, new long[] {1, -1}));
        fails("badMessage", () -> Native.decommission(handle, null));
        fails("badMessage", () -> Native.registered(handle, Long.MIN_VALUE));
        fails("badMessage", () -> Native.executorIdFor(handle, null));
        fails("badMessage", () -> Native.isDeleted(handle, -7));
        fails("badMessage", () -> Native.answer(handle, 1, null));
        fails("badMessage", () -> Native.answer(handle, -1, utf8("{}")));
        fails("badMessage", () -> Native.updateConf(handle, null));
        fails("badMessage", () -> Native.setLogLevel(6));
        equal("[]", notices(handle, 0));
        Native.stop(handle, LONG);
    }

    private static void unicode() {
        String name = "p\u0000d-\u00e9-\u4e2d-" + FACE;
        long handle = Native.start(message("fake:ok", name));
        notices(handle);
        Native.setTargets(handle, new int[] {0}, new int[] {1});
        contains(notices(handle), "-\u00e9-\u4e2d-" + FACE + "-exec-1");
        equal(1L, Native.executorIdFor(handle, name + "-exec-1"));
        equal(0L, Native.executorIdFor(handle, "half a pair: \uD83D"));
        equal(0L, Native.executorIdFor(handle, "\uDE00\uD83D"));
        equal(0L, Native.executorIdFor(handle, ""));
        Native.stop(handle, LONG);
    }

    private static void threads() throws Exception {
        int workers = 8;
        List<Thread> threads = new ArrayList<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        CountDownLatch begin = new CountDownLatch(1);
        for (int worker = 0; worker < workers; worker++) {
            int number = worker;
            threads.add(thread(() -> {
                try {
                    begin.await();
                    for (int round = 0; round < 20; round++) {
                        hammer(number);
                    }
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            }));
        }
        begin.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        if (failure.get() != null) {
            throw new AssertionError(failure.get());
        }
    }

    /** An allocator's life, with a pump of its own and wrong calls in between. */
    private static void hammer(int number) throws Exception {
        long handle = Native.start(message("fake:ok", "app-" + number));
        StringBuffer seen = new StringBuffer();
        CountDownLatch complete = new CountDownLatch(1);
        Thread pump = thread(() -> {
            for (byte[] batch = Native.nextNotices(handle, 5); batch != null; batch = Native.nextNotices(handle, 5)) {
                seen.append(new String(batch, StandardCharsets.UTF_8));
                if (seen.indexOf("-exec-20\"") >= 0) {
                    complete.countDown();
                }
            }
        });
        for (int call = 0; call < 20; call++) {
            Native.setTargets(handle, new int[] {call}, new int[] {1});
            Native.kill(handle, new long[] {call});
            check(Native.isDeleted(handle, call), "killed");
            fails("badMessage", () -> Native.setTargets(handle, new int[1], new int[0]));
            fails("panic", () -> Native.setTargets(handle, new int[] {666}, new int[] {1}));
        }
        complete.await();
        Native.stop(handle, LONG);
        Native.stop(handle, LONG);
        fails("staleHandle", () -> Native.registered(handle, 1));
        pump.join(LONG);
        check(!pump.isAlive(), "the pump has ended");
        contains(seen.toString(), "app-" + number + "-exec-20");
        equal(20, seen.toString().split("\"type\":\"created\"", -1).length - 1);
    }

    /** Another class loader, the same library file: the JVM refuses, and the first loader's classes work on. */
    private static void secondLoader() throws Exception {
        try (URLClassLoader other = new URLClassLoader(classPath(), null)) {
            Object refused = other.loadClass("Loader").getMethod("load", String.class).invoke(null, library);
            contains(String.valueOf(refused), "java.lang.UnsatisfiedLinkError");
            contains(String.valueOf(refused), "already loaded in another classloader");
        }
        equal(Native.ABI_VERSION, Native.abiVersion());
    }

    /** As with {@code --jars}: neither the system class loader nor the thread's context loader knows the classes. */
    private static void ownLoader() throws Exception {
        URLClassLoader own = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader());
        Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
        Class<?> loader = own.loadClass("Loader");
        equal("loaded", loader.getMethod("load", String.class).invoke(null, library));
        Object thrown = loader.getMethod("failure").invoke(null);
        equal("io.stoker.spark.AllocatorException", thrown.getClass().getName());
        check(thrown.getClass().getClassLoader() == own, "of the loader that has the native methods");
    }

    /** From here on the allocator that executors come from, without an API server. */
    private static void refusedConfigurations() {
        AllocatorException version = fails("invalidConfiguration", () -> Native.start(real("four", "")));
        contains(version.getMessage(), "four");
        AllocatorException cores = fails("invalidConfiguration", () -> Native.start(real("4.3.0", "\"spark.executor.cores\":\"many " + FACE + "\",")));
        contains(cores.getMessage(), "spark.executor.cores");
        check(!cores.retryable(), "somebody has to correct it first");
        contains(fails("invalidConfiguration", () -> Native.start(real("4.3.0", "\"spark.kubernetes.authenticate.caCertFile\":\"/absent\",")))
                .getMessage(), "/absent");
    }

    private static void noApiServer() {
        AllocatorException unreachable =
                fails("unreachable", () -> Native.start(real("4.3.0", "\"spark.stoker.startTimeout\":\"300ms\",")));
        check(unreachable.retryable(), "it may be there later");
        contains(unreachable.getMessage(), "spark.stoker.startTimeout");
    }

    private static void returnWhileStarting() {
        awaitBlocked(thread(() -> Native.start(real("4.3.0", "\"spark.stoker.startTimeout\":\"1h\","))));
        awaitBlocked(thread(() -> Native.nextLogs(Long.MAX_VALUE)));
    }

    /** Native code asks for pods to be customised, and sends what the answer says. */
    private static void customSteps() throws Exception {
        try (Server server = new Server()) {
            long handle = Native.start(real(server.master(), "4.3.0", "\"spark.kubernetes.executor.pod.featureSteps\":\"com.acme.Step\","));
            equal("[{\"type\":\"ready\"}]", notices(handle));
            Native.setTargets(handle, new int[] {0}, new int[] {2});
            String request = notices(handle);
            contains(request, "\"type\":\"request\"");
            contains(request, "\"steps\":[\"com.acme.Step\"]");
            contains(request, "\"driverPod\":null");
            long id = Long.parseLong(request.replaceAll("(?s).*\"requestId\":(\\d+).*", "$1"));
            fails("badMessage", () -> Native.answer(handle, id + 1, utf8("{\"ok\":[]}")));
            // The executors end the payload, the payload the notice, the notice the batch.
            String executors = request.substring(request.indexOf("\"executors\":") + 12, request.length() - 3);
            Native.answer(handle, id, utf8("{\"ok\":" + executors.replace("\"restartPolicy\"", "\"acme\":\"" + FACE + "\",\"restartPolicy\"") + "}"));
            for (int pod = 0; pod < 2; pod++) {
                contains(server.nextPod(), FACE);
            }
            fails("badMessage", () -> Native.answer(handle, id, utf8("{\"ok\":[]}")));

            Native.setTargets(handle, new int[] {0}, new int[] {3});
            String again = notices(handle);
            long next = Long.parseLong(again.replaceAll("(?s).*\"requestId\":(\\d+).*", "$1"));
            Native.answer(handle, next, utf8("{\"error\":\"com.acme.Step failed\"}"));
            String abort = notices(handle);
            contains(abort, "\"type\":\"abort\"");
            contains(abort, "com.acme.Step failed");
            Native.stop(handle, LONG);
        }
    }

    private static void logs() {
        long handle = Native.start(message("fake:ok", "app"));
        equal("[]", logLines(0));
        Native.updateConf(handle, utf8("{\"fake.say\":\"hello " + FACE + "\"}"));
        String lines = logLines(LONG);
        contains(lines, "{\"level\":\"ERROR\",\"target\":\"stoker_jni::fake\",\"message\":\"said at error\",\"fields\":{\"text\":\"hello " + FACE + "\"}}");
        contains(lines, "{\"level\":\"WARN\",\"target\":\"some_library\",\"message\":\"said through log: hello " + FACE + "\",\"fields\":{}}");
        check(!lines.contains("said at debug"), "the level is info at first: " + lines);
        check(!lines.contains("not heard"), "libraries are heard from warnings up: " + lines);

        Native.setLogLevel(4);
        Native.updateConf(handle, utf8("{\"fake.say\":\"again\"}"));
        contains(logLines(LONG), "{\"level\":\"DEBUG\",\"target\":\"stoker_jni::fake\",\"message\":\"said at debug\",\"fields\":{\"text\":\"again\"}}");
        Native.setLogLevel(0);
        Native.updateConf(handle, utf8("{\"fake.say\":\"nobody hears\"}"));
        equal("[]", logLines(10));
        Native.setLogLevel(3);
        fails("panic", () -> Native.setTargets(handle, new int[] {666}, new int[] {1}));
        contains(logLines(LONG), "asked to panic");
        Native.stop(handle, LONG);
    }

    private static void logOverflow() {
        long handle = Native.start(message("fake:ok", "app"));
        Native.updateConf(handle, utf8("{\"fake.lines\":\"10000\"}"));
        StringBuilder all = new StringBuilder();
        for (String lines = logLines(0); !lines.equals("[]"); lines = logLines(0)) {
            all.append(lines);
        }
        contains(all.toString(), "\"fields\":{\"dropped\":5904}");
        check(!all.toString().contains("\"line\":5903}"), "the oldest are dropped");
        contains(all.toString(), "\"line\":5904}");
        contains(all.toString(), "\"line\":9999}");
        Native.stop(handle, LONG);
    }

    /** Nothing is stopped, daemon threads are blocked in native code: the JVM ends all the same. */
    private static void returnFromMain() throws Exception {
        long handle = Native.start(message("fake:ok", "app"));
        notices(handle);
        blockedDaemons(handle);
    }

    private static void exitWhileBlocked() throws Exception {
        long handle = Native.start(message("fake:ok", "app"));
        notices(handle);
        blockedDaemons(handle);
        System.out.println("passed exitWhileBlocked");
        System.exit(7);
    }

    /** Stop from a shutdown hook, as Spark does on SIGTERM. */
    private static void exitWithHook() throws Exception {
        long handle = Native.start(message("fake:ok", "app"));
        notices(handle);
        blockedDaemons(handle);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            Native.stop(handle, LONG);
            System.out.println("stopped in the hook");
        }));
        System.exit(0);
    }
}
