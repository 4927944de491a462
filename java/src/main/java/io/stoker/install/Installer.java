package io.stoker.install;

import io.stoker.Bytes;
import io.stoker.Platform;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Puts Stoker into a Spark distribution. Everything is checked and made before the first file is touched; the record is written
 * first, Spark's own jars are changed last and kept beside.
 */
final class Installer {

    /** Ends the name of the copy of a jar of Spark's; Spark loads nothing of such a name. */
    static final String COPY = ".stock";

    private static final String OWN_CLASSES = "io/stoker/spark/";
    private static final int MAX_LISTED = 10;

    private final Path ownJar;
    private final String platform;
    private final Disk disk;
    private final PrintStream out;

    Installer(Path ownJar, String platform, Disk disk, PrintStream out) {
        this.ownJar = ownJar;
        this.platform = platform;
        this.disk = disk;
        this.out = out;
    }

    void install(Path home) throws InstallException, IOException {
        SparkHome spark = SparkHome.find(home);
        SparkLines.check(spark.sparkVersion, spark.scalaVersion);
        StokerJar stoker = StokerJar.forSpark(ownJar, spark);
        List<Path> stock = spark.jars.stream().filter(jar -> !StokerJar.isOne(jar)).collect(Collectors.toList());
        checkLinks(stoker, spark, stock);

        FileChanges changes = plan(spark, stoker, stock);
        out.println("Spark " + spark.sparkVersion + " in " + spark.jarsDirectory);
        changes.apply();
    }

    private static void checkLinks(StokerJar stoker, SparkHome spark, List<Path> stock) throws InstallException, IOException {
        try (LinkCheck check = new LinkCheck(stoker.path, stock)) {
            Set<String> missing = check.missing(OWN_CLASSES);
            if (!missing.isEmpty()) {
                String listed = missing.stream().limit(MAX_LISTED).map(name -> "\n  " + name).collect(Collectors.joining());
                throw new InstallException("Spark " + spark.sparkVersion + " in " + spark.jarsDirectory
                        + " lacks what Stoker needs (" + missing.size() + "):" + listed);
            }
        }
    }

    private FileChanges plan(SparkHome spark, StokerJar stoker, List<Path> stock) throws InstallException, IOException {
        Path directory = spark.jarsDirectory;
        InstallRecord before = InstallRecord.read(directory);
        InstallRecord record = new InstallRecord("Stoker " + stoker.version + " for " + platform);

        Map<String, byte[]> added = new LinkedHashMap<>();
        added.put(Platform.LIBRARY, stoker.library(platform));
        added.put(stoker.path.getFileName().toString(), stoker.withoutLibraries());
        for (Map.Entry<String, byte[]> file : added.entrySet()) {
            record.add(file.getKey(), InstallRecord.ABSENT, InstallRecord.sum(directory.resolve(file.getKey())), Bytes.sha256(file.getValue()));
        }
        for (Path jar : spark.jars) {
            String name = jar.getFileName().toString();
            if (StokerJar.isOne(jar) && !added.containsKey(name)) {
                record.add(name, InstallRecord.ABSENT, InstallRecord.sum(jar), InstallRecord.ABSENT);
            }
        }
        Map<String, byte[]> edited = new LinkedHashMap<>();
        for (Path jar : stock) {
            edit(jar, before, record, edited);
        }

        FileChanges changes = new FileChanges(directory, disk, out);
        changes.write(InstallRecord.FILE_NAME, record.bytes());
        for (String name : edited.keySet()) {
            if (record.isStock(name, InstallRecord.sum(directory.resolve(name)))) {
                changes.copy(name, name + COPY);
            }
        }
        for (Map.Entry<String, byte[]> file : added.entrySet()) {
            changes.write(file.getKey(), file.getValue());
        }
        for (Map.Entry<String, byte[]> file : edited.entrySet()) {
            changes.write(file.getKey(), file.getValue());
        }
        for (String name : record.names()) {
            if (record.isInstalled(name, InstallRecord.ABSENT)) {
                changes.delete(name);
            }
        }
        if (before != null) {
            deleteCopiesOfOthers(before, record, changes);
        }
        return changes;
    }

    /** Plans what becomes of a jar of Spark's: it offers Spark's manager, or did so until an earlier run, or has nothing to do with it. */
    private static void edit(Path jar, InstallRecord before, InstallRecord record, Map<String, byte[]> edited)
            throws InstallException, IOException {
        String name = jar.getFileName().toString();
        byte[] content = StockService.without(jar);
        if (content != null) {
            edited.put(name, content);
            String now = InstallRecord.sum(jar);
            record.add(name, now, now, Bytes.sha256(content));
        } else if (before != null && !before.stock(name).equals(InstallRecord.ABSENT)) {
            String now = InstallRecord.sum(jar);
            if (!before.isKnown(name, now)) {
                throw new InstallException(jar + " was changed since Stoker was installed and no longer offers Spark's cluster manager;"
                        + " put the jar of Spark's release in its place.");
            }
            edited.put(name, Files.readAllBytes(jar));
            record.add(name, before.stock(name), now, now);
        }
    }

    /** Of jars that somebody has replaced by those of another release of Spark. */
    private static void deleteCopiesOfOthers(InstallRecord before, InstallRecord record, FileChanges changes) {
        for (String name : before.names()) {
            if (!before.stock(name).equals(InstallRecord.ABSENT) && record.stock(name).equals(InstallRecord.ABSENT)) {
                changes.delete(name + COPY);
            }
        }
    }
}
