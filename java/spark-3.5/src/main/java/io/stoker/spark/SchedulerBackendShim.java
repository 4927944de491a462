package io.stoker.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.ExecutorDecommissionInfo;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import org.apache.spark.scheduler.cluster.k8s.AbstractPodsAllocator;
import org.apache.spark.scheduler.cluster.k8s.KubernetesClusterSchedulerBackend;
import scala.Tuple2;
import scala.collection.Seq;
import scala.concurrent.Future;

/** The methods of Spark's backend whose signatures have the {@code Seq} of Scala 2.12. */
abstract class SchedulerBackendShim extends KubernetesClusterSchedulerBackend {

    SchedulerBackendShim(TaskSchedulerImpl scheduler, SparkContext sc, StockParts parts, AbstractPodsAllocator allocator) {
        super(scheduler, sc, parts.client, parts.executor, parts.snapshots, allocator, parts.lifecycle, parts.watch, parts.poll);
    }

    /** Makes these executors go; returns without waiting for it. */
    abstract void killExecutors(List<String> executorIds);

    /** Called before Spark decommissions these executors by a decision of its own. */
    abstract void decommissioning(List<String> executorIds);

    @Override
    public Future<Object> doKillExecutors(Seq<String> executorIds) {
        killExecutors(ScalaCollections.list(executorIds));
        return Future.successful(true);
    }

    @Override
    public Seq<String> decommissionExecutors(
            Tuple2<String, ExecutorDecommissionInfo>[] executors, boolean adjustTarget, boolean triggeredByExecutor) {
        if (!triggeredByExecutor) {
            List<String> ids = new ArrayList<>();
            for (Tuple2<String, ExecutorDecommissionInfo> executor : executors) {
                ids.add(executor._1());
            }
            decommissioning(ids);
        }
        return super.decommissionExecutors(executors, adjustTarget, triggeredByExecutor);
    }
}
