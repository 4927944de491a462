package io.stoker.spark;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.deploy.security.HadoopDelegationTokenManager;
import org.apache.spark.scheduler.ExecutorKilled$;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import scala.Option;

/**
 * Spark's backend for Kubernetes with the native allocator in it. It extends Spark's own because Spark's executor plugins look
 * for that class; what it inherits makes no API call, as it sees the conf of {@link #conf()}.
 */
final class StokerSchedulerBackend extends SchedulerBackendShim {

    private final SparkContext sc;
    private final StokerPodsAllocator allocator;
    private final Set<String> registered = ConcurrentHashMap.newKeySet();

    /** Set by {@link #conf()} during the super-constructor: an initialiser here would undo that. */
    private volatile SparkConf inertConf;

    StokerSchedulerBackend(TaskSchedulerImpl scheduler, SparkContext sc, StockParts parts, StokerPodsAllocator allocator) {
        super(scheduler, sc, parts, allocator);
        this.sc = sc;
        this.allocator = allocator;
    }

    /** What Spark's own code in the super-classes sees. Null until the first super-constructor has set it. */
    @Override
    public SparkConf conf() {
        SparkConf real = super.conf();
        if (inertConf == null && real != null) {
            inertConf = StockParts.inertConf(real);
        }
        return inertConf;
    }

    @Override
    public void start() {
        sc.addSparkListener(new SparkListener() {
            @Override
            public void onExecutorRemoved(SparkListenerExecutorRemoved event) {
                if (registered.remove(event.executorId())) {
                    allocator.disconnected(event.executorId());
                }
            }
        });
        super.start();
    }

    /** Called by the super-constructor. */
    @Override
    public DriverEndpoint createDriverEndpoint() {
        return PodAllocators.hasController(new Settings(conf())) ? new AskingDriverEndpoint(this) : super.createDriverEndpoint();
    }

    /** The id of the executor in a pod of a controller, {@link ExecutorIds#NONE} where it is none of this application's. */
    long executorIdFor(String pod) {
        return allocator.executorIdFor(pod);
    }

    boolean isContextStopped() {
        return sc.isStopped();
    }

    /** As Spark's own, with the conf that users set: providers of tokens are given it, now and with each renewal. */
    @Override
    public Option<HadoopDelegationTokenManager> createTokenManager() {
        return Option.apply(new HadoopDelegationTokenManager(sc.conf(), sc.hadoopConfiguration(), driverEndpoint()));
    }

    @Override
    public void stop() {
        allocator.closing();
        try {
            super.stop();
        } finally {
            allocator.shutDown();
        }
    }

    /** Spark asks this once for each executor that registers, and takes it in where the answer is no. */
    @Override
    public boolean isExecutorExcluded(String executorId, String hostname) {
        boolean excluded = super.isExecutorExcluded(executorId, hostname);
        if (!excluded) {
            registered.add(executorId);
            allocator.registered(executorId);
        }
        return excluded;
    }

    /**
     * As Spark does it: the executors are told to go, and those that stay are deleted after the grace period. The allocator
     * hears of it first, so that to it the end of their connections is part of the kill.
     */
    @Override
    void killExecutors(List<String> executorIds) {
        allocator.kill(ExecutorIds.parse(executorIds));
        for (String id : executorIds) {
            removeExecutor(id, ExecutorKilled$.MODULE$);
        }
    }

    @Override
    void decommissioning(List<String> executorIds) {
        allocator.decommission(ExecutorIds.parse(executorIds));
    }
}
