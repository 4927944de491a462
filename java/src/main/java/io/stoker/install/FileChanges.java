package io.stoker.install;

import io.stoker.Bytes;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Changes to the files of one directory, made in the order in which they were asked for. Each takes place at once, by renaming
 * or deleting, and is printed with SHA-256 sums.
 */
final class FileChanges {

    private static final String NEW_FILE_MODE = "rw-r--r--";
    private static final String TEMPORARY = ".stoker-tmp";

    private interface Step {

        void take() throws IOException;
    }

    private final Path directory;
    private final Disk disk;
    private final PrintStream out;
    private final List<Path> temporaries = new ArrayList<>();
    private final List<Step> preparations = new ArrayList<>();
    private final List<Step> steps = new ArrayList<>();

    FileChanges(Path directory, Disk disk, PrintStream out) {
        this.directory = directory;
        this.disk = disk;
        this.out = out;
    }

    /** Files that an interrupted run has left, complete or not; nobody reads them. */
    static List<Path> leftovers(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().endsWith(TEMPORARY)).sorted().collect(Collectors.toList());
        }
    }

    /** Adds or replaces a file, with the mode and owner of the one that it replaces. */
    void write(String name, byte[] content) throws IOException {
        write(name, content, directory.resolve(name));
    }

    /** Keeps a copy of a file, with its mode, owner and date. */
    void copy(String original, String copy) throws IOException {
        Path from = directory.resolve(original);
        write(copy, Files.readAllBytes(from), from);
    }

    private void write(String name, byte[] content, Path like) throws IOException {
        Path file = directory.resolve(name);
        String after = Bytes.sha256(content);
        String before = InstallRecord.sum(file);
        if (before.equals(after)) {
            steps.add(() -> out.println("unchanged " + file + " sha256 " + after));
            return;
        }
        Path temporary = file.resolveSibling("." + name + TEMPORARY);
        temporaries.add(temporary);
        preparations.add(() -> {
            disk.write(temporary, content);
            copyAttributes(like, temporary, !like.equals(file));
        });
        steps.add(() -> {
            disk.rename(temporary, file);
            out.println(before.equals(InstallRecord.ABSENT)
                    ? "added     " + file + " sha256 " + after
                    : "changed   " + file + " sha256 " + before + " -> " + after);
        });
    }

    /** Puts the copy of a file in its place; the copy is gone with it. */
    void restore(String copy, String original) {
        Path file = directory.resolve(original);
        steps.add(() -> {
            disk.rename(directory.resolve(copy), file);
            out.println("restored  " + file + " sha256 " + InstallRecord.sum(file));
        });
    }

    /** Deletes a file where it is there. */
    void delete(String name) {
        Path file = directory.resolve(name);
        steps.add(() -> {
            String sum = InstallRecord.sum(file);
            if (!sum.equals(InstallRecord.ABSENT)) {
                disk.delete(file);
                out.println("removed   " + file + " sha256 " + sum);
            }
        });
    }

    /** First writes everything under temporary names, so that a full disk leaves all as it was. */
    void apply() throws IOException {
        for (Path leftover : leftovers(directory)) {
            disk.delete(leftover);
        }
        try {
            for (Step preparation : preparations) {
                preparation.take();
            }
            for (Step step : steps) {
                step.take();
            }
        } finally {
            for (Path temporary : temporaries) {
                if (Files.exists(temporary)) {
                    disk.delete(temporary);
                }
            }
        }
    }

    /** The mode, owner and group of another file; of the directory, and a plain mode, where it is not there. */
    private static void copyAttributes(Path like, Path temporary, boolean withDate) throws IOException {
        PosixFileAttributeView to = Files.getFileAttributeView(temporary, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        if (to == null) {
            return;
        }
        boolean exists = Files.exists(like);
        PosixFileAttributes from = Files.readAttributes(exists ? like : like.getParent(), PosixFileAttributes.class);
        to.setPermissions(exists ? from.permissions() : PosixFilePermissions.fromString(NEW_FILE_MODE));
        PosixFileAttributes now = to.readAttributes();
        if (!now.owner().equals(from.owner())) {
            to.setOwner(from.owner());
        }
        if (!now.group().equals(from.group())) {
            to.setGroup(from.group());
        }
        if (withDate) {
            Files.setLastModifiedTime(temporary, from.lastModifiedTime());
        }
    }
}
