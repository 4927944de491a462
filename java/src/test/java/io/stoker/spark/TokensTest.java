package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedExceptionAction;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.security.Credentials;
import org.apache.hadoop.security.SaslRpcServer.AuthMethod;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.scheduler.cluster.CoarseGrainedClusterMessages.RetrieveSparkAppConfig;
import org.apache.spark.scheduler.cluster.CoarseGrainedClusterMessages.SparkAppConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import scala.Option;
import scala.reflect.ClassTag$;

/** Delegation tokens, where Hadoop's security is on: Spark's own token manager makes them, and executors get them by RPC. */
class TokensTest extends SparkTest {

    private static final String AUTHENTICATION = "hadoop.security.authentication";
    private static final String REALM = "java.security.krb5.realm";
    private static final String KDC = "java.security.krb5.kdc";

    @BeforeEach
    void switchSecurityOn() {
        System.setProperty(REALM, "TEST");
        System.setProperty(KDC, "127.0.0.1");
        secure("kerberos");
        SampleTokens.CONFS.clear();
    }

    @AfterEach
    void switchSecurityOff() {
        secure("simple");
        System.clearProperty(REALM);
        System.clearProperty(KDC);
    }

    private static void secure(String method) {
        // Sets a configuration of its own the first time.
        SparkHadoopUtil.get();
        Configuration hadoop = new Configuration(false);
        hadoop.set(AUTHENTICATION, method);
        UserGroupInformation.setConfiguration(hadoop);
    }

    @Test
    void executorsGetTheTokensOfProvidersThatSeeTheRealConf() throws Exception {
        // On somebody's behalf, as then Spark does not log in by itself, which would take a KDC.
        UserGroupInformation user = UserGroupInformation.createProxyUser(
                "someone", UserGroupInformation.createRemoteUser("service", AuthMethod.KERBEROS));
        SparkConf conf = conf().set("spark.hadoop." + AUTHENTICATION, "kerberos").set("spark.test.tokens", "true");
        SparkContext sc = user.doAs((PrivilegedExceptionAction<SparkContext>) () -> new SparkContext(conf));

        assertSame(sc.conf(), FakeBinding.next(SampleTokens.CONFS, "a request for tokens"));
        assertArrayEquals("a secret".getBytes(StandardCharsets.UTF_8), tokensOfExecutors(sc).getSecretKey(SampleTokens.ALIAS));
    }

    /** What an executor is sent as it starts. */
    private static Credentials tokensOfExecutors(SparkContext sc) throws IOException {
        Object answer = backend(sc).driverEndpoint().askSync(new RetrieveSparkAppConfig(0), ClassTag$.MODULE$.Any());
        Option<byte[]> tokens = ((SparkAppConfig) answer).hadoopDelegationCreds();
        assertTrue(tokens.isDefined());
        Credentials credentials = new Credentials();
        credentials.readTokenStorageStream(new DataInputStream(new ByteArrayInputStream(tokens.get())));
        return credentials;
    }
}
