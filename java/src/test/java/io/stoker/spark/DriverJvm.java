package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;

/** A driver in a JVM of its own, for what only the end of a JVM shows. */
final class DriverJvm {

    private static final long WAIT_SECONDS = 120;

    final int exitCode;
    final String output;

    private DriverJvm(int exitCode, String output) {
        this.exitCode = exitCode;
        this.output = output;
    }

    /** What such a driver begins with: a context whose allocator is the binding. */
    static SparkContext context(FakeBinding binding, String master, String appName) throws IOException {
        FakeClusterManager.binding = binding;
        Thread.currentThread().setContextClassLoader(new OneManagerLoader(FakeClusterManager.class));
        return new SparkContext(new SparkConf(false)
                .setMaster(master)
                .setAppName(appName)
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1")
                .set("spark.scheduler.maxRegisteredResourcesWaitingTime", "0s"));
    }

    /** Runs a main class to its end, with the class path and the opened packages of this JVM. */
    static DriverJvm run(Class<?> main, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(new File(System.getProperty("java.home"), "bin/java").getPath());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--add-opens"))
                .forEach(command::add);
        command.addAll(Arrays.asList("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(Arrays.asList(args));
        Path output = Files.createTempFile("driver-", ".log");
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
            boolean ended = process.waitFor(WAIT_SECONDS, TimeUnit.SECONDS);
            process.destroyForcibly();
            String text = new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
            assertTrue(ended, "the driver hangs: " + text);
            return new DriverJvm(process.exitValue(), text);
        } finally {
            Files.delete(output);
        }
    }
}
