import java.nio.file.Files;
import java.nio.file.Path;

/** Holds a driver or a task back until a test lets it go on. */
final class Gate {
    private static final long POLL_MILLIS = 100;
    /** Longer than any test: what nobody lets go on has to end some time. */
    private static final long LIMIT_MILLIS = 900_000;

    private Gate() {}

    static void await(Path file) throws InterruptedException {
        long end = System.currentTimeMillis() + LIMIT_MILLIS;
        while (!Files.exists(file)) {
            if (System.currentTimeMillis() > end) {
                throw new IllegalStateException("nobody made " + file);
            }
            Thread.sleep(POLL_MILLIS);
        }
    }
}
