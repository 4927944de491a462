package io.stoker.spark;

/** Throws Spark's checked exceptions from methods that Scala declares without them. */
final class Unchecked {

    private Unchecked() {}

    /** Throws {@code e} itself; the return type is for {@code throw Unchecked.cast(e)}. */
    static RuntimeException cast(Exception e) {
        return Unchecked.<RuntimeException>sneak(e);
    }

    @SuppressWarnings("unchecked")
    private static <E extends Exception> E sneak(Exception e) throws E {
        throw (E) e;
    }
}
