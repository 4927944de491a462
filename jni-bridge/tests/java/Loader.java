import io.stoker.spark.Native;

/** Loads the library into the class loader of this class. */
public final class Loader {

    private Loader() {}

    /** "loaded", or the error. */
    public static Object load(String library) {
        try {
            System.load(library);
            return "loaded";
        } catch (UnsatisfiedLinkError e) {
            return e;
        }
    }

    /** What a native method throws. */
    public static Throwable failure() {
        try {
            Native.registered(0, 1);
            return null;
        } catch (Throwable e) {
            return e;
        }
    }
}
