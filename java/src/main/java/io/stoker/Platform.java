package io.stoker;

import java.util.Locale;

/** The machine that this JVM runs on, as the places of native libraries in the jar are named. */
public final class Platform {

    /** What every native library is called, whatever machine it is for. */
    public static final String LIBRARY = "libstoker_jni.so";

    private Platform() {}

    /** {@code linux-x86_64} or {@code linux-aarch64} where there is a library; other names where there is none. */
    public static String current() {
        return name(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
    }

    /** The name for what {@code os.name} and {@code os.arch} say; JDKs call x86_64 {@code amd64} on Linux. */
    static String name(String os, String arch) {
        String lower = arch.toLowerCase(Locale.ROOT);
        return os.toLowerCase(Locale.ROOT).replace(' ', '_') + "-" + ("amd64".equals(lower) ? "x86_64" : lower);
    }

    /** Where in the jar the library for a platform is. */
    public static String entry(String platform) {
        return "native/" + platform + "/" + LIBRARY;
    }
}
