package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.spark.ExecutorLostFailure;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkException;
import org.apache.spark.TaskState;
import org.apache.spark.resource.ExecutorResourceRequests;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;
import org.apache.spark.scheduler.ExecutorDecommissionInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import org.apache.spark.scheduler.cluster.k8s.KubernetesClusterSchedulerBackend;
import org.junit.jupiter.api.Test;
import scala.Option;
import scala.Tuple2;
import scala.collection.immutable.Map$;

class BackendTest extends SparkTest {

    private static final String LOST_7 = """
            {"type": "lost", "executorId": 7, "profile": 0, "pod": "p-exec-7", "uid": "u",
             "cause": {"kind": "oomKilled", "message": "killed for its memory", "exitCode": 137, "appCaused": %s}}""";

    @Test
    void aWholeLifeSendsNoRequest() throws Exception {
        SparkContext sc = new SparkContext(conf()
                .set("spark.executor.instances", "3")
                .set("spark.kubernetes.executor.decommissionLabel", "gone")
                .set("spark.kubernetes.executor.enableApiPolling", "true")
                .set("spark.kubernetes.executor.apiPollingInterval", "1ms")
                .set("spark.kubernetes.driver.service.deleteOnTermination", "true")
                .set("spark.kubernetes.driver.ownPersistentVolumeClaim", "true"));
        StokerSchedulerBackend backend = backend(sc);
        assertInstanceOf(KubernetesClusterSchedulerBackend.class, backend);
        assertEquals("start", binding.awaitCall("start"));
        assertTrue(binding.awaitCall("setProfile").contains("\"cores\":{\"amount\":1}"));
        assertEquals("setTargets [0] [3]", binding.awaitCall("setTargets"));

        assertTrue(sc.requestTotalExecutors(5, 0, Map$.MODULE$.empty()));
        assertEquals("setTargets [0] [5]", binding.awaitCall("setTargets"));
        assertTrue(sc.requestExecutors(2));
        assertEquals("setTargets [0] [7]", binding.awaitCall("setTargets"));

        FakeExecutor executor = FakeExecutor.register(sc, backend, "7");
        assertEquals("registered 7", binding.awaitCall("registered"));
        assertTrue(backend.decommissionExecutor("7", new ExecutorDecommissionInfo("test", Option.empty()), false, false));
        assertEquals("decommission [7]", binding.awaitCall("decommission"));
        assertTrue(sc.killExecutor("7"));
        executor.awaitMessage("StopExecutor");
        assertEquals("kill [7]", binding.awaitCall("kill"));
        assertEquals("disconnected 7", binding.awaitCall("disconnected"));

        FakeExecutor last = FakeExecutor.register(sc, backend, "8");
        last.onMessage = message -> binding.calls.add("executor 8 got " + message);
        sc.stop();
        assertEquals("closing", binding.awaitCall("closing"));
        assertEquals("executor 8 got StopExecutor", binding.awaitCall("executor 8 got StopExecutor"), "it must not be replaced");
        assertEquals("stop", binding.awaitCall("stop"));
        assertEquals(List.of(), List.copyOf(server.requests));
        assertNoThreadLeft();
    }

    @Test
    void theAllocatorSeesTheRealConf() throws Exception {
        System.setProperty("stoker.test.image", "spark:1");
        SparkContext sc = new SparkContext(conf()
                .set("spark.kubernetes.executor.deleteOnTermination", "true")
                .set("spark.kubernetes.container.image", "${system:stoker.test.image}")
                .set("spark.authenticate", "true"));
        JsonNode start = binding.startMessage;
        assertEquals(Native.ABI_VERSION, start.path("abi").asInt());
        assertEquals(sc.applicationId(), start.path("appId").asText());
        assertEquals(sc.version(), start.path("sparkVersion").asText());
        assertEquals(sc.sparkUser(), start.path("sparkUser").asText());
        assertEquals(server.master(), start.path("master").asText());
        assertEquals(sc.env().securityManager().getSecretKey(), start.path("authSecret").asText());
        assertEquals("true", start.path("conf").path("spark.kubernetes.executor.deleteOnTermination").asText());
        assertEquals("spark:1", start.path("systemProperties").path("stoker.test.image").asText());
        String prefix = start.path("conf").path("spark.kubernetes.executor.podNamePrefix").asText();
        assertTrue(prefix.matches("seam-test-[0-9a-f]{16}"), prefix);
        assertEquals(prefix, sc.conf().get("spark.kubernetes.executor.podNamePrefix"));
    }

    @Test
    void whetherExecutorsCanBeHeldIsAnsweredAsSparkDoes() throws Exception {
        Optional<Method> supports = Arrays.stream(KubernetesClusterSchedulerBackend.class.getMethods())
                .filter(method -> method.getName().equals("supportsExecutorHold"))
                .findFirst();
        assumeTrue(supports.isPresent(), "Spark 4.3 asks for it");
        assertEquals(true, supports.get().invoke(backend(new SparkContext(conf()))));
    }

    @Test
    void aGivenPrefixAndApplicationIdStay() {
        SparkContext sc = new SparkContext(conf().set("spark.kubernetes.executor.podNamePrefix", "mine").set("spark.app.id", "app-1"));
        assertEquals("app-1", sc.applicationId());
        assertEquals("app-1", binding.startMessage.path("appId").asText());
        assertEquals("mine", binding.startMessage.path("conf").path("spark.kubernetes.executor.podNamePrefix").asText());
    }

    @Test
    void aLaterChangeOfTheConfIsHandedOver() throws Exception {
        SparkContext sc = new SparkContext(conf());
        sc.conf().set("spark.executor.memory", "3g");
        assertEquals(sc.applicationId(), awaitConf("spark.executor.memory", "3g").path("spark.app.id").asText());
    }

    @Test
    void aChangeThatCannotBeUsedStopsNothing() throws Exception {
        SparkContext sc = new SparkContext(conf());
        binding.confFailure = new AllocatorException("spark.executor.memory is no size", "invalidConfiguration", false);
        sc.conf().set("spark.executor.memory", "much");
        awaitConf("spark.executor.memory", "much");
        binding.confFailure = null;
        sc.conf().set("spark.executor.memory", "3g");
        awaitConf("spark.executor.memory", "3g");
        assertFalse(sc.isStopped());
    }

    private JsonNode awaitConf(String key, String value) throws InterruptedException {
        JsonNode conf = FakeBinding.next(binding.confs, "a new conf");
        while (!conf.path(key).asText().equals(value)) {
            conf = FakeBinding.next(binding.confs, "a new conf");
        }
        return conf;
    }

    @Test
    void profilesAreMadeKnownBeforeTheirTargets() throws Exception {
        SparkContext sc = new SparkContext(conf().set("spark.dynamicAllocation.enabled", "true")
                .set("spark.dynamicAllocation.shuffleTracking.enabled", "true"));
        ResourceProfile profile = new ResourceProfileBuilder()
                .require(new ExecutorResourceRequests().cores(4).memory("2g").resource("gpu", 1, "/find.sh", "nvidia.com"))
                .require(new TaskResourceRequests().cpus(1).resource("gpu", 1))
                .build();
        sc.resourceProfileManager().addResourceProfile(profile);
        binding.calls.clear();
        backend(sc).requestTotalExecutors(ScalaValues.map(Map.of(profile.id(), 2)), ScalaValues.map(Map.of()), Map$.MODULE$.empty());

        JsonNode message = FakeBinding.json(binding.awaitCall("setProfile").substring("setProfile ".length()).getBytes());
        assertEquals(profile.id(), message.path("id").asInt());
        assertEquals(4, message.path("executorResources").path("cores").path("amount").asInt());
        assertEquals(2048, message.path("executorResources").path("memory").path("amount").asInt());
        assertEquals("nvidia.com", message.path("executorResources").path("gpu").path("vendor").asText());
        assertEquals("/find.sh", message.path("executorResources").path("gpu").path("discoveryScript").asText());
        assertEquals("setTargets [" + profile.id() + "] [2]", binding.awaitCall("setTargets"));

        backend(sc).requestTotalExecutors(ScalaValues.map(Map.of(profile.id(), 1)), ScalaValues.map(Map.of()), Map$.MODULE$.empty());
        assertEquals("setTargets [" + profile.id() + "] [1]", FakeBinding.next(binding.calls, "the second target"));
    }

    @Test
    void aDeletedExecutorMayNotRegister() {
        SparkContext sc = new SparkContext(conf());
        binding.deleted.add(9L);
        SparkException refused = assertThrows(SparkException.class, () -> FakeExecutor.register(sc, backend(sc), "9"));
        assertTrue(refused.getCause().getMessage().contains("excluded"), refused.getCause().getMessage());
        assertFalse(binding.calls.contains("registered 9"));
    }

    @Test
    void aLossThatTheApplicationCausedIsBlamedOnIt() throws Exception {
        assertTrue(lossOf(LOST_7.formatted("true")).exitCausedByApp());
    }

    @Test
    void aLossThatIsNotTheApplicationsIsNot() throws Exception {
        assertFalse(lossOf(LOST_7.formatted("false")).exitCausedByApp());
    }

    /** How the task that ran on executor 7 failed when the allocator said this. */
    private ExecutorLostFailure lossOf(String notice) throws Exception {
        SparkContext sc = new SparkContext(conf());
        BlockingQueue<String> removals = new LinkedBlockingQueue<>();
        BlockingQueue<ExecutorLostFailure> failures = new LinkedBlockingQueue<>();
        sc.addSparkListener(new SparkListener() {
            @Override
            public void onExecutorRemoved(SparkListenerExecutorRemoved event) {
                removals.add(event.executorId() + ": " + event.reason());
            }

            @Override
            public void onTaskEnd(SparkListenerTaskEnd event) {
                failures.add((ExecutorLostFailure) event.reason());
            }
        });
        FakeExecutor executor = FakeExecutor.register(sc, backend(sc), "7");
        FutureTask<Long> job = job(sc);
        executor.awaitMessage("LaunchTask");
        ((TaskSchedulerImpl) sc.taskScheduler()).statusUpdate(0, TaskState.RUNNING(), ByteBuffer.allocate(0));
        binding.send(notice);

        assertEquals("7: killed for its memory", FakeBinding.next(removals, "the removal"));
        ExecutorLostFailure failure = FakeBinding.next(failures, "the failed task");
        assertEquals("7", failure.execId());
        assertEquals("disconnected 7", binding.awaitCall("disconnected"));
        sc.stop();
        assertInstanceOf(SparkException.class, failureOf(job));
        return failure;
    }

    @Test
    void theMinimumOfRegisteredExecutorsIsSparksOwn() throws Exception {
        SparkContext sc = new SparkContext(conf().set("spark.executor.instances", "2"));
        StokerSchedulerBackend backend = backend(sc);
        assertFalse(backend.sufficientResourcesRegistered());
        FakeExecutor.register(sc, backend, "1");
        assertFalse(backend.sufficientResourcesRegistered());
        FakeExecutor.register(sc, backend, "2");
        assertTrue(backend.sufficientResourcesRegistered());
    }

    @Test
    void aRequestIsAnswered() throws Exception {
        FakeClusterManager.requestHandler = payload -> Messages.object().put("echo", payload.path("pod").asText());
        SparkContext sc = new SparkContext(conf());
        binding.send("{\"type\": \"request\", \"requestId\": 41, \"payload\": {\"pod\": \"p\"}}");
        assertEquals("answer 41", binding.awaitCall("answer"));
        assertEquals("{\"ok\":{\"echo\":\"p\"}}", FakeBinding.next(binding.answers, "an answer").toString());
        assertFalse(sc.isStopped());
    }

    @Test
    void aRequestThatFailsIsAnsweredToo() throws Exception {
        SparkContext sc = new SparkContext(conf());
        binding.send("{\"type\": \"request\", \"requestId\": 42, \"payload\": {\"kind\": \"other\"}}");
        assertEquals("answer 42", binding.awaitCall("answer"));
        String error = FakeBinding.next(binding.answers, "an answer").path("error").asText();
        assertTrue(error.contains("the kind 'other'"), error);
        assertFalse(sc.isStopped());
    }

    @Test
    void anErrorInARequestIsAnsweredToo() throws Exception {
        FakeClusterManager.requestHandler = payload -> {
            throw new StackOverflowError("too deep");
        };
        SparkContext sc = new SparkContext(conf());
        binding.send("{\"type\": \"request\", \"requestId\": 43, \"payload\": {}}");
        assertEquals("{\"error\":\"too deep\"}", FakeBinding.next(binding.answers, "an answer").toString());
        assertFalse(sc.isStopped());
    }

    @Test
    void aSecondContextInTheSameJvmWorks() throws Exception {
        new SparkContext(conf()).stop();
        FakeBinding second = new FakeBinding();
        FakeClusterManager.binding = second;
        SparkContext sc = new SparkContext(conf());
        assertEquals("start", second.awaitCall("start"));
        sc.stop();
        assertEquals("stop", second.awaitCall("stop"));
        assertNoThreadLeft();
    }

    /** Spark's executor plugins get at the client in this way, where the version has them. */
    @Test
    void theClientOfPluginsIsTheLazyOne() throws Exception {
        SparkContext sc = new SparkContext(conf());
        Optional<Method> accessor = Arrays.stream(KubernetesClusterSchedulerBackend.class.getMethods())
                .filter(method -> method.getName().endsWith("kubernetesClient") && method.getParameterCount() == 0)
                .findAny();
        assumeTrue(accessor.isPresent(), "Spark " + sc.version() + " has no such plugins");
        KubernetesClient client = (KubernetesClient) accessor.get().invoke(backend(sc));
        assertThrows(KubernetesClientException.class, () -> client.pods().inNamespace("ns").list());
        assertEquals(List.of("GET /api/v1/namespaces/ns/pods"), List.copyOf(server.requests));
        sc.stop();
        assertThrows(IllegalStateException.class, client::pods);
    }

    @Test
    void decommissioningThatAnExecutorBeganMarksNoPod() throws Exception {
        SparkContext sc = new SparkContext(conf());
        FakeExecutor.register(sc, backend(sc), "7");
        @SuppressWarnings({"unchecked", "rawtypes"})
        Tuple2<String, ExecutorDecommissionInfo>[] one = new Tuple2[] {
            new Tuple2<>("7", new ExecutorDecommissionInfo("node goes", Option.empty()))
        };
        assertEquals(List.of("7"), ScalaCollections.list(backend(sc).decommissionExecutors(one, false, true)));
        sc.stop();
        assertFalse(binding.calls.stream().anyMatch(call -> call.startsWith("decommission")), binding.calls.toString());
    }
}
