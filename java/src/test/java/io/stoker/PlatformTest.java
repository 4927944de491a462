package io.stoker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PlatformTest {

    @Test
    void platformsAreNamedAsTheDirectoriesOfLibraries() {
        assertEquals("linux-x86_64", Platform.name("Linux", "amd64"));
        assertEquals("linux-x86_64", Platform.name("Linux", "x86_64"));
        assertEquals("linux-aarch64", Platform.name("Linux", "aarch64"));
        assertEquals("mac_os_x-aarch64", Platform.name("Mac OS X", "aarch64"));
        assertEquals("native/linux-aarch64/libstoker_jni.so", Platform.entry("linux-aarch64"));
    }
}
