package io.stoker.install;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stoker.Platform;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The installer is killed before each of its steps in turn, and within each write: what is left is recognised and repaired. */
class InterruptionTest extends DistributionFixture {

    private Map<Path, byte[]> stock;
    private Map<Path, byte[]> installed;

    /** The end of the process: nothing that comes after it takes place. */
    private static final class Killed extends Error {

        private static final long serialVersionUID = 1L;
    }

    /** Takes so many steps and no more; a write is two of them. */
    private static final class MortalDisk extends Disk {

        private int left;

        MortalDisk(int steps) {
            left = steps;
        }

        private void step() {
            if (left == 0) {
                throw new Killed();
            }
            left--;
        }

        @Override
        void write(Path file, byte[] content) throws IOException {
            step();
            super.write(file, Arrays.copyOf(content, content.length / 2));
            step();
            super.write(file, content);
        }

        @Override
        void rename(Path from, Path to) throws IOException {
            step();
            super.rename(from, to);
        }

        @Override
        void delete(Path file) throws IOException {
            step();
            super.delete(file);
        }
    }

    private interface Command {

        void run(Disk disk) throws InstallException, IOException;
    }

    @BeforeEach
    void remember() throws Exception {
        stock = contents();
        install();
        installed = contents();
    }

    private void reset(Map<Path, byte[]> to) throws IOException {
        for (Map.Entry<Path, byte[]> file : contents().entrySet()) {
            if (!Arrays.equals(file.getValue(), to.get(file.getKey()))) {
                Files.delete(file.getKey());
            }
        }
        for (Map.Entry<Path, byte[]> file : to.entrySet()) {
            if (!Files.exists(file.getKey())) {
                Files.write(file.getKey(), file.getValue());
            }
        }
    }

    private boolean holds(Map<Path, byte[]> files) throws IOException {
        Map<Path, byte[]> now = contents();
        return now.keySet().equals(files.keySet())
                && files.entrySet().stream().allMatch(file -> Arrays.equals(file.getValue(), now.get(file.getKey())));
    }

    /** Kills a command after 0, 1, 2, … steps, until it gets through; returns how many times it was killed. */
    private int killAtEachStep(Map<Path, byte[]> from, Map<Path, byte[]> complete, Command command) throws Exception {
        for (int steps = 0;; steps++) {
            for (boolean back : new boolean[] {false, true}) {
                reset(from);
                try {
                    command.run(new MortalDisk(steps));
                    return steps;
                } catch (Killed expected) {
                    checkHalf(complete, "killed after " + steps + " steps");
                }
                if (back) {
                    uninstall();
                } else {
                    install();
                }
                assertEquals(back ? Status.State.STOCK : Status.State.INSTALLED, state());
                assertSame(back ? stock : withRecordOf(complete), contents());
            }
        }
    }

    /** The status tells the truth, and Spark's jar is whole. */
    private void checkHalf(Map<Path, byte[]> complete, String when) throws Exception {
        Status.State expected = holds(stock) ? Status.State.STOCK
                : holds(installed) || holds(complete) ? Status.State.INSTALLED : Status.State.HALF_WAY;
        assertEquals(expected, state(), when);
        byte[] jar = Files.readAllBytes(stockJar);
        assertTrue(Arrays.equals(jar, stock.get(stockJar)) || Arrays.equals(jar, complete.get(stockJar)), when);
    }

    /** After an upgrade the record may name the files of the release before. */
    private Map<Path, byte[]> withRecordOf(Map<Path, byte[]> complete) throws IOException {
        Path record = jars.resolve(InstallRecord.FILE_NAME);
        complete.replace(record, Files.readAllBytes(record));
        return complete;
    }

    @Test
    void installing() throws Exception {
        int steps = killAtEachStep(stock, installed, this::install);
        assertEquals(5 * 2 + 5, steps, "five files, each written and renamed");
    }

    @Test
    void uninstalling() throws Exception {
        int steps = killAtEachStep(installed, installed, this::uninstall);
        assertEquals(4, steps, "Spark's jar restored, the jar, the library and the record deleted");
    }

    @Test
    void installingAnotherRelease() throws Exception {
        ownJar = Files.copy(ownJar, temp.resolve("stoker-spark_" + SCALA + "-0.2.0.jar"));
        edit(ownJar, Platform.entry(PLATFORM), "newer".getBytes(StandardCharsets.UTF_8));
        install();
        Map<Path, byte[]> upgraded = contents();
        assertEquals(installed.size(), upgraded.size());
        assertTrue(upgraded.containsKey(jars.resolve("stoker-spark_" + SCALA + "-0.2.0.jar")));
        int steps = killAtEachStep(installed, upgraded, this::install);
        assertEquals(3 * 2 + 3 + 1, steps, "record, library and jar, and the old jar deleted");
    }

    @Test
    void aFullDiskLeavesEverythingAsItWas() throws Exception {
        reset(stock);
        Disk full = new Disk() {
            @Override
            void write(Path file, byte[] content) throws IOException {
                super.write(file, new byte[1]);
                if (file.getFileName().toString().contains("spark-kubernetes_")) {
                    throw new IOException("No space left on device");
                }
            }
        };
        try {
            install(full);
        } catch (IOException e) {
            assertSame(stock, contents());
            assertEquals("No space left on device", e.getMessage());
            return;
        }
        throw new AssertionError("the disk was not full");
    }
}
