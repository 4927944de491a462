"""How pods are seen, and how executors are made after a want of memory."""

import os
import signal

from cluster import Failure, wait_for
from suite import DEADLINE


def test_without_a_watch(suite):
    """An executor whose pod is deleted is replaced, though nobody watches pods."""
    conf = {"spark.kubernetes.executor.enableApiWatcher": "false", "spark.kubernetes.executor.apiPollingInterval": "2s"}
    watches = pod_watches(suite)
    with suite.submit("without-a-watch", "client", args=(8, 3, DEADLINE), executors=2, conf=conf) as app:
        suite.computes(app, 2)
        suite.cluster.kubectl("delete", "pod", suite.cluster.executors()[0]["metadata"]["name"], "--wait=false")
        suite.succeeds(app)
    if pod_watches(suite) != watches:
        raise Failure("pods were watched")


def pod_watches(suite):
    return sum(request["count"] for request in suite.cluster.audit()["requests"]
               if request["userAgent"].startswith("stoker/") and (request["verb"], request["resource"]) == ("watch", "pods"))


def test_recovery_mode(suite):
    """After an executor was killed as for its memory, the next one runs one task at a time; the job finishes."""
    with suite.submit("recovery-mode", "client", args=(8, 2, DEADLINE), conf={"spark.executor.cores": 2}) as app:
        suite.computes(app, 1)
        if cores(suite) != ["2"]:
            raise Failure(f"at first executors have {cores(suite)} cores")
        os.kill(app.process_of(1), signal.SIGKILL)
        wait_for("an executor that runs one task", lambda: cores(suite) == ["1"], DEADLINE, app.alive)
        suite.succeeds(app)


def cores(suite):
    """What the executors that run announce."""
    env = [pod["spec"]["containers"][-1]["env"] for pod in suite.cluster.executors() if pod["status"]["phase"] == "Running"]
    return [entry["value"] for entries in env for entry in entries if entry["name"] == "SPARK_EXECUTOR_CORES"]
