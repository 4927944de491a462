package io.stoker.spark;

import java.util.Collection;

/** Executor ids: texts for Spark, positive numbers for the allocator. */
final class ExecutorIds {

    /** Stands for an id that is no executor of ours. */
    static final long NONE = 0;

    private ExecutorIds() {}

    static long parse(String executorId) {
        try {
            return Math.max(Long.parseLong(executorId), NONE);
        } catch (NumberFormatException e) {
            return NONE;
        }
    }

    static long[] parse(Collection<String> executorIds) {
        return executorIds.stream().mapToLong(ExecutorIds::parse).filter(id -> id != NONE).toArray();
    }
}
