package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PodTemplateTest extends SparkTest {

    private static final String KEY = "spark.kubernetes.executor.podTemplateFile";
    private static final String TEXT = "# Grüße\nkind: Pod\nspec: {futureField: 1}\n";

    @TempDir
    private Path dir;

    private String textFrom(String file) {
        new SparkContext(conf().set(KEY, file));
        return binding.startMessage.path("podTemplate").asText();
    }

    private Throwable refused(String file) {
        SparkException refused = assertThrows(SparkException.class, () -> new SparkContext(conf().set(KEY, file)));
        assertEquals("Could not load pod from template file.", refused.getMessage());
        assertEquals(List.of(), List.copyOf(binding.calls));
        return refused.getCause();
    }

    @Test
    void withoutTheKeyThereIsNone() {
        new SparkContext(conf());
        assertFalse(binding.startMessage.has("podTemplate"));
    }

    @Test
    void aPathIsReadAsItIs() throws Exception {
        assertEquals(TEXT, textFrom(Files.writeString(dir.resolve("template.yaml"), TEXT).toString()));
    }

    @Test
    void aFileUriIsRead() throws Exception {
        assertEquals(TEXT, textFrom(Files.writeString(dir.resolve("a template.yaml"), TEXT).toUri().toString()));
    }

    @Test
    void otherSchemesAreFetched() throws Exception {
        HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.createContext("/template.yaml", exchange -> {
            byte[] body = TEXT.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        http.start();
        try {
            assertEquals(TEXT, textFrom("http://127.0.0.1:" + http.getAddress().getPort() + "/template.yaml"));
        } finally {
            http.stop(0);
        }
    }

    @Test
    void aMissingFileIsRefusedAtTheStart() {
        Throwable cause = refused(dir.resolve("absent.yaml").toString());
        assertTrue(cause.getMessage().contains("absent.yaml"), cause.toString());
    }

    @Test
    void anUnknownSchemeIsRefusedAtTheStart() {
        Throwable cause = refused("nosuch://bucket/template.yaml");
        assertTrue(cause.getMessage().contains("nosuch"), cause.toString());
    }
}
