package io.stoker.install;

import io.stoker.Bytes;
import io.stoker.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** A jar of Stoker, {@code stoker-spark_<Scala>-<version>.jar}: a release's with the native libraries in it, or an installed one without. */
final class StokerJar {

    private static final Pattern NAME = Pattern.compile("stoker-spark_\\d+\\.\\d+-(.+)\\.jar");
    private static final String NATIVE = "native/";

    final Path path;
    final String version;

    private StokerJar(Path path, String version) {
        this.path = path;
        this.version = version;
    }

    static boolean isOne(Path jar) {
        return NAME.matcher(jar.getFileName().toString()).matches();
    }

    /** The given jar, or the one beside it that is for the distribution's version of Scala. */
    static StokerJar forSpark(Path given, SparkHome spark) throws InstallException {
        if (!Files.isRegularFile(given)) {
            throw new InstallException("run the packaged jar; " + given + " is none.");
        }
        Matcher name = NAME.matcher(given.getFileName().toString());
        if (!name.matches()) {
            throw new InstallException("give this jar its name back; stoker-spark_<Scala>-<version>.jar tells which Spark it is for.");
        }
        Path jar = given.resolveSibling("stoker-spark_" + spark.scalaVersion + "-" + name.group(1) + ".jar");
        if (!Files.isRegularFile(jar)) {
            throw new InstallException("Spark " + spark.sparkVersion + " needs " + jar.getFileName() + "; put it beside " + given + ".");
        }
        return new StokerJar(jar, name.group(1));
    }

    /** The native library for a platform: the one packed in the jar, else, in a jar that has none, the one beside it. */
    byte[] library(String platform) throws InstallException, IOException {
        try (ZipFile zip = new ZipFile(path.toFile())) {
            ZipEntry entry = zip.getEntry(Platform.entry(platform));
            if (entry != null) {
                try (InputStream in = zip.getInputStream(entry)) {
                    return Bytes.readAll(in);
                }
            }
        }
        String packed = entries().stream().filter(name -> name.endsWith("/" + Platform.LIBRARY))
                .map(name -> name.substring(NATIVE.length(), name.lastIndexOf('/'))).sorted().collect(Collectors.joining(", "));
        if (!packed.isEmpty()) {
            throw new InstallException(path.getFileName() + " has native libraries for " + packed + ", and none for " + platform
                    + ", which this JVM runs on; 'make portable' builds the jars with those for x86_64 and aarch64.");
        }
        Path beside = path.resolveSibling(Platform.LIBRARY);
        if (Files.isRegularFile(beside)) {
            return Files.readAllBytes(beside);
        }
        throw new InstallException(path.getFileName() + " was built without the native library, and there is no " + Platform.LIBRARY
                + " beside it; build it with -Dstoker.native.dir=<directory>.");
    }

    /** The jar without the libraries: the one for the platform lies beside it, and no image needs those for others. */
    byte[] withoutLibraries() throws IOException {
        byte[] jar = Files.readAllBytes(path);
        for (String entry : entries()) {
            jar = JarEdit.replace(jar, entry, null);
        }
        return jar;
    }

    private List<String> entries() throws IOException {
        try (ZipFile zip = new ZipFile(path.toFile())) {
            return zip.stream().map(ZipEntry::getName).filter(name -> name.startsWith(NATIVE)).collect(Collectors.toList());
        }
    }
}
