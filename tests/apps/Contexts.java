import java.nio.file.Path;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.resource.ExecutorResourceRequests;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;

/**
 * What the end-to-end tests want of a SparkContext, by the first argument. It says on its output how far it is,
 * and goes on when the test has made the file it waits for, in the directory of the second argument (in
 * {@code /opt/control} for executors, where every container has it).
 */
public final class Contexts {
    private static final Path EXECUTORS_CONTROL = Path.of("/opt/control");

    private Contexts() {}

    public static void main(String[] args) throws Exception {
        Path control = Path.of(args[1]);
        switch (args[0]) {
            case "twice-client", "twice-cluster" -> twice(control, args[0]);
            case "profiles" -> profiles(control);
            default -> throw new IllegalArgumentException("no such scenario: " + args[0]);
        }
    }

    /** Two contexts, one after the other, each of which runs a job. */
    private static void twice(Path control, String gates) throws InterruptedException {
        for (int number = 1; number <= 2; number++) {
            try (JavaSparkContext sc = new JavaSparkContext(new SparkConf())) {
                List<String> where = sc.parallelize(List.of(1), 1).map(i -> SparkEnv.get().executorId()).collect();
                System.out.println("context " + number + " is " + sc.sc().applicationId() + " with " + where);
                Gate.await(control.resolve(gates + "-" + number));
            }
        }
    }

    /** Three tasks at a time for the default executors, then two for executors with another memory, then nothing. */
    private static void profiles(Path control) throws InterruptedException {
        try (JavaSparkContext sc = new JavaSparkContext(new SparkConf())) {
            String first = EXECUTORS_CONTROL.resolve("profiles-default").toString();
            sc.parallelize(List.of(1, 2, 3), 3).foreach(i -> Gate.await(Path.of(first)));

            ResourceProfile profile = new ResourceProfileBuilder()
                .require(new ExecutorResourceRequests().cores(1).memory("768m"))
                .require(new TaskResourceRequests().cpus(1))
                .build();
            System.out.println("the other profile is " + profile.id());
            String second = EXECUTORS_CONTROL.resolve("profiles-other").toString();
            sc.parallelize(List.of(1, 2), 2).withResources(profile).foreach(i -> Gate.await(Path.of(second)));

            System.out.println("all executors are idle");
            Gate.await(control.resolve("profiles-end"));
        }
    }
}
