import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.spark.SecurityManager;
import org.apache.spark.SecurityManager$;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.k8s.KubernetesExecutorConf;
import org.apache.spark.deploy.k8s.SparkPod;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfile$;
import org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBuilder;
import scala.Option;

/**
 * Builds executor pods with stock Spark's own classes as ExecutorPodsAllocator does, and prints the microseconds of
 * the processor per pod of the second half of them: without and with the JSON that is sent.
 *
 * <p>Takes the properties on standard input; arguments: how many pods, application id, name and uid of the driver pod.
 */
public final class StockBuild {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.load(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    SparkConf conf = new SparkConf(false);
    properties.forEach((key, value) -> conf.set((String) key, (String) value));
    ResourceProfile profile = ResourceProfile$.MODULE$.getOrCreateDefaultProfile(conf);
    SecurityManager security = new SecurityManager(
        conf,
        SecurityManager$.MODULE$.$lessinit$greater$default$2(),
        SecurityManager$.MODULE$.$lessinit$greater$default$3());
    // A line for each pod would be most of the time.
    Configurator.setRootLevel(Level.WARN);
    Option<Pod> driver = Option.apply(new PodBuilder()
        .withNewMetadata().withName(args[2]).withUid(args[3]).endMetadata()
        .build());
    KubernetesExecutorBuilder builder = new KubernetesExecutorBuilder();
    KubernetesSerialization json = new KubernetesSerialization();

    // Of the processor: what else the machine does does not count.
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();

    int warmUp = Integer.parseInt(args[0]) / 2;
    int measured = Integer.parseInt(args[0]) - warmUp;
    long building = 0;
    long writing = 0;
    long length = 0;
    for (int id = 1; id <= warmUp + measured; id++) {
      long start = threads.getCurrentThreadCpuTime();
      KubernetesExecutorConf executor =
          new KubernetesExecutorConf(conf, args[1], Integer.toString(id), driver, 0);
      SparkPod built = builder.buildFromFeatures(executor, security, null, profile).pod();
      Pod pod = new PodBuilder(built.pod()).editOrNewSpec().addToContainers(built.container()).endSpec().build();
      long end = threads.getCurrentThreadCpuTime();
      length += json.asJson(pod).length();
      if (id > warmUp) {
        building += end - start;
        writing += threads.getCurrentThreadCpuTime() - end;
      }
    }
    if (length == 0) throw new IllegalStateException("no pod was built");
    System.out.println(building / 1e3 / measured + " " + (building + writing) / 1e3 / measured);
  }
}
