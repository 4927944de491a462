package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FeatureStepsTest extends SparkTest {

    /** With fields that no version of fabric8 knows, at every level. */
    private static final String POD = """
            {"apiVersion": "v1", "kind": "Pod", "futureOfPod": [1, {"a": null}],
             "metadata": {"name": "p-exec-%1$s", "futureOfMetadata": 1.5,
                          "labels": {"spark-exec-id": "%1$s", "spark-app-selector": "app-7"}},
             "spec": {"futureOfSpec": {"deep": true}, "restartPolicy": "Never", "terminationGracePeriodSeconds": 9007199254740993,
                      "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "futureVolume": {"x": "y"}}],
                      "containers": [
                        {"name": "sidecar", "image": "s", "futureOfContainer": "kept"},
                        {"name": "executor", "image": "i", "env": [{"name": "A", "value": "1"}], "futureOfContainer": {"z": []},
                         "resources": {"limits": {"memory": "1408Mi", "cpu": "100m"}}}]}}""";

    private static ObjectNode payload(List<?> steps, String... executorIds) {
        ObjectNode payload = Messages.object().put("kind", "featureSteps").putNull("driverPod");
        ArrayNode names = payload.putArray("steps");
        steps.forEach(step -> names.add(step instanceof Class<?> type ? type.getName() : step.toString()));
        for (String id : executorIds) {
            ObjectNode executor = payload.withArray("executors").addObject().put("executorId", id).put("profile", 3);
            executor.set("pod", FakeBinding.json(POD.formatted(id).getBytes()));
        }
        return payload;
    }

    private static JsonNode run(SparkConf conf, JsonNode payload) throws Exception {
        return new FeatureSteps(conf).answer(payload);
    }

    private static String failure(Object step, String... executorIds) {
        return assertThrows(SparkException.class, () -> run(new SparkConf(false), payload(List.of(step), executorIds))).getMessage();
    }

    @Test
    void aPodThatNoStepChangesStaysAsItIs() throws Exception {
        JsonNode payload = payload(List.of(), "1");
        JsonNode answer = run(new SparkConf(false), payload);
        assertEquals(payload.path("executors").path(0).path("pod"), answer.path(0).path("pod"));
        assertTrue(answer.path(0).path("resources").isArray() && answer.path(0).path("resources").isEmpty());
    }

    @Test
    void stepsRunInOrderOnEachPodWithInstancesOfTheirOwn() throws Exception {
        ObjectNode payload = payload(List.of(SampleSteps.Full.class, SampleSteps.Second.class), "1", "22");
        payload.set("driverPod", FakeBinding.json("{\"metadata\": {\"name\": \"the-driver\"}}".getBytes()));
        JsonNode answer = run(new SparkConf(false).set("spark.test.team", "blue"), payload);
        assertEquals(2, answer.size());
        for (JsonNode executor : answer) {
            String id = executor.path("executorId").asText();
            JsonNode pod = executor.path("pod");
            assertEquals("p-exec-" + id, pod.path("metadata").path("name").asText());
            JsonNode labels = pod.path("metadata").path("labels");
            assertEquals("blue", labels.path("team").asText());
            assertEquals("blue", labels.path("second-saw").asText());
            assertEquals("the-driver", labels.path("driver").asText());
            assertEquals("1", labels.path("containers-seen").asText());
            assertTrue(pod.path("spec").path("futureOfSpec").path("deep").asBoolean());
            assertEquals("kept", pod.at("/spec/containers/0/futureOfContainer").asText());
            assertEquals("executor", pod.at("/spec/containers/1/name").asText());
            assertEquals("{\"z\":[]}", pod.at("/spec/containers/1/futureOfContainer").toString());
            assertEquals("WHO", pod.at("/spec/containers/1/env/1/name").asText());
            assertEquals("app-7/" + id + "/3", pod.at("/spec/containers/1/env/1/value").asText());
            assertEquals("PersistentVolumeClaim", executor.at("/resources/0/kind").asText());
            assertEquals("claim-" + id, executor.at("/resources/0/metadata/name").asText());
            assertEquals("ReadWriteOnce", executor.at("/resources/0/spec/accessModes/0").asText());
            assertEquals("ConfigMap", executor.at("/resources/1/kind").asText());
            assertEquals("v1", executor.at("/resources/1/apiVersion").asText());
        }
        String instance = "/pod/metadata/labels/instance";
        assertNotEquals(answer.path(0).at(instance), answer.path(1).at(instance));
    }

    @ParameterizedTest
    @CsvSource({
        "ForDrivers",
        "NoStep",
    })
    void aClassForSomethingElseIsRefusedInSparksWords(String name) {
        String className = SampleSteps.class.getName() + "$" + name;
        assertEquals("Failed to initialize feature step: " + className
                + ", please make sure your executor side feature steps are implemented by "
                + "`KubernetesExecutorCustomFeatureConfigStep` or `KubernetesFeatureConfigStep`.", failure(className, "1"));
    }

    @ParameterizedTest
    @CsvSource({
        "io.stoker.Absent, java.lang.ClassNotFoundException: io.stoker.Absent",
        "io.stoker.spark.SampleSteps$Unmakeable, java.lang.IllegalStateException: not today",
        "io.stoker.spark.SampleSteps, java.lang.NoSuchMethodException: io.stoker.spark.SampleSteps.<init>()",
        "io.stoker.spark.SampleSteps$Picky, java.lang.AssertionError: not on executor 2",
        "io.stoker.spark.SampleSteps$Full, java.util.NoSuchElementException: spark.test.team",
    })
    void aFailureNamesTheClass(String className, String cause) {
        assertEquals("The feature step " + className + " failed: " + cause, failure(className, "1", "2"));
    }

    @Test
    void aStepThatReturnsNothingIsRefused() {
        String className = SampleSteps.Nothing.class.getName();
        assertEquals("The feature step " + className + " returned no pod or no container.", failure(className, "1"));
    }

    /** As Spark's own code finds classes: from the loader that spark-submit gives the driver's threads, which knows the users' jars. */
    @Test
    void classesComeFromTheDriversClassLoader() throws Exception {
        Thread.currentThread().setContextClassLoader(new UserClassLoader(Thread.currentThread().getContextClassLoader()));
        SparkContext sc = new SparkContext(conf());
        send(11, payload(List.of(SampleSteps.Origin.class), "1"));
        JsonNode answer = FakeBinding.next(binding.answers, "an answer");
        assertEquals("user-jars", answer.at("/ok/0/pod/metadata/labels/class-loader").asText(), answer.toString());
        assertFalse(sc.isStopped());
    }

    @Test
    void theConfOfStepsIsTheApplicationsOwn() throws Exception {
        SparkContext sc = new SparkContext(conf());
        sc.conf().set("spark.test.team", "set-later");
        send(12, payload(List.of(SampleSteps.Full.class), "1"));
        JsonNode answer = FakeBinding.next(binding.answers, "an answer");
        assertEquals("set-later", answer.at("/ok/0/pod/metadata/labels/team").asText(), answer.toString());
    }

    @Test
    void aSlowStepHoldsUpNoLossAndNoStop() throws Exception {
        SampleSteps.Slow.begun = new CountDownLatch(1);
        SampleSteps.Slow.mayEnd = new CountDownLatch(1);
        SparkContext sc = new SparkContext(conf());
        FakeExecutor.register(sc, backend(sc), "7");
        send(13, payload(List.of(SampleSteps.Slow.class), "1"));
        assertTrue(SampleSteps.Slow.begun.await(FakeBinding.WAIT_SECONDS, TimeUnit.SECONDS));
        binding.send("""
                {"type": "lost", "executorId": 7, "profile": 0, "pod": "p-exec-7", "uid": "u",
                 "cause": {"kind": "deleted", "message": "deleted", "exitCode": -1, "appCaused": false}}""");
        assertEquals("disconnected 7", binding.awaitCall("disconnected"));
        assertTrue(binding.answers.isEmpty());
        sc.stop();
        String error = FakeBinding.next(binding.answers, "an answer").path("error").asText();
        assertTrue(error.contains("SampleSteps$Slow") && error.contains("interrupted"), error);
        assertNoThreadLeft();
    }

    private void send(int requestId, JsonNode payload) {
        binding.send("{\"type\": \"request\", \"requestId\": " + requestId + ", \"payload\": " + payload + "}");
    }

    /** Defines the sample steps itself, as the loader of the users' jars would. */
    private static final class UserClassLoader extends ClassLoader {

        UserClassLoader(ClassLoader parent) {
            super("user-jars", parent);
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith(SampleSteps.class.getName())) {
                return super.loadClass(name, resolve);
            }
            Class<?> loaded = findLoadedClass(name);
            return loaded == null ? define(name) : loaded;
        }

        private Class<?> define(String name) throws ClassNotFoundException {
            try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
                byte[] bytes = in.readAllBytes();
                return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }
}
