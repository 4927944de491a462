package io.stoker.install;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/** Takes Stoker out of a Spark distribution again, from wherever an installer has stopped, and puts Spark's own jars back. */
final class Uninstaller {

    private final Disk disk;
    private final PrintStream out;

    Uninstaller(Disk disk, PrintStream out) {
        this.disk = disk;
        this.out = out;
    }

    void uninstall(Path home) throws InstallException, IOException {
        SparkHome spark = SparkHome.find(home);
        FileChanges changes = new FileChanges(spark.jarsDirectory, disk, out);
        InstallRecord record = InstallRecord.read(spark.jarsDirectory);
        if (record != null) {
            plan(spark.jarsDirectory, record, changes);
        } else if (!Status.own(spark).isEmpty()) {
            throw new InstallException("there is no " + InstallRecord.FILE_NAME + " beside " + Status.own(spark)
                    + " that tells what Spark's own files were; unpack Spark anew.");
        }
        out.println("Spark " + spark.sparkVersion + " in " + spark.jarsDirectory + (record == null ? " is without Stoker" : ""));
        changes.apply();
    }

    /** In the opposite order of installing: Spark's jars first, the record last. */
    private static void plan(Path directory, InstallRecord record, FileChanges changes) throws InstallException, IOException {
        Deque<String> names = new ArrayDeque<>();
        record.names().forEach(names::push);
        for (String name : names) {
            Path file = directory.resolve(name);
            String copy = name + Installer.COPY;
            String now = InstallRecord.sum(file);
            if (!record.isKnown(name, now)) {
                throw new InstallException(file + " was changed by others since Stoker was installed;"
                        + " where that is right, run 'install' again, and then 'uninstall'.");
            }
            if (record.stock(name).equals(InstallRecord.ABSENT)) {
                changes.delete(name);
            } else if (record.isStock(name, now)) {
                changes.delete(copy);
            } else if (record.isStock(name, InstallRecord.sum(directory.resolve(copy)))) {
                changes.restore(copy, name);
            } else {
                throw new InstallException(directory.resolve(copy) + ", the copy of Spark's own jar, is gone or changed;"
                        + " put the jar of Spark's release in the place of " + file + ", and run this again.");
            }
        }
        changes.delete(InstallRecord.FILE_NAME);
    }
}
