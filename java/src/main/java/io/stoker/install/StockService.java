package io.stoker.install;

import io.stoker.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The line by which a jar offers Spark's own cluster manager for Kubernetes. Spark refuses to start with two managers. */
final class StockService {

    static final String ENTRY = "META-INF/services/org.apache.spark.scheduler.ExternalClusterManager";
    static final String MANAGER = "org.apache.spark.scheduler.cluster.k8s.KubernetesClusterManager";

    private StockService() {}

    /** The jar without that line, or without the entry where it is the only one; null where the jar has no such line. */
    static byte[] without(Path jar) throws InstallException, IOException {
        String service = service(jar);
        if (service == null || !providers(service).contains(MANAGER)) {
            return null;
        }
        boolean others = providers(service).stream().anyMatch(name -> !name.equals(MANAGER));
        byte[] rest = others ? withoutLine(service).getBytes(StandardCharsets.UTF_8) : null;
        try {
            return JarEdit.replace(Files.readAllBytes(jar), ENTRY, rest);
        } catch (IOException e) {
            throw new InstallException("the service entry cannot be taken out of " + jar + ": " + e.getMessage(), e);
        }
    }

    private static String service(Path jar) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            ZipEntry entry = zip.getEntry(ENTRY);
            if (entry == null) {
                return null;
            }
            try (InputStream in = zip.getInputStream(entry)) {
                return new String(Bytes.readAll(in), StandardCharsets.UTF_8);
            }
        }
    }

    private static List<String> providers(String service) {
        return Arrays.stream(service.split("\\R")).map(StockService::provider).filter(name -> !name.isEmpty()).collect(Collectors.toList());
    }

    private static String provider(String line) {
        return line.replaceFirst("#.*", "").trim();
    }

    private static String withoutLine(String service) {
        return Arrays.stream(service.split("(?<=\n)"))
                .filter(line -> !provider(line).equals(MANAGER))
                .collect(Collectors.joining());
    }
}
