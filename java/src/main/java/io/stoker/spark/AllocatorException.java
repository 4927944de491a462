package io.stoker.spark;

/** A failure that the native allocator reports. The native side makes these; the message says what the user can do. */
public final class AllocatorException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String kind;
    private final boolean retryable;

    /**
     * @param message why, and what the user can do
     * @param kind class of the failure, in camel case: that of a fatal notice, or {@code closed}, {@code staleHandle},
     *     {@code panic}, {@code badMessage}
     * @param retryable whether the same call may succeed later
     */
    public AllocatorException(String message, String kind, boolean retryable) {
        super(message);
        this.kind = kind;
        this.retryable = retryable;
    }

    /** Class of the failure, in camel case. */
    public String kind() {
        return kind;
    }

    /** Whether the same call may succeed later. */
    public boolean retryable() {
        return retryable;
    }
}
