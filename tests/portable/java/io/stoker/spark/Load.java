package io.stoker.spark;

/** Loads the native library as a driver does, calls it, and says on which machine. */
public final class Load {

    private Load() {}

    /** Entry point. */
    public static void main(String[] args) {
        NativeLibrary.load();
        System.out.println("loaded on " + System.getProperty("os.arch") + ", interface " + Native.abiVersion());
    }
}
