#!/usr/bin/env bash
# Brings the jars that build executor pods into the cache, for one Spark version: the differential test runs stock's own
# classes. Prints where they are. PyPI's pyspark carries them for every version; Maven Central does not.
set -euo pipefail
. "$(dirname "$0")/env.sh"

[[ $# -eq 1 ]] || die "usage: $0 <version of Spark>, such as $SPARK_VERSION"
version=$1
target=$STOKER_CACHE/spark-jars/$version

# Of some 250 jars those that StockPods.java is compiled and runs with, and that the classes of Stoker link to.
names=(commons- guava hadoop-client ivy jackson jakarta.servlet json4s kubernetes log4j metrics-core netty okhttp okio paranamer
    scala-library slf4j snakeyaml spark-common-utils spark-config spark-core spark-kubernetes spark-kvstore
    spark-launcher spark-network spark-tags spark-unsafe spark-variant vertx volcano)

if [[ $(cat "$target/.complete" 2>/dev/null) != "${names[*]}" ]]; then
    mkdir -p "$STOKER_CACHE/spark-jars"
    work=$(mktemp -d "$STOKER_CACHE/spark-jars/.fetch-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/jars"
    if [[ -f $STOKER_CACHE/spark/$version/.complete ]]; then
        all=$STOKER_CACHE/spark/$version/jars
    else
        need pip "install Python 3 with pip"
        say "Getting the jars of Spark $version (300 to 460 MB, of which 120 MB stay)"
        pip download --quiet --no-deps --no-binary :all: --dest "$work" "pyspark==$version" >&2
        tar -xzf "$work"/pyspark-*.tar.gz -C "$work" --strip-components=1 --wildcards '*/deps/jars/*'
        all=$work/deps/jars
    fi
    for name in "${names[@]}"; do
        find "$all" -name "$name*.jar" -exec cp -l -t "$work/jars/" {} +
    done
    # With the list in it, so that a longer one is heeded.
    echo "${names[*]}" >"$work/jars/.complete"
    rm -rf "$target"
    mv "$work/jars" "$target"
fi
echo "$target"
