package io.stoker.spark;

import com.codahale.metrics.Counter;
import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apache.spark.metrics.source.Source;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The allocator's figures in Spark's metrics system. Their names and kinds come from the native side, as {@code docs/metrics.md} lists
 * them. All metrics of one report are of one native call.
 */
final class MetricsSource implements Source {

    private static final Logger LOG = LoggerFactory.getLogger(MetricsSource.class);
    private static final String NAME = "stoker";
    private static final String COUNTERS = "counters";
    private static final String GAUGES = "gauges";
    private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final AllocatorBinding binding;
    private final LongSupplier nanoTime;
    private final MetricRegistry registry = new MetricRegistry();

    private JsonNode figures;
    private long readAt;
    private boolean frozen;

    private MetricsSource(AllocatorBinding binding, LongSupplier nanoTime, JsonNode figures) {
        this.binding = binding;
        this.nanoTime = nanoTime;
        this.figures = figures;
        this.readAt = nanoTime.getAsLong();
        for (Iterator<String> names = figures.required(COUNTERS).fieldNames(); names.hasNext(); ) {
            String name = names.next();
            registry.register(name, new Counter() {
                @Override
                public long getCount() {
                    return number(COUNTERS, name).longValue();
                }
            });
        }
        for (Iterator<String> names = figures.required(GAUGES).fieldNames(); names.hasNext(); ) {
            String name = names.next();
            registry.register(name, (Gauge<Number>) () -> number(GAUGES, name));
        }
    }

    /** Null where the allocator has no figures now; it may have some later. */
    static MetricsSource of(AllocatorBinding binding, LongSupplier nanoTime) {
        JsonNode figures = read(binding);
        return figures == null ? null : new MetricsSource(binding, nanoTime, figures);
    }

    @Override
    public String sourceName() {
        return NAME;
    }

    @Override
    public MetricRegistry metricRegistry() {
        return registry;
    }

    /** Reads the figures for the last time: Spark makes its last report after the allocator has stopped. */
    synchronized void freeze() {
        refresh();
        frozen = true;
    }

    private synchronized Number number(String kind, String name) {
        if (!frozen && nanoTime.getAsLong() - readAt >= FRESH_NANOS) {
            refresh();
        }
        return figures.required(kind).required(name).numberValue();
    }

    /** What the allocator does not answer stays as it was. */
    private void refresh() {
        JsonNode now = read(binding);
        if (now != null) {
            figures = now;
        }
        readAt = nanoTime.getAsLong();
    }

    private static JsonNode read(AllocatorBinding binding) {
        try {
            byte[] message = binding.metrics();
            return message == null ? null : Messages.tree(message);
        } catch (AllocatorException e) {
            LOG.debug("The allocator has no metrics.", e);
            return null;
        }
    }
}
