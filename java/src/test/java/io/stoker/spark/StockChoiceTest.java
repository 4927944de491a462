package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.deploy.k8s.Config;
import org.apache.spark.scheduler.SchedulerBackend;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsAllocator;
import org.apache.spark.scheduler.cluster.k8s.KubernetesClusterSchedulerBackend;
import org.apache.spark.scheduler.local.LocalSchedulerBackend;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When Spark's own code runs. */
class StockChoiceTest extends SparkTest {

    @Test
    void aLocalDriverMasterRunsTasksInTheDriver() {
        SparkContext sc = new SparkContext(conf().set("spark.kubernetes.driver.master", "local[2]").set("spark.app.id", "kept"));
        assertInstanceOf(LocalSchedulerBackend.class, sc.schedulerBackend());
        // Spark 3.5 makes one of its own.
        assertEquals(sc.version().startsWith("3.5.") ? "local" : "kept", sc.applicationId().split("-")[0]);
        assertEquals(3, JavaSparkContext.fromSparkContext(sc).parallelize(List.of(1, 2, 3), 2).count());
        assertTrue(binding.calls.isEmpty());
    }

    @ParameterizedTest
    @CsvSource({
        "spark.stoker.enabled, false",
        "spark.kubernetes.allocation.pods.allocator, org.apache.spark.scheduler.cluster.k8s.ExecutorPodsAllocator",
    })
    void sparksOwnBackendIsMade(String key, String value) {
        SparkContext sc = new SparkContext(conf().setMaster("local[1]"));
        sc.conf().set(key, value)
                .set("spark.kubernetes.executor.deleteOnTermination", "false")
                .set("spark.kubernetes.driver.service.deleteOnTermination", "false");
        FakeClusterManager manager = new FakeClusterManager();
        SchedulerBackend backend =
                manager.createSchedulerBackend(sc, server.master(), manager.createTaskScheduler(sc, server.master()));
        assertEquals(KubernetesClusterSchedulerBackend.class, backend.getClass());
        backend.stop();
    }

    @Test
    void theDefaultIsStoker() {
        SparkConf conf = new SparkConf(false);
        assertTrue(StokerClusterManager.usesStoker(conf));
        assertTrue(StokerClusterManager.usesStoker(conf.set("spark.kubernetes.allocation.pods.allocator", "direct")));
        assertTrue(!StokerClusterManager.usesStoker(
                conf.set("spark.kubernetes.allocation.pods.allocator", ExecutorPodsAllocator.class.getName())));
    }

    @Test
    void referencesToOtherSettingsAreReplaced() {
        SparkConf conf = new SparkConf(false).set("spark.kubernetes.driver.master", "${spark.test.master}[2]");
        assertTrue(StokerClusterManager.usesStoker(conf));
        assertTrue(!StokerClusterManager.usesStoker(conf.set("spark.test.master", "local")));
    }

    /** Spark's own entries have the same values and defaults. */
    @Test
    void settingsAreSparksOwn() {
        assertSettingsAreSparksOwn(new SparkConf(false));
        assertSettingsAreSparksOwn(new SparkConf(false)
                .set("spark.kubernetes.allocation.pods.allocator", "statefulset")
                .set("spark.kubernetes.driver.master", "https://${spark.kubernetes.namespace}.example.org")
                .set("spark.kubernetes.namespace", "ns")
                .set("spark.kubernetes.executor.podTemplateFile", "/t.yaml")
                .set("spark.kubernetes.submitInDriver", "true"));
    }

    private static void assertSettingsAreSparksOwn(SparkConf conf) {
        Settings settings = new Settings(conf);
        assertEquals(conf.get(Config.KUBERNETES_ALLOCATION_PODS_ALLOCATOR()), settings.allocator());
        assertEquals(conf.get(Config.KUBERNETES_DRIVER_MASTER_URL()), settings.driverMaster());
        assertEquals(conf.get(Config.KUBERNETES_NAMESPACE()), settings.namespace());
        assertEquals(conf.get(Config.KUBERNETES_EXECUTOR_PODTEMPLATE_FILE()).getOrElse(() -> null), settings.podTemplateFile().orElse(null));
        assertEquals(conf.get(Config.KUBERNETES_DRIVER_SUBMIT_CHECK()), settings.submittedInDriver());
    }

    @Test
    void controllersAreStokersUnlessTheirPodsAreToBeCustomised() {
        for (String allocator : new String[] {"statefulset", "deployment"}) {
            SparkConf conf = new SparkConf(false).set("spark.kubernetes.allocation.pods.allocator", allocator);
            boolean known = allocator.equals("statefulset") || PodAllocators.hasController(new Settings(conf));
            assertEquals(known, StokerClusterManager.usesStoker(conf), allocator);
            conf.set("spark.kubernetes.executor.pod.featureSteps", "example.Step");
            assertTrue(!StokerClusterManager.usesStoker(conf), allocator);
        }
    }

    @Test
    void aValueThatIsNoBooleanIsRefused() {
        SparkConf conf = new SparkConf(false).set("spark.stoker.enabled", "maybe");
        assertThrows(IllegalArgumentException.class, () -> StokerClusterManager.usesStoker(conf));
    }

    @Test
    void theServiceEntryNamesTheManager() throws Exception {
        String service = "META-INF/services/org.apache.spark.scheduler.ExternalClusterManager";
        String name = StokerClusterManager.class.getName();
        boolean found = false;
        for (java.net.URL url : java.util.Collections.list(StokerClusterManager.class.getClassLoader().getResources(service))) {
            try (java.io.InputStream in = url.openStream()) {
                found |= new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).strip().equals(name);
            }
        }
        assertTrue(found);
        assertTrue(new StokerClusterManager().canCreate("k8s://https://example.org"));
    }
}
