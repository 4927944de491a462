package io.stoker.spark;

import com.fasterxml.jackson.databind.JsonNode;

/** A daemon thread that blocks in native code for the next batch of notices and hands them on one by one. */
final class NoticePump {

    /** Who is told. All three are called on the pump's thread, and none of them may wait for it. */
    interface Listener {

        void notice(JsonNode notice);

        /** After each batch, empty ones included, so at least once in {@link #MAX_WAIT_MILLIS}. */
        void tick();

        /** The last call. {@code cause} is null where the allocator was closed. */
        void ended(Throwable cause);
    }

    static final long MAX_WAIT_MILLIS = 1000;

    private final AllocatorBinding binding;
    private final Listener listener;
    private final Thread thread;

    NoticePump(AllocatorBinding binding, Listener listener) {
        this.binding = binding;
        this.listener = listener;
        this.thread = Threads.daemon("stoker-notices", this::run);
    }

    void start() {
        thread.start();
    }

    /** Waits, bounded, until the pump has ended, which it does by itself once the allocator is closed. */
    void awaitEnd(long millis) {
        Threads.join(thread, millis);
    }

    private void run() {
        Throwable cause = null;
        try {
            byte[] batch = binding.nextNotices(MAX_WAIT_MILLIS);
            while (batch != null) {
                for (JsonNode notice : Messages.array(batch)) {
                    listener.notice(notice);
                }
                listener.tick();
                batch = binding.nextNotices(MAX_WAIT_MILLIS);
            }
        } catch (Throwable e) {
            cause = e;
        }
        listener.ended(cause);
    }
}
