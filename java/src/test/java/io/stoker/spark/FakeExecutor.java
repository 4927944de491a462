package io.stoker.spark;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.apache.spark.SparkContext;
import org.apache.spark.rpc.RpcEndpointRef;
import org.apache.spark.rpc.RpcEnv;
import org.apache.spark.rpc.ThreadSafeRpcEndpoint;
import org.apache.spark.scheduler.cluster.CoarseGrainedClusterMessages.LaunchedExecutor;
import org.apache.spark.scheduler.cluster.CoarseGrainedClusterMessages.RegisterExecutor;
import scala.Function1;
import scala.PartialFunction;
import scala.collection.immutable.Map$;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractPartialFunction;
import scala.runtime.BoxedUnit;

/** An executor as far as the driver's endpoint can tell: it registers, and takes messages without doing anything. */
final class FakeExecutor implements ThreadSafeRpcEndpoint {

    private static final ClassTag<Object> BOOLEAN = ClassTag$.MODULE$.apply(Boolean.TYPE);

    final BlockingQueue<String> received = new LinkedBlockingQueue<>();
    /** What is to be done with each message beside keeping it. */
    volatile Consumer<String> onMessage = message -> {};
    private final RpcEnv rpcEnv;

    private FakeExecutor(RpcEnv rpcEnv) {
        this.rpcEnv = rpcEnv;
    }

    /** Registers an executor with two cores; throws what the driver answers where it is refused. */
    static FakeExecutor register(SparkContext sc, StokerSchedulerBackend backend, String id) {
        FakeExecutor executor = new FakeExecutor(sc.env().rpcEnv());
        RpcEndpointRef self = executor.rpcEnv.setupEndpoint("executor-" + id, executor);
        scala.collection.immutable.Map<String, String> none = Map$.MODULE$.empty();
        backend.driverEndpoint().askSync(
                new RegisterExecutor(id, self, "127.0.0.1", 2, none, none, Map$.MODULE$.empty(), 0), BOOLEAN);
        backend.driverEndpoint().send(new LaunchedExecutor(id));
        return executor;
    }

    String awaitMessage(String type) throws InterruptedException {
        String message = FakeBinding.next(received, type);
        while (!message.startsWith(type)) {
            message = FakeBinding.next(received, type);
        }
        return message;
    }

    @Override
    public RpcEnv rpcEnv() {
        return rpcEnv;
    }

    @Override
    public PartialFunction<Object, BoxedUnit> receive() {
        return new AbstractPartialFunction<>() {
            @Override
            public boolean isDefinedAt(Object message) {
                return true;
            }

            @Override
            public <A extends Object, B> B applyOrElse(A message, Function1<A, B> fallback) {
                received.add(message.toString());
                onMessage.accept(message.toString());
                return null;
            }
        };
    }
}
