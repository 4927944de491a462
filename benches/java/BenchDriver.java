import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.rpc.RpcEndpointRef;
import org.apache.spark.rpc.RpcEnv;
import org.apache.spark.rpc.ThreadSafeRpcEndpoint;
import org.apache.spark.scheduler.cluster.CoarseGrainedClusterMessages.LaunchedExecutor;
import org.apache.spark.scheduler.cluster.CoarseGrainedClusterMessages.RegisterExecutor;
import org.apache.spark.scheduler.cluster.CoarseGrainedSchedulerBackend;
import org.apache.spark.scheduler.cluster.k8s.KubernetesClusterSchedulerBackend;
import scala.Function1;
import scala.PartialFunction;
import scala.collection.immutable.Map;
import scala.collection.immutable.Map$;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractPartialFunction;
import scala.runtime.BoxedUnit;

/**
 * A driver that does on its standard input's word what Spark does by itself, with Stoker or without. It answers each
 * command with a line.
 *
 * <p>{@code total N}: N executors are wanted. {@code register A B}: executors A to B, which are not there, register.
 * {@code kill A B}: executors A to B are killed, as dynamic allocation does it. {@code heap}: the bytes of the objects
 * that are reachable. At the end of the input the application ends.
 */
public final class BenchDriver {

    private BenchDriver() {}

    public static void main(String[] args) throws Exception {
        SparkContext sc = new SparkContext(new SparkConf().setAppName("benchmark"));
        System.out.println("started");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "total" -> sc.requestTotalExecutors(Integer.parseInt(words[1]), 0, Map$.MODULE$.<String, Object>empty());
                case "register" -> register(sc, Long.parseLong(words[1]), Long.parseLong(words[2]));
                case "kill" -> kill(sc, Long.parseLong(words[1]), Long.parseLong(words[2]));
                case "heap" -> System.gc();
                default -> throw new IllegalArgumentException(line);
            }
            System.out.println("done " + ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }
        sc.stop();
    }

    private static void kill(SparkContext sc, long first, long last) {
        List<String> ids = new ArrayList<>();
        for (long id = first; id <= last; id++) {
            ids.add(Long.toString(id));
        }
        ((KubernetesClusterSchedulerBackend) sc.schedulerBackend()).doKillExecutors(CollectionConverters.asScala(ids).toSeq());
    }

    private static void register(SparkContext sc, long first, long last) {
        RpcEndpointRef driver = ((CoarseGrainedSchedulerBackend) sc.schedulerBackend()).driverEndpoint();
        Map<String, String> none = Map$.MODULE$.empty();
        Map<String, ResourceInformation> noResources = Map$.MODULE$.empty();
        for (long id = first; id <= last; id++) {
            String name = Long.toString(id);
            RpcEndpointRef executor = sc.env().rpcEnv().setupEndpoint("executor-" + name, new Executor(sc.env().rpcEnv()));
            driver.askSync(new RegisterExecutor(name, executor, "127.0.0.1", 1, none, none, noResources, 0),
                    ClassTag$.MODULE$.apply(Boolean.TYPE));
            driver.send(new LaunchedExecutor(name));
        }
    }

    /** An executor as far as the driver can tell: it takes messages and does nothing. */
    private record Executor(RpcEnv rpcEnv) implements ThreadSafeRpcEndpoint {
        @Override
        public PartialFunction<Object, BoxedUnit> receive() {
            return new AbstractPartialFunction<>() {
                @Override
                public boolean isDefinedAt(Object message) {
                    return true;
                }

                @Override
                public <A extends Object, B> B applyOrElse(A message, Function1<A, B> fallback) {
                    return null;
                }
            };
        }
    }
}
