#!/usr/bin/env bash
# Brings a stock Spark distribution into the cache: PyPI's pyspark carries every jar. Prints its home.
set -euo pipefail
. "$(dirname "$0")/env.sh"

if [[ ! -f $STOCK_SPARK_HOME/.complete ]]; then
    need pip "install Python 3 with pip"
    say "Getting Spark $SPARK_VERSION (300 to 460 MB, once)"
    mkdir -p "$STOKER_CACHE/spark"
    work=$(mktemp -d "$STOKER_CACHE/spark/.fetch-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    pip download --quiet --no-deps --no-binary :all: --dest "$work" "pyspark==$SPARK_VERSION" >&2
    say "Unpacking Spark $SPARK_VERSION"
    tar -xzf "$work"/pyspark-*.tar.gz -C "$work" --strip-components=1 --wildcards '*/deps/*' '*/pyspark/*'
    mkdir -p "$work/home/python"
    mv "$work/deps/bin" "$work/deps/sbin" "$work/deps/jars" "$work/home/"
    mv "$work/pyspark" "$work/home/python/pyspark"
    chmod +x "$work"/home/bin/* "$work"/home/sbin/*
    touch "$work/home/.complete"
    rm -rf "$STOCK_SPARK_HOME"
    mv "$work/home" "$STOCK_SPARK_HOME"
fi
echo "$STOCK_SPARK_HOME"
