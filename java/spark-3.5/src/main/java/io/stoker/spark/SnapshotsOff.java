package io.stoker.spark;

import io.fabric8.kubernetes.api.model.Pod;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsSnapshot;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsSnapshotsStore;
import scala.Function1;
import scala.collection.Seq;
import scala.runtime.BoxedUnit;

/** A snapshots store that nobody hears from: the native side watches the pods. */
final class SnapshotsOff implements ExecutorPodsSnapshotsStore {

    @Override
    public void addSubscriber(long intervalMillis, Function1<Seq<ExecutorPodsSnapshot>, BoxedUnit> onNewSnapshots) {}

    @Override
    public void stop() {}

    @Override
    public void notifySubscribers() {}

    @Override
    public void updatePod(Pod pod) {}

    @Override
    public void replaceSnapshot(Seq<Pod> pods) {}
}
