package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerApplicationEnd;
import scala.Option;

/** Hears how an application ends. */
final class ApplicationEnds extends SparkListener {

    private final BlockingQueue<SparkListenerApplicationEnd> ends = new LinkedBlockingQueue<>();

    private ApplicationEnds() {}

    static ApplicationEnds of(SparkContext sc) {
        ApplicationEnds ends = new ApplicationEnds();
        sc.addSparkListener(ends);
        return ends;
    }

    @Override
    public void onApplicationEnd(SparkListenerApplicationEnd event) {
        ends.add(event);
    }

    /** Waits for the end. Spark 3.5 does not tell its exit code. */
    void await(int exitCode) throws InterruptedException {
        SparkListenerApplicationEnd end = FakeBinding.next(ends, "the end of the application");
        if (end.productArity() > 1) {
            assertEquals(Option.apply(exitCode), end.productElement(1));
        }
    }
}
