package io.stoker.spark;

import java.util.function.IntConsumer;
import org.apache.spark.SparkConf;

/** The manager with an allocator and an exit of the test's own. Public, because Spark finds it as a service. */
public final class FakeClusterManager extends StokerClusterManager {

    static volatile FakeBinding binding = new FakeBinding();
    static volatile IntConsumer exit = System::exit;
    /** Null for the real one. */
    static volatile Requests.Handler requestHandler;

    public FakeClusterManager() {}

    @Override
    AllocatorBinding binding() {
        return binding;
    }

    @Override
    Requests.Handler requestHandler(SparkConf conf) {
        return requestHandler == null ? super.requestHandler(conf) : requestHandler;
    }

    @Override
    IntConsumer exit() {
        return exit;
    }
}
