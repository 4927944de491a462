import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimList;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.AppsAPIGroupDSL;
import io.fabric8.kubernetes.client.dsl.MixedOperation;
import io.fabric8.kubernetes.client.dsl.PodResource;
import io.fabric8.kubernetes.client.dsl.RollableScalableResource;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.SecurityManager;
import org.apache.spark.SecurityManager$;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.k8s.Config$;
import org.apache.spark.deploy.k8s.KubernetesConf;
import org.apache.spark.deploy.k8s.KubernetesExecutorConf;
import org.apache.spark.deploy.k8s.KubernetesExecutorSpec;
import org.apache.spark.deploy.k8s.KubernetesUtils;
import org.apache.spark.deploy.k8s.submit.KubernetesClientUtils;
import org.apache.spark.resource.ExecutorResourceRequest;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfile$;
import org.apache.spark.resource.TaskResourceRequest;
import org.apache.spark.scheduler.cluster.k8s.AbstractPodsAllocator;
import org.apache.spark.scheduler.cluster.k8s.ExecutorPodsAllocator;
import org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBuilder;
import scala.Option;
import scala.collection.mutable.ArrayBuffer;

/**
 * Builds executor pods, their further resources and ConfigMaps with stock Spark's own classes.
 *
 * <p>Runs with the jars of one Spark version on the class path and this directory as argument. It answers each line of
 * its input with one line. First it tells {"version", "user"}. A case is {"spark": {key: value}, "test": {key: value}};
 * README.md beside this file tells what "test" may contain. Its answer is {"prefix", "pod", "resources",
 * "configMap"}, with "controller" where the case has replicas and "given" where it has claims, or {"error"}.
 *
 * <p>The source is compiled against Scala 2.12 and 2.13: collections are built and read with what both have.
 */
public final class StockPods {
  private static final String PREFIX_KEY = "spark.kubernetes.executor.podNamePrefix";
  private static final String TEMPLATE_KEY = "spark.kubernetes.executor.podTemplateFile";
  private static final String NAMESPACE_KEY = "spark.kubernetes.namespace";
  private static final KubernetesSerialization JSON = new KubernetesSerialization();

  private static KubernetesClient client;

  private final Path directory;
  private final Map<String, String> spark;
  private final Map<String, String> test;

  private StockPods(Path directory, Map<String, Map<String, String>> input) {
    this.directory = directory;
    this.spark = input.get("spark");
    this.test = input.get("test");
  }

  public static void main(String[] args) throws Exception {
    Path directory = Path.of(args[0]);
    ObjectMapper mapper = new ObjectMapper();
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    // What a library prints must not get between the answers.
    System.setOut(System.err);
    out.println(JSON.asJson(Map.of(
        "version", org.apache.spark.package$.MODULE$.SPARK_VERSION(),
        "user", org.apache.spark.util.Utils.getCurrentUserName())));
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      @SuppressWarnings("unchecked")
      Map<String, Map<String, String>> input = mapper.readValue(line, Map.class);
      out.println(JSON.asJson(answer(new StockPods(directory, input))));
    }
    System.exit(0);
  }

  private static Map<String, Object> answer(StockPods pods) {
    try {
      return pods.build();
    } catch (Exception | AssertionError e) {
      StringBuilder error = new StringBuilder(e.toString());
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
        error.append("; caused by ").append(cause);
      }
      return Map.of("error", error.toString());
    }
  }

  private Map<String, Object> build() {
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
    KubernetesExecutorSpec built = new KubernetesExecutorBuilder()
        .buildFromFeatures(executorConf, security, conf.contains(TEMPLATE_KEY) ? client() : null, profile);
    // What ExecutorPodsAllocator does.
    Pod pod = new PodBuilder(built.pod().pod())
        .editOrNewSpec().addToContainers(built.pod().container()).endSpec()
        .build();
    Map<String, Object> result = new HashMap<>();
    result.put("prefix", conf.get(PREFIX_KEY));
    result.put("pod", pod);
    result.put("resources", Scala.list(built.executorKubernetesResources()));
    result.put("configMap", configMap(conf, driverPod));
    if (test.containsKey("case.replicas")) {
      int replicas = Integer.parseInt(test.get("case.replicas"));
      result.put("controller", StockController.of(conf, security, appId(), driverPod.get(), profile, replicas));
    }
    if (test.containsKey("case.claims")) {
      result.put("given", given(conf, security, pod, built, test.get("case.claims")));
    }
    return result;
  }

  /** Which of these claims, all free, the allocator gives the pod: by the name of the claim that it was to have. */
  private static Map<String, String> given(
      SparkConf conf, SecurityManager security, Pod pod, KubernetesExecutorSpec built, String claims) {
    ArrayBuffer<PersistentVolumeClaim> free = new ArrayBuffer<>();
    JSON.unmarshal(claims, PersistentVolumeClaimList.class).getItems().forEach(free::$plus$eq);
    List<String> wanted = claimNames(pod);
    new ExecutorPodsAllocator(conf, security, new KubernetesExecutorBuilder(), null, null, null)
        .replacePVCsIfNeeded(pod, built.executorKubernetesResources(), free);
    List<String> mounted = claimNames(pod);
    Map<String, String> given = new TreeMap<>();
    for (int i = 0; i < wanted.size(); i++) {
      if (!wanted.get(i).equals(mounted.get(i))) {
        given.put(wanted.get(i), mounted.get(i));
      }
    }
    return given;
  }

  private static List<String> claimNames(Pod pod) {
    return pod.getSpec().getVolumes().stream()
        .filter(volume -> volume.getPersistentVolumeClaim() != null)
        .map(volume -> volume.getPersistentVolumeClaim().getClaimName())
        .collect(Collectors.toList());
  }

  /** What KubernetesClusterSchedulerBackend does. */
  private ConfigMap configMap(SparkConf conf, Option<Pod> driverPod) {
    String name = KubernetesClientUtils.configMapNameExecutor();
    var namespace = Scala.map(Map.of(NAMESPACE_KEY, (String) conf.get(Config$.MODULE$.KUBERNETES_NAMESPACE())));
    var files = Scala.map(KubernetesClientUtils.buildSparkConfDirFilesMap(name, conf, namespace));
    files.putAll(Scala.map(namespace));
    var labels = Map.of("spark-app-selector", appId(), "spark-role", "executor");
    ConfigMap map = KubernetesClientUtils.buildConfigMap(name, Scala.map(files), Scala.map(labels));
    KubernetesUtils.addOwnerReference(driverPod.isEmpty() ? null : driverPod.get(), Scala.<HasMetadata>list(map));
    return map;
  }

  /** Reads templates. It has nobody to talk to. */
  private static KubernetesClient client() {
    if (client == null) {
      Config config = Config.empty();
      config.setMasterUrl("http://127.0.0.1:1/");
      client = new KubernetesClientBuilder().withConfig(config).build();
    }
    return client;
  }

  private String appId() {
    return test.getOrDefault("case.appId", "spark-application-1");
  }

  private Option<Pod> driverPod() {
    String name = test.get("case.driverPod.name");
    return name == null
        ? Option.empty()
        : Option.apply(new PodBuilder()
            .withNewMetadata().withName(name).withUid(test.getOrDefault("case.driverPod.uid", "")).endMetadata()
            .build());
  }

  private ResourceProfile customProfile(int id) {
    Map<String, ExecutorResourceRequest> requests = new TreeMap<>();
    String prefix = "case.profile.resource.";
    for (String key : test.keySet()) {
      if (key.startsWith(prefix) && key.endsWith(".amount")) {
        String name = key.substring(prefix.length(), key.length() - ".amount".length());
        String vendor = test.getOrDefault(prefix + name + ".vendor", "");
        requests.put(name, new ExecutorResourceRequest(name, Long.parseLong(test.get(key)), "", vendor));
      }
    }
    ResourceProfile profile =
        new ResourceProfile(Scala.map(requests), Scala.map(Map.<String, TaskResourceRequest>of()));
    profile.setResourceProfileId(id);
    return profile;
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
        return dir == null ? null : directory.resolve("conf-dirs").resolve(dir).toString();
      }
      return name.equals("_SPARK_AUTH_SECRET") ? test.get("case.secret") : test.get("case.env." + name);
    }
  }

  /** What stock's allocators for controllers send. */
  private static final class StockController {
    private static final String PACKAGE = "org.apache.spark.scheduler.cluster.k8s.";

    private final Pod driverPod;
    private Object sent;

    private StockController(Pod driverPod) {
      this.driverPod = driverPod;
    }

    static Object of(
        SparkConf conf, SecurityManager security, String appId, Pod driverPod, ResourceProfile profile, int replicas) {
      String kind = conf.get("spark.kubernetes.allocation.pods.allocator");
      conf.set("spark.kubernetes.driver.pod.name", driverPod.getMetadata().getName());
      StockController controller = new StockController(driverPod);
      try {
        // Older versions have no allocator for deployments.
        Class<?> allocator = Class.forName(
            PACKAGE + (kind.equals("deployment") ? "DeploymentPodsAllocator" : "StatefulSetPodsAllocator"));
        AbstractPodsAllocator made = (AbstractPodsAllocator) allocator.getConstructors()[0].newInstance(
            conf, security, new KubernetesExecutorBuilder(), controller.proxy(KubernetesClient.class), null, null);
        made.start(appId, null);
        scala.collection.immutable.Map<ResourceProfile, Object> targets = scala.collection.immutable.Map$.MODULE$.empty();
        made.setTotalExpectedExecutors(targets.updated(profile, replicas));
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
      return controller.sent;
    }

    /** A client that reads templates, knows the driver pod and keeps what is to be created. */
    private <T> T proxy(Class<T> type) {
      return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
        switch (method.getName()) {
          case "apps": return proxy(AppsAPIGroupDSL.class);
          case "pods":
          case "statefulSets":
          case "deployments":
          case "inNamespace": return proxy(MixedOperation.class);
          case "withName": return proxy(PodResource.class);
          case "get": return driverPod;
          case "load": return method.invoke(client().pods(), arguments);
          case "resource":
            sent = arguments[0];
            return proxy(RollableScalableResource.class);
          default: return null;
        }
      }));
    }
  }

  /** Collections of Scala 2.12 and 2.13, which agree on little else than this. */
  private static final class Scala {
    static <V> scala.collection.immutable.Map<String, V> map(Map<String, V> entries) {
      scala.collection.immutable.Map<String, V> map = scala.collection.immutable.Map$.MODULE$.empty();
      for (Map.Entry<String, V> entry : entries.entrySet()) {
        map = map.updated(entry.getKey(), entry.getValue());
      }
      return map;
    }

    static <V> Map<String, V> map(scala.collection.immutable.Map<String, V> entries) {
      Map<String, V> map = new TreeMap<>();
      for (var entry = entries.iterator(); entry.hasNext();) {
        var pair = entry.next();
        map.put(pair._1(), pair._2());
      }
      return map;
    }

    static <T> List<T> list(scala.collection.Seq<T> elements) {
      List<T> list = new ArrayList<>();
      for (var element = elements.iterator(); element.hasNext();) {
        list.add(element.next());
      }
      return list;
    }

    /** A list is a Seq in both, and Seq is not the same in both. */
    static <T> scala.collection.immutable.List<T> list(T element) {
      scala.collection.immutable.List<T> none = scala.collection.immutable.List$.MODULE$.empty();
      return none.$colon$colon(element);
    }
  }
}
