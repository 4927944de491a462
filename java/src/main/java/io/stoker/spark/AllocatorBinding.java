package io.stoker.spark;

/**
 * One native allocator, as the classes of this package see it. {@link NativeBinding} is the real one.
 *
 * <p>Every method may throw {@link AllocatorException}; all but {@link #start}, {@link #nextNotices}, {@link #nextLogs} and
 * {@link #stop} return without waiting for anything but the allocator's own loop.
 */
interface AllocatorBinding {

    /** Starts the allocator; blocks until it may allocate. Called once, before every other method but the two for logs. */
    void start(byte[] startJson);

    /** See {@link Native#setProfile}. */
    void setProfile(byte[] profileJson);

    /** See {@link Native#setTargets}. */
    void setTargets(int[] profileIds, int[] counts);

    /** See {@link Native#kill}. */
    void kill(long[] executorIds);

    /** See {@link Native#decommission}. */
    void decommission(long[] executorIds);

    /** See {@link Native#registered}. */
    void registered(long executorId);

    /** See {@link Native#disconnected}. */
    void disconnected(long executorId);

    /** See {@link Native#executorIdFor}. */
    long executorIdFor(String podName);

    /** See {@link Native#isDeleted}. */
    boolean isDeleted(long executorId);

    /** See {@link Native#nextNotices}. */
    byte[] nextNotices(long maxWaitMillis);

    /** See {@link Native#answer}. */
    void answer(long requestId, byte[] payloadJson);

    /** See {@link Native#updateConf}. */
    void updateConf(byte[] confJson);

    /** See {@link Native#metrics}. */
    byte[] metrics();

    /** See {@link Native#closing}. Does nothing where {@link #start} has not succeeded. */
    void closing();

    /** See {@link Native#stop}. Does nothing where {@link #start} has not succeeded. */
    void stop(long deadlineMillis);

    /** See {@link Native#nextLogs}. */
    byte[] nextLogs(long maxWaitMillis);

    /** See {@link Native#setLogLevel}. */
    void setLogLevel(int level);
}
