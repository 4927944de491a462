import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import org.apache.spark.deploy.k8s.KubernetesExecutorConf;
import org.apache.spark.deploy.k8s.SparkPod;
import org.apache.spark.deploy.k8s.features.KubernetesExecutorCustomFeatureConfigStep;
import scala.collection.immutable.List;
import scala.collection.immutable.List$;

/**
 * A feature step of a user: labels each executor's pod with the process that it ran in and the executor it was made for, and
 * wants a claim, which Spark makes, and a secret, which Spark does not make.
 */
public final class UserStep implements KubernetesExecutorCustomFeatureConfigStep {
    private KubernetesExecutorConf conf;

    public UserStep() {}

    @Override
    public void init(KubernetesExecutorConf executorConf) {
        conf = executorConf;
    }

    @Override
    public SparkPod configurePod(SparkPod pod) {
        return SparkPod.apply(
            new PodBuilder(pod.pod()).editMetadata()
                .addToLabels("step-process", String.valueOf(ProcessHandle.current().pid()))
                .addToLabels("step-executor", conf.executorId())
                .endMetadata().build(),
            pod.container());
    }

    @Override
    public List<HasMetadata> getAdditionalKubernetesResources() {
        String name = "step-" + conf.appId() + "-" + conf.executorId();
        HasMetadata claim = new PersistentVolumeClaimBuilder()
            // Spark deletes claims with its application's label at the end.
            .withNewMetadata().withName(name).addToLabels("spark-app-selector", conf.appId()).endMetadata()
            .withNewSpec().withAccessModes("ReadWriteOnce")
            .withNewResources().addToRequests("storage", new Quantity("1Mi")).endResources().endSpec()
            .build();
        HasMetadata secret = new SecretBuilder().withNewMetadata().withName(name).endMetadata().build();
        // Scala 2.12 and 2.13 have no converter from Java's lists in common.
        List<HasMetadata> none = List$.MODULE$.empty();
        return none.$colon$colon(secret).$colon$colon(claim);
    }
}
