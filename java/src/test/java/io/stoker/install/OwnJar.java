package io.stoker.install;

import io.stoker.Platform;
import io.stoker.spark.StokerClusterManager;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** The jar of the classes under test, as a build packs it. */
final class OwnJar {

    static final List<String> PLATFORMS = List.of("linux-x86_64", "linux-aarch64");

    private OwnJar() {}

    /** What stands for the native library of a platform. */
    static byte[] library(String platform) {
        return ("library for " + platform).getBytes(StandardCharsets.UTF_8);
    }

    /** That of the jars that the classes were compiled against. */
    static String scalaVersion() {
        return Pattern.compile("spark-core_(\\d+\\.\\d+)-").matcher(System.getProperty("java.class.path")).results()
                .map(found -> found.group(1)).findFirst().orElseThrow();
    }

    static Path pack(Path jar) throws Exception {
        Path classes = Path.of(StokerClusterManager.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar)); Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = classes.relativize(file).toString();
                if (!name.startsWith("native/")) {
                    put(out, name, Files.readAllBytes(file));
                }
            }
            for (String platform : PLATFORMS) {
                put(out, Platform.entry(platform), library(platform));
            }
        }
        return jar;
    }

    private static void put(ZipOutputStream out, String name, byte[] content) throws IOException {
        out.putNextEntry(new ZipEntry(name));
        out.write(content);
        out.closeEntry();
    }
}
