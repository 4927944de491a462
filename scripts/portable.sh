#!/usr/bin/env bash
# Builds the native library and the command for x86_64 and aarch64 so that they load wherever glibc is 2.17 (2012) or
# later: zig links them against that version's symbols, whatever this machine has. Prints the directory of the libraries.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$STOKER_ROOT"

tools=$STOKER_CACHE/tools/zig-$ZIG_VERSION-zigbuild-$ZIGBUILD_VERSION
if [[ ! -f $tools/.complete ]]; then
    need pip "install Python 3 with pip"
    say "Getting zig $ZIG_VERSION and cargo-zigbuild $ZIGBUILD_VERSION (90 MB, once)"
    mkdir -p "$STOKER_CACHE/tools"
    work=$(mktemp -d "$STOKER_CACHE/tools/.fetch-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    PIP_ROOT_USER_ACTION=ignore pip install --quiet --no-deps --only-binary :all: --target "$work/tools" \
        "ziglang==$ZIG_VERSION" "cargo-zigbuild==$ZIGBUILD_VERSION" >&2
    touch "$work/tools/.complete"
    rm -rf "$tools"
    mv "$work/tools" "$tools"
fi

targets=()
for arch in "${PORTABLE_ARCHS[@]}"; do
    target=$arch-unknown-linux-gnu
    [[ -d $(rustc --print sysroot)/lib/rustlib/$target ]] || rustup target add "$target" >&2 \
        || die "the Rust standard library for $target cannot be had: see above"
    targets+=(--target "$target.$PORTABLE_GLIBC")
done

say "Building for ${PORTABLE_ARCHS[*]} with glibc $PORTABLE_GLIBC and later"
PATH=$tools/bin:$PATH CARGO_ZIGBUILD_ZIG_PATH=$tools/ziglang/zig \
    cargo zigbuild --profile portable --locked "${targets[@]}" -p stoker-jni -p stoker-core --features stoker-core/cli >&2

for arch in "${PORTABLE_ARCHS[@]}"; do
    built=$CARGO_TARGET_DIR/$arch-unknown-linux-gnu/portable
    install -D -m 644 "$built/libstoker_jni.so" "$PORTABLE_DIR/native/linux-$arch/libstoker_jni.so"
    install -D -m 755 "$built/stoker" "$PORTABLE_DIR/bin/linux-$arch/stoker"
done
echo "$PORTABLE_DIR"
