package io.stoker.spark;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.lang.reflect.InvocationTargetException;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.spark.SparkException;
import org.apache.spark.deploy.k8s.KubernetesExecutorConf;
import org.apache.spark.deploy.k8s.SparkPod;
import org.apache.spark.deploy.k8s.features.KubernetesDriverCustomFeatureConfigStep;
import org.apache.spark.deploy.k8s.features.KubernetesExecutorCustomFeatureConfigStep;
import org.apache.spark.deploy.k8s.features.KubernetesFeatureConfigStep;
import org.apache.spark.util.Utils;

/**
 * A feature step of a user, made and run as Spark's own {@code KubernetesExecutorBuilder} does. Whatever goes wrong in it is a
 * {@link SparkException} that names the class.
 */
final class FeatureStep {

    private final String className;
    private final KubernetesFeatureConfigStep step;

    private FeatureStep(String className, KubernetesFeatureConfigStep step) {
        this.className = className;
        this.step = step;
    }

    /** Makes an instance for one executor; which interface the class may implement is Spark's rule, as is the message. */
    static FeatureStep of(String className, KubernetesExecutorConf conf) throws SparkException {
        Object feature = named(className, () -> Utils.classForName(className, true, false).getConstructor().newInstance());
        if (feature instanceof KubernetesExecutorCustomFeatureConfigStep) {
            KubernetesExecutorCustomFeatureConfigStep custom = (KubernetesExecutorCustomFeatureConfigStep) feature;
            named(className, () -> {
                custom.init(conf);
                return custom;
            });
            return new FeatureStep(className, custom);
        }
        if (feature instanceof KubernetesFeatureConfigStep && !(feature instanceof KubernetesDriverCustomFeatureConfigStep)) {
            return new FeatureStep(className, (KubernetesFeatureConfigStep) feature);
        }
        throw new SparkException("Failed to initialize feature step: " + className
                + ", please make sure your executor side feature steps are implemented by `"
                + KubernetesExecutorCustomFeatureConfigStep.class.getSimpleName() + "` or `"
                + KubernetesFeatureConfigStep.class.getSimpleName() + "`.");
    }

    SparkPod configure(SparkPod pod) throws SparkException {
        SparkPod configured = named(className, () -> step.configurePod(pod));
        if (configured == null || configured.pod() == null || configured.container() == null) {
            throw new SparkException("The feature step " + className + " returned no pod or no container.");
        }
        return configured;
    }

    List<HasMetadata> additionalResources() throws SparkException {
        return named(className, () -> ScalaCollections.list(step.getAdditionalKubernetesResources()));
    }

    private static <T> T named(String className, Callable<T> work) throws SparkException {
        try {
            return work.call();
        } catch (InvocationTargetException e) {
            throw failed(className, e.getCause());
        } catch (Throwable e) {
            throw failed(className, e);
        }
    }

    private static SparkException failed(String className, Throwable cause) {
        return new SparkException("The feature step " + className + " failed: " + cause, cause);
    }
}
