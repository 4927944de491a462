package io.stoker.install;

import io.stoker.Platform;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.nio.file.Paths;

/** {@code java -jar stoker-spark_<Scala>-<version>.jar install $SPARK_HOME}. Needs nothing but a JRE. */
public final class Main {

    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int USAGE = 2;

    private static final String HELP = "Usage: java -jar <this jar> install|uninstall|status SPARK_HOME\n\n"
            + "For a Spark distribution or a pip-installed pyspark.\n\n"
            + "  install    puts Stoker there: copies this jar, or the one beside it for that version of Spark, and the native library\n"
            + "             for this JVM's platform to the jars, and takes Spark's own cluster manager for Kubernetes out of the list of\n"
            + "             services. Each changed file is printed. Running it again changes nothing.\n"
            + "  uninstall  takes Stoker out and puts Spark's own files back, byte for byte.\n"
            + "  status     tells what is there.\n\n"
            + "After an interruption, run install or uninstall again: both complete from wherever the other has stopped.\n\n"
            + "Exit codes: 0 done, or for status: Stoker is installed; 1 refused or failed, after which status tells what is\n"
            + "there; 2 wrong arguments; of status also: 3 Spark without Stoker, 4 half-way, 5 changed by others.";

    private Main() {}

    /** Entry point; the exit codes are in the help. */
    public static void main(String[] args) {
        System.exit(run(args, System.out, System.err));
    }

    static int run(String[] args, PrintStream out, PrintStream err) {
        if (args.length == 1 && (args[0].equals("--help") || args[0].equals("-h"))) {
            out.println(HELP);
            return OK;
        }
        if (args.length != 2) {
            err.println(HELP);
            return USAGE;
        }
        Path home = Paths.get(args[1]);
        switch (args[0]) {
            case "install":
                return report("Stoker is not installed: ", err, () -> {
                    new Installer(ownJar(), Platform.current(), new Disk(), out).install(home);
                    return OK;
                });
            case "uninstall":
                return report("Stoker is not uninstalled: ", err, () -> {
                    new Uninstaller(new Disk(), out).uninstall(home);
                    return OK;
                });
            case "status":
                return report("Nothing can be told: ", err, () -> {
                    Status status = Status.of(home);
                    status.lines.forEach(out::println);
                    return status.state.exitCode;
                });
            default:
                err.println(HELP);
                return USAGE;
        }
    }

    private interface Command {

        int run() throws InstallException, IOException;
    }

    private static int report(String failure, PrintStream err, Command command) {
        try {
            return command.run();
        } catch (InstallException e) {
            err.println(failure + e.getMessage());
        } catch (IOException e) {
            err.println(failure + "reading or writing failed: " + e);
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
