import java.io.DataInputStream;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import org.apache.spark.SparkConf$;
import org.apache.spark.deploy.k8s.Config$;
import org.apache.spark.internal.config.ConfigEntry;
import scala.Option;
import scala.collection.Seq;
import scala.math.BigDecimal;

/**
 * Prints what the Spark on the class path says of its spark.kubernetes keys and of the keys that a file names, one on a
 * line: version, key, type, default, first version, deprecated names. Texts of the class files of spark-kubernetes that
 * look like a key and are none have the type "text of a class" and no more; prefixes are among them.
 * <pre>
 * java -cp "$SPARK_HOME/jars/*" KeyTable.java names.txt
 * </pre>
 * keys.tsv is the output of five versions in one file. tests/tests/keys_differential.rs runs this, compares, and can
 * write the file anew.
 */
public final class KeyTable {
  private static final List<String> MODULES =
      List.of("deploy.k8s.Config$", "internal.config.package$", "internal.config.Python$", "internal.config.UI$");

  public static void main(String[] args) throws Exception {
    List<String> wanted = Files.readAllLines(Path.of(args[0]));
    TreeMap<String, String> rows = new TreeMap<>();
    collectTexts(rows);
    for (String name : MODULES) {
      Class<?> type = Class.forName("org.apache.spark." + name);
      Object module = type.getField("MODULE$").get(null);
      for (Method method : type.getDeclaredMethods()) {
        if (method.getParameterCount() == 0
            && Modifier.isPublic(method.getModifiers())
            && ConfigEntry.class.isAssignableFrom(method.getReturnType())) {
          ConfigEntry<?> entry = (ConfigEntry<?>) method.invoke(module);
          if (entry.key().startsWith("spark.kubernetes.") || wanted.contains(entry.key())) {
            rows.put(entry.key(), describe(entry));
          }
        }
      }
    }
    String version = org.apache.spark.package$.MODULE$.SPARK_VERSION();
    rows.forEach((key, row) -> System.out.println(String.join("\t", version, key, row)));
  }

  private static String describe(ConfigEntry<?> entry) {
    LinkedHashSet<String> names = new LinkedHashSet<>();
    for (int i = 0; i < entry.alternatives().size(); i++) names.add((String) entry.alternatives().apply(i));
    // SparkConf knows more of them, and tells none: it asks for one after the other.
    SparkConf$.MODULE$.getDeprecatedConfig(entry.key(), new HashMap<>() {
      @Override
      public boolean containsKey(Object name) {
        names.add((String) name);
        return false;
      }
    });
    // The default of this one is the address of the machine.
    String byDefault = entry.key().equals("spark.driver.host") ? "<undefined>" : entry.defaultValueString();
    return String.join("\t", type(entry), byDefault, entry.version(), String.join(",", names));
  }

  /** Types are erased: what the entry makes of some texts tells them apart. */
  private static String type(ConfigEntry<?> entry) {
    if (convert(entry, "1h") instanceof Long hour) {
      return hour == 3_600_000L ? "time-ms" : hour == 3600L ? "time-s" : "time-min";
    }
    if (convert(entry, "1g") instanceof Long gibibyte) {
      return gibibyte == 1L << 30 ? "size-b" : gibibyte == 1L << 20 ? "size-k" : "size-m";
    }
    for (String text : new String[] {"1024", "1", "0.5", "true", "a"}) {
      Object value = convert(entry, text);
      if (value instanceof Integer) return "int";
      if (value instanceof Long) return "long";
      if (value instanceof Double) return "double";
      if (value instanceof Boolean) return "bool";
      if (value instanceof Seq) return "list";
      if (value instanceof BigDecimal) return "decimal";
    }
    return "text";
  }

  /** What the entry makes of a text; nothing where it refuses it. */
  private static Object convert(ConfigEntry<?> entry, String text) {
    try {
      Object value = entry.valueConverter().apply(text);
      return value instanceof Option<?> option && option.isDefined() ? option.get() : value;
    } catch (IllegalArgumentException | LinkageError e) {
      // The text of the exception may need jars that are not there.
      return null;
    }
  }

  /** The constants of all classes in the jar of spark-kubernetes. */
  private static void collectTexts(TreeMap<String, String> rows) throws IOException {
    var jar = Config$.class.getProtectionDomain().getCodeSource().getLocation();
    try (JarInputStream classes = new JarInputStream(jar.openStream())) {
      for (JarEntry entry; (entry = classes.getNextJarEntry()) != null; ) {
        if (!entry.getName().endsWith(".class")) continue;
        DataInputStream in = new DataInputStream(classes);
        in.skipBytes(8);
        int count = in.readUnsignedShort();
        for (int index = 1; index < count; index++) {
          switch (in.readUnsignedByte()) {
            case 1 -> {
              String text = in.readUTF();
              if (text.matches("spark\\.kubernetes\\.[A-Za-z0-9.]+")) rows.put(text, "text of a class\t\t\t");
            }
            case 5, 6 -> { // 8 bytes, and counted twice
              in.readLong();
              index++;
            }
            case 7, 8, 16, 19, 20 -> in.readUnsignedShort();
            case 15 -> {
              in.readUnsignedByte();
              in.readUnsignedShort();
            }
            default -> in.readInt();
          }
        }
      }
    }
  }
}
