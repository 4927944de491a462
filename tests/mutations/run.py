"""Puts the deliberate bugs of plan.json one by one into a copy of the tree: the simulator's tests have to catch each.

    run.py [WORD]    only bugs whose description contains WORD
"""

import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ["STOKER_CACHE"])
TREE = CACHE / "mutations"
# What does not end is caught as well. In seconds of the processor: how busy the machine is does not matter.
LIMIT = 200
# The scenarios take a second and catch most. Both are built without optimisation, which would take longer than it saves.
TESTS = {"scenarios": "plan_scenarios", "histories": "plan_properties"}
ENV = os.environ | {
    # Of its own, so that other builds are not disturbed, nor disturb.
    "CARGO_TARGET_DIR": str(CACHE / "target" / "mutations"),
    "CARGO_PROFILE_DEV_DEBUG": "false",
    "STOKER_HISTORIES": "1000",
    "PROPTEST_MAX_SHRINK_ITERS": "0",
    "RUST_BACKTRACE": "0",
}


def copy_tree():
    """Copies what git knows or would add; what has not changed keeps its time, so that cargo builds little."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = {name for name in names.split("\0") if name and (ROOT / name).is_file()}
    for old in [path for path in TREE.rglob("*") if path.is_file()]:
        if str(old.relative_to(TREE)) not in names:
            old.unlink()
    for name in names:
        source, target = ROOT / name, TREE / name
        if not target.exists() or source.read_bytes() != target.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def cargo_test(test, *more):
    # What breaks need not be shrunk here, so the test of that is left out.
    command = ["cargo", "test", "--quiet", "--locked", "-p", "stoker-tests", "--no-default-features", "--test", test]
    return subprocess.run(
        [*command, *more], cwd=TREE, env=ENV, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def catch():
    """By which tests what is in the tree now is caught; None if it is not."""
    for kind, test in TESTS.items():
        built = cargo_test(test, "--no-run")
        if built.returncode != 0:
            sys.exit(f"the tree does not build:\n{built.stdout}")
        run = cargo_test(test, "--", "--skip", "is_found_and_shrunk")
        if "(signal: 24" in run.stdout:
            return f"{kind}: no end within {LIMIT} s"
        if run.returncode != 0:
            failed = re.findall(r"^    ([\w:]+)$", run.stdout, re.MULTILINE)
            failed = list(dict.fromkeys(name.split("::")[0 if kind == "histories" else -1] for name in failed))
            return f"{kind}: {', '.join(failed[:3])}{' and more' if len(failed) > 3 else ''}"
    return None


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, resource.RLIM_INFINITY))
    copy_tree()
    kept = sorted((TREE / "tests/regressions").iterdir())
    caught = catch()
    if caught:
        sys.exit(f"the tests fail without any bug: {caught}")
    uncaught, count = [], 0
    for bug in json.loads((ROOT / "tests/mutations/plan.json").read_text()):
        if word not in bug["breaks"]:
            continue
        path, begun = TREE / bug["file"], time.monotonic()
        right = path.read_text()
        if right.count(bug["text"]) != 1:
            sys.exit(f"{bug['file']} has {right.count(bug['text'])} times, not once: {bug['text']}")
        path.write_text(right.replace(bug["text"], bug["replacement"]))
        try:
            caught = catch()
        finally:
            path.write_text(right)
            for found in set((TREE / "tests/regressions").iterdir()) - set(kept):
                found.unlink()
        count += 1
        print(f"{bug['breaks']}: {caught or 'NOT CAUGHT'} ({time.monotonic() - begun:.0f} s)", flush=True)
        if not caught:
            uncaught.append(bug["breaks"])
    print(f"{count - len(uncaught)} of {count} bugs are caught")
    if uncaught or not count:
        sys.exit("not caught: " + ", ".join(uncaught))


if __name__ == "__main__":
    main()
