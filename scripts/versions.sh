#!/usr/bin/env bash
# The same jars in other versions of Spark, those in SPARK_VERSIONS without SPARK_VERSION by default: a job in cluster mode
# that loses an executor, one in client mode with dynamic allocation, one with a StatefulSet, and what installing has
# changed. Needs `make build cluster` before it.
set -euo pipefail
. "$(dirname "$0")/env.sh"

versions=("$@")
if ((${#versions[@]} == 0)); then
    for version in "${SPARK_VERSIONS[@]}"; do
        [[ $version == "$SPARK_VERSION" ]] || versions+=("$version")
    done
fi
for version in "${versions[@]}"; do
    export SPARK_VERSION=$version
    "$STOKER_ROOT/scripts/dist.sh" >/dev/null
    say "Spark $version"
    "$STOKER_ROOT/scripts/demo.sh" --runs cluster:pod
    "$STOKER_ROOT/scripts/e2e.sh" dynamic_allocation_with_profiles stateful_set distributions_differ_only_as_told
done
