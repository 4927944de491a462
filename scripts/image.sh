#!/usr/bin/env bash
# Builds the image of Spark with Stoker in it from the Dockerfile, with buildah, and tries it. Where BASE_IMAGE names no image
# to build on, as buildah names images, a base is made of Debian's packages and Spark's published distribution, for which no image registry is needed.
# Prints the OCI archive. Needs root and `make portable spark` before it.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$STOKER_ROOT"

[[ $EUID -eq 0 ]] || die "root is needed, for Debian's packages to be installed in the image"
need buildah "install Debian's buildah"
[[ -f $STOKER_JAR ]] || die "$STOKER_JAR is missing: run 'make portable'"

images=$STOKER_CACHE/images
mkdir -p "$images"
# With stores of its own, beside those of the machine.
b() { buildah --root "$images/storage" --runroot "$images/run" "$@"; }

containers=()
trap '((${#containers[@]} == 0)) || b rm "${containers[@]}" >/dev/null' EXIT
# A container made of an image, in `container`, taken away at the end.
from() {
    container=$(b from --pull-never "$1")
    containers+=("$container")
}

# What the base is made of is in its name, so that a change of the recipe makes another one.
recipe=$(cat "${BASH_SOURCE[0]}" tests/cluster/image/entrypoint.sh | sha256sum | cut -c1-12)
debian=localhost/debian-jre:$recipe
stock=localhost/spark:$SPARK_VERSION-$recipe
stoker=localhost/spark-stoker:$SPARK_VERSION

if [[ -z ${BASE_IMAGE:-} ]]; then
    need mmdebstrap "install Debian's mmdebstrap"
    if ! b inspect --type image "$debian" >/dev/null 2>&1; then
        say "Making a Debian with a JRE (400 MB, once)"
        root=$(mktemp "$images/.debian-XXXXXX.tar")
        # OpenJDK's packages want the directory of manual pages that minbase leaves out.
        mmdebstrap --quiet --variant=minbase --include=openjdk-17-jre-headless,python3,tini,procps,ca-certificates \
            --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
            --essential-hook='mkdir -p "$1/usr/share/man/man1"' \
            --customize-hook='chroot "$1" useradd --uid 185 --gid 0 --no-create-home --home-dir /opt/spark --shell /bin/bash spark' \
            bookworm "$root" >&2
        from scratch
        b add --quiet "$container" "$root" / >&2
        rm "$root"
        b commit --quiet --disable-compression "$container" "$debian" >&2
    fi
    if ! b inspect --type image "$stock" >/dev/null 2>&1; then
        say "Putting Spark $SPARK_VERSION into it"
        from "$debian"
        b copy --quiet "$container" "$STOCK_SPARK_HOME" /opt/spark >&2
        b copy --quiet --chmod 755 "$container" tests/cluster/image/entrypoint.sh /opt/entrypoint.sh >&2
        b config --user 185 --workingdir /opt/spark --env SPARK_HOME=/opt/spark --cmd '' \
            --entrypoint '["/usr/bin/tini", "-s", "--", "/opt/entrypoint.sh"]' "$container"
        b commit --quiet --disable-compression "$container" "$stock" >&2
    fi
    BASE_IMAGE=$stock
fi

say "Building $stoker on $BASE_IMAGE"
# Without namespaces: this works in containers and sandboxes, too.
b build --quiet --isolation chroot --layers=false --build-arg BASE_IMAGE="$BASE_IMAGE" --tag "$stoker" . >&2
# What had the name before.
b rmi --prune --force >/dev/null

archive=$images/spark-stoker-$SPARK_VERSION.tar
rm -f "$archive"
b push --quiet "$stoker" "oci-archive:$archive:$stoker" >&2

from "$stoker"
tests/image/run.sh "$archive" "$(b mount "$container")" >&2
echo "$archive"
