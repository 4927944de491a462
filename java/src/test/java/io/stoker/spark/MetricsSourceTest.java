package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.codahale.metrics.MetricRegistry;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.metrics.source.Source;
import org.junit.jupiter.api.Test;

class MetricsSourceTest extends SparkTest {

    private static final String FIGURES = "{\"counters\": {\"losses.total\": %d}, \"gauges\": {\"executors.live\": %d, \"latencyMs.p99\": 1.25}}";

    private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE);

    private void figures(int losses, int live) {
        binding.metrics = String.format(FIGURES, losses, live).getBytes(StandardCharsets.UTF_8);
    }

    private MetricRegistry registry() {
        return MetricsSource.of(binding, clock::get).metricRegistry();
    }

    private static Object gauge(MetricRegistry registry, String name) {
        return registry.getGauges().get(name).getValue();
    }

    @Test
    void aReportMakesOneNativeCallHoweverManyMetricsItHas() {
        figures(1, 2);
        MetricRegistry registry = registry();
        figures(3, 4);
        for (int i = 0; i < 100; i++) {
            assertEquals(2, gauge(registry, "executors.live"));
            assertEquals(1, registry.getCounters().get("losses.total").getCount());
        }
        assertEquals(1, binding.metricsCalls.get());
        // The clock of the JVM may overflow.
        clock.addAndGet(TimeUnit.SECONDS.toNanos(1));
        assertEquals(4, gauge(registry, "executors.live"));
        assertEquals(3, registry.getCounters().get("losses.total").getCount());
        assertEquals(1.25, gauge(registry, "latencyMs.p99"));
        assertEquals(2, binding.metricsCalls.get());
    }

    @Test
    void anAllocatorThatDoesNotAnswerLeavesTheFiguresAsTheyWere() {
        assertNull(MetricsSource.of(binding, clock::get), "there are none yet");
        figures(1, 2);
        MetricRegistry registry = registry();
        binding.metrics = null;
        clock.addAndGet(TimeUnit.SECONDS.toNanos(5));
        assertEquals(2, gauge(registry, "executors.live"));
        binding.metricsFailure = new AllocatorException("closed", "staleHandle", false);
        clock.addAndGet(TimeUnit.SECONDS.toNanos(5));
        assertEquals(2, gauge(registry, "executors.live"));
    }

    @Test
    void theDriversPagesHaveTheFiguresUnderTheApplicationsId() throws Exception {
        figures(7, 5);
        SparkContext sc = new SparkContext(conf("app-1"));
        String prometheus = await(sc, "/metrics/prometheus", "metrics_app_1_driver_stoker_");
        assertTrue(prometheus.contains("\nmetrics_app_1_driver_stoker_losses_total_Count{type=\"counters\"} 7\n"), prometheus);
        assertTrue(prometheus.contains("\nmetrics_app_1_driver_stoker_executors_live_Value{type=\"gauges\"} 5\n"), prometheus);
        assertTrue(prometheus.contains("\nmetrics_app_1_driver_stoker_latencyMs_p99_Value{type=\"gauges\"} 1.25\n"), prometheus);

        JsonNode json = FakeBinding.json(await(sc, "/metrics/json", "app-1.driver.stoker.").getBytes(StandardCharsets.UTF_8));
        assertEquals(7, json.path("counters").path("app-1.driver.stoker.losses.total").path("count").asInt());
        assertEquals(5, json.path("gauges").path("app-1.driver.stoker.executors.live").path("value").asInt());
    }

    /** In client mode Spark sets it after the allocator has started. */
    @Test
    void anApplicationIdThatIsMadeUpIsAwaited() throws Exception {
        figures(0, 0);
        SparkContext sc = new SparkContext(conf(null));
        await(sc, "/metrics/json", sc.applicationId() + ".driver.stoker.executors.live");
    }

    @Test
    void theLastReportHasTheLastFigures() throws Exception {
        figures(0, 5);
        SparkContext sc = new SparkContext(conf("app-1"));
        await(sc, "/metrics/json", "stoker.executors.live");
        List<Source> sources = ScalaCollections.list(sc.env().metricsSystem().getSourcesByName("stoker"));
        assertEquals(1, sources.size(), "registered once");
        MetricRegistry registry = sources.get(0).metricRegistry();
        figures(2, 1);
        sc.stop();
        int calls = binding.metricsCalls.get();
        figures(9, 9);
        assertEquals(1, gauge(registry, "executors.live"));
        assertEquals(2, registry.getCounters().get("losses.total").getCount());
        assertEquals(calls, binding.metricsCalls.get(), "a stopped allocator is left alone");
    }

    @Test
    void withoutFiguresTheApplicationRunsOn() throws Exception {
        binding.metricsFailure = new AllocatorException("a defect", "panic", false);
        SparkContext sc = new SparkContext(conf("app-1"));
        while (binding.metricsCalls.get() == 0) {
            assertNotNull(FakeBinding.next(binding.noticeCalls, "a call for notices"));
        }
        assertFalse(sc.isStopped());
        sc.stop();
    }

    private SparkConf conf(String applicationId) {
        SparkConf conf = conf()
                .set("spark.ui.enabled", "true")
                .set("spark.ui.port", "0")
                .set("spark.metrics.conf.*.sink.prometheusServlet.class", "org.apache.spark.metrics.sink.PrometheusServlet")
                .set("spark.metrics.conf.*.sink.prometheusServlet.path", "/metrics/prometheus");
        return applicationId == null ? conf : conf.set("spark.app.id", applicationId);
    }

    /** The page, as soon as it contains this. */
    private static String await(SparkContext sc, String path, String text) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(FakeBinding.WAIT_SECONDS);
        while (true) {
            String page;
            try (InputStream in = URI.create(sc.uiWebUrl().get() + path).toURL().openStream()) {
                page = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            }
            if (page.contains(text)) {
                return page;
            }
            assertTrue(System.nanoTime() < deadline, () -> text + " is not on the page: " + page);
            Thread.yield();
        }
    }
}
