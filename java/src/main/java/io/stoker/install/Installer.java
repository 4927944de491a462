package io.stoker.install;

import io.stoker.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Puts Stoker into a Spark distribution. Everything is checked and made before the first file is touched. */
final class Installer {

    static final String LIBRARY = "libstoker_jni.so";
    static final String LIBRARY_ENTRY = "native/linux-x86_64/" + LIBRARY;
    static final String SERVICE = "META-INF/services/org.apache.spark.scheduler.ExternalClusterManager";
    static final String STOCK_MANAGER = "org.apache.spark.scheduler.cluster.k8s.KubernetesClusterManager";

    private static final String OWN_CLASSES = "io/stoker/spark/";
    private static final Pattern OWN_JAR = Pattern.compile("stoker-spark_\\d+\\.\\d+-(.+\\.jar)");
    private static final int MAX_LISTED = 10;

    private final Path ownJar;
    private final PrintStream out;

    Installer(Path ownJar, PrintStream out) {
        this.ownJar = ownJar;
        this.out = out;
    }

    void install(Path home) throws InstallException, IOException {
        if (!Files.isRegularFile(ownJar)) {
            throw new InstallException("run the packaged jar; " + ownJar + " is none.");
        }
        SparkHome spark = SparkHome.find(home);
        SparkLines.check(spark.sparkVersion, spark.scalaVersion);
        Path stoker = jarFor(spark);
        List<Path> stock = spark.jars.stream().filter(jar -> !isOwn(jar)).collect(Collectors.toList());
        checkLinks(stoker, spark, stock);

        FileChanges changes = new FileChanges(out);
        for (Map.Entry<Path, byte[]> jar : withoutStockService(stock).entrySet()) {
            changes.write(jar.getKey(), jar.getValue());
        }
        changes.write(spark.jarsDirectory.resolve(LIBRARY), library(stoker));
        Path target = spark.jarsDirectory.resolve(stoker.getFileName());
        changes.write(target, Files.readAllBytes(stoker));
        for (Path jar : spark.jars) {
            if (isOwn(jar) && !jar.equals(target)) {
                changes.delete(jar);
            }
        }
        out.println("Spark " + spark.sparkVersion + " in " + spark.jarsDirectory);
        changes.apply();
    }

    private static boolean isOwn(Path jar) {
        return OWN_JAR.matcher(jar.getFileName().toString()).matches();
    }

    /** This jar, or the one beside it that is for the distribution's version of Scala. */
    private Path jarFor(SparkHome spark) throws InstallException {
        Matcher name = OWN_JAR.matcher(ownJar.getFileName().toString());
        if (!name.matches()) {
            throw new InstallException("give this jar its name back; stoker-spark_<Scala>-<version>.jar tells which Spark it is for.");
        }
        Path jar = ownJar.resolveSibling("stoker-spark_" + spark.scalaVersion + "-" + name.group(1));
        if (!Files.isRegularFile(jar)) {
            throw new InstallException("Spark " + spark.sparkVersion + " needs " + jar.getFileName() + "; put it beside " + ownJar + ".");
        }
        return jar;
    }

    private static void checkLinks(Path stoker, SparkHome spark, List<Path> stock) throws InstallException, IOException {
        try (LinkCheck check = new LinkCheck(stoker, stock)) {
            Set<String> missing = check.missing(OWN_CLASSES);
            if (!missing.isEmpty()) {
                String listed = missing.stream().limit(MAX_LISTED).map(name -> "\n  " + name).collect(Collectors.joining());
                throw new InstallException("Spark " + spark.sparkVersion + " in " + spark.jarsDirectory
                        + " lacks what Stoker needs (" + missing.size() + "):" + listed);
            }
        }
    }

    /** The jars that name Spark's own manager as a service, each without that line, or without the entry where it is the only one. */
    private static Map<Path, byte[]> withoutStockService(List<Path> jars) throws InstallException, IOException {
        Map<Path, byte[]> edited = new LinkedHashMap<>();
        for (Path jar : jars) {
            String service = service(jar);
            if (service != null && providers(service).contains(STOCK_MANAGER)) {
                boolean others = providers(service).stream().anyMatch(name -> !name.equals(STOCK_MANAGER));
                byte[] rest = others ? withoutLine(service).getBytes(StandardCharsets.UTF_8) : null;
                try {
                    edited.put(jar, JarEdit.replace(Files.readAllBytes(jar), SERVICE, rest));
                } catch (IOException e) {
                    throw new InstallException("the service entry cannot be taken out of " + jar + ": " + e.getMessage(), e);
                }
            }
        }
        return edited;
    }

    private static String service(Path jar) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            return text(zip, SERVICE);
        }
    }

    private static List<String> providers(String service) {
        return Arrays.stream(service.split("\\R")).map(Installer::provider).filter(name -> !name.isEmpty()).collect(Collectors.toList());
    }

    private static String provider(String line) {
        return line.replaceFirst("#.*", "").trim();
    }

    private static String withoutLine(String service) {
        return Arrays.stream(service.split("(?<=\n)"))
                .filter(line -> !provider(line).equals(STOCK_MANAGER))
                .collect(Collectors.joining());
    }

    private static String text(ZipFile zip, String name) throws IOException {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            return null;
        }
        try (InputStream in = zip.getInputStream(entry)) {
            return new String(Bytes.readAll(in), StandardCharsets.UTF_8);
        }
    }

    /** The native library packed in this jar, else the one beside it. */
    private static byte[] library(Path stoker) throws InstallException, IOException {
        try (ZipFile zip = new ZipFile(stoker.toFile())) {
            ZipEntry entry = zip.getEntry(LIBRARY_ENTRY);
            if (entry != null) {
                try (InputStream in = zip.getInputStream(entry)) {
                    return Bytes.readAll(in);
                }
            }
        }
        Path beside = stoker.resolveSibling(LIBRARY);
        if (Files.isRegularFile(beside)) {
            return Files.readAllBytes(beside);
        }
        throw new InstallException(stoker.getFileName() + " was built without the native library, and there is no " + LIBRARY
                + " beside it; build it with -Dstoker.native.lib=<path>.");
    }
}
