package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.apache.spark.SparkContext;
import org.apache.spark.SparkException;
import org.apache.spark.scheduler.cluster.CoarseGrainedClusterMessages.RegisterExecutor;
import org.junit.jupiter.api.Test;
import scala.collection.immutable.Map$;

/** What Spark 4.1.1's own suite of the backend asserts and {@link BackendTest} does not: see docs/ported-expectations.md. */
class PortedBackendTest extends SparkTest {

    @Test
    void aFailureInSparksOwnStopKeepsTheAllocatorFromNothing() throws Exception {
        SparkContext sc = new SparkContext(conf());
        StokerSchedulerBackend backend = backend(sc);
        sc.env().rpcEnv().stop(backend.driverEndpoint());
        assertThrows(SparkException.class, backend::stopExecutors);
        sc.stop();
        assertEquals("stop", binding.awaitCall("stop"));
        assertNoThreadLeft();
    }

    @Test
    void aRegistrationAfterTheStopIsIgnored() {
        SparkContext sc = new SparkContext(conf());
        StokerSchedulerBackend backend = backend(sc);
        sc.stop();
        binding.calls.clear();
        backend.createDriverEndpoint().receiveAndReply(null).apply(new RegisterExecutor(
                "1", null, "host1", 1, Map$.MODULE$.empty(), Map$.MODULE$.empty(), Map$.MODULE$.empty(), 0));
        assertEquals(0, binding.calls.size(), binding.calls.toString());
    }

    @Test
    void anExecutorThatIsLostBeforeItRegistersIsRemovedLikeAnyOther() throws Exception {
        SparkContext sc = new SparkContext(conf());
        for (String id : new String[] {"8", "9"}) {
            binding.send("{\"type\": \"lost\", \"executorId\": " + id + ", \"profile\": 0, \"pod\": \"p\", \"uid\": \"u\", \"cause\":"
                    + " {\"kind\": \"deleted\", \"message\": \"deleted\", \"exitCode\": -1, \"appCaused\": false}}");
        }
        binding.send("{\"type\": \"request\", \"requestId\": 42, \"payload\": {\"kind\": \"other\"}}");
        assertEquals("answer 42", binding.awaitCall("answer"));
        assertFalse(sc.isStopped());
    }
}
