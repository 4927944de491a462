#!/usr/bin/env bash
# Fuzzes what reads the user's texts with libFuzzer, each target for STOKER_FUZZ_SECONDS. What is found is printed and
# kept in the cache; as a file in fuzz/corpus it becomes a test. `fuzz.sh build` only builds the fuzzer.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$STOKER_ROOT"
seconds=${STOKER_FUZZ_SECONDS:-20}
target=$(rustc -vV | sed -n 's/^host: //p')
work=$STOKER_CACHE/fuzz
mkdir -p "$work"

say "Building the fuzzer"
# Coverage as libFuzzer wants it; with --target the flags do not reach build scripts.
coverage=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1)
RUSTFLAGS="${coverage[*]}" cargo build --quiet --locked --profile fuzz --target "$target" -p stoker-fuzz --features libfuzzer
[[ ${1:-} != build ]] || exit 0
fuzzer=$CARGO_TARGET_DIR/$target/fuzz/stoker-fuzz

# Words for the fuzzer to put together: the names of all keys.
sed -nE 's/^\| `(spark[^`*]+)\*?` .*/"\1"/p' docs/configuration.md >"$work/words"

fuzz() {
    mkdir -p "$work/$1"
    if ! STOKER_FUZZ_TARGET=$1 "$fuzzer" "$work/$1" "fuzz/corpus/$1" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
        -rss_limit_mb=1024 -dict="$work/words" -artifact_prefix="$work/found-$1-" >"$work/$1.log" 2>&1; then
        tail -n 40 "$work/$1.log" >&2
        die "the target $1 failed; its input is the last file named above"
    fi
    say "Fuzzed $1: $(grep -E '^#[0-9]+.*DONE' "$work/$1.log")"
}
export -f fuzz say die
export fuzzer work seconds

say "Fuzzing for $seconds s each"
find fuzz/corpus -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort |
    xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'fuzz {}'
