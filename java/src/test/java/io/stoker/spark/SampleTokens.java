package io.stoker.spark;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.security.Credentials;
import org.apache.spark.SparkConf;
import org.apache.spark.security.HadoopDelegationTokenProvider;
import scala.Option;

/** Gives a token out, and remembers which conf it was given. Public, as Spark finds it as a service. */
public final class SampleTokens implements HadoopDelegationTokenProvider {

    static final Text ALIAS = new Text("sample");
    static final BlockingQueue<SparkConf> CONFS = new LinkedBlockingQueue<>();

    public SampleTokens() {}

    @Override
    public String serviceName() {
        return "sample";
    }

    @Override
    public boolean delegationTokensRequired(SparkConf sparkConf, Configuration hadoopConf) {
        return sparkConf.getBoolean("spark.test.tokens", false);
    }

    @Override
    public Option<Object> obtainDelegationTokens(Configuration hadoopConf, SparkConf sparkConf, Credentials credentials) {
        CONFS.add(sparkConf);
        credentials.addSecretKey(ALIAS, "a secret".getBytes(StandardCharsets.UTF_8));
        return Option.empty();
    }
}
