import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.spark.SparkConf;
import org.apache.spark.internal.config.ConfigEntry;
import org.apache.spark.network.util.ByteUnit;
import org.apache.spark.network.util.JavaUtils;

/**
 * Writes what Java and Spark make of many texts, as JSON lines, for the tests of Stoker's configuration:
 * <pre>
 * java -cp "$SPARK_HOME/jars/*" Expectations.java .
 * </pre>
 * The files in this directory were made with Java 17 and Spark 4.3.0.
 */
public class Expectations {
    public static void main(String[] args) throws Exception {
        Path out = Path.of(args[0]);
        Files.write(out.resolve("properties.jsonl"), properties());
        Files.write(out.resolve("comments.jsonl"), comments());
        Files.write(out.resolve("units.jsonl"), units());
        Files.write(out.resolve("numbers.jsonl"), numbers());
        Files.write(out.resolve("references.jsonl"), references());
    }

    // java.util.Properties ------------------------------------------------------------------------------------

    static final String[] TEXTS = {
        "", "\n", "\r\n", "a", "a=b", "a:b", "a b", "a\tb", "a\fb", "a = b", "a : b", "a =: b", "a == b", "a  =  =b",
        "=b", ":b", " =b", "a=", "a:", "a= ", "a=b ", "a=b\t\f", "  a=b", "\f\ta=b", "a=b\nc=d", "a=b\rc=d", "a=b\r\nc=d",
        "# c\na=b", "! c\na=b", "  # c\na=b", "a=b # no comment", "a#b=c", "a!=b", "# c\\\na=b", "#", "#\n", "!\r\n#\r",
        "a=b\\\nc", "a=b\\\n  c", "a=b\\\r\n\tc", "a=b\\\rc", "a=b\\\n\nc=d", "a=b\\\\\nc=d", "a=b\\\\\\\nc", "a=b\\\n#c",
        "a\\\n=b", "a\\\n b=c", "\\\na=b", "\\\n#a=b", "\\\n\n#a=b", "a=b\\", "a\\", "\\", "\\\\", "\\\n", "\\\n\\", "\\\r\n",
        "a=b\\\n", "a=b\\\n ", "a=b\\\n\\\nc", "a=\\\n", "a=\\\n b", "\\\n \\\n a=b", "a=b\\\r\n\r\nc=d",
        "a\\=b=c", "a\\:b:c", "a\\ b c", "a\\tb=c", "\\#a=b", "\\!a=b", "a=\\#b", "a\\\\=b", "a\\\\ b", "a\\\\\\=b=c",
        "a=\\t\\n\\r\\f\\b\\q\\\\\\\"\\'", "a=\\u0041", "a=\\u00e9\\u4e2d", "\\u0061=b", "a=\\uD83D\\uDE00", "a=\\ud83d\\ude00x",
        "a=\\u", "a=\\u1", "a=\\u12", "a=\\u123", "a=\\u12 3", "a=\\u00G0", "a=\\U0041", "a=\\\\u0041", "a=\\u0041\\",
        "a=\\u00\\\n41", "# \\u\na=b", "a=\\ud83d", "a=\\ude00\\ud83d", "\\ud83d=a", "a=\\u0000", "a=\\u003d\\u0020",
        "a\\u003db=c", "a\\u0020b=c", "a\\u000ab=c", "a=b\na=c", "a=b\n\n\na=\n", "é=ü", "中=文", "😀=😁", "a=\u0085b", "a=\u2028b",
        "\uFEFFa=b", "a=b\u0000c", "\u00a0a=b", "a\u00a0b", "a=\u00a0b", "\u000ba=b", "a\u000bb",
        "spark.executor.extraJavaOptions   -Da=b -Dc=\"d e\"", "spark.a=x\\\n    y \\\n    z", "k=v\n \n\t\n#x\nk2 v2\n",
        "spark.master                     k8s://https://192.0.2.1:6443", "a=C:\\\\dir", "a=C:\\dir", "a=1,2, 3 ",
    };

    static List<String> properties() {
        List<String> lines = new ArrayList<>();
        for (String text : TEXTS) lines.add(property(text));
        String[] pieces = {
            "a", "b", " ", " ", "\t", "\f", "\r", "\n", "\n", "\r\n", "\\", "\\", "\\\n", "=", ":", "#", "!", "\\u0041", "\\u",
            "é", "😀", "\\ud83d\\ude00", "\u0001",
        };
        Random random = new Random(20);
        for (int i = 0; i < 700; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(14); n > 0; n--) text.append(pieces[random.nextInt(pieces.length)]);
            lines.add(property(text.toString()));
        }
        return lines;
    }

    static String property(String text) {
        Properties read = new Properties();
        try {
            read.load(new StringReader(text));
        } catch (IllegalArgumentException e) {
            return object("text", quote(text), "error", "\"malformed\"");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> entries = new ArrayList<>();
        for (String key : new TreeSet<>(read.stringPropertyNames())) {
            String value = read.getProperty(key);
            if (!valid(key) || !valid(value)) return object("text", quote(text), "error", "\"surrogate\"");
            entries.add("[" + quote(key) + "," + quote(value) + "," + quote(stored(key, value)) + "]");
        }
        return object("text", quote(text), "entries", "[" + String.join(",", entries) + "]");
    }

    /** The line that stands for an entry. */
    static String stored(String key, String value) {
        Properties properties = new Properties();
        properties.setProperty(key, value);
        String[] parts = store(properties, "c").split("\n", 3);
        return parts[2].substring(0, parts[2].length() - 1);
    }

    static String store(Properties properties, String comment) {
        StringWriter writer = new StringWriter();
        try {
            properties.store(writer, comment);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return writer.toString();
    }

    static List<String> comments() {
        List<String> lines = new ArrayList<>();
        for (String text : new String[] {
            "", "plain", "two\nlines", "two\rlines", "two\r\nlines", "two\n#lines", "two\n!lines", "end\n", "end\r\n", "\n\n", "é", "中",
            "😀", "tab\there", "a=b\\",
        }) {
            String all = store(new Properties(), text);
            // The last line is the date.
            String comment = all.substring(0, all.lastIndexOf('#'));
            lines.add(object("text", quote(text), "stored", quote(comment)));
        }
        return lines;
    }

    static boolean valid(String text) {
        return StandardCharsets.UTF_16.newEncoder().canEncode(text);
    }

    // Units ---------------------------------------------------------------------------------------------------

    static List<String> units() {
        String[] numbers = {"0", "1", "7", "59", "60", "999", "1000", "1023", "1024", "1536", "90000", "9223372036854775807"};
        String[] times = {"", "us", "ms", "s", "m", "min", "h", "d"};
        String[] sizes = {"", "b", "k", "kb", "m", "mb", "g", "gb", "t", "tb", "p", "pb"};
        String[] odd = {
            "", " ", "s", "ms", "m", "-", "-1", "-1ms", "-90s", "-1500us", "--1", "+1", "+1s", " 10s ", "\t5m\n", "10 s", "10S", "10Ms",
            "1MIN", "5G", "5Kb", "1.5", "1.5s", "1.5g", "0.5m", ".5g", "5.", "1e3", "1w", "10sec", "10seconds", "1y", "1ns", "1kib", "1gi",
            "1mib", "1e", "1eb", "1bytes", "0x10", "٣s", "９", "9223372036854775808", "9223372036854775807k", "9223372036854775807d",
            "-9223372036854775808d", "-9223372036854775809", "99999999999999999999s", "8191p", "8192p", "9007199254740991k", "9007199254740992k",
            "9223372036854775807b", "8796093022208m", "8796093022207m", "8589934591g", "8589934592g", "007", "1\u00a0s", "1m1", "1m1s", "s1", "1 g",
            "1_000", "1,000", "\u0000" + "1s", "1s\u0000", "１０s", "1K\u0130",
        };
        List<String> lines = new ArrayList<>();
        for (TimeUnit unit : new TimeUnit[] {TimeUnit.MILLISECONDS, TimeUnit.SECONDS, TimeUnit.MINUTES}) {
            for (String text : texts(numbers, times, odd)) {
                lines.add(result("time", unit.toString(), text, () -> JavaUtils.timeStringAs(text, unit)));
            }
        }
        for (ByteUnit unit : new ByteUnit[] {ByteUnit.BYTE, ByteUnit.KiB, ByteUnit.MiB}) {
            for (String text : texts(numbers, sizes, odd)) {
                lines.add(result("size", unit.toString(), text, () -> JavaUtils.byteStringAs(text, unit)));
            }
        }
        return lines;
    }

    static List<String> texts(String[] numbers, String[] suffixes, String[] odd) {
        List<String> texts = new ArrayList<>(List.of(odd));
        for (String number : numbers) for (String suffix : suffixes) texts.add(number + suffix);
        return texts;
    }

    static List<String> numbers() {
        List<String> lines = new ArrayList<>();
        for (String text : new String[] {
            "0", "1", "-1", "+1", " 7 ", "\t7\n", "007", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807",
            "9223372036854775808", "-9223372036854775808", "", " ", "+", "-", "1.0", "1e3", "1_000", "0x10", "1 0", "\u00a01", "1L", "true",
        }) {
            lines.add(result("int", "", text, () -> Integer.parseInt(text.trim())));
            lines.add(result("long", "", text, () -> Long.parseLong(text.trim())));
        }
        for (String text : new String[] {
            "0", "1", "-1", "+1", " 0.1 ", ".5", "5.", "1e3", "1E-3", "1e+3", "1f", "1.5D", "1F", "0.1d", "NaN", "-NaN", "+Infinity", "Infinity",
            "-Infinity", "nan", "inf", "infinity", "", ".", "e3", "1e", "1e400", "1e-400", "1,5", "0.1 f", "--1", "+-1", "1dd", "1L", "d", "f", "1.7976931348623157e308",
        }) {
            lines.add(result("double", "", text, () -> Double.doubleToLongBits(Double.parseDouble(text.trim()))));
        }
        return lines;
    }

    static String result(String kind, String unit, String text, Supplier<Object> value) {
        String answer;
        try {
            answer = "\"" + value.get() + "\"";
        } catch (IllegalArgumentException e) {
            answer = "null";
        }
        return object("kind", quote(kind), "unit", quote(unit), "text", quote(text), "value", answer);
    }

    // References ----------------------------------------------------------------------------------------------

    static List<String> references() throws Exception {
        Object config = Class.forName("org.apache.spark.deploy.k8s.Config$").getField("MODULE$").get(null);
        @SuppressWarnings("unchecked")
        ConfigEntry<Object> entry = (ConfigEntry<Object>) config.getClass().getMethod("KUBERNETES_CONTEXT").invoke(config);
        System.setProperty("test.home", "/home");
        System.setProperty("test.ref", "${spark.plain}");
        List<String> lines = new ArrayList<>();
        for (String text : new String[] {
            "plain", "${spark.plain}", "<${spark.plain}>", "${spark.plain}${spark.plain}", "${spark.nested}", "${env:USER_X}", "${env:NONE}",
            "${env:REF_X}", "${system:test.home}/x", "${system:test.ref}", "${system:none}", "${spark.none}", "${plain}", "${other.plain}",
            "${spark:plain}", "${foo:bar}", "${}", "${ }", "${}}", "${spark.plain", "$spark.plain", "$${spark.plain}", "\\${spark.plain}",
            "${spark.plain }", "${ spark.plain}", "${spark.pl ain}", "${a${spark.plain}}", "${spark.${spark.plain}}", "${env:}", "${env:}}", "${:x}",
            "${env:USER_X}${", "${loop", "${spark.loop}", "${spark.circle}", "${spark.kubernetes.context}", "${spark.twice}", "$1 \\1 ${spark.dollar}",
            "${spark.empty}|", "${spark.kubernetes.namespace}", "${spark.kubernetes.executor.container.image}", "${spark.kubernetes.container.image.pullPolicy}",
            "${spark.kubernetes.driver.pod.name}", "${spark.executor.memoryOverhead}", "${spark.executor.cores}", "${spark.kubernetes.allocation.batch.size}",
            "${spark.kubernetes.driver.container.image}", "${ENV:USER_X}", "${env:USER X}", "${env:A:B}", "${spark.a:b}", "${é}", "${spark.é}", "${spark.spark\u00a0x}",
        }) {
            SparkConf conf = new SparkConf(false) {
                @Override
                public String getenv(String name) {
                    return Map.of("USER_X", "root", "REF_X", "<${spark.plain}>", "A:B", "colon").get(name);
                }
            };
            conf.set("spark.plain", "P").set("spark.nested", "[${spark.plain}]").set("spark.loop", "${spark.loop}").set("spark.circle", "${spark.round}")
                .set("spark.round", "${spark.circle}").set("spark.twice", "${spark.nested}${spark.nested}").set("spark.dollar", "$2 \\ ${none}").set("spark.empty", "")
                .set("other.plain", "Q").set("plain", "R").set("spark.yarn.executor.memoryOverhead", "42").set("spark.P", "indirect").set("spark.é", "accent")
                .set("spark.kubernetes.container.image", "image:1").set("spark.kubernetes.context", text);
            lines.add(result("reference", "", text, () -> escaped(((scala.Option<?>) conf.get(entry)).get().toString())));
        }
        return lines;
    }

    // JSON ----------------------------------------------------------------------------------------------------

    static String object(String... parts) {
        StringJoiner members = new StringJoiner(",", "{", "}");
        for (int i = 0; i < parts.length; i += 2) members.add("\"" + parts[i] + "\":" + parts[i + 1]);
        return members.toString();
    }

    static String quote(String text) {
        return "\"" + escaped(text) + "\"";
    }

    static String escaped(String text) {
        StringBuilder out = new StringBuilder();
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ' || c > '~') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.toString();
    }
}
