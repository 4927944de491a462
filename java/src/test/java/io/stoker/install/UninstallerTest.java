package io.stoker.install;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stoker.Platform;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class UninstallerTest extends DistributionFixture {

    private Map<Path, byte[]> stock;

    @BeforeEach
    void remember() throws IOException {
        stock = contents();
    }

    /** The exit code of a command, whose messages are in {@link #output}. */
    private int run(String command) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        int code = Main.run(new String[] {command, home.toString()}, stream, stream);
        output = bytes.toString(StandardCharsets.UTF_8);
        return code;
    }

    private Path copyOfStock() {
        return stockJar.resolveSibling(stockJar.getFileName() + Installer.COPY);
    }

    private String refusal() throws IOException {
        Map<Path, byte[]> before = contents();
        String message = assertThrows(InstallException.class, this::uninstall).getMessage();
        assertSame(before, contents());
        return message;
    }

    @Test
    void sparkIsAsItWas() throws Exception {
        FileTime released = FileTime.fromMillis(1_700_000_000_000L);
        Files.setPosixFilePermissions(stockJar, PosixFilePermissions.fromString("rw-rw-r--"));
        Files.setLastModifiedTime(stockJar, released);
        assertEquals(3, run("status"), output);
        install();
        assertEquals(0, run("status"), output);
        assertEquals(0, run("uninstall"), output);
        assertTrue(output.contains("restored  " + stockJar), output);
        assertSame(stock, contents());
        assertEquals(released, Files.getLastModifiedTime(stockJar));
        assertEquals("rw-rw-r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(stockJar)));
        assertEquals(3, run("status"), output);
    }

    @Test
    void withoutStokerThereIsNothingToDo() throws Exception {
        assertEquals(0, run("uninstall"), output);
        assertTrue(output.contains("is without Stoker"), output);
        assertSame(stock, contents());
    }

    @Test
    void aSecondInstallationAndAnotherReleaseKeepWhatSparkHad() throws Exception {
        install();
        install();
        ownJar = Files.copy(ownJar, temp.resolve("stoker-spark_" + SCALA + "-0.2.0.jar"));
        edit(ownJar, Platform.entry(PLATFORM), "newer".getBytes(StandardCharsets.UTF_8));
        install();
        assertEquals(0, run("status"), output);
        assertTrue(output.contains("Stoker 0.2.0"), output);
        uninstall();
        assertSame(stock, contents());
    }

    @Test
    void whatOthersHaveChangedIsToldAndNotTouched() throws Exception {
        install();
        edit(stockJar, "LICENSE-of-a-vendor", null);
        Files.write(stockJar, JarEdit.replace(Files.readAllBytes(stockJar), "META-INF/MANIFEST.MF", new byte[0]));
        assertEquals(5, run("status"), output);
        assertTrue(output.contains("changed      " + stockJar), output);
        assertTrue(refusal().contains(stockJar + " was changed by others"));
        String message = assertThrows(InstallException.class, this::install).getMessage();
        assertTrue(message.contains("no longer offers Spark's cluster manager"), message);
    }

    @Test
    void aJarOfAnotherReleaseOfSparkIsTheOneThatComesBack() throws Exception {
        install();
        Files.write(stockJar, JarEdit.replace(stock.get(stockJar), "META-INF/MANIFEST.MF", new byte[0]));
        Map<Path, byte[]> other = contents();
        assertEquals(5, run("status"), output);
        install();
        assertEquals(0, run("status"), output);
        uninstall();
        stock.put(stockJar, other.get(stockJar));
        assertSame(stock, contents());
    }

    @Test
    void aJarOfSparkThatHasGoneTakesItsCopyAlong() throws Exception {
        Path second = Files.copy(stockJar, stockJar.resolveSibling("vendor.jar"));
        install();
        Files.delete(second);
        assertEquals(5, run("status"), output);
        assertTrue(refusal().contains("vendor.jar was changed by others"));
        install();
        uninstall();
        assertSame(stock, contents());
    }

    @Test
    void withoutTheCopySparksOwnJarHasToBePutBack() throws Exception {
        install();
        Files.delete(copyOfStock());
        assertEquals(0, run("status"), output);
        assertTrue(output.contains("cannot be uninstalled"), output);
        assertEquals(1, run("uninstall"), output);
        assertTrue(output.contains("put the jar of Spark's release in the place of " + stockJar), output);
        Files.write(stockJar, stock.get(stockJar));
        assertEquals(4, run("status"), output);
        uninstall();
        assertSame(stock, contents());
    }

    @Test
    void withoutTheRecordNothingIsGuessed() throws Exception {
        install();
        Files.delete(jars.resolve(InstallRecord.FILE_NAME));
        assertEquals(5, run("status"), output);
        assertTrue(refusal().contains("unpack Spark anew"));
    }

    @Test
    void aDamagedRecordIsRefused() throws Exception {
        install();
        Path record = jars.resolve(InstallRecord.FILE_NAME);
        for (String damaged : new String[] {"", "# something else\nStoker\n", Files.readString(record) + "more\n"}) {
            Files.writeString(record, damaged);
            assertEquals(1, run("status"), output);
            assertTrue(refusal().contains(record + " was changed by others"));
        }
    }

    @Test
    void theHelpNamesEveryExitCodeOfStatus() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        assertEquals(0, Main.run(new String[] {"--help"}, new PrintStream(bytes, true, StandardCharsets.UTF_8), System.err));
        String help = bytes.toString(StandardCharsets.UTF_8);
        for (Status.State state : Status.State.values()) {
            assertTrue(help.matches("(?s).*\\b" + state.exitCode + " .*"), help);
        }
        assertFalse(help.contains("null"));
    }
}
