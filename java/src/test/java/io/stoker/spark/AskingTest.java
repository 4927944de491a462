package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.spark.SparkContext;
import org.apache.spark.SparkException;
import org.apache.spark.scheduler.cluster.k8s.GenerateExecID;
import org.junit.jupiter.api.Test;
import scala.reflect.ClassTag$;

/** Executors in the pods of a controller ask for their ids. */
class AskingTest extends SparkTest {

    @Test
    void anExecutorThatAsksGetsTheIdThatTheAllocatorSays() throws Exception {
        binding.askingPod = "spark-s-app-0-1";
        SparkContext sc = new SparkContext(conf().set("spark.kubernetes.allocation.pods.allocator", "statefulset"));
        StokerSchedulerBackend backend = assertInstanceOf(StokerSchedulerBackend.class, sc.schedulerBackend());
        assertEquals("7", ask(backend, "spark-s-app-0-1"));
        SparkException refused = assertThrows(SparkException.class, () -> ask(backend, "another"));
        assertTrue(refused.getCause().getMessage().contains("another"), refused.toString());

        FakeExecutor executor = FakeExecutor.register(sc, backend, "7");
        assertEquals("registered 7", binding.awaitCall("registered"));
        assertTrue(sc.killExecutor("7"));
        executor.awaitMessage("StopExecutor");
        assertEquals("kill [7]", binding.awaitCall("kill"));
        sc.stop();
    }

    private static String ask(StokerSchedulerBackend backend, String pod) {
        return backend.driverEndpoint().askSync(new GenerateExecID(pod), ClassTag$.MODULE$.apply(String.class));
    }
}
