import io.fabric8.kubernetes.api.model.PodBuilder;
import org.apache.spark.deploy.k8s.KubernetesExecutorConf;
import org.apache.spark.deploy.k8s.SparkPod;
import org.apache.spark.deploy.k8s.features.KubernetesExecutorCustomFeatureConfigStep;

/** A feature step of a user: labels each executor pod with the process that it ran in and the executor it was made for. */
public final class LabelStep implements KubernetesExecutorCustomFeatureConfigStep {
    private KubernetesExecutorConf conf;

    public LabelStep() {}

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
}
