package io.stoker.spark;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What calls across the boundary cost, with the library and the allocator that drivers have. Takes the start message on its
 * first line of input, and answers each further line.
 *
 * <p>{@code targets N}: sets the target to N executors. {@code cost N}: sets that target again and again; answers with
 * the nanoseconds of a call: mean, median, 99th percentile. {@code notices N}: takes N notices that wait; answers with how many
 * there were, in how many batches, and how many nanoseconds the batches took.
 */
final class JniCost {

    private static final int[] PROFILE = {0};
    private static final int WARM_UP = 20_000;
    private static final int CALLS = 100_000;
    /** After so long without a notice there are no more. */
    private static final long MAX_WAIT_MILLIS = 5_000;

    private JniCost() {}

    public static void main(String[] args) throws Exception {
        NativeLibrary.load();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        long handle = Native.start(input.readLine().getBytes(StandardCharsets.UTF_8));
        System.out.println("started");
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            int number = Integer.parseInt(words[1]);
            switch (words[0]) {
                case "targets" -> Native.setTargets(handle, PROFILE, new int[] {number});
                case "cost" -> {
                    measure(handle, number, WARM_UP);
                    System.out.print(measure(handle, number, CALLS) + " ");
                }
                case "notices" -> System.out.print(notices(handle, number) + " ");
                default -> throw new IllegalArgumentException(line);
            }
            System.out.println("done");
        }
        Native.stop(handle, 10_000);
    }

    private static String measure(long handle, int target, int calls) {
        int[] counts = {target};
        long[] nanos = new long[calls];
        long begin = System.nanoTime();
        for (int i = 0; i < calls; i++) {
            long start = System.nanoTime();
            Native.setTargets(handle, PROFILE, counts);
            nanos[i] = System.nanoTime() - start;
        }
        long mean = (System.nanoTime() - begin) / calls;
        Arrays.sort(nanos);
        return mean + " " + nanos[calls / 2] + " " + nanos[calls / 100 * 99];
    }

    private static String notices(long handle, int wanted) {
        int taken = 0;
        int batches = 0;
        long nanos = 0;
        while (taken < wanted) {
            long start = System.nanoTime();
            byte[] batch = Native.nextNotices(handle, MAX_WAIT_MILLIS);
            long time = System.nanoTime() - start;
            int count = Messages.array(batch).size();
            if (count == 0) {
                break;
            }
            taken += count;
            batches++;
            nanos += time;
        }
        return taken + " " + batches + " " + nanos;
    }
}
