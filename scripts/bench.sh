#!/usr/bin/env bash
# Benchmarks, all or the parts of BENCH (a creates per second, b from afar, c memory and CPU, d API calls, e losses, f scale-down,
# g churn, h the plan alone, i JNI, j pods built), and their report. Needs `make dist cluster` before it. What has been measured
# for this commit is kept, so that a run goes on where it was interrupted. Arguments are for `stress run`, for a trial:
# BENCH="e g" scripts/bench.sh --most 100 --rounds 1 --stock-rounds 1
# BENCH=flame shows instead where the processor's time goes while executors are made, of the raw loop and of ours: flame graphs
# and the costliest functions. It wants perf and inferno.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$STOKER_ROOT"
export STOCK_SPARK_HOME STOKER_DIST STOKER_BIN

parts=${BENCH:-a b c d e f g h i j}
commit=$(git describe --always --dirty)
kept=${BENCH_RESULTS:-$STOKER_CACHE/bench/$commit}
results=$kept/results.jsonl
report=${BENCH_REPORT:-$STOKER_ROOT/benches/REPORT.md}
mkdir -p "$kept/classes"

say "Building the benchmarks"
cargo build --release --locked --quiet -p stoker-benches --features stress --bin stress
javac -Xlint:all,-path,-classfile,-processing -Werror -cp "$STOKER_DIST/jars/*" -d "$kept/classes" benches/java/*.java
jar --create --file "$kept/bench.jar" -C "$kept/classes" .
export BENCH_CLASSES=$kept/classes
STOKER_CLUSTER_BIN=$(tests/cluster/build.sh)
export STOKER_CLUSTER_BIN
stress() { "$CARGO_TARGET_DIR/release/stress" --results "$results" "$@"; }

if [[ $parts == flame ]]; then
    need perf "install the package linux-perf"
    need inferno-flamegraph "cargo install inferno --locked, and \$HOME/.cargo/bin in the PATH"
    say "Creates under perf"
    stress flame "$kept"
    for who in raw stoker; do
        perf report --stdio --no-children --call-graph none --sort dso,symbol --percent-limit 0.5 --input "$kept/$who.perf" \
            >"$kept/$who.txt"
        perf script --input "$kept/$who.perf" | inferno-collapse-perf | inferno-flamegraph --title "Creates: $who" >"$kept/$who.svg"
        say "$kept/$who.svg and $kept/$who.txt"
    done
    exit
fi

# h comes first: it takes a processor for itself.
if [[ " $parts " == *" h "* ]] && ! grep -qs '"kind":"plan"' "$results"; then
    say "h: the plan alone"
    cargo bench --locked --quiet -p stoker-benches --bench plan
    stress collect "$CARGO_TARGET_DIR/criterion"
fi
others=$(tr ' ' '\n' <<<"$parts" | grep -vx h | paste -sd,) || true
if [[ -n $others ]]; then
    say "Parts $others"
    # What was measured is reported, whatever else failed.
    stress run --parts "$others" "$@" || failed=1
fi
stress report "$report" --version "Stoker=$commit" --version "Spark=$SPARK_VERSION" \
    --version "Kubernetes=$("$STOKER_CLUSTER_BIN/kubectl" version --client -o json | sed -n 's/.*"gitVersion": "v\(.*\)".*/\1/p')" \
    --version "Java=$(java -version 2>&1 | sed -n 's/.*version "\(.*\)".*/\1/p')" --version "Rust=$RUST_VERSION"
say "The report is $report"
exit "${failed:-0}"
