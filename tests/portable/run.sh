#!/usr/bin/env bash
# What `make portable` has built: it asks for no newer glibc than it says, the jars carry it, and both architectures run,
# aarch64 under qemu with Debian's JRE for it, where this machine is x86_64.
set -euo pipefail
. "$(dirname "$0")/../../scripts/env.sh"
here=$STOKER_ROOT/tests/portable

need readelf "install binutils"
need unzip "install unzip"
say "What the portable files need"
python3 "$here/symbols.py" "$PORTABLE_DIR" --glibc "$PORTABLE_GLIBC" --archs "${PORTABLE_ARCHS[@]}"

say "What the jars carry"
for jar in "$STOKER_ROOT"/java/target/stoker-spark_*.jar; do
    for arch in "${PORTABLE_ARCHS[@]}"; do
        entry=native/linux-$arch/libstoker_jni.so
        packed=$(unzip -p "$jar" "$entry" | sha256sum | cut -d' ' -f1)
        [[ $packed == "$(sha256sum <"$PORTABLE_DIR/$entry" | cut -d' ' -f1)" ]] || die "$jar has another $entry: run 'make portable'"
        [[ $packed == "$(unzip -p "$jar" "$entry.sha256")" ]] || die "$jar has another sum than that of $entry"
    done
    echo "$(basename "$jar"): ${PORTABLE_ARCHS[*]}, $(($(stat -c %s "$jar") / 1024)) KiB"
done

# Beside the jars of Spark, so that those are linked and not copied.
work=$(mktemp -d "$STOKER_CACHE/.portable-XXXXXX")
trap 'rm -rf "$work"' EXIT
jars=$STOKER_CACHE/spark-jars/$SPARK_VERSION

say "Installing into every version of Spark, and uninstalling"
for version in "${SPARK_VERSIONS[@]}"; do
    SPARK_HOME=$work/$version
    cp -al "$STOKER_CACHE/spark-jars/$version" "$SPARK_HOME"
    java -jar "$STOKER_JAR" install "$SPARK_HOME" >"$work/out"
    java -jar "$STOKER_JAR" status "$SPARK_HOME" | head -1
    java -jar "$STOKER_JAR" uninstall "$SPARK_HOME" >"$work/out"
    code=0
    java -jar "$STOKER_JAR" status "$SPARK_HOME" >"$work/out" || code=$?
    [[ $code -eq 3 ]] || die "status of $version ends with $code after uninstall: $(<"$work/out")"
    diff -r "$STOKER_CACHE/spark-jars/$version" "$SPARK_HOME"
done

javac --release 17 -cp "$STOKER_JAR" -d "$work" "$here/java/io/stoker/spark/Load.java"
printf '%s\n' spark.kubernetes.namespace=portable spark.kubernetes.executor.container.image=spark:portable spark.driver.host=driver >"$work/spark.properties"

# How to run a program of an architecture, in `runner`, and its java, in `java`.
prepare() {
    if [[ $1 == "$(uname -m)" ]]; then
        runner=() java=(java)
        return
    fi
    local debian=${1/aarch64/arm64}
    [[ $1 == aarch64 ]] || die "this is $(uname -m): there is no way to run $1 here"
    need qemu-aarch64 "install Debian's qemu-user, with which aarch64 is tried here"
    need mmdebstrap "install Debian's mmdebstrap, which gets the JRE for aarch64"
    local root=$STOKER_CACHE/portable/$debian
    if [[ ! -f $root/.complete ]]; then
        say "Getting glibc and a JRE for $1 from Debian (100 MB, once)"
        rm -rf "$root"
        mkdir -p "$root"
        # Only unpacked: nothing of it is run while installing.
        mmdebstrap --quiet --variant=extract --architectures="$debian" --include=openjdk-17-jre-headless bookworm "$root" >&2
        touch "$root/.complete"
    fi
    runner=(qemu-aarch64 -L "$root")
    # Without compiling: what takes seconds under qemu is the JIT.
    java=("${runner[@]}" "$root/usr/lib/jvm/java-17-openjdk-$debian/bin/java" -Xint)
}

for arch in "${PORTABLE_ARCHS[@]}"; do
    say "Running on $arch"
    prepare "$arch"
    "${runner[@]}" "$PORTABLE_DIR/bin/linux-$arch/stoker" render --properties "$work/spark.properties" \
        --executor-id 1 --app-id spark-1 -o json >"$work/$arch.json"
    cmp "$work/$arch.json" "$work/${PORTABLE_ARCHS[0]}.json"
    echo "stoker render: $(wc -c <"$work/$arch.json") bytes, the same on every architecture"
    # From the jar, as where there is no library beside it.
    "${java[@]}" -cp "$work:$STOKER_JAR:$jars/*" io.stoker.spark.Load
done
