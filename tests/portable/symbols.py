#!/usr/bin/env python3
"""What the portable files ask of the machine that loads them, read with binutils' readelf: symbol versions, libraries, machine."""

import argparse
import pathlib
import re
import subprocess
import sys

MACHINES = {"x86_64": "X86-64", "aarch64": "AArch64"}
# What glibc and every JRE's image bring along; anything else would have to be installed.
LIBRARIES = re.compile(r"lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d+|ld-linux-(x86-64|aarch64)\.so\.\d+")
EXPORTS = re.compile(r"Java_io_stoker_spark_Native_\w+|JNI_On(Load|Unload)")


def readelf(file, *options):
    command = ["readelf", "--wide", *options, str(file)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def version(text):
    return tuple(int(part) for part in text.split("."))


def problems(file, arch, glibc):
    """Why the file does not load everywhere where it should."""
    found = []
    header = readelf(file, "--file-header")
    if not re.search(rf"Machine:\s.*{MACHINES[arch]}$", header, re.M):
        found.append(f"it is not for {arch}")
    needed = set(re.findall(r"Name: GLIBC_(\d[\d.]*)", readelf(file, "--version-info")))
    if not needed:
        found.append("it names no version of glibc: it is static, or no program")
    newer = sorted((v for v in needed if version(v) > version(glibc)), key=version)
    if newer:
        found.append(f"it needs glibc {newer[-1]}, more than {glibc}: symbols of {', '.join(newer)}")
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf(file, "--dynamic"))
    others = [name for name in libraries if not LIBRARIES.fullmatch(name)]
    if others:
        found.append(f"it needs libraries that not every image has: {', '.join(others)}")
    return found


def exports(file):
    """Names that a library defines for others."""
    rows = (line.split() for line in readelf(file, "--dyn-syms").splitlines())
    return [row[7] for row in rows if len(row) > 7 and row[4] in ("GLOBAL", "WEAK") and row[6] not in ("UND", "Ndx")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=pathlib.Path, help="what scripts/portable.sh prints")
    parser.add_argument("--glibc", required=True, help="the version that has to be enough")
    parser.add_argument("--archs", nargs="+", required=True, choices=MACHINES)
    options = parser.parse_args()

    # The check itself can fail: this machine's interpreter is linked against its own, newer glibc.
    if not problems(pathlib.Path(sys.executable).resolve(), options.archs[0], "2.2"):
        sys.exit(f"error: {sys.executable} passes for a program of glibc 2.2, so nothing is proven")

    failed = False
    for arch in options.archs:
        for file in (options.directory / f"native/linux-{arch}/libstoker_jni.so", options.directory / f"bin/linux-{arch}/stoker"):
            found = problems(file, arch, options.glibc)
            if file.suffix == ".so":
                foreign = [name for name in exports(file) if not EXPORTS.fullmatch(name)]
                if foreign or not exports(file):
                    found.append(f"it exports {foreign or 'nothing'}")
            failed |= bool(found)
            print(f"{arch} {file.name}: {'; '.join(found) or f'glibc {options.glibc} is enough, {file.stat().st_size / 2**20:.1f} MiB'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
