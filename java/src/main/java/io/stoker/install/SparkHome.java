package io.stoker.install;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** A Spark distribution on disk: where its jars are, and which version of Spark and Scala they are. */
final class SparkHome {

    /** Jars directories of a distribution, of a pip-installed pyspark and of pyspark's source archive. */
    private static final List<String> USUAL_PLACES = Arrays.asList("jars", "pyspark/jars", "deps/jars", "");

    private static final int SEARCH_DEPTH = 7;
    private static final Pattern CORE_JAR = Pattern.compile("spark-core_(\\d+\\.\\d+)-(.+)\\.jar");
    private static final String VERSION_INFO = "spark-version-info.properties";

    final Path jarsDirectory;
    final List<Path> jars;
    final String sparkVersion;
    final String scalaVersion;

    private SparkHome(Path jarsDirectory, List<Path> jars, String sparkVersion, String scalaVersion) {
        this.jarsDirectory = jarsDirectory;
        this.jars = jars;
        this.sparkVersion = sparkVersion;
        this.scalaVersion = scalaVersion;
    }

    static SparkHome find(Path home) throws InstallException, IOException {
        if (!Files.isDirectory(home)) {
            throw new InstallException(home + " is no directory.");
        }
        Path directory = jarsDirectory(home);
        List<Path> jars = jarsIn(directory);
        Matcher core = coreJar(jars);
        String version = versionInfo(jars);
        return new SparkHome(directory, jars, version != null ? version : core.group(2), core.group(1));
    }

    private static Path jarsDirectory(Path home) throws InstallException, IOException {
        for (String place : USUAL_PLACES) {
            Path directory = home.resolve(place).normalize();
            if (Files.isDirectory(directory) && coreJar(jarsIn(directory)) != null) {
                return directory;
            }
        }
        Set<Path> found = new TreeSet<>();
        try (Stream<Path> files = Files.walk(home, SEARCH_DEPTH)) {
            files.filter(file -> CORE_JAR.matcher(file.getFileName().toString()).matches()).forEach(file -> found.add(file.getParent()));
        }
        if (found.isEmpty()) {
            throw new InstallException("there is no spark-core jar in " + home + "; name the home of a Spark distribution.");
        }
        if (found.size() > 1) {
            throw new InstallException("there is more than one Spark in " + home + ": " + found + "; name one of them.");
        }
        return found.iterator().next();
    }

    private static List<Path> jarsIn(Path directory) throws IOException {
        List<Path> jars = new ArrayList<>();
        try (Stream<Path> files = Files.list(directory)) {
            files.filter(file -> file.getFileName().toString().endsWith(".jar") && Files.isRegularFile(file)).sorted().forEach(jars::add);
        }
        return jars;
    }

    private static Matcher coreJar(List<Path> jars) {
        for (Path jar : jars) {
            Matcher matcher = CORE_JAR.matcher(jar.getFileName().toString());
            if (matcher.matches()) {
                return matcher;
            }
        }
        return null;
    }

    /** The version that Spark itself reports, or null. */
    private static String versionInfo(List<Path> jars) throws IOException {
        for (Path jar : jars) {
            if (!jar.getFileName().toString().startsWith("spark-")) {
                continue;
            }
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                ZipEntry entry = zip.getEntry(VERSION_INFO);
                if (entry != null) {
                    Properties properties = new Properties();
                    try (InputStream in = zip.getInputStream(entry)) {
                        properties.load(in);
                    }
                    return properties.getProperty("version");
                }
            }
        }
        return null;
    }
}
