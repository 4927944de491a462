# Sourced by every script: where things are cached and which versions are used.
# shellcheck shell=bash

SPARK_VERSION=${SPARK_VERSION:-4.3.0}
# The versions whose executor pods ours are compared with; tests/tests/spec_differential has the same list.
SPARK_VERSIONS=(3.5.5 4.0.1 4.1.1 4.2.1 4.3.0)
STOKER_VERSION=0.1.0
RUST_VERSION=1.95.0

STOKER_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/stoker
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$STOKER_CACHE/target/rust-$RUST_VERSION}

STOKER_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# The stock distribution, and the copy with Stoker in it.
STOCK_SPARK_HOME=$STOKER_CACHE/spark/$SPARK_VERSION
STOKER_DIST=$STOKER_CACHE/spark/$SPARK_VERSION-stoker
# The applications of the demo and of the end-to-end tests, compiled against that distribution.
STOKER_APPS=$STOKER_CACHE/apps/$SPARK_VERSION

# Its installer takes the jar beside it where that one fits the distribution.
STOKER_JAR=$STOKER_ROOT/java/target/stoker-spark_2.13-$STOKER_VERSION.jar
STOKER_NATIVE_LIB=$CARGO_TARGET_DIR/release/libstoker_jni.so
# The libraries that are packed into the jars, each in a directory named after its platform.
STOKER_NATIVE_DIR=$CARGO_TARGET_DIR/native
STOKER_BIN=$CARGO_TARGET_DIR/release/stoker

# What `make portable` builds for, and with which tools of PyPI. glibc 2.17 is that of the oldest images Spark runs in.
PORTABLE_ARCHS=(x86_64 aarch64)
PORTABLE_GLIBC=2.17
PORTABLE_DIR=$CARGO_TARGET_DIR/linux
ZIG_VERSION=0.15.2
ZIGBUILD_VERSION=0.22.3

say() { printf '\033[1m==> %s\033[0m%s\n' "$*" "${STOKER_STARTED:+ ($(($(date +%s) - STOKER_STARTED)) s)}" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }
