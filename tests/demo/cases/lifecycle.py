"""How contexts and drivers begin and end, and what is left of them."""

import os
import pathlib
import signal

from cluster import CONTROL, Failure, wait_for
from suite import DEADLINE


def test_killed_driver_leaves_nothing(suite):
    """The driver dies by SIGKILL and its pod is deleted: the garbage collector finds all by its owner."""
    with suite.submit("killed-driver", "cluster", args=(40, 99, DEADLINE), executors=2) as app:
        wait_for("executors", lambda: len(app.executors()) == 2, DEADLINE, app.alive)
        driver = app.driver_pod()
        uid = driver["metadata"]["uid"]
        for kind in ("pods", "configmaps"):
            for item in suite.cluster.get(kind, f"spark-role=executor,spark-app-selector={app.app_id}"):
                if [o["uid"] for o in item["metadata"].get("ownerReferences", [])] != [uid]:
                    raise Failure(f"{kind} {item['metadata']['name']} is not owned by the driver pod")
        os.kill(driver_process(suite), signal.SIGKILL)
        name = driver["metadata"]["name"]
        wait_for("the driver pod to fail", lambda: app.driver_pod()["status"]["phase"] == "Failed", DEADLINE)
        suite.cluster.kubectl("delete", "pod", name)
        suite.nothing_is_left()


def driver_process(suite):
    """The process id of the driver that runs in a pod of this cluster: it sees the cluster's directory."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path("/proc", entry, "cmdline").read_bytes().decode(errors="replace").split("\0")
            here = os.path.samefile(f"/proc/{entry}/root{CONTROL}", suite.cluster.control)
        except OSError:
            continue
        if here and words[0].endswith("java") and "org.apache.spark.deploy.SparkSubmit" in words:
            return int(entry)
    raise Failure("found no driver process")


def test_two_contexts_in_one_jvm(suite):
    """The second SparkContext of a driver gets executors and a ConfigMap of its own; the first's go."""
    two_contexts(suite, "client", suite.cluster.control)


def test_two_contexts_in_a_driver_pod(suite):
    """As above, where spark-submit has given both of them one application id and one prefix of names."""
    two_contexts(suite, "cluster", CONTROL)


def two_contexts(suite, mode, control):
    with suite.submit(f"twice-{mode}", mode, args=(f"twice-{mode}", control), main="Contexts") as app:
        seen = []
        for number in (1, 2):
            said = wait_for(f"context {number}", lambda: app.said(rf"^context {number} is (\S+) with"), DEADLINE, app.alive)
            config_map, pod = wait_for(f"one ConfigMap and one executor, of {said.group(1)}",
                                       lambda: alone(suite, said.group(1)), DEADLINE, app.alive)
            # In a driver pod the names of pods are those of the first context again, as Spark has it.
            seen.append({config_map["metadata"]["name"], pod["metadata"]["uid" if mode == "cluster" else "name"]})
            suite.let_go_on(f"twice-{mode}-{number}")
        if seen[0] & seen[1]:
            raise Failure(f"both contexts have {seen[0] & seen[1]}")
        suite.succeeds(app)


def alone(suite, app_id):
    """The ConfigMap and the executor of this application, if there is nothing else."""
    config_maps, pods = suite.config_maps(), suite.cluster.executors()
    apps = [item["metadata"]["labels"]["spark-app-selector"] for item in config_maps + pods]
    return (config_maps[0], pods[0]) if len(config_maps) == len(pods) == 1 and apps == [app_id, app_id] else None


def test_too_many_failures(suite):
    """Executors that cannot start end the driver with Spark's exit code for that."""
    conf = {"spark.executor.maxNumFailures": 2, "spark.executor.extraJavaOptions": "-javaagent:/nowhere.jar"}
    before = suite.pod_creates()
    with suite.submit("too-many-failures", "client", conf=conf) as app:
        wait_for("the driver's end", lambda: not app.alive(), DEADLINE)
        if app.process.returncode != 11 or "spark.executor.maxNumFailures" not in app.output():
            raise Failure(f"the driver ended with exit code {app.process.returncode}; see {app.log_path}")
    if suite.pod_creates() - before < 3:
        raise Failure("the driver gave up before the third failed executor")
    suite.nothing_is_left()
