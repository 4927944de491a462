#!/usr/bin/env bash
# Installs the Debian packages the build and the tests need, where they are missing, and says what else is. With `image`, those
# that images and portable files are made and tried with, too.
set -euo pipefail
. "$(dirname "$0")/env.sh"

packages=()
want() { command -v "$1" >/dev/null || packages+=("$2"); }
want gcc gcc
want g++ g++
want make make
want git git
want python3 python3
want pip python3-pip
want javac openjdk-17-jdk-headless
want mvn maven
want unshare util-linux
if [[ ${1:-} == image ]]; then
    want buildah buildah
    want mmdebstrap mmdebstrap
    want qemu-aarch64 qemu-user
    want readelf binutils
    want unzip unzip
fi
if ((${#packages[@]})); then
    [[ $EUID -eq 0 ]] || die "install these packages: ${packages[*]}"
    say "Installing ${packages[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi
need cargo "install Rust $RUST_VERSION with rustup"
need go "install Go 1.26 or later"
for component in rustfmt clippy; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add "$component"
done
echo "$(cargo --version), $(go version), $(javac -version 2>&1), $(python3 --version)"
