#!/usr/bin/env bash
# End-to-end tests with real Spark drivers: needs `make dist cluster` before it.
set -euo pipefail
. "$(dirname "$0")/env.sh"
bin=$("$STOKER_ROOT/tests/cluster/build.sh")
exec python3 "$STOKER_ROOT/tests/demo/e2e.py" --stock-home "$STOCK_SPARK_HOME" \
    --spark-home "$STOKER_DIST" --apps "$STOKER_APPS" --cluster-bin "$bin" "$@"
