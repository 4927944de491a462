package io.stoker.spark;

/**
 * The native methods of {@code libstoker_jni.so}. {@link NativeLibrary} loads the library before the first call.
 *
 * <p>Every method but {@link #abiVersion()} may throw {@link AllocatorException}. A handle is a generation-checked number,
 * never a pointer: using one after {@link #stop(long, long)} throws with kind {@code staleHandle}, a second {@code stop} does nothing.
 * JSON travels as UTF-8 bytes.
 */
public final class Native {

    /** The version of the calls and messages below that this class was written for. */
    public static final int ABI_VERSION = 2;

    private Native() {}

    /** The version of these calls and messages that the library was built for. */
    public static native int abiVersion();

    /** Starts an allocator. Blocks until it may allocate. Returns its handle. */
    public static native long start(byte[] startJson);

    /** Makes a resource profile known, before a target names it. */
    public static native void setProfile(long handle, byte[] profileJson);

    /** Sets the number of executors wanted of each profile; profiles that are not named keep their target. */
    public static native void setTargets(long handle, int[] profileIds, int[] counts);

    /** Makes the executors go: at once from the ledger, from the cluster after Spark's grace period. */
    public static native void kill(long handle, long[] executorIds);

    /** Marks the pods of executors that Spark is decommissioning. */
    public static native void decommission(long handle, long[] executorIds);

    /** An executor has registered with the driver. */
    public static native void registered(long handle, long executorId);

    /** An executor that had registered is no longer known to the driver. */
    public static native void disconnected(long handle, long executorId);

    /**
     * The executor id for the executor in a pod that a controller has made, another one each time it starts; 0 where the pod is
     * unknown. Where Stoker makes the pods it is the one in the pod's name.
     */
    public static native long executorIdFor(long handle, String podName);

    /** Whether the executor was killed or its pod is gone, so that it may not register any more. */
    public static native boolean isDeleted(long handle, long executorId);

    /** Waits for notices: a JSON array, {@code []} when the time is up, {@code null} once the allocator is closed. */
    public static native byte[] nextNotices(long handle, long maxWaitMillis);

    /** Answers the notice {@code request} of that id. */
    public static native void answer(long handle, long requestId, byte[] payloadJson);

    /** Hands over the complete configuration after a change. */
    public static native void updateConf(long handle, byte[] confJson);

    /** Spark has begun to stop: no executor is made any more, and those that end are not replaced. */
    public static native void closing(long handle);

    /** Stops the allocator and releases what it made. Blocks for at most {@code deadlineMillis}. */
    public static native void stop(long handle, long deadlineMillis);

    /**
     * All metrics of this moment: <code>{"counters": {name: number}, "gauges": {name: number}}</code>, always with the same names;
     * {@code null} where the allocator does not answer within a second.
     */
    public static native byte[] metrics(long handle);

    /** Waits for log lines of any allocator of this process: a JSON array, {@code []} when the time is up. */
    public static native byte[] nextLogs(long maxWaitMillis);

    /** Drops log lines above this level at their source: 0 off, 1 error, 2 warn, 3 info, 4 debug, 5 trace. */
    public static native void setLogLevel(int level);
}
