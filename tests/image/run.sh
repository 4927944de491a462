#!/usr/bin/env bash
# usage: run.sh ARCHIVE ROOT. An image of Spark with Stoker: how much Stoker adds, and that its root file system, read-only
# and as Spark's user, runs Spark and loads the library. scripts/image.sh gives it both.
set -euo pipefail
. "$(dirname "$0")/../../scripts/env.sh"
archive=$1 root=$2
LIMIT_MIB=15

say "What Stoker adds to the image"
python3 - "$archive" "$LIMIT_MIB" <<'PYTHON'
import gzip, io, json, sys, tarfile

with tarfile.open(sys.argv[1]) as archive:
    def blob(digest):
        return archive.extractfile("blobs/" + digest.replace(":", "/"))

    index = json.load(archive.extractfile("index.json"))
    manifest = json.load(blob(index["manifests"][0]["digest"]))
    config = json.load(blob(manifest["config"]["digest"]))["config"]
    layer = manifest["layers"][-1]
    packed = blob(layer["digest"]).read()
unpacked = gzip.decompress(packed) if layer["mediaType"].endswith("+gzip") else packed
with tarfile.open(fileobj=io.BytesIO(unpacked)) as files:
    names = [(file.size, file.name) for file in files if not file.isdir()]
for size, name in names:
    print(f"{size / 2**20:8.2f} MiB  {name}")
whole = len(unpacked)
print(f"{whole / 2**20:8.2f} MiB in all, {sys.argv[2]} are allowed ({len(packed) / 2**20:.2f} MiB to pull)")
# Empty files are where the builder has mounted its own, /etc/hosts for instance.
foreign = [name for size, name in names if size and not name.startswith("opt/spark/jars/")]
if foreign:
    sys.exit(f"error: the layer has more than jars: {foreign}")
if whole > int(sys.argv[2]) * 2**20:
    sys.exit("error: that is too much")
if config.get("User") in (None, "", "0", "root"):
    sys.exit("error: the image runs as root")
PYTHON

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
javac --release 17 -cp "$STOKER_JAR" -d "$work" "$STOKER_ROOT/tests/portable/java/io/stoker/spark/Load.java"

echo "127.0.0.1 localhost $(hostname)" >"$work/hosts"
# A command in the image, as its user, without anything that can be written.
in_image() {
    unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
        root=$1 classes=$2
        shift 2
        mount --bind "$root" "$root"
        mount --bind "$classes" "$root/mnt"
        # As every container runtime does.
        mount --bind "$classes/hosts" "$root/etc/hosts"
        mount --rbind /dev "$root/dev"
        mount -t proc proc "$root/proc"
        mount -o remount,bind,ro "$root"
        mount -o remount,bind,ro "$root/mnt"
        exec chroot --userspec=185:0 "$root" \
            env -i PATH=/usr/local/bin:/usr/bin:/bin SPARK_HOME=/opt/spark /opt/entrypoint.sh "$@"
    ' in_image "$root" "$work" "$@"
}
# What a command prints has to match.
expect() {
    local pattern=$1 printed
    shift
    printed=$(in_image "$@" 2>&1) || die "'$*' failed in the image: $printed"
    grep -E "$pattern" <<<"$printed" || die "'$*' does not print '$pattern': $printed"
}

say "In the image, read-only and as Spark's user"
expect '^185$' id -u
expect '^read-only$' sh -c 'for place in / /tmp /opt/spark/jars; do if touch $place/x 2>/dev/null; then exit 1; fi; done; echo read-only'
expect ' has Stoker [^ ]+ for linux-' sh -c 'java -jar /opt/spark/jars/stoker-spark_*.jar status /opt/spark'
expect '^loaded on ' java -cp '/mnt:/opt/spark/jars/*' io.stoker.spark.Load
expect "version $SPARK_VERSION" /opt/spark/bin/spark-submit --version
