#!/usr/bin/env bash
# Benchmarks, all or those of BENCH: a (creates per second, beside stock Spark and the raw API server), h (the plan alone),
# j (pods built, beside stock Spark). Needs `make build cluster dist` before it. What part a has measured for this commit
# is kept, so that it goes on where it was interrupted.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$STOKER_ROOT"
export STOKER_SPARK_HOME=$STOCK_SPARK_HOME STOKER_APPS STOKER_BIN

part() { [[ " ${BENCH:-a h j} " == *" $1 "* ]]; }

if part a; then
    say "a: creates per second"
    results=$STOKER_CACHE/bench/$(git describe --always --dirty)
    mkdir -p "$results"
    STOKER_CLUSTER_BIN=$(tests/cluster/build.sh)
    export STOKER_CLUSTER_BIN
    cargo run --release --locked --quiet -p stoker-benches --features stress --bin stress -- \
        --results "$results/creates.jsonl" --report "$results/creates.md" "$@"
fi
if part h; then
    say "h: the plan alone"
    cargo bench --locked -p stoker-benches --bench plan
fi
if part j; then
    say "j: pods built"
    cargo bench --locked -p stoker-benches --bench spec --bench beside_stock
fi
