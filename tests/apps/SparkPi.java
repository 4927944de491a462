import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import scala.Tuple2;

/**
 * Estimates Pi in rounds of tasks until enough different executors have finished a task.
 *
 * <p>Arguments: tasks in a round; how many different executors must have finished a task; after how many
 * seconds to give up; optionally a file that must exist before the end. So the demo can lose an executor, and
 * look at its replacement's work while the application still runs, without guessing how long that takes.
 */
public final class SparkPi {
    private static final int SAMPLES_PER_TASK = 200_000;
    /** A task lasts at least this long, so that there is one to be lost with its executor. */
    private static final long TASK_MILLIS = 300;

    private SparkPi() {}

    public static void main(String[] args) {
        int tasks = Integer.parseInt(args[0]);
        int executorsWanted = Integer.parseInt(args[1]);
        long deadline = System.nanoTime() + Long.parseLong(args[2]) * 1_000_000_000L;
        Path mayEnd = args.length > 3 ? Path.of(args[3]) : null;

        try (JavaSparkContext sc = new JavaSparkContext(new SparkConf().setAppName("SparkPi"))) {
            List<Integer> slices = new ArrayList<>();
            for (int i = 0; i < tasks; i++) {
                slices.add(i);
            }
            Set<String> executors = new TreeSet<>();
            long inside = 0;
            long samples = 0;
            do {
                List<Tuple2<String, Long>> results =
                    sc.parallelize(slices, tasks).map(slice -> new Tuple2<>(SparkEnv.get().executorId(), sample())).collect();
                for (Tuple2<String, Long> result : results) {
                    executors.add(result._1());
                    inside += result._2();
                    samples += SAMPLES_PER_TASK;
                }
            } while ((executors.size() < executorsWanted || mayEnd != null && !Files.exists(mayEnd))
                    && System.nanoTime() < deadline);

            System.out.println("Pi is roughly " + 4.0 * inside / samples);
            System.out.println("Executors that finished a task: " + String.join(" ", executors));
            if (executors.size() < executorsWanted) {
                throw new IllegalStateException(
                    "only " + executors.size() + " of " + executorsWanted + " executors finished a task in time");
            }
        }
    }

    private static long sample() throws InterruptedException {
        long end = System.currentTimeMillis() + TASK_MILLIS;
        ThreadLocalRandom random = ThreadLocalRandom.current();
        long inside = 0;
        for (int i = 0; i < SAMPLES_PER_TASK; i++) {
            double x = random.nextDouble(-1, 1);
            double y = random.nextDouble(-1, 1);
            if (x * x + y * y <= 1) {
                inside++;
            }
        }
        Thread.sleep(Math.max(0, end - System.currentTimeMillis()));
        return inside;
    }
}
