package io.stoker.install;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A distribution made of the jars that the classes were compiled against, and what the installer does with it. */
abstract class DistributionFixture {

    /** Those of the jars that the classes were compiled against. */
    static final String SCALA = OwnJar.scalaVersion();
    static final String OWN_NAME = "stoker-spark_" + SCALA + "-0.1.0.jar";
    static final String PLATFORM = "linux-x86_64";

    @TempDir
    Path temp;

    Path home;
    Path jars;
    Path stockJar;
    Path ownJar;
    String platform = PLATFORM;
    String output;

    @BeforeEach
    void prepare() throws Exception {
        home = temp.resolve("spark");
        ownJar = OwnJar.pack(temp.resolve(OWN_NAME));
        fill(home.resolve("jars"));
    }

    void fill(Path directory) throws IOException {
        jars = Files.createDirectories(directory);
        for (String element : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path jar = Path.of(element);
            String name = jar.getFileName().toString();
            if (name.startsWith("spark-kubernetes_")) {
                stockJar = Files.copy(jar, jars.resolve(name));
            } else if (name.endsWith(".jar")) {
                Files.createSymbolicLink(jars.resolve(name), jar);
            }
        }
    }

    void install() throws InstallException, IOException {
        install(new Disk());
    }

    void install(Disk disk) throws InstallException, IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new Installer(ownJar, platform, disk, new PrintStream(bytes, true, StandardCharsets.UTF_8)).install(home);
        output = bytes.toString(StandardCharsets.UTF_8);
    }

    void uninstall() throws InstallException, IOException {
        uninstall(new Disk());
    }

    void uninstall(Disk disk) throws InstallException, IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new Uninstaller(disk, new PrintStream(bytes, true, StandardCharsets.UTF_8)).uninstall(home);
        output = bytes.toString(StandardCharsets.UTF_8);
    }

    Status.State state() throws InstallException, IOException {
        return Status.of(home).state;
    }

    /** The files of the distribution, with their bytes where they are not links to jars of the build. */
    Map<Path, byte[]> contents() throws IOException {
        Map<Path, byte[]> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(jars)) {
            for (Path file : files.toList()) {
                contents.put(file, Files.isSymbolicLink(file) ? new byte[0] : Files.readAllBytes(file));
            }
        }
        return contents;
    }

    static void assertSame(Map<Path, byte[]> expected, Map<Path, byte[]> actual) {
        assertEquals(Set.of(), difference(expected, actual), "files that are missing");
        assertEquals(Set.of(), difference(actual, expected), "files too many");
        expected.forEach((file, content) -> assertArrayEquals(content, actual.get(file), file.toString()));
    }

    private static Set<Path> difference(Map<Path, byte[]> from, Map<Path, byte[]> without) {
        Set<Path> rest = new TreeSet<>(from.keySet());
        rest.removeAll(without.keySet());
        return rest;
    }

    /** Puts an entry into a jar of the distribution, which may be a link to one that is not ours to change. */
    static void edit(Path jar, String entry, byte[] content) throws IOException {
        byte[] edited = JarEdit.replace(Files.readAllBytes(jar), entry, content);
        Files.delete(jar);
        Files.write(jar, edited);
    }
}
