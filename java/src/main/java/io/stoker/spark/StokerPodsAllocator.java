package io.stoker.spark;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkException;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.scheduler.ExecutorExited;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import org.apache.spark.scheduler.cluster.k8s.AbstractPodsAllocator;
import org.apache.spark.scheduler.cluster.k8s.KubernetesClusterSchedulerBackend;
import org.apache.spark.util.ShutdownHookManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;
import scala.runtime.BoxedUnit;

/** Hands Spark's wishes to the native allocator and the allocator's notices to Spark. Decides nothing. */
final class StokerPodsAllocator extends AbstractPodsAllocator {

    /** Leaves Spark's own part of a stop two of the ten seconds that it may take. */
    static final long STOP_MILLIS = 8_000;

    private static final Logger LOG = LoggerFactory.getLogger(StokerPodsAllocator.class);
    private static final long PUMP_END_MILLIS = 2_000;
    private static final String APPLICATION_ID = "spark.app.id";
    private static final String INVALID_CONFIGURATION = "invalidConfiguration";

    /** After Spark's own hook (50), which stops the context, and before the removal of temporary directories (25). */
    private static final int SHUTDOWN_PRIORITY = 40;

    private final SparkContext sc;
    private final TaskSchedulerImpl scheduler;
    private final String masterUrl;
    private final Optional<String> podTemplate;
    private final AllocatorBinding binding;
    private final Termination termination;
    private final LogPump logs;
    private final NoticePump notices;
    private final Requests requests;

    private final Set<Integer> knownProfiles = new HashSet<>();
    private Map<String, String> sentConf = Collections.emptyMap();

    private volatile KubernetesClusterSchedulerBackend backend;
    private volatile boolean stopping;
    private MetricsSource metrics;
    private final AtomicBoolean stopClaimed = new AtomicBoolean();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile Object shutdownHook;

    StokerPodsAllocator(
            SparkContext sc,
            TaskSchedulerImpl scheduler,
            String masterUrl,
            Optional<String> podTemplate,
            AllocatorBinding binding,
            Requests.Handler requestHandler,
            Termination termination) {
        this.sc = sc;
        this.scheduler = scheduler;
        this.masterUrl = masterUrl;
        this.podTemplate = podTemplate;
        this.binding = binding;
        this.termination = termination;
        this.logs = new LogPump(binding);
        this.notices = new NoticePump(binding, new NoticeListener());
        this.requests = new Requests(binding, requestHandler);
    }

    @Override
    public void start(String applicationId, KubernetesClusterSchedulerBackend schedulerBackend) {
        backend = schedulerBackend;
        Map<String, String> conf = Messages.entries(sc.conf());
        logs.start();
        try {
            String authSecret = sc.env().securityManager().getSecretKey();
            binding.start(Messages.start(conf, sc.version(), applicationId, sc.sparkUser(), authSecret, masterUrl, podTemplate));
        } catch (RuntimeException e) {
            shutDown();
            throw Unchecked.cast(new SparkException("Stoker could not start: " + e.getMessage(), e));
        }
        synchronized (this) {
            sentConf = conf;
        }
        shutdownHook = ShutdownHookManager.addShutdownHook(SHUTDOWN_PRIORITY, () -> {
            shutDown();
            return BoxedUnit.UNIT;
        });
        notices.start();
    }

    @Override
    public synchronized void setTotalExpectedExecutors(scala.collection.immutable.Map<ResourceProfile, Object> targets) {
        if (stopping) {
            return;
        }
        sendConfIfChanged();
        Map<ResourceProfile, Object> byProfile = ScalaCollections.map(targets);
        int[] profileIds = new int[byProfile.size()];
        int[] counts = new int[profileIds.length];
        int i = 0;
        for (Map.Entry<ResourceProfile, Object> target : byProfile.entrySet()) {
            ResourceProfile profile = target.getKey();
            if (knownProfiles.add(profile.id())) {
                binding.setProfile(Messages.profile(profile));
            }
            profileIds[i] = profile.id();
            counts[i] = (Integer) target.getValue();
            i++;
        }
        binding.setTargets(profileIds, counts);
    }

    /** Only Spark's own allocators ask for it. */
    @Override
    public Option<Pod> driverPod() {
        return Option.empty();
    }

    @Override
    public boolean isDeleted(String executorId) {
        long id = ExecutorIds.parse(executorId);
        return id != ExecutorIds.NONE && !stopping && binding.isDeleted(id);
    }

    /** Spark's backend would call it; the conf that it sees keeps it from that, as {@link #shutDown} has to run in any case. */
    @Override
    public void stop(String applicationId) {
        shutDown();
    }

    void registered(String executorId) {
        long id = ExecutorIds.parse(executorId);
        if (id != ExecutorIds.NONE && !stopping) {
            binding.registered(id);
        }
    }

    void disconnected(String executorId) {
        long id = ExecutorIds.parse(executorId);
        if (id != ExecutorIds.NONE && !stopping) {
            binding.disconnected(id);
        }
    }

    /** Executors ask for their ids where a controller makes their pods. */
    long executorIdFor(String pod) {
        return stopping || pod == null ? ExecutorIds.NONE : binding.executorIdFor(pod);
    }

    void kill(long[] executorIds) {
        if (!stopping) {
            binding.kill(executorIds);
        }
    }

    void decommission(long[] executorIds) {
        if (!stopping) {
            binding.decommission(executorIds);
        }
    }

    /**
     * Spark is about to tell its executors to go. From here on none is replaced, a lost one is no news, and the end of the notices
     * is no failure.
     */
    void closing() {
        stopping = true;
        try {
            binding.closing();
        } catch (AllocatorException e) {
            LOG.debug("The allocator has ended before Spark: {}", e.getMessage());
        }
    }

    /**
     * Stops the native allocator. A second caller (the shutdown hook, while another thread stops the context) waits, bounded,
     * for the first one, so that the JVM does not end before what was made is released.
     */
    void shutDown() {
        stopping = true;
        if (!stopClaimed.compareAndSet(false, true)) {
            awaitStopped();
            return;
        }
        freezeMetrics();
        try {
            binding.stop(STOP_MILLIS);
        } catch (AllocatorException e) {
            LOG.warn("The allocator did not stop cleanly; executor pods may be left: {}", e.getMessage(), e);
        } finally {
            requests.close();
            notices.awaitEnd(PUMP_END_MILLIS);
            logs.close();
            if (shutdownHook != null) {
                ShutdownHookManager.removeShutdownHook(shutdownHook);
            }
            stopped.countDown();
        }
    }

    private void awaitStopped() {
        try {
            if (!stopped.await(STOP_MILLIS + PUMP_END_MILLIS, TimeUnit.MILLISECONDS)) {
                LOG.warn("The allocator is still stopping; executor pods may be left.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void sendConfIfChanged() {
        Map<String, String> conf = Messages.entries(sc.conf());
        if (conf.equals(sentConf)) {
            return;
        }
        sentConf = conf;
        try {
            binding.updateConf(Messages.conf(conf));
        } catch (AllocatorException e) {
            if (!e.kind().equals(INVALID_CONFIGURATION)) {
                throw e;
            }
            LOG.warn("The changed configuration cannot be used; new executors are made from the one before: {}", e.getMessage());
        }
    }

    /** Spark names metrics by the application's id, which it may set after the start. The source goes with the metrics system. */
    private synchronized void registerMetrics() {
        if (metrics == null && !stopping && sc.conf().contains(APPLICATION_ID)) {
            metrics = MetricsSource.of(binding, System::nanoTime);
            if (metrics != null) {
                sc.env().metricsSystem().registerSource(metrics);
            }
        }
    }

    private synchronized void freezeMetrics() {
        if (metrics != null) {
            metrics.freeze();
        }
    }

    private void fail(String message, Throwable cause) {
        if (!stopping) {
            termination.stopContext(sc, scheduler, message, cause);
        }
    }

    /** Runs on the thread of the notice pump. */
    private final class NoticeListener implements NoticePump.Listener {

        @Override
        public void notice(JsonNode notice) {
            String type = notice.required("type").asText();
            switch (type) {
                case "ready":
                    LOG.info("The allocator is ready.");
                    break;
                case "created":
                case "running":
                case "released":
                    LOG.debug("Executor {} {}: pod {}", notice.required("executorId").asLong(), type, notice.required("pod").asText());
                    break;
                case "lost":
                    lost(notice.required("executorId").asText(), notice.required("cause"));
                    break;
                case "waiting":
                    LOG.warn("Executors of resource profile {} have to wait: {}",
                            notice.required("profile").asInt(), notice.required("message").asText());
                    break;
                case "request":
                    requests.accept(notice.required("requestId").asLong(), notice.required("payload"));
                    break;
                case "abort":
                    if (!stopping) {
                        termination.exit(notice.required("exitCode").asInt(), notice.required("message").asText());
                    }
                    break;
                case "fatal":
                    fail(notice.required("message").asText(), null);
                    break;
                default:
                    throw new IllegalArgumentException("The native library sent a notice of the unknown type " + type + ".");
            }
        }

        private void lost(String executorId, JsonNode cause) {
            if (!stopping) {
                backend.doRemoveExecutor(executorId, new ExecutorExited(
                        cause.required("exitCode").asInt(), cause.required("appCaused").asBoolean(), cause.required("message").asText()));
            }
        }

        @Override
        public void tick() {
            if (!stopping) {
                sendConfIfChanged();
                registerMetrics();
            }
        }

        @Override
        public void ended(Throwable cause) {
            fail("The native allocator ended unexpectedly" + (cause == null ? "." : ": " + cause.getMessage()), cause);
        }
    }
}
