package io.stoker.spark;

import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.internal.config.ConfigReader;
import org.apache.spark.internal.config.SparkConfigProvider;

/**
 * The few settings that count on the Java side. They are read by name, so that Stoker depends on none of Spark's constants for them;
 * references such as <code>${spark.x}</code> and <code>${env:X}</code> are replaced by Spark's own code.
 */
final class Settings {

    static final String ALLOCATOR = "spark.kubernetes.allocation.pods.allocator";
    static final String FEATURE_STEPS = "spark.kubernetes.executor.pod.featureSteps";

    private final ConfigReader reader;

    Settings(SparkConf conf) {
        reader = new ConfigReader(new SparkConfigProvider(Messages.entries(conf)));
    }

    private Optional<String> get(String key) {
        return Optional.ofNullable(reader.get(key).getOrElse(() -> null));
    }

    private String get(String key, String otherwise) {
        return get(key).orElse(otherwise);
    }

    /** The allocator of Spark that is asked for. */
    String allocator() {
        return get(ALLOCATOR, "direct");
    }

    /** Whether classes of the user's are to change executor pods. */
    boolean hasFeatureSteps() {
        return get(FEATURE_STEPS).isPresent();
    }

    String driverMaster() {
        return get("spark.kubernetes.driver.master", "https://kubernetes.default.svc");
    }

    String namespace() {
        return get("spark.kubernetes.namespace", "default");
    }

    Optional<String> podTemplateFile() {
        return get("spark.kubernetes.executor.podTemplateFile");
    }

    /** Whether this driver was submitted in cluster mode. */
    boolean submittedInDriver() {
        return Boolean.parseBoolean(get("spark.kubernetes.submitInDriver", "false").trim());
    }
}
