package io.stoker.spark;

import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.k8s.KubernetesDriverConf;
import org.apache.spark.deploy.k8s.KubernetesExecutorConf;
import org.apache.spark.deploy.k8s.SparkPod;
import org.apache.spark.deploy.k8s.features.KubernetesDriverCustomFeatureConfigStep;
import org.apache.spark.deploy.k8s.features.KubernetesExecutorCustomFeatureConfigStep;
import org.apache.spark.deploy.k8s.features.KubernetesFeatureConfigStep;
import scala.collection.immutable.Seq;

/** Feature steps as users write them. Public, as Spark makes them by their names. */
public final class SampleSteps {

    private SampleSteps() {}

    static SparkPod labelled(SparkPod pod, String key, String value) {
        return SparkPod.apply(
                new PodBuilder(pod.pod()).editMetadata().addToLabels(key, value).endMetadata().build(), pod.container());
    }

    /** Uses everything that a step of an executor is given. */
    public static final class Full implements KubernetesExecutorCustomFeatureConfigStep {
        private static final AtomicInteger INSTANCES = new AtomicInteger();

        private final int instance = INSTANCES.incrementAndGet();
        private KubernetesExecutorConf conf;

        public Full() {}

        @Override
        public void init(KubernetesExecutorConf executorConf) {
            conf = executorConf;
        }

        @Override
        public SparkPod configurePod(SparkPod pod) {
            SparkConf sparkConf = conf.sparkConf();
            PodBuilder labels = new PodBuilder(pod.pod()).editMetadata()
                    .addToLabels("team", sparkConf.get("spark.test.team"))
                    .addToLabels("instance", "i" + instance)
                    .addToLabels("containers-seen", String.valueOf(pod.pod().getSpec().getContainers().size()))
                    .addToLabels("driver", conf.driverPod().isDefined() ? conf.driverPod().get().getMetadata().getName() : "none")
                    .endMetadata();
            return SparkPod.apply(labels.build(), new ContainerBuilder(pod.container())
                    .addNewEnv().withName("WHO").withValue(conf.appId() + "/" + conf.executorId() + "/" + conf.resourceProfileId()).endEnv()
                    .build());
        }

        @Override
        public Seq<HasMetadata> getAdditionalKubernetesResources() {
            String name = "claim-" + conf.executorId();
            return ScalaValues.list(
                    new PersistentVolumeClaimBuilder().withNewMetadata().withName(name).endMetadata()
                            .withNewSpec().withAccessModes("ReadWriteOnce").endSpec().build(),
                    new ConfigMapBuilder().withNewMetadata().withName(name).endMetadata().addToData("k", "v").build());
        }
    }

    /** Shows that it ran after the other one. */
    public static final class Second implements KubernetesFeatureConfigStep {
        public Second() {}

        @Override
        public SparkPod configurePod(SparkPod pod) {
            return labelled(pod, "second-saw", pod.pod().getMetadata().getLabels().getOrDefault("team", "nothing"));
        }
    }

    /** For drivers only. */
    public static final class ForDrivers implements KubernetesDriverCustomFeatureConfigStep {
        public ForDrivers() {}

        @Override
        public void init(KubernetesDriverConf conf) {}

        @Override
        public SparkPod configurePod(SparkPod pod) {
            return pod;
        }
    }

    /** No feature step at all. */
    public static final class NoStep {
        public NoStep() {}
    }

    /** Cannot be made. */
    public static final class Unmakeable implements KubernetesFeatureConfigStep {
        public Unmakeable() {
            throw new IllegalStateException("not today");
        }

        @Override
        public SparkPod configurePod(SparkPod pod) {
            return pod;
        }
    }

    /** Returns nothing. */
    public static final class Nothing implements KubernetesFeatureConfigStep {
        public Nothing() {}

        @Override
        public SparkPod configurePod(SparkPod pod) {
            return null;
        }
    }

    /** Fails on the pod of executor 2 only. */
    public static final class Picky implements KubernetesFeatureConfigStep {
        public Picky() {}

        @Override
        public SparkPod configurePod(SparkPod pod) {
            if (pod.pod().getMetadata().getLabels().get("spark-exec-id").equals("2")) {
                throw new AssertionError("not on executor 2");
            }
            return pod;
        }
    }

    /** Does not end before a test lets it. */
    public static final class Slow implements KubernetesFeatureConfigStep {
        static volatile CountDownLatch begun = new CountDownLatch(1);
        static volatile CountDownLatch mayEnd = new CountDownLatch(1);

        public Slow() {}

        @Override
        public SparkPod configurePod(SparkPod pod) {
            begun.countDown();
            try {
                mayEnd.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException("interrupted", e);
            }
            return pod;
        }
    }

    /** Tells which class loader it is from. */
    public static final class Origin implements KubernetesFeatureConfigStep {
        public Origin() {}

        @Override
        public SparkPod configurePod(SparkPod pod) {
            return labelled(pod, "class-loader", String.valueOf(getClass().getClassLoader().getName()));
        }
    }
}
