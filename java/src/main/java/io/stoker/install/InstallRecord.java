package io.stoker.install;

import io.stoker.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the installer notes in the distribution before it changes the first file, and takes away after it has changed the last
 * one back: of each file the sums it may have, Spark's first and Stoker's last. A file with another sum was changed by others; while
 * some have Spark's and some Stoker's, the installer was interrupted.
 */
final class InstallRecord {

    static final String FILE_NAME = "stoker-install.txt";

    /** In place of a sum: there is no such file. */
    static final String ABSENT = "-";

    private static final String COMMENT = "# Of Stoker's installer, which needs it: the sums of each file, Spark's own first. A dash is no file.";
    private static final Pattern LINE = Pattern.compile("((?:(?:[0-9a-f]{64}|-) ){2,})(\\S.*)");

    /** Which Stoker, in one line. */
    final String title;

    private final Map<String, List<String>> sums = new LinkedHashMap<>();

    InstallRecord(String title) {
        this.title = title;
    }

    /** The record of a directory, or null where there is none. */
    static InstallRecord read(Path directory) throws InstallException, IOException {
        Path file = directory.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            return null;
        }
        List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
        boolean whole = lines.size() >= 2 && lines.get(0).equals(COMMENT);
        InstallRecord record = new InstallRecord(whole ? lines.get(1) : "");
        for (String line : lines.subList(Math.min(2, lines.size()), lines.size())) {
            Matcher matcher = LINE.matcher(line);
            whole &= matcher.matches();
            if (whole) {
                record.sums.put(matcher.group(2), Arrays.asList(matcher.group(1).split(" ")));
            }
        }
        if (!whole) {
            throw new InstallException(file + " was changed by others; put back Stoker's, or unpack Spark anew.");
        }
        return record;
    }

    /** The sum of a file, or {@link #ABSENT}. */
    static String sum(Path file) throws IOException {
        return Files.exists(file) ? Bytes.sha256(Files.readAllBytes(file)) : ABSENT;
    }

    /** Adds a file that is Spark's with the first sum, has the second one now, and is to get the third. */
    void add(String name, String stock, String now, String target) {
        List<String> states = new ArrayList<>();
        states.add(stock);
        if (!now.equals(stock) && !now.equals(target)) {
            states.add(now);
        }
        states.add(target);
        sums.put(name, states);
    }

    Iterable<String> names() {
        return sums.keySet();
    }

    /** Spark's own sum of a file, {@link #ABSENT} for one that Spark has not. */
    String stock(String name) {
        return sums.containsKey(name) ? sums.get(name).get(0) : ABSENT;
    }

    boolean isStock(String name, String sum) {
        return stock(name).equals(sum);
    }

    boolean isInstalled(String name, String sum) {
        List<String> states = sums.get(name);
        return states != null && states.get(states.size() - 1).equals(sum);
    }

    boolean isKnown(String name, String sum) {
        return sums.containsKey(name) && sums.get(name).contains(sum);
    }

    byte[] bytes() {
        StringBuilder text = new StringBuilder(COMMENT).append('\n').append(title).append('\n');
        sums.forEach((name, states) -> text.append(String.join(" ", states)).append(' ').append(name).append('\n'));
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }
}
