#!/usr/bin/env bash
# Installs Stoker into a copy of the stock distribution of Spark SPARK_VERSION. Prints the copy's home.
set -euo pipefail
. "$(dirname "$0")/env.sh"

[[ -f $STOKER_JAR ]] || die "$STOKER_JAR is missing: run 'make build'"
"$STOKER_ROOT/scripts/spark.sh" >/dev/null

say "Installing Stoker into a copy of Spark $SPARK_VERSION"
rm -rf "$STOKER_DIST"
# Hard links: the installer replaces files, it never writes into them, so the stock copy stays as it is.
cp -al "$STOCK_SPARK_HOME" "$STOKER_DIST"
java -jar "$STOKER_JAR" install "$STOKER_DIST" >&2

mkdir -p "$STOKER_APPS"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
javac -Xlint:all,-path,-classfile,-processing -Werror -cp "$STOCK_SPARK_HOME/jars/*" -d "$work" "$STOKER_ROOT"/tests/apps/*.java
jar --create --file "$work/apps.jar" -C "$work" .
mv "$work/apps.jar" "$STOKER_APPS/apps.jar"
echo "$STOKER_DIST"
