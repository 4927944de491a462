package io.stoker.spark;

/** The allocator of the native library. */
final class NativeBinding implements AllocatorBinding {

    private static final long NOT_STARTED = 0;

    private volatile long handle = NOT_STARTED;

    NativeBinding() {
        NativeLibrary.load();
    }

    @Override
    public void start(byte[] startJson) {
        handle = Native.start(startJson);
    }

    @Override
    public void setProfile(byte[] profileJson) {
        Native.setProfile(handle, profileJson);
    }

    @Override
    public void setTargets(int[] profileIds, int[] counts) {
        Native.setTargets(handle, profileIds, counts);
    }

    @Override
    public void kill(long[] executorIds) {
        Native.kill(handle, executorIds);
    }

    @Override
    public void decommission(long[] executorIds) {
        Native.decommission(handle, executorIds);
    }

    @Override
    public void registered(long executorId) {
        Native.registered(handle, executorId);
    }

    @Override
    public void disconnected(long executorId) {
        Native.disconnected(handle, executorId);
    }

    @Override
    public long executorIdFor(String podName) {
        return Native.executorIdFor(handle, podName);
    }

    @Override
    public boolean isDeleted(long executorId) {
        return Native.isDeleted(handle, executorId);
    }

    @Override
    public byte[] nextNotices(long maxWaitMillis) {
        return Native.nextNotices(handle, maxWaitMillis);
    }

    @Override
    public void answer(long requestId, byte[] payloadJson) {
        Native.answer(handle, requestId, payloadJson);
    }

    @Override
    public void updateConf(byte[] confJson) {
        Native.updateConf(handle, confJson);
    }

    @Override
    public byte[] metrics() {
        return Native.metrics(handle);
    }

    @Override
    public void closing() {
        if (handle != NOT_STARTED) {
            Native.closing(handle);
        }
    }

    @Override
    public void stop(long deadlineMillis) {
        if (handle != NOT_STARTED) {
            Native.stop(handle, deadlineMillis);
        }
    }

    @Override
    public byte[] nextLogs(long maxWaitMillis) {
        return Native.nextLogs(maxWaitMillis);
    }

    @Override
    public void setLogLevel(int level) {
        Native.setLogLevel(level);
    }
}
