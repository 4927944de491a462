package io.stoker.install;

import io.stoker.Bytes;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Files to be written and deleted. Each is replaced at once, by renaming, and each change is printed with SHA-256 sums. */
final class FileChanges {

    private static final String NEW_FILE_MODE = "rw-r--r--";

    private final PrintStream out;
    private final Map<Path, byte[]> contents = new LinkedHashMap<>();
    private final List<Path> deletions = new ArrayList<>();

    FileChanges(PrintStream out) {
        this.out = out;
    }

    void write(Path file, byte[] content) {
        contents.put(file, content);
    }

    void delete(Path file) {
        deletions.add(file);
    }

    /** First writes everything under temporary names, so that a full disk leaves all as it was, then renames. */
    void apply() throws IOException {
        Map<Path, Path> written = new LinkedHashMap<>();
        try {
            for (Map.Entry<Path, byte[]> change : contents.entrySet()) {
                Path file = change.getKey();
                if (!Files.exists(file) || !Arrays.equals(Files.readAllBytes(file), change.getValue())) {
                    Path temporary = file.resolveSibling("." + file.getFileName() + ".stoker-tmp");
                    written.put(file, temporary);
                    Files.write(temporary, change.getValue());
                    copyAttributes(file, temporary);
                }
            }
            for (Path file : contents.keySet()) {
                replace(file, written.get(file));
            }
        } finally {
            for (Path temporary : written.values()) {
                Files.deleteIfExists(temporary);
            }
        }
        for (Path file : deletions) {
            out.println("removed   " + file + " sha256 " + Bytes.sha256(Files.readAllBytes(file)));
            Files.delete(file);
        }
    }

    private void replace(Path file, Path temporary) throws IOException {
        String after = Bytes.sha256(contents.get(file));
        if (temporary == null) {
            out.println("unchanged " + file + " sha256 " + after);
            return;
        }
        String before = Files.exists(file) ? Bytes.sha256(Files.readAllBytes(file)) : null;
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        if (before == null) {
            out.println("added     " + file + " sha256 " + after);
        } else {
            out.println("changed   " + file + " sha256 " + before + " -> " + after);
        }
    }

    /** The mode, owner and group of the file that is replaced; of the directory, and a plain mode, where there is none. */
    private static void copyAttributes(Path file, Path temporary) throws IOException {
        PosixFileAttributeView to = Files.getFileAttributeView(temporary, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        if (to == null) {
            return;
        }
        boolean replaces = Files.exists(file);
        PosixFileAttributes from = Files.readAttributes(replaces ? file : file.getParent(), PosixFileAttributes.class);
        to.setPermissions(replaces ? from.permissions() : PosixFilePermissions.fromString(NEW_FILE_MODE));
        PosixFileAttributes now = to.readAttributes();
        if (!now.owner().equals(from.owner())) {
            to.setOwner(from.owner());
        }
        if (!now.group().equals(from.group())) {
            to.setGroup(from.group());
        }
    }
}
