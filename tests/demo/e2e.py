#!/usr/bin/env python3
"""What has to be refused, left behind and left alone, with real Spark drivers on the local cluster.

A case is a function `test_<name>(suite)` in a module of `cases`.
"""

import argparse
import collections
import concurrent.futures
import importlib
import pathlib
import pkgutil
import shutil
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


def run_cases(suite, found, names):
    """Runs cases until none is left to take; the names of those that failed."""
    failed = []
    while names:
        name = names.popleft()
        start, failure = time.monotonic(), None
        try:
            found[name](suite)
        except Exception as raised:  # A case that is broken itself has failed, too; the others are to be seen.
            failure = raised
        result = f"FAILED: {failure if isinstance(failure, Failure) else repr(failure)}" if failure else "ok"
        print(f"test_{name} ... {result} ({time.monotonic() - start:.1f} s)", flush=True)
        if failure:
            failed.append(name)
            print(suite.last_words(), flush=True)
            suite.tidy()
        suite.apps.clear()
    return failed


def lane(number, options, found, names, logs):
    """One cluster, and one case after another on it."""
    with open(logs / f"cluster-{number}.log", "w") as log, \
            Cluster(options.cluster_bin, options.spark_home, options.apps, log) as cluster:
        return run_cases(Suite(cluster, options, logs), found, names)


def main():
    found = collect()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spark-home", type=pathlib.Path, required=True, help="a distribution with Stoker installed")
    parser.add_argument("--stock-home", type=pathlib.Path, required=True, help="the distribution it was made from")
    parser.add_argument("--apps", type=pathlib.Path, required=True, help="the directory of apps.jar")
    parser.add_argument("--cluster-bin", type=pathlib.Path, required=True, help="what tests/cluster/build.sh printed")
    parser.add_argument("--panicking-library", type=pathlib.Path, help="libstoker_jni.so with the feature fake-engine")
    parser.add_argument("--lanes", type=int, default=2, help="how many cases run beside each other, on clusters of their own")
    parser.add_argument("tests", nargs="*", help=f"names of tests, all by default: {', '.join(found)}")
    options = parser.parse_args()
    unknown = [name for name in options.tests if name not in found]
    if unknown:
        parser.error(f"no test is called {', '.join(unknown)}; there are {', '.join(found)}")
    logs = pathlib.Path(tempfile.mkdtemp(prefix="stoker-e2e-"))
    names = collections.deque(options.tests or found)
    total, lanes = len(names), max(1, min(options.lanes, len(names)))
    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        running = [pool.submit(lane, number, options, found, names, logs) for number in range(lanes)]
    failed = [name for each in running for name in each.result()]
    if failed:
        print(f"logs: {logs}")
        print(f"{total - len(failed)} passed, {len(failed)} failed: {', '.join(failed)}")
        return 1
    shutil.rmtree(logs)
    print(f"{total} passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
