"""What a defect of Stoker's own does to a driver."""

import os
import shutil
import signal
import time

from cluster import Failure, wait_for
from suite import DEADLINE

STOPS_WITHIN_SECONDS = 5


def test_panicked_loop_stops_the_context(suite):
    """The native allocation loop panics when an executor is lost: the job fails with the cause, and the driver ends."""
    conf = {"spark.kubernetes.executor.podNamePrefix": "panic-on-purpose"}
    args = (40, 2, DEADLINE, f"{suite.cluster.control}/never")
    try:
        home = with_panicking_library(suite)
        with suite.submit("panic", "client", args=args, executors=2, conf=conf, spark_home=home) as app:
            suite.computes(app, 2)
            os.kill(app.process_of(1), signal.SIGKILL)
            wait_for("the panic", lambda: app.said("asked to panic"), DEADLINE, app.alive)
            panicked = time.monotonic()
            # The failed job ends the driver, too, which may be quicker than the last line of the stopping context.
            wait_for("the context's end", lambda: app.said("Successfully stopped SparkContext") or not app.alive(), DEADLINE)
            took = time.monotonic() - panicked
            wait_for("the driver's end", lambda: not app.alive(), DEADLINE)
            if took > STOPS_WITHIN_SECONDS:
                raise Failure(f"the context was stopped {took:.1f} s after the panic")
            if not app.said("SparkException: .*Stoker's allocation loop ended unexpectedly: .*asked to panic"):
                raise Failure(f"the job does not say why it failed; see {app.log_path}")
            if app.process.returncode != 1:
                raise Failure(f"the driver ended with exit code {app.process.returncode}")
    finally:
        # In client mode nobody else deletes them: there is no driver pod that owns them.
        suite.cluster.kubectl("delete", "pods,configmaps", "-l", "spark-role=executor")


def with_panicking_library(suite):
    """A distribution that differs by its native library."""
    home, ours = suite.logs / "panicking", suite.options.spark_home
    (home / "jars").mkdir(parents=True)
    for entry in [*ours.iterdir(), *(ours / "jars").iterdir()]:
        if entry.name.startswith("stoker-spark_"):
            # A copy: the JVM follows links, and the library is looked for beside the jar.
            shutil.copy(entry, home / "jars")
        elif entry.name not in ("jars", "libstoker_jni.so"):
            (home / entry.relative_to(ours)).symlink_to(entry)
    (home / "jars" / "libstoker_jni.so").symlink_to(suite.options.panicking_library)
    return home
