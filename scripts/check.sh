#!/usr/bin/env bash
# Formatting, lints, purity, licences and advisories: what must hold before any test runs.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$STOKER_ROOT"

say "Formatting"
cargo fmt --all --check
unformatted=$(gofmt -l tests/cluster)
[[ -z $unformatted ]] || die "run 'make fmt': $unformatted"

say "Lints"
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items -p stoker-core -p stoker-jni

say "Purity: conf, spec and plan build without tokio and kube"
cargo check --locked -p stoker-core --no-default-features
# Only the dependencies of the pure part count.
if cargo tree --locked -p stoker-core --no-default-features -e normal --prefix none | grep -E '^(tokio|kube|hyper|rustls) '; then
    die "stoker-core without the shell must not depend on the crates above"
fi

say "Native dependencies"
if cargo tree --locked --workspace --all-features -e normal,build --prefix none | grep -E '^(aws-lc-rs|aws-lc-sys|openssl-sys|tikv-jemalloc-sys|mimalloc) '; then
    die "the crates above must not be linked into the JVM"
fi

say "Licences, sources and bans"
if ! command -v cargo-deny >/dev/null; then
    cargo install --locked --quiet --root "$STOKER_CACHE/tools" cargo-deny
fi
PATH=$STOKER_CACHE/tools/bin:$PATH cargo deny --log-level error check bans licenses sources
