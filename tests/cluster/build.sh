#!/usr/bin/env bash
# Builds the programs of the local cluster, once, into a cache outside the
# checkout. Prints the folder they are in on its last line; progress goes to
# standard error.
#
# There are two programs, each with a key of its own: Kubernetes takes minutes
# to compile and changes with its version only, the launcher takes seconds and
# changes with its sources.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/stoker/cluster
kubernetes_version=v1.36.3

say() { printf 'cluster: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

command -v go >/dev/null || die "Go is missing: install Go 1.26 or later and put it into PATH"
command -v flock >/dev/null || die "flock is missing: install the package util-linux"

# The flags are part of Go's own cache key as well, so that they are the same
# for everybody, whatever the user's environment says.
export CGO_ENABLED=0 GOFLAGS=-mod=readonly
build=(go build -trimpath -buildvcs=false)

# key FILE...: what a build of these files is called.
key() {
  { go env GOVERSION GOOS GOARCH; sha256sum "$here/build.sh" "$@" | cut -d' ' -f1; } | sha256sum | cut -c1-16
}

# sources FOLDER: the files a module's build depends on, without other modules
# below it and without tests.
sources() {
  find "$1" -mindepth 1 \( -name kubernetes -prune \) -o -type f \
    \( -name '*.go' -o -name go.mod -o -name go.sum -o -name '*.yaml' -o -name '*.sh' \) \
    ! -name '*_test.go' ! -name build.sh -print | LC_ALL=C sort
}

# watch LOG PID NAME TOTAL: a line every 15 s for as long as the build runs.
watch() {
  local begun=$SECONDS next=15
  while kill -0 "$2" 2>/dev/null; do
    sleep 1
    if ((SECONDS - begun >= next)); then
      say "$3: $(wc -l <"$1") of at most $4 packages compiled, $((SECONDS - begun)) s"
      ((next += 15))
    fi
  done
}

# compile NAME FOLDER OUTPUT LDFLAGS: builds one module's program, whole or not
# at all: readers of the cache never see half a file.
compile() {
  local name=$1 folder=$2 output=$3 ldflags=$4 part log pid total begun=$SECONDS
  mkdir -p "$(dirname "$output")"
  part=$(mktemp "$output.part.XXXXXX")
  log=$part.log
  say "$name: fetching its modules"
  total=$(cd "$folder" && go list -deps . | wc -l) ||
    { rm -f "$part"; die "the Go modules of $name cannot be fetched; see above, check the network and GOPROXY"; }
  say "$name: compiling (some minutes from an empty Go cache)"
  (cd "$folder" && exec "${build[@]}" -v -ldflags "$ldflags" -o "$part" .) 2>"$log" &
  pid=$!
  trap 'kill '"$pid"' 2>/dev/null; rm -f '"'$part' '$log'" EXIT
  watch "$log" "$pid" "$name" "$total"
  if ! wait "$pid"; then
    grep -v '^[[:alnum:]._/-]*$' "$log" >&2 || true
    die "$name does not compile; see above"
  fi
  chmod 755 "$part"
  mv "$part" "$output"
  rm -f "$log"
  trap - EXIT
  say "$name: built in $((SECONDS - begun)) s"
}

mapfile -t kubernetes_sources < <(find "$here/kubernetes" -type f \( -name '*.go' -o -name 'go.*' \) | LC_ALL=C sort)
mapfile -t cluster_sources < <(sources "$here")
kubernetes_dir=$cache/kubernetes-$(key "${kubernetes_sources[@]}")
bin=$cache/$(key "${kubernetes_sources[@]}" "${cluster_sources[@]}")

if [[ ! -e $bin/complete ]]; then
  mkdir -p "$cache"
  # One build at a time: a second one waits and then finds the result.
  exec 9>"$cache/lock"
  flock -n 9 || { say "waiting for another build to end"; flock 9; }
  if [[ ! -x $kubernetes_dir/stoker-k8s ]]; then
    v=k8s.io/component-base/version
    compile "Kubernetes $kubernetes_version" "$here/kubernetes" "$kubernetes_dir/stoker-k8s" \
      "-s -w -X $v.gitVersion=$kubernetes_version -X $v.gitMajor=1 -X $v.gitMinor=36"
  fi
  if [[ ! -e $bin/complete ]]; then
    compile "stoker-cluster" "$here" "$bin/stoker-cluster" "-s -w"
    for name in stoker-k8s kubectl; do
      ln -sfn "../$(basename "$kubernetes_dir")/stoker-k8s" "$bin/$name"
    done
    touch "$bin/complete"
  fi
fi
echo "$bin"
