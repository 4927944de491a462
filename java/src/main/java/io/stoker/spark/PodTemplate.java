package io.stoker.spark;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.util.DependencyUtils;
import org.apache.spark.util.Utils;

/** The executors' pod template. Native code parses it; the JVM fetches it, as it may be in any file system that Hadoop knows. */
final class PodTemplate {

    private PodTemplate() {}

    /**
     * The text behind {@code spark.kubernetes.executor.podTemplateFile}; empty where the key is not set. Fails with Spark's own
     * {@link SparkException} where it cannot be read.
     */
    static Optional<String> text(SparkConf conf) {
        return new Settings(conf).podTemplateFile().map(file -> read(file, conf));
    }

    private static String read(String file, SparkConf conf) {
        try {
            String local = DependencyUtils.downloadFile(
                    file, Utils.createTempDir(), conf, SparkHadoopUtil.get().newConfiguration(conf));
            return new String(Files.readAllBytes(Paths.get(new URI(local).getPath())), StandardCharsets.UTF_8);
        } catch (Exception e) {
            throw Unchecked.cast(new SparkException("Could not load pod from template file.", e));
        }
    }
}
