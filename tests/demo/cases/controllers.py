"""Executors in pods that a StatefulSet or a Deployment makes."""

import os
import signal

from cluster import CONTROL, Failure, wait_for
from suite import DEADLINE


def test_stateful_set(suite):
    """Executors ask for their numbers; one whose pod is deleted and one whose process is killed come back with new ones."""
    controlled(suite, "statefulset")


def test_deployment(suite):
    """As above, where the pods of lost executors are replaced by pods of other names."""
    controlled(suite, "deployment")


def controlled(suite, kind):
    before = suite.pod_creates()
    conf = {"spark.kubernetes.allocation.pods.allocator": kind}
    with suite.submit(kind, "cluster", args=(4, 2, DEADLINE, f"{CONTROL}/{kind}"), executors=2, conf=conf) as app:
        suite.computes(app, 2)
        controller, = suite.cluster.get(f"{kind}s")
        owners = [owner["uid"] for owner in controller["metadata"]["ownerReferences"]]
        if owners != [app.driver_pod()["metadata"]["uid"]] or controller["spec"]["replicas"] != 2:
            raise Failure(f"the {kind} is {controller}")
        seated(suite, app, {1, 2})

        suite.cluster.kubectl("delete", "pod", pod_of(suite, 1))
        suite.computes(app, 3)
        seated(suite, app, {2, 3})
        removed(app, 1, "was deleted by a user or by the framework")

        pod = pod_of(suite, 2)
        os.kill(app.process_with("--podName", pod), signal.SIGKILL)
        suite.computes(app, 4)
        seated(suite, app, {3, 4})
        if pod_of(suite, 4) != pod:
            raise Failure(f"executor 4 is in {pod_of(suite, 4)}, not in {pod}, whose container was to be started again")
        told = removed(app, 2, "exit code 137")
        again = started(suite, pod)
        if told > again:
            raise Failure(f"the loss of executor 2 was told at {told}, and its container was started again at {again}")

        suite.let_go_on(kind)
        suite.succeeds(app)
    wait_for(f"the {kind} to be gone", lambda: not suite.cluster.get(f"{kind}s"), DEADLINE)
    if suite.pod_creates() != before:
        raise Failure("the driver has made pods itself")


def seated(suite, app, numbers):
    """Waits until these are the executors that Spark has, and those that the labels of pods name."""
    def seen():
        active = {number for number, record in app.executors().items() if record["isActive"]}
        labels = [pod["metadata"]["labels"].get("spark-exec-id") for pod in suite.cluster.executors()]
        return active == numbers and sorted(labels, key=str) == sorted(map(str, numbers))
    wait_for(f"executors {numbers}", seen, DEADLINE, app.alive)


def removed(app, number, says):
    """When an executor was removed in Spark's eyes, to the second; the reason has to say this."""
    record = app.executors()[number]
    if says not in record["removeReason"]:
        raise Failure(f"executor {number} was removed for {record['removeReason']!r}, which does not say {says!r}")
    return record["removeTime"][:len("2026-01-01T00:00:00")]


def started(suite, pod):
    """When the container of a pod was started last, to the second."""
    pod, = suite.cluster.get("pods", "--field-selector", f"metadata.name={pod}")
    container, = pod["status"]["containerStatuses"]
    return container["state"]["running"]["startedAt"][:len("2026-01-01T00:00:00")]


def pod_of(suite, number):
    pod, = (pod for pod in suite.cluster.executors() if pod["metadata"]["labels"].get("spark-exec-id") == str(number))
    return pod["metadata"]["name"]
