package io.stoker.spark;

import org.apache.spark.rpc.RpcAddress;
import org.apache.spark.rpc.RpcCallContext;
import org.apache.spark.scheduler.ExecutorDecommission;
import org.apache.spark.scheduler.ExecutorDecommission$;
import org.apache.spark.scheduler.cluster.CoarseGrainedClusterMessages;
import org.apache.spark.scheduler.cluster.CoarseGrainedSchedulerBackend;
import org.apache.spark.scheduler.cluster.k8s.GenerateExecID;
import scala.Function1;
import scala.Option;
import scala.PartialFunction;
import scala.runtime.AbstractPartialFunction;
import scala.runtime.BoxedUnit;

/**
 * The driver as executors in the pods of a controller see it: they ask it for their ids. Spark's own class for that is private
 * and gives ids itself; what else it does is done here as there.
 */
final class AskingDriverEndpoint extends CoarseGrainedSchedulerBackend.DriverEndpoint {

    private final StokerSchedulerBackend backend;

    AskingDriverEndpoint(StokerSchedulerBackend backend) {
        backend.super();
        this.backend = backend;
    }

    @Override
    public PartialFunction<Object, BoxedUnit> receiveAndReply(RpcCallContext context) {
        return new Asked(context).orElse(super.receiveAndReply(context));
    }

    /** What became of an executor is told by its pod, unless it is leaving anyway. */
    @Override
    public void onDisconnected(RpcAddress address) {
        Option<String> executor = addressToExecutorId().get(address);
        if (executor.isEmpty()) {
            return;
        }
        String id = executor.get();
        if (backend.executorsPendingDecommission().contains(id)) {
            String reason = ExecutorDecommission$.MODULE$.apply$default$2();
            backend.removeExecutor(id, new ExecutorDecommission(Option.<String>empty(), reason));
        } else {
            disableExecutor(id);
        }
    }

    /** Asks for ids, and executors that come too late. */
    private final class Asked extends AbstractPartialFunction<Object, BoxedUnit> {

        private final RpcCallContext context;

        Asked(RpcCallContext context) {
            this.context = context;
        }

        @Override
        public boolean isDefinedAt(Object message) {
            return message instanceof GenerateExecID
                    || message instanceof CoarseGrainedClusterMessages.RegisterExecutor && backend.isContextStopped();
        }

        @Override
        public <A1, B1> B1 applyOrElse(A1 message, Function1<A1, B1> otherwise) {
            if (!isDefinedAt(message)) {
                return otherwise.apply(message);
            }
            if (message instanceof GenerateExecID) {
                answer(((GenerateExecID) message).podName());
            }
            @SuppressWarnings("unchecked")
            B1 done = (B1) BoxedUnit.UNIT;
            return done;
        }

        private void answer(String pod) {
            long id = backend.executorIdFor(pod);
            if (id == ExecutorIds.NONE) {
                context.sendFailure(new IllegalStateException("Pod " + pod + " is none of this application's executors."));
            } else {
                context.reply(Long.toString(id));
            }
        }
    }
}
