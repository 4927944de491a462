#!/usr/bin/env bash
# The same jars in other versions of Spark, those in SPARK_VERSIONS without SPARK_VERSION by default: a job in cluster mode
# that loses an executor, one in client mode with dynamic allocation, one with a StatefulSet, and what installing has
# changed. Two versions run beside each other. Needs `make build cluster` before it.
set -euo pipefail
. "$(dirname "$0")/env.sh"

versions=("$@")
if ((${#versions[@]} == 0)); then
    for version in "${SPARK_VERSIONS[@]}"; do
        [[ $version == "$SPARK_VERSION" ]] || versions+=("$version")
    done
fi

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# One version; each line says which. Steps are chained, as `set -e` does not hold before `||`.
run_on() (
    export SPARK_VERSION=$1
    {
        "$STOKER_ROOT/scripts/dist.sh" >/dev/null &&
            say "Spark $SPARK_VERSION" &&
            "$STOKER_ROOT/scripts/demo.sh" --runs cluster:pod &&
            "$STOKER_ROOT/scripts/e2e.sh" --lanes 1 \
                dynamic_allocation_with_profiles stateful_set distributions_differ_only_as_told
    } 2>&1 | sed -u "s/^/$SPARK_VERSION  /" | tee "$logs/$SPARK_VERSION" || { touch "$logs/$SPARK_VERSION.failed"; exit 1; }
)
export -f run_on say die
export STOKER_ROOT logs
# The last words of what failed come last: the other versions' lines stand in between.
printf '%s\n' "${versions[@]}" | xargs -P 2 -I{} bash -euo pipefail -c 'run_on {}' || {
    for failed in "$logs"/*.failed; do
        printf '\nfailed, the end of its output:\n' >&2
        tail -n 20 "${failed%.failed}" >&2
    done
    exit 1
}
