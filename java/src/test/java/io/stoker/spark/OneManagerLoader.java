package io.stoker.spark;

import java.io.IOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;

/** Shows Spark one cluster manager, as an installed Stoker does: the stock jar on the test class path has an entry of its own. */
final class OneManagerLoader extends ClassLoader {

    private static final String SERVICE = "META-INF/services/org.apache.spark.scheduler.ExternalClusterManager";

    private final URL entry;

    OneManagerLoader(Class<?> manager) throws IOException {
        super(OneManagerLoader.class.getClassLoader());
        Path file = Files.createTempFile("manager", ".service");
        file.toFile().deleteOnExit();
        Files.write(file, manager.getName().getBytes(StandardCharsets.UTF_8));
        entry = file.toUri().toURL();
    }

    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
        return name.equals(SERVICE) ? Collections.enumeration(List.of(entry)) : super.getResources(name);
    }
}
