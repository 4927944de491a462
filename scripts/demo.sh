#!/usr/bin/env bash
# The demo: needs `make dist cluster` before it.
set -euo pipefail
. "$(dirname "$0")/env.sh"
bin=$("$STOKER_ROOT/tests/cluster/build.sh")
exec python3 "$STOKER_ROOT/tests/demo/demo.py" \
    --spark-home "$STOKER_DIST" --apps "$STOKER_APPS" --cluster-bin "$bin" "$@"
