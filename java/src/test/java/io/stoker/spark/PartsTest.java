package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;

/** The parts that need no SparkContext. */
class PartsTest {

    @Test
    void theClientIsMadeAtTheFirstUse() throws Exception {
        try (CountingServer server = new CountingServer()) {
            StockParts parts = new StockParts(new SparkConf(false), server.master());
            assertEquals(List.of(), List.copyOf(server.requests));
            // The server knows no path at all.
            assertThrows(KubernetesClientException.class, () -> parts.client.pods().inNamespace("ns").list());
            assertEquals(List.of("GET /api/v1/namespaces/ns/pods"), List.copyOf(server.requests));
            parts.client.close();
        }
    }

    @Test
    void anUnusedClientIsNeverMade() {
        AtomicInteger made = new AtomicInteger();
        KubernetesClient client = LazyKubernetesClient.of(() -> {
            made.incrementAndGet();
            throw new IllegalArgumentException("no such master");
        });
        assertEquals(client, client);
        assertNotEquals(client, LazyKubernetesClient.of(() -> null));
        assertTrue(client.toString().startsWith("LazyKubernetesClient@"));
        assertEquals("no such master", assertThrows(IllegalArgumentException.class, client::pods).getMessage());
        assertEquals(1, made.get());
        client.close();
        assertThrows(IllegalStateException.class, client::pods);
        assertEquals(1, made.get());
    }

    @Test
    void theInertConfIsACopy() {
        SparkConf real = new SparkConf(false).set("spark.kubernetes.executor.decommissionLabel", "gone").set("spark.x", "y");
        SparkConf inert = StockParts.inertConf(real);
        assertEquals("true", inert.get("spark.kubernetes.executor.disableConfigMap"));
        assertEquals("y", inert.get("spark.x"));
        assertFalse(inert.contains("spark.kubernetes.executor.decommissionLabel"));
        assertFalse(real.contains("spark.kubernetes.executor.disableConfigMap"));
        assertEquals("gone", real.get("spark.kubernetes.executor.decommissionLabel"));
    }

    @Test
    void allSystemPropertiesCross() {
        System.setProperty("stoker.test.a", "1");
        try {
            Map<String, String> properties = Messages.systemProperties();
            assertEquals("1", properties.get("stoker.test.a"));
            assertEquals(System.getProperty("user.home"), properties.get("user.home"));
        } finally {
            System.clearProperty("stoker.test.a");
        }
    }

    @Test
    void executorIdsAreNumbersOrNone() {
        assertEquals(7, ExecutorIds.parse("7"));
        assertEquals(ExecutorIds.NONE, ExecutorIds.parse("driver"));
        assertEquals(ExecutorIds.NONE, ExecutorIds.parse("-7"));
        assertEquals(2, ExecutorIds.parse(List.of("1", "driver", "3")).length);
    }

    @Test
    void anExtractedLibraryIsVerified() throws Exception {
        Path library = NativeLibrary.extract(PartsTest.class, "/native/good.so");
        assertEquals("library\n", Files.readString(library));
        NativeLibrary.discard(library);
        assertFalse(Files.exists(library.getParent()));

        AllocatorException damaged =
                assertThrows(AllocatorException.class, () -> NativeLibrary.extract(PartsTest.class, "/native/damaged.so"));
        assertTrue(damaged.getMessage().contains("SHA-256"), damaged.getMessage());
        AllocatorException absent =
                assertThrows(AllocatorException.class, () -> NativeLibrary.extract(PartsTest.class, "/native/absent.so"));
        assertTrue(absent.getMessage().contains("spark.stoker.enabled=false"), absent.getMessage());
    }

    @Test
    void aSecondClassLoaderIsRefused() {
        String owner = "io.stoker.native.owner";
        String before = System.clearProperty(owner);
        try {
            NativeLibrary.claim(1);
            NativeLibrary.claim(1);
            AllocatorException refused = assertThrows(AllocatorException.class, () -> NativeLibrary.claim(2));
            assertTrue(refused.getMessage().contains("another class loader"), refused.getMessage());
        } finally {
            System.clearProperty(owner);
            if (before != null) {
                System.setProperty(owner, before);
            }
        }
    }
}
