import java.lang.reflect.*;
import java.nio.file.*;
import java.util.*;
import org.apache.spark.internal.config.ConfigEntry;

/**
 * Prints what one Spark version says of the keys that Stoker's reference page names, and of every spark.kubernetes key:
 * version, key, default, first version, deprecated names.
 * <pre>
 * java -cp "$SPARK_HOME/jars/*" KeyTable.java 4.3.0 docs/configuration.md
 * </pre>
 * keys.tsv is the output for 3.5.5, 4.0.1, 4.1.1, 4.2.0 and 4.3.0 in one file, sorted with LC_ALL=C and without
 * spark.driver.host, whose default is the address of the machine. Only the jars
 * spark-core, spark-kubernetes, spark-common-utils and spark-network-common need to be of that version.
 */
public class KeyTable {
    public static void main(String[] args) throws Exception {
        String page = Files.readString(Path.of(args[1]));
        for (String name : new String[] {"deploy.k8s.Config$", "internal.config.package$", "internal.config.Python$", "internal.config.UI$"}) {
            Class<?> type = Class.forName("org.apache.spark." + name);
            Object module = type.getField("MODULE$").get(null);
            for (Method method : type.getDeclaredMethods()) {
                if (method.getParameterCount() != 0 || !ConfigEntry.class.isAssignableFrom(method.getReturnType())) continue;
                ConfigEntry<?> entry = (ConfigEntry<?>) method.invoke(module);
                if (!entry.key().startsWith("spark.kubernetes.") && !page.contains("`" + entry.key() + "`")) continue;
                StringJoiner names = new StringJoiner(",");
                for (int i = 0; i < entry.alternatives().size(); i++) names.add((String) entry.alternatives().apply(i));
                System.out.println(String.join("\t", args[0], entry.key(), entry.defaultValueString(), entry.version(), names.toString()));
            }
        }
    }
}
