package io.stoker.install;

import io.stoker.spark.StokerClusterManager;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** The jar of the classes under test, as a build packs it. */
final class OwnJar {

    private OwnJar() {}

    /** That of the jars that the classes were compiled against. */
    static String scalaVersion() {
        return Pattern.compile("spark-core_(\\d+\\.\\d+)-").matcher(System.getProperty("java.class.path")).results()
                .map(found -> found.group(1)).findFirst().orElseThrow();
    }

    static Path pack(Path jar) throws Exception {
        Path classes = Path.of(StokerClusterManager.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar)); Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                put(out, classes.relativize(file).toString(), Files.readAllBytes(file));
            }
            if (!Files.exists(classes.resolve(Installer.LIBRARY_ENTRY))) {
                put(out, Installer.LIBRARY_ENTRY, "library".getBytes(StandardCharsets.UTF_8));
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
