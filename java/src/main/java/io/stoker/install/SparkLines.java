package io.stoker.install;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The lines of Spark that this release of Stoker was built for, each with one version of Scala. */
final class SparkLines {

    private static final Map<String, List<String>> BY_SCALA = new LinkedHashMap<>();

    static {
        BY_SCALA.put("2.12", Collections.singletonList("3.5"));
        BY_SCALA.put("2.13", Arrays.asList("4.0", "4.1", "4.2", "4.3"));
    }

    /** {@code 4.3.0}, and with the suffixes of vendors and previews: {@code 4.3.0-amzn-1}. */
    private static final Pattern VERSION = Pattern.compile("(\\d+\\.\\d+)\\.\\d+(?:[-.].+)?");

    private SparkLines() {}

    /** Refuses what Stoker was not built for, naming what it was built for. */
    static void check(String sparkVersion, String scalaVersion) throws InstallException {
        Matcher version = VERSION.matcher(sparkVersion);
        if (!version.matches() || BY_SCALA.values().stream().noneMatch(lines -> lines.contains(version.group(1)))) {
            throw new InstallException("the version of Spark is " + sparkVersion + ". " + known());
        }
        if (!of(scalaVersion).contains(version.group(1))) {
            throw new InstallException("Spark " + sparkVersion + " was built for Scala " + scalaVersion + ". " + known());
        }
    }

    /** The lines that the jar for this version of Scala is for, as in {@code 4.3}. */
    static List<String> of(String scalaVersion) {
        return BY_SCALA.getOrDefault(scalaVersion, Collections.emptyList());
    }

    private static String known() {
        return "This release of Stoker knows Spark " + BY_SCALA.entrySet().stream()
                .map(line -> String.join(", ", line.getValue()) + " with Scala " + line.getKey())
                .collect(Collectors.joining(", and ")) + ".";
    }
}
