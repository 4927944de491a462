package io.stoker.install;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stoker.Platform;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

class InstallerTest extends DistributionFixture {

    private static final String ALLOCATOR = "org/apache/spark/scheduler/cluster/k8s/AbstractPodsAllocator";
    private static final String VERSION_INFO = "spark-version-info.properties";
    private static final String SPARK_LINE = SCALA.equals("2.12") ? "3.5" : "4.1";
    private static final String OTHER_SCALA = SCALA.equals("2.12") ? "2.13" : "2.12";

    private String refusal() throws IOException {
        Map<Path, byte[]> before = contents();
        String message = assertThrows(InstallException.class, this::install).getMessage();
        assertSame(before, contents());
        return message;
    }

    private void setVersion(String version) throws IOException {
        try (Stream<Path> files = Files.list(jars)) {
            for (Path jar : files.filter(InstallerTest::hasVersionInfo).toList()) {
                edit(jar, VERSION_INFO, ("version=" + version + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }
    }

    private static boolean hasVersionInfo(Path jar) {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            return zip.getEntry(VERSION_INFO) != null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void theServiceEntryGoesAndEveryOtherEntryStaysAsItIs() throws Exception {
        Path before = Files.copy(stockJar, temp.resolve("before.jar"));
        Files.setPosixFilePermissions(stockJar, PosixFilePermissions.fromString("rw-rw-r--"));
        install();
        try (ZipFile old = new ZipFile(before.toFile()); ZipFile now = new ZipFile(stockJar.toFile())) {
            assertNotNull(old.getEntry(StockService.ENTRY));
            assertNull(now.getEntry(StockService.ENTRY));
            assertEquals(old.size() - 1, now.size());
            for (ZipEntry was : Collections.list(old.entries())) {
                if (!was.getName().equals(StockService.ENTRY)) {
                    ZipEntry is = now.getEntry(was.getName());
                    assertArrayEquals(old.getInputStream(was).readAllBytes(), now.getInputStream(is).readAllBytes(), was.getName());
                    assertEquals(was.getCompressedSize(), is.getCompressedSize());
                    assertEquals(was.getMethod(), is.getMethod());
                    assertEquals(was.getTime(), is.getTime());
                    assertArrayEquals(was.getExtra(), is.getExtra());
                }
            }
        }
        assertEquals("rw-rw-r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(stockJar)));
    }

    @Test
    void onlyWhatIsPrintedHasChanged() throws Exception {
        Map<Path, byte[]> before = contents();
        install();
        Map<Path, byte[]> after = contents();
        assertArrayEquals(OwnJar.library(PLATFORM), after.remove(jars.resolve(Platform.LIBRARY)));
        assertArrayEquals(before.remove(stockJar), after.remove(stockJar.resolveSibling(stockJar.getFileName() + Installer.COPY)));
        for (Path more : List.of(stockJar, jars.resolve(OWN_NAME), jars.resolve(InstallRecord.FILE_NAME))) {
            assertNotNull(after.remove(more), more.toString());
        }
        assertSame(before, after);

        assertEquals(6, output.lines().count(), output);
        assertTrue(output.matches("(?s).*changed   \\S+spark-kubernetes\\S+ sha256 [0-9a-f]{64} -> [0-9a-f]{64}\n.*"), output);
        assertTrue(output.matches("(?s).*added     \\S+libstoker_jni.so sha256 [0-9a-f]{64}\n.*"), output);
        assertTrue(output.matches("(?s).*added     \\S+" + OWN_NAME + " sha256 [0-9a-f]{64}\n.*"), output);
    }

    @Test
    void aSecondTimeChangesNothing() throws Exception {
        install();
        Map<Path, byte[]> before = contents();
        install();
        assertSame(before, contents());
        assertFalse(output.contains("changed   /"), output.replace("unchanged", ""));
        assertFalse(output.contains("added"), output);
    }

    @Test
    void anotherReleaseOfStokerIsReplaced() throws Exception {
        Path old = Files.writeString(jars.resolve("stoker-spark_" + OTHER_SCALA + "-0.0.9.jar"), "old");
        install();
        assertFalse(Files.exists(old));
        assertTrue(output.contains("removed   " + old), output);
    }

    @Test
    void otherProvidersOfTheServiceStay() throws Exception {
        edit(stockJar, StockService.ENTRY,
                ("# vendor\ncom.example.Manager\n" + StockService.MANAGER + " # stock\n").getBytes(StandardCharsets.UTF_8));
        install();
        try (ZipFile jar = new ZipFile(stockJar.toFile())) {
            byte[] service = jar.getInputStream(jar.getEntry(StockService.ENTRY)).readAllBytes();
            assertEquals("# vendor\ncom.example.Manager\n", new String(service, StandardCharsets.UTF_8));
        }
    }

    @Test
    void aPipInstalledPysparkIsFoundBelowItsEnvironment() throws Exception {
        home = temp.resolve("venv");
        fill(home.resolve("lib/python3.11/site-packages/pyspark/jars"));
        install();
        assertTrue(Files.exists(jars.resolve(Platform.LIBRARY)));
    }

    @Test
    void twoSparksInOneHomeAreRefused() throws Exception {
        home = temp.resolve("two");
        fill(home.resolve("a/jars"));
        fill(home.resolve("b/jars"));
        assertTrue(refusal().contains("more than one Spark"));
    }

    @Test
    void aSuffixOfAVendorIsAccepted() throws Exception {
        setVersion(SPARK_LINE + ".1-amzn-1");
        install();
        assertTrue(output.startsWith("Spark " + SPARK_LINE + ".1-amzn-1 in "), output);
    }

    @Test
    void anUnknownVersionIsRefused() throws Exception {
        for (String version : List.of("5.0.0", "3.4.4", "4.10.0", "35.0")) {
            setVersion(version);
            String message = refusal();
            assertTrue(message.contains("the version of Spark is " + version + "."), message);
            assertTrue(message.contains("knows Spark 3.5 with Scala 2.12, and 4.0, 4.1, 4.2, 4.3 with Scala 2.13."), message);
        }
    }

    @Test
    void theJarOfTheOtherScalaInstallsTheOneBesideIt() throws Exception {
        Path fitting = ownJar;
        ownJar = Files.copy(fitting, temp.resolve("stoker-spark_" + OTHER_SCALA + "-0.1.0.jar"));
        install();
        assertTrue(Files.exists(jars.resolve(OWN_NAME)));
        assertFalse(Files.exists(jars.resolve(ownJar.getFileName())));
    }

    @Test
    void theJarThatIsNeededIsNamed() throws Exception {
        ownJar = Files.move(ownJar, temp.resolve("stoker-spark_" + OTHER_SCALA + "-0.1.0.jar"));
        String message = refusal();
        assertTrue(message.contains("needs " + OWN_NAME), message);
        ownJar = Files.move(ownJar, temp.resolve("stoker.jar"));
        message = refusal();
        assertTrue(message.contains("give this jar its name back"), message);
    }

    @Test
    void anotherVersionOfScalaIsRefused() throws Exception {
        try (Stream<Path> files = Files.list(jars)) {
            for (Path jar : files.filter(file -> file.getFileName().toString().contains("_" + SCALA + "-")).toList()) {
                Files.move(jar, jar.resolveSibling(jar.getFileName().toString().replace("_" + SCALA + "-", "_" + OTHER_SCALA + "-")));
            }
        }
        assertTrue(refusal().contains("built for Scala " + OTHER_SCALA));
    }

    @Test
    void aMissingClassIsRefused() throws Exception {
        edit(stockJar, ALLOCATOR + ".class", null);
        String message = refusal();
        assertTrue(message.contains("class " + ALLOCATOR.replace('/', '.')), message);
    }

    @Test
    void aMethodThatIsNoLongerThereToOverrideIsRefused() throws Exception {
        replaceAllocator("""
                package org.apache.spark.scheduler.cluster.k8s;
                public abstract class AbstractPodsAllocator {
                    public void stop(String applicationId) {}
                }""");
        String message = refusal();
        assertTrue(message.contains("a method to override: " + ALLOCATOR.replace('/', '.') + ".isDeleted(Ljava/lang/String;)Z"), message);
    }

    @Test
    void anAbstractMethodThatNobodyImplementsIsRefused() throws Exception {
        replaceAllocator("""
                package org.apache.spark.scheduler.cluster.k8s;
                public abstract class AbstractPodsAllocator {
                    public abstract void setTotalExpectedExecutors(scala.collection.immutable.Map<Object, Object> targets);
                    public abstract scala.Option<?> driverPod();
                    public abstract boolean isDeleted(String executorId);
                    public abstract void start(String applicationId, KubernetesClusterSchedulerBackend backend);
                    public abstract void stop(String applicationId);
                    public abstract void pause();
                }""");
        String message = refusal();
        assertTrue(message.contains("a body for " + ALLOCATOR.replace('/', '.') + ".pause()V"), message);
    }

    private void replaceAllocator(String source) throws IOException {
        Path sources = Files.createDirectories(temp.resolve("sources"));
        Path file = Files.writeString(sources.resolve("AbstractPodsAllocator.java"), source);
        int result = ToolProvider.getSystemJavaCompiler().run(null, null, null,
                "-proc:none", "-cp", System.getProperty("java.class.path"), "-d", sources.toString(), file.toString());
        assertEquals(0, result);
        edit(stockJar, ALLOCATOR + ".class", Files.readAllBytes(sources.resolve(ALLOCATOR + ".class")));
    }

    @Test
    void whatIsNoSparkIsRefused() throws Exception {
        home = Files.createDirectories(temp.resolve("empty"));
        assertTrue(refusal().contains("there is no spark-core jar"));
        home = temp.resolve("absent");
        assertTrue(refusal().contains("is no directory"));
    }

    @Test
    void theJarIsInstalledWithoutLibrariesAndInstallsItselfAgain() throws Exception {
        install();
        Path installed = jars.resolve(OWN_NAME);
        try (ZipFile given = new ZipFile(ownJar.toFile()); ZipFile jar = new ZipFile(installed.toFile())) {
            assertEquals(given.stream().map(ZipEntry::getName).filter(name -> !name.startsWith("native/")).toList(),
                    jar.stream().map(ZipEntry::getName).toList());
        }
        Map<Path, byte[]> before = contents();
        ownJar = installed;
        install();
        assertSame(before, contents());
    }

    @Test
    void theLibraryOfThePlatformIsTaken() throws Exception {
        platform = "linux-aarch64";
        install();
        assertArrayEquals(OwnJar.library("linux-aarch64"), Files.readAllBytes(jars.resolve(Platform.LIBRARY)));
        assertTrue(Status.of(home).lines.get(0).endsWith(" has Stoker 0.1.0 for linux-aarch64."), Status.of(home).lines.get(0));
    }

    @Test
    void aPlatformWithoutALibraryIsRefused() throws Exception {
        platform = "linux-riscv64";
        assertTrue(refusal().contains("has native libraries for linux-aarch64, linux-x86_64, and none for linux-riscv64"));
    }

    @Test
    void aJarWithoutTheLibraryIsRefused() throws Exception {
        for (String each : OwnJar.PLATFORMS) {
            Files.write(ownJar, JarEdit.replace(Files.readAllBytes(ownJar), Platform.entry(each), null));
        }
        assertTrue(refusal().contains("built without the native library"));
        Files.writeString(ownJar.resolveSibling(Platform.LIBRARY), "beside");
        install();
        assertEquals("beside", Files.readString(jars.resolve(Platform.LIBRARY)));
    }

    @Test
    void wrongArgumentsPrintTheUsage() {
        for (List<String> args : List.of(List.<String>of(), List.of("install"), List.of("remove", "x"), List.of("install", "a", "b"))) {
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            assertEquals(2, Main.run(args.toArray(String[]::new), System.out, new PrintStream(err, true, StandardCharsets.UTF_8)));
            assertTrue(err.toString(StandardCharsets.UTF_8).startsWith("Usage: "));
        }
    }

    @Test
    void whatIsNoJarIsNotEdited() {
        assertThrows(IOException.class, () -> JarEdit.replace("no jar".getBytes(StandardCharsets.UTF_8), "x", null));
        assertThrows(IOException.class, () -> JarEdit.replace(new byte[0], "x", null));
    }
}
