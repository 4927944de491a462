package io.stoker.spark;

import io.stoker.Bytes;
import io.stoker.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.CodeSource;

/**
 * Finds and loads {@code libstoker_jni.so}, once in a JVM: first beside the jar (which works on read-only file systems),
 * else from the jar, by way of a temporary file that is verified and gone again once it is mapped.
 */
final class NativeLibrary {

    /** Set for the whole JVM by the class loader that has loaded the library. */
    private static final String OWNER_PROPERTY = "io.stoker.native.owner";

    private static final String WITHOUT = " To run without Stoker, set spark.stoker.enabled=false.";

    private static boolean loaded;

    private NativeLibrary() {}

    /** Loads the library unless it is loaded. Throws {@link AllocatorException} saying what the user can do. */
    static synchronized void load() {
        if (loaded) {
            return;
        }
        claim(System.identityHashCode(NativeLibrary.class.getClassLoader()));
        try {
            findAndLink();
            loaded = true;
        } finally {
            if (!loaded) {
                System.getProperties().remove(OWNER_PROPERTY);
            }
        }
    }

    private static void findAndLink() {
        Path beside = besideJar();
        if (beside != null) {
            link(beside);
        } else {
            Path extracted = extract(NativeLibrary.class, "/" + Platform.entry(Platform.current()));
            try {
                link(extracted);
            } finally {
                discard(extracted);
            }
        }
        int found = Native.abiVersion();
        if (found != Native.ABI_VERSION) {
            throw failure("the native library speaks version " + found + " of the interface, the jar version "
                    + Native.ABI_VERSION + "; install both from one release.");
        }
    }

    /** A library is bound to one class loader; a second one gets this message and not an UnsatisfiedLinkError. */
    static void claim(int loader) {
        Object owner = System.getProperties().putIfAbsent(OWNER_PROPERTY, Integer.toHexString(loader));
        if (owner != null && !owner.equals(Integer.toHexString(loader))) {
            throw failure("another class loader of this JVM has loaded the native library; put the Stoker jar into"
                    + " $SPARK_HOME/jars and not on spark.jars or --packages.");
        }
    }

    /** The library beside the jar that this class is from, or null. */
    private static Path besideJar() {
        CodeSource source = NativeLibrary.class.getProtectionDomain().getCodeSource();
        if (source == null || source.getLocation() == null) {
            return null;
        }
        try {
            Path jar = Paths.get(source.getLocation().toURI());
            Path library = jar.resolveSibling(Platform.LIBRARY);
            return Files.isRegularFile(jar) && Files.isRegularFile(library) ? library : null;
        } catch (URISyntaxException | IllegalArgumentException | java.nio.file.FileSystemNotFoundException e) {
            return null;
        }
    }

    /** Copies a library out of the jar and checks it against the SHA-256 that was packed with it. */
    static Path extract(Class<?> from, String resource) {
        byte[] library = read(from, resource);
        String expected = new String(read(from, resource + ".sha256"), StandardCharsets.US_ASCII).trim();
        Path file = null;
        try {
            // Mode 0700: nobody else may put a library in its place.
            Path directory = Files.createTempDirectory("stoker-native-");
            file = directory.resolve(Platform.LIBRARY);
            Files.write(file, library);
            String actual = Bytes.sha256(Files.readAllBytes(file));
            if (!actual.equalsIgnoreCase(expected)) {
                discard(file);
                throw failure("the native library copied to " + file + " has SHA-256 " + actual + ", expected " + expected
                        + "; the jar or the disk is damaged.");
            }
            return file;
        } catch (IOException e) {
            if (file != null) {
                discard(file);
            }
            AllocatorException failure = failure("the native library cannot be copied to " + System.getProperty("java.io.tmpdir")
                    + "; put " + Platform.LIBRARY + " beside the Stoker jar, or set -Djava.io.tmpdir to a writable directory.");
            failure.initCause(e);
            throw failure;
        }
    }

    private static byte[] read(Class<?> from, String resource) {
        try (InputStream in = from.getResourceAsStream(resource)) {
            if (in == null) {
                throw failure("there is no native library for " + Platform.current() + ": neither " + Platform.LIBRARY
                        + " beside the jar nor " + resource + " in it. Releases have those for linux-x86_64 and linux-aarch64.");
            }
            return Bytes.readAll(in);
        } catch (IOException e) {
            AllocatorException failure = failure("the jar's entry " + resource + " cannot be read; the jar is damaged.");
            failure.initCause(e);
            throw failure;
        }
    }

    private static void link(Path library) {
        try {
            System.load(library.toAbsolutePath().toString());
        } catch (UnsatisfiedLinkError e) {
            AllocatorException failure = failure("the native library " + library + " cannot be loaded: " + e.getMessage()
                    + ". It needs glibc (2.17 or later for a release) on the machine that it was installed for, this one being "
                    + Platform.current() + ", and a file system mounted without noexec.");
            failure.initCause(e);
            throw failure;
        }
    }

    /** Removes an extracted library and its directory; what is mapped stays usable. */
    static void discard(Path library) {
        try {
            Files.deleteIfExists(library);
            Files.deleteIfExists(library.getParent());
        } catch (IOException e) {
            library.toFile().deleteOnExit();
        }
    }

    private static AllocatorException failure(String message) {
        return new AllocatorException("Stoker cannot start: " + message + WITHOUT, "nativeLibrary", false);
    }
}
