package io.stoker.spark;

import java.util.function.IntConsumer;

/** The manager with an allocator and an exit of the test's own. Public, because Spark finds it as a service. */
public final class FakeClusterManager extends StokerClusterManager {

    static volatile FakeBinding binding = new FakeBinding();
    static volatile IntConsumer exit = System::exit;
    static volatile Requests.Handler requestHandler = Requests::unsupported;

    public FakeClusterManager() {}

    @Override
    AllocatorBinding binding() {
        return binding;
    }

    @Override
    Requests.Handler requestHandler() {
        return requestHandler;
    }

    @Override
    IntConsumer exit() {
        return exit;
    }
}
