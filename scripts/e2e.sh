#!/usr/bin/env bash
# End-to-end tests with real Spark drivers: needs `make dist cluster` before it.
set -euo pipefail
. "$(dirname "$0")/env.sh"
bin=$("$STOKER_ROOT/tests/cluster/build.sh")
# Only one test needs a library that panics on purpose.
if [[ $# -eq 0 || " $* " == *" panicked_loop_stops_the_context "* ]]; then
    cargo build --quiet --locked -p stoker-jni --features fake-engine
fi
exec python3 "$STOKER_ROOT/tests/demo/e2e.py" --stock-home "$STOCK_SPARK_HOME" \
    --spark-home "$STOKER_DIST" --apps "$STOKER_APPS" --cluster-bin "$bin" \
    --panicking-library "$CARGO_TARGET_DIR/debug/libstoker_jni.so" "$@"
