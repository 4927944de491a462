#!/usr/bin/env python3
"""What has to be refused, left behind and left alone, with real Spark drivers on the local cluster.

A case is a function `test_<name>(suite)` in a module of `cases`.
"""

import argparse
import importlib
import pathlib
import pkgutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import cases  # noqa: E402
from cluster import Cluster, Failure  # noqa: E402
from suite import Suite  # noqa: E402


def collect():
    """The cases by name without `test_`, module by module in the order they are written."""
    found = {}
    for module in pkgutil.iter_modules(cases.__path__):
        for name, value in vars(importlib.import_module(f"cases.{module.name}")).items():
            if name.startswith("test_"):
                name = name.removeprefix("test_")
                if name in found:
                    sys.exit(f"error: two cases are called {name}")
                found[name] = value
    return found


def main():
    found = collect()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spark-home", type=pathlib.Path, required=True, help="a distribution with Stoker installed")
    parser.add_argument("--stock-home", type=pathlib.Path, required=True, help="the distribution it was made from")
    parser.add_argument("--apps", type=pathlib.Path, required=True, help="the directory of apps.jar")
    parser.add_argument("--cluster-bin", type=pathlib.Path, required=True, help="what tests/cluster/build.sh printed")
    parser.add_argument("--panicking-library", type=pathlib.Path, help="libstoker_jni.so with the feature fake-engine")
    parser.add_argument("tests", nargs="*", help=f"names of tests, all by default: {', '.join(found)}")
    options = parser.parse_args()
    unknown = [name for name in options.tests if name not in found]
    if unknown:
        parser.error(f"no test is called {', '.join(unknown)}; there are {', '.join(found)}")
    logs = pathlib.Path(tempfile.mkdtemp(prefix="stoker-e2e-"))
    passed, failed = 0, 0
    with open(logs / "cluster.log", "w") as log, Cluster(options.cluster_bin, options.spark_home, options.apps, log) as cluster:
        suite = Suite(cluster, options, logs)
        for name in options.tests or found:
            start, failure = time.monotonic(), None
            try:
                found[name](suite)
                passed += 1
            except Failure as raised:
                failure = raised
                failed += 1
            result = f"FAILED: {failure}" if failure else "ok"
            print(f"test_{name} ... {result} ({time.monotonic() - start:.1f} s)", flush=True)
    if failed:
        print(f"logs: {logs}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
