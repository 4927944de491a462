package io.stoker.install;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every class and member of Spark that Stoker uses is in every version that it supports: against the directories of jars in
 * {@code STOKER_SPARK_JARS}, which {@code make spark-jars} fetches.
 */
@EnabledIfEnvironmentVariable(named = "STOKER_SPARK_JARS", matches = ".+")
class LinkTest {

    @TempDir
    static Path temp;

    private static Path ownJar;

    @BeforeAll
    static void pack() throws Exception {
        ownJar = OwnJar.pack(temp.resolve("stoker.jar"));
    }

    private static List<Path> all() throws IOException {
        try (Stream<Path> versions = Files.list(Path.of(System.getenv("STOKER_SPARK_JARS")))) {
            return versions.filter(version -> Files.exists(version.resolve(".complete"))).sorted().toList();
        }
    }

    private static boolean isOurs(Path version) {
        return SparkLines.of(OwnJar.scalaVersion()).contains(line(version));
    }

    private static String line(Path version) {
        return version.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    }

    static List<Path> ours() throws IOException {
        return all().stream().filter(LinkTest::isOurs).toList();
    }

    static List<Path> ofTheOtherScala() throws IOException {
        return all().stream().filter(version -> !isOurs(version)).toList();
    }

    private static Set<String> missing(Path version) throws IOException {
        try (Stream<Path> files = Files.list(version);
                LinkCheck check = new LinkCheck(ownJar, files.filter(file -> file.toString().endsWith(".jar")).toList())) {
            return check.missing("io/stoker/spark/");
        }
    }

    @Test
    void noLineIsForgotten() throws Exception {
        assertEquals(new TreeSet<>(SparkLines.of(OwnJar.scalaVersion())),
                ours().stream().map(LinkTest::line).collect(Collectors.toCollection(TreeSet::new)));
    }

    @ParameterizedTest
    @MethodSource("ours")
    void everythingIsThere(Path version) throws Exception {
        assertEquals(Set.of(), missing(version));
    }

    @ParameterizedTest
    @MethodSource("ofTheOtherScala")
    void theOtherScalaHasOtherMembers(Path version) throws Exception {
        Set<String> missing = missing(version);
        assertFalse(missing.isEmpty());
        assertTrue(missing.stream().anyMatch(name -> name.contains("Seq")), missing.toString());
    }
}
