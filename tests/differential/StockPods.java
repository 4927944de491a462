import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SecurityManager;
import org.apache.spark.SecurityManager$;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.k8s.Config$;
import org.apache.spark.deploy.k8s.KubernetesConf;
import org.apache.spark.deploy.k8s.KubernetesExecutorConf;
import org.apache.spark.deploy.k8s.KubernetesUtils;
import org.apache.spark.deploy.k8s.SparkPod;
import org.apache.spark.deploy.k8s.submit.KubernetesClientUtils;
import org.apache.spark.resource.ExecutorResourceRequest;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfile$;
import org.apache.spark.resource.TaskResourceRequest;
import org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBuilder;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Builds executor pods and ConfigMaps with stock Spark's own classes.
 *
 * <p>Run with the jars of a Spark distribution on the class path and the directory of the corpus as argument. Prints
 * one JSON object: {"version", "user", "cases": {name: {"prefix", "pod", "configMap"} or {"error"}}}. What a case
 * file may contain is told in README.md beside this file.
 */
public final class StockPods {
  private static final String PREFIX_KEY = "spark.kubernetes.executor.podNamePrefix";
  private static final String NAMESPACE_KEY = "spark.kubernetes.namespace";
  private static final KubernetesSerialization JSON = new KubernetesSerialization();

  private final Path corpus;
  private final Map<String, String> spark = new TreeMap<>();
  private final Map<String, String> test = new TreeMap<>();

  private StockPods(Path corpus, Path file) throws Exception {
    this.corpus = corpus;
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      properties.load(reader);
    }
    for (String key : properties.stringPropertyNames()) {
      (key.startsWith("case.") ? test : spark).put(key, properties.getProperty(key));
    }
  }

  public static void main(String[] args) throws Exception {
    Path corpus = Path.of(args[0]);
    List<Path> files;
    try (Stream<Path> all = Files.list(corpus)) {
      files = all.filter(file -> file.toString().endsWith(".properties")).sorted().collect(Collectors.toList());
    }
    Map<String, Object> cases = new TreeMap<>();
    for (Path file : files) {
      Map<String, Object> result = new TreeMap<>();
      try {
        new StockPods(corpus, file).run(result);
      } catch (Exception | AssertionError e) {
        result.clear();
        result.put("error", e.toString());
      }
      cases.put(file.getFileName().toString().replace(".properties", ""), result);
    }
    System.out.println(JSON.asJson(Map.of(
        "version", org.apache.spark.package$.MODULE$.SPARK_VERSION(),
        "user", org.apache.spark.util.Utils.getCurrentUserName(),
        "cases", cases)));
  }

  private void run(Map<String, Object> result) {
    SparkConf conf = new TestConf();
    spark.forEach(conf::set);
    if (!conf.contains(PREFIX_KEY)) {
      // What KubernetesClusterManager does.
      conf.set(PREFIX_KEY, KubernetesConf.getResourceNamePrefix(conf.get("spark.app.name", "spark")));
    }
    ResourceProfile$.MODULE$.clearDefaultProfile();
    ResourceProfile defaultProfile = ResourceProfile$.MODULE$.getOrCreateDefaultProfile(conf);
    int profileId = Integer.parseInt(test.getOrDefault("case.profile.id", "0"));
    ResourceProfile profile = profileId == 0 ? defaultProfile : customProfile(profileId);

    Option<Pod> driverPod = driverPod();
    KubernetesExecutorConf executorConf =
        new KubernetesExecutorConf(conf, appId(), test.getOrDefault("case.executorId", "1"), driverPod, profileId);
    SecurityManager security = new SecurityManager(
        conf,
        SecurityManager$.MODULE$.$lessinit$greater$default$2(),
        SecurityManager$.MODULE$.$lessinit$greater$default$3());
    SparkPod built =
        new KubernetesExecutorBuilder().buildFromFeatures(executorConf, security, null, profile).pod();
    // What ExecutorPodsAllocator does.
    Pod pod = new PodBuilder(built.pod()).editOrNewSpec().addToContainers(built.container()).endSpec().build();
    result.put("prefix", conf.get(PREFIX_KEY));
    result.put("pod", pod);
    result.put("configMap", configMap(conf, driverPod));
  }

  /** What KubernetesClusterSchedulerBackend does. */
  private ConfigMap configMap(SparkConf conf, Option<Pod> driverPod) {
    String name = KubernetesClientUtils.configMapNameExecutor();
    var namespace = immutable(Map.of(NAMESPACE_KEY, conf.get(Config$.MODULE$.KUBERNETES_NAMESPACE())));
    var files = new HashMap<>(
        CollectionConverters.asJava(KubernetesClientUtils.buildSparkConfDirFilesMap(name, conf, namespace)));
    files.putAll(CollectionConverters.asJava(namespace));
    var labels = Map.of("spark-app-selector", appId(), "spark-role", "executor");
    ConfigMap map = KubernetesClientUtils.buildConfigMap(name, immutable(files), immutable(labels));
    Seq<HasMetadata> resources = CollectionConverters.asScala(List.<HasMetadata>of(map)).toSeq();
    KubernetesUtils.addOwnerReference(driverPod.isEmpty() ? null : driverPod.get(), resources);
    return map;
  }

  private String appId() {
    return test.getOrDefault("case.appId", "spark-application-1");
  }

  private Option<Pod> driverPod() {
    String name = test.get("case.driverPod.name");
    return name == null
        ? Option.empty()
        : Option.apply(new PodBuilder()
            .withNewMetadata().withName(name).withUid(test.get("case.driverPod.uid")).endMetadata()
            .build());
  }

  private ResourceProfile customProfile(int id) {
    Map<String, ExecutorResourceRequest> requests = new HashMap<>();
    String prefix = "case.profile.resource.";
    for (String key : test.keySet()) {
      if (key.startsWith(prefix) && key.endsWith(".amount")) {
        String name = key.substring(prefix.length(), key.length() - ".amount".length());
        String vendor = test.getOrDefault(prefix + name + ".vendor", "");
        requests.put(name, new ExecutorResourceRequest(name, Long.parseLong(test.get(key)), "", vendor));
      }
    }
    ResourceProfile profile =
        new ResourceProfile(immutable(requests), immutable(Map.<String, TaskResourceRequest>of()));
    profile.setResourceProfileId(id);
    return profile;
  }

  private static <V> scala.collection.immutable.Map<String, V> immutable(Map<String, V> map) {
    return scala.collection.immutable.Map$.MODULE$.from(CollectionConverters.asScala(map));
  }

  /** A SparkConf whose environment is the one of the case. */
  private final class TestConf extends SparkConf {
    TestConf() {
      super(false);
    }

    @Override
    public String getenv(String name) {
      if (name.equals("SPARK_CONF_DIR")) {
        String dir = test.get("case.confDir");
        return dir == null ? null : corpus.resolveSibling("conf-dirs").resolve(dir).toString();
      }
      return name.equals("_SPARK_AUTH_SECRET") ? test.get("case.secret") : test.get("case.env." + name);
    }
  }
}
