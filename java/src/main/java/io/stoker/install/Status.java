package io.stoker.install;

import io.stoker.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What a Spark distribution holds, judged from the record and the sums of the files. Reads only. */
final class Status {

    /** In what state a distribution is, with the exit code that says so. */
    enum State {
        /** Stoker is there, complete. */
        INSTALLED(0),
        /** Spark as it was released. */
        STOCK(3),
        /** Installing or uninstalling was interrupted; either of them, run again, completes. */
        HALF_WAY(4),
        /** A file is neither Spark's nor Stoker's. */
        CHANGED(5);

        final int exitCode;

        State(int exitCode) {
            this.exitCode = exitCode;
        }
    }

    final State state;
    final List<String> lines;

    private Status(State state, List<String> lines) {
        this.state = state;
        this.lines = lines;
    }

    static Status of(Path home) throws InstallException, IOException {
        SparkHome spark = SparkHome.find(home);
        String where = "Spark " + spark.sparkVersion + " in " + spark.jarsDirectory;
        InstallRecord record = InstallRecord.read(spark.jarsDirectory);
        List<Path> leftovers = FileChanges.leftovers(spark.jarsDirectory);
        List<String> lines = new ArrayList<>();
        leftovers.forEach(file -> lines.add("left over    " + file));
        if (record != null) {
            return ofRecord(record, where, spark.jarsDirectory, lines);
        }
        if (!own(spark).isEmpty()) {
            lines.add(0, where + " has files of Stoker's, and no " + InstallRecord.FILE_NAME + " that tells what was changed for them.");
            own(spark).forEach(file -> lines.add("unexpected   " + file));
            return new Status(State.CHANGED, lines);
        }
        lines.add(0, where + (leftovers.isEmpty() ? " is without Stoker." : halfWay()));
        return new Status(leftovers.isEmpty() ? State.STOCK : State.HALF_WAY, lines);
    }

    private static Status ofRecord(InstallRecord record, String where, Path directory, List<String> lines) throws IOException {
        boolean complete = lines.isEmpty();
        boolean changed = false;
        List<String> notes = new ArrayList<>();
        for (String name : record.names()) {
            Path file = directory.resolve(name);
            String now = InstallRecord.sum(file);
            boolean known = record.isKnown(name, now);
            boolean installed = record.isInstalled(name, now);
            lines.add((!known ? "changed      " : installed ? "as installed " : "not yet      ") + file);
            complete &= installed;
            changed |= !known;
            boolean edited = installed && !record.isStock(name, now) && !record.stock(name).equals(InstallRecord.ABSENT);
            if (edited && !record.isStock(name, InstallRecord.sum(directory.resolve(name + Installer.COPY)))) {
                notes.add("cannot be uninstalled: Spark's own " + name + " is not kept in " + name + Installer.COPY);
            }
        }
        lines.addAll(notes);
        if (changed) {
            lines.add(0, where + " with " + record.title + " was changed by others.");
            return new Status(State.CHANGED, lines);
        }
        lines.add(0, where + (complete ? " has " + record.title + "." : halfWay()));
        return new Status(complete ? State.INSTALLED : State.HALF_WAY, lines);
    }

    private static String halfWay() {
        return " is half-way between Spark and Stoker: run 'install' to complete, or 'uninstall' to go back.";
    }

    /** Files that only Stoker has. */
    static List<Path> own(SparkHome spark) {
        List<Path> own = spark.jars.stream().filter(StokerJar::isOne).collect(Collectors.toList());
        Path library = spark.jarsDirectory.resolve(Platform.LIBRARY);
        if (Files.exists(library)) {
            own.add(library);
        }
        return own;
    }
}
