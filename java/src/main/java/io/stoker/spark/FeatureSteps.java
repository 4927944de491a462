package io.stoker.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.apache.spark.deploy.k8s.Constants;
import org.apache.spark.deploy.k8s.KubernetesConf;
import org.apache.spark.deploy.k8s.KubernetesExecutorConf;
import org.apache.spark.deploy.k8s.SparkPod;
import scala.Option;

/**
 * Runs the feature steps of users ({@code spark.kubernetes.executor.pod.featureSteps}) on the pods that native code has made, of
 * many executors in one request. To Spark they are the last steps of its builder, so they see the executor's container, the last
 * one of a finished pod, apart from the pod.
 */
final class FeatureSteps implements Requests.Handler {

    private static final String KIND = "featureSteps";

    /** Keeps fields that fabric8's classes do not know. It is given no class loaders to search, as the kinds are known here. */
    private static final KubernetesSerialization MANIFESTS = new KubernetesSerialization(new ObjectMapper(), false);

    private final SparkConf conf;

    FeatureSteps(SparkConf conf) {
        this.conf = conf;
    }

    @Override
    public JsonNode answer(JsonNode payload) throws SparkException, InterruptedException {
        String kind = payload.path("kind").asText();
        if (!kind.equals(KIND)) {
            throw new UnsupportedOperationException("This release of Stoker cannot answer a request of the kind '" + kind + "'.");
        }
        List<String> classNames = new ArrayList<>();
        payload.required("steps").forEach(name -> classNames.add(name.asText()));
        JsonNode driverPod = payload.path("driverPod");
        Option<Pod> driver = driverPod.isObject() ? Option.apply(pod(driverPod)) : Option.empty();

        ArrayNode executors = Messages.emptyArray();
        for (JsonNode executor : payload.required("executors")) {
            if (Thread.interrupted()) {
                throw new InterruptedException("The allocator was stopped.");
            }
            executors.add(configure(executor, classNames, driver));
        }
        return executors;
    }

    private JsonNode configure(JsonNode executor, List<String> classNames, Option<Pod> driverPod) throws SparkException {
        String executorId = executor.required("executorId").asText();
        Pod pod = pod(executor.required("pod"));
        // The application's id as the pod has it; sc.applicationId() is not set before the backend has started.
        String appId = pod.getMetadata().getLabels().get(Constants.SPARK_APP_ID_LABEL());
        KubernetesExecutorConf executorConf =
                KubernetesConf.createExecutorConf(conf, executorId, appId, driverPod, executor.required("profile").asInt());

        // Spark makes all of them before the first one runs.
        List<FeatureStep> steps = new ArrayList<>();
        for (String className : classNames) {
            steps.add(FeatureStep.of(className, executorConf));
        }
        ObjectNode answer = Messages.object().put("executorId", executorId);
        ArrayNode resources = Messages.emptyArray();
        SparkPod configured = split(pod);
        for (FeatureStep step : steps) {
            configured = step.configure(configured);
            for (HasMetadata resource : step.additionalResources()) {
                resources.add(json(resource));
            }
        }
        answer.set("pod", json(join(configured)));
        answer.set("resources", resources);
        return answer;
    }

    private static SparkPod split(Pod pod) {
        List<Container> containers = pod.getSpec().getContainers();
        int last = containers.size() - 1;
        Pod rest = new PodBuilder(pod).editSpec().withContainers(containers.subList(0, last)).endSpec().build();
        return SparkPod.apply(rest, containers.get(last));
    }

    private static Pod join(SparkPod pod) {
        return new PodBuilder(pod.pod()).editOrNewSpec().addToContainers(pod.container()).endSpec().build();
    }

    private static Pod pod(JsonNode json) {
        return MANIFESTS.convertValue(json, Pod.class);
    }

    private static JsonNode json(HasMetadata manifest) {
        return MANIFESTS.convertValue(manifest, JsonNode.class);
    }
}
