package io.stoker.install;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.nio.file.Paths;

/** {@code java -jar stoker-spark_<Scala>-<version>.jar install $SPARK_HOME}. Needs nothing but a JDK. */
public final class Main {

    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int USAGE = 2;

    private static final String HELP = "Usage: java -jar <this jar> install SPARK_HOME\n\n"
            + "Puts Stoker into a Spark distribution or a pip-installed pyspark: copies this jar, or the one beside it for that\n"
            + "version of Spark, and the native library to the jars and takes Spark's own cluster manager for Kubernetes out of the\n"
            + "list of services. Each changed file is printed. Running it again changes nothing.";

    private Main() {}

    /** Entry point. Exits with 0, with 1 where installing is refused or fails, with 2 for wrong arguments. */
    public static void main(String[] args) {
        System.exit(run(args, System.out, System.err));
    }

    static int run(String[] args, PrintStream out, PrintStream err) {
        if (args.length == 1 && (args[0].equals("--help") || args[0].equals("-h"))) {
            out.println(HELP);
            return OK;
        }
        if (args.length != 2 || !args[0].equals("install")) {
            err.println(HELP);
            return USAGE;
        }
        try {
            new Installer(ownJar(), out).install(Paths.get(args[1]));
            return OK;
        } catch (InstallException e) {
            err.println("Stoker is not installed: " + e.getMessage());
        } catch (IOException e) {
            err.println("Stoker is not installed: reading or writing failed: " + e);
        }
        return FAILED;
    }

    private static Path ownJar() throws InstallException {
        try {
            return Paths.get(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new InstallException("this jar cannot be found on the file system.", e);
        }
    }
}
