#!/usr/bin/env python3
"""What has to be refused, left behind and left alone, with real Spark drivers on the local cluster."""

import argparse
import filecmp
import os
import pathlib
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from cluster import CONTROL, Cluster, Failure, wait_for  # noqa: E402
from spark import Application, free_port  # noqa: E402

DEADLINE = 240


POD_TEMPLATE = """\
apiVersion: v1
kind: Pod
metadata:
  labels: {from-template: "yes"}
spec:
  fieldOfTheFuture: {nobody: knows it}
  tolerations:
  - {key: only-in-the-template, operator: Exists}
  containers:
  - name: templated
    terminationMessagePath: /dev/the-template-s
    env:
    - {name: FROM_TEMPLATE, value: "yes"}
"""


class Suite:
    def __init__(self, cluster, options, logs):
        self.cluster, self.options, self.logs = cluster, options, logs

    def submit(self, name, mode, args=(4, 1, DEADLINE), executors=1, conf=(), main="SparkPi"):
        return Application(self.cluster, self.options.spark_home, mode, args, self.logs / f"{name}.log", executors, conf, main)

    def let_go_on(self, gate):
        (self.cluster.control / gate).touch()

    def succeeds(self, app):
        wait_for("the job's end", lambda: not app.alive(), DEADLINE)
        if app.process.returncode:
            raise Failure(f"the job ended with exit code {app.process.returncode}; see {app.log_path}")
        self.nothing_is_left()

    def nothing_is_left(self):
        wait_for("nothing to be left", lambda: not self.cluster.executors() and not self.config_maps(), DEADLINE)

    def config_maps(self):
        return self.cluster.get("configmaps", "-l", "spark-role=executor")

    def refused(self, name, says, conf):
        """A client-mode driver that cannot have executors fails with a message, and makes nothing."""
        before = self.pod_creates()
        with self.submit(name, "client", conf=conf) as app:
            wait_for("spark-submit to give up", lambda: not app.alive(), DEADLINE)
            output = app.output()
        if app.process.returncode == 0:
            raise Failure(f"{name}: spark-submit ended with 0")
        for text in says:
            if text not in output:
                raise Failure(f"{name}: {text!r} is not in the driver's output")
        if self.cluster.executors() or self.config_maps() or self.pod_creates() != before:
            raise Failure(f"{name}: something was created")

    def pod_creates(self):
        return sum(1 for pod in self.cluster.audit()["podCreates"] if "-exec-" in pod["name"])

    # The tests.

    def test_no_image(self):
        self.refused("no-image", ["spark.kubernetes.container.image"], {"spark.kubernetes.container.image": None})

    def test_forbidden(self):
        token = self.cluster.env["NOACCESS_TOKEN_FILE"]
        self.refused("forbidden", ["forbidden"], {"spark.kubernetes.authenticate.oauthTokenFile": token})

    def test_unreachable(self):
        self.refused("unreachable", ["127.0.0.1", "spark.stoker.startTimeout"],
                     {"spark.master": f"k8s://https://127.0.0.1:{free_port()}", "spark.stoker.startTimeout": "3s"})

    def test_bad_ca(self):
        other = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "other-ca.crt"
        self.refused("bad-ca", ["certificate"], {"spark.kubernetes.authenticate.caCertFile": str(other)})

    def test_not_built(self):
        self.refused("not-built", ["spark.kubernetes.executor.enableApiWatcher"],
                     {"spark.kubernetes.executor.enableApiWatcher": "false"})

    def test_killed_driver_leaves_nothing(self):
        """The driver dies by SIGKILL and its pod is deleted: the garbage collector finds all by its owner."""
        with self.submit("killed-driver", "cluster", args=(40, 99, DEADLINE), executors=2) as app:
            wait_for("executors", lambda: len(app.executors()) == 2, DEADLINE, app.alive)
            driver = app.driver_pods()[-1]
            uid = driver["metadata"]["uid"]
            for kind in ("pods", "configmaps"):
                for item in self.cluster.get(kind, "-l", "spark-role=executor"):
                    if [o["uid"] for o in item["metadata"].get("ownerReferences", [])] != [uid]:
                        raise Failure(f"{kind} {item['metadata']['name']} is not owned by the driver pod")
            os.kill(self.driver_process(app.app_id), signal.SIGKILL)
            name = driver["metadata"]["name"]
            wait_for("the driver pod to fail", lambda: app.driver_pods()[-1]["status"]["phase"] == "Failed", DEADLINE)
            self.cluster.kubectl("delete", "pod", name)
            self.nothing_is_left()

    def driver_process(self, app_id):
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = pathlib.Path("/proc", entry, "cmdline").read_bytes().decode(errors="replace").split("\0")
                namespace = os.readlink(f"/proc/{entry}/ns/mnt")
            except OSError:
                continue
            if words[0].endswith("java") and "org.apache.spark.deploy.SparkSubmit" in words and "SparkPi" in words \
                    and namespace != os.readlink("/proc/self/ns/mnt"):
                return int(entry)
        raise Failure(f"found no driver process of {app_id}")

    def test_two_contexts_in_one_jvm(self):
        """The second SparkContext of a driver gets executors and a ConfigMap of its own; the first's go."""
        self.two_contexts("client", self.cluster.control)

    def test_two_contexts_in_a_driver_pod(self):
        """As above, where spark-submit has given both of them one application id and one prefix of names."""
        self.two_contexts("cluster", CONTROL)

    def two_contexts(self, mode, control):
        with self.submit(f"twice-{mode}", mode, args=(f"twice-{mode}", control), main="Contexts") as app:
            seen = []
            for number in (1, 2):
                said = wait_for(f"context {number}", lambda: app.said(rf"^context {number} is (\S+) with"), DEADLINE, app.alive)
                items = wait_for(f"one ConfigMap and one executor, of {said.group(1)}",
                                 lambda: self.alone(said.group(1)), DEADLINE, app.alive)
                # In a driver pod the names of pods are those of the first context again, as Spark has it.
                seen.append({item["metadata"]["uid" if mode == "cluster" and item["kind"] == "Pod" else "name"] for item in items})
                self.let_go_on(f"twice-{mode}-{number}")
            if seen[0] & seen[1]:
                raise Failure(f"both contexts have {seen[0] & seen[1]}")
            self.succeeds(app)

    def alone(self, app_id):
        """The ConfigMap and the executor of this application, if there is nothing else."""
        items = self.cluster.executors() + self.config_maps()
        apps = {item["metadata"]["labels"]["spark-app-selector"] for item in items}
        return items if apps == {app_id} and sorted(item["kind"] for item in items) == ["ConfigMap", "Pod"] else None

    def test_dynamic_allocation_with_profiles(self):
        """Executors come with the tasks that wait, of the profile the tasks want, and go when they are idle."""
        before = self.pod_creates()
        conf = {
            "spark.dynamicAllocation.enabled": "true",
            "spark.dynamicAllocation.shuffleTracking.enabled": "true",
            "spark.dynamicAllocation.minExecutors": 1,
            "spark.dynamicAllocation.executorIdleTimeout": "3s",
            "spark.executor.instances": None,
        }
        with self.submit("profiles", "client", args=("profiles", self.cluster.control), conf=conf, main="Contexts") as app:
            self.awaits(app, {"0": 3})
            self.let_go_on("profiles-default")
            other = wait_for("the other profile", lambda: app.said(r"^the other profile is (\d+)"), DEADLINE, app.alive).group(1)
            self.awaits(app, {"0": 1, other: 2})
            memory = {label: size for label, size in (self.profile_and_memory(pod) for pod in self.cluster.executors())}
            # What the profile asks for and the overhead, which is at least 384 MiB.
            if memory != {"0": "896Mi", other: "1152Mi"}:
                raise Failure(f"the memory of profiles is {memory}")
            self.let_go_on("profiles-other")
            wait_for("the tasks' end", lambda: app.said("^all executors are idle"), DEADLINE, app.alive)
            self.awaits(app, {"0": 1, other: 1})
            self.let_go_on("profiles-end")
            self.succeeds(app)
        if self.pod_creates() - before != 5:
            raise Failure(f"{self.pod_creates() - before} pods were made for 5 executors")

    def awaits(self, app, wanted):
        """Waits until as many executors of each profile run, by their pods' labels, and no others are left."""
        def counts():
            found = {}
            for pod in self.cluster.executors():
                profile, _ = self.profile_and_memory(pod)
                phase = pod["status"]["phase"]
                found[profile] = found.get(profile, 0) + (1 if phase == "Running" else 100)
            return found
        wait_for(f"executors by profile: {wanted}", lambda: counts() == wanted, DEADLINE, app.alive)

    @staticmethod
    def profile_and_memory(pod):
        return (pod["metadata"]["labels"]["spark-exec-resourceprofile-id"],
                pod["spec"]["containers"][-1]["resources"]["limits"]["memory"])

    def test_pod_template_and_volumes(self):
        """The template that spark-submit mounts into the driver pod, and volumes, are in the executors' pods and processes."""
        template = self.logs / "template.yaml"
        template.write_text(POD_TEMPLATE)
        shared = self.cluster.dir / "shared"
        shared.mkdir()
        (shared / "marker").touch()
        volumes = "spark.kubernetes.executor.volumes"
        conf = {
            "spark.kubernetes.executor.podTemplateFile": template,
            "spark.kubernetes.executor.podTemplateContainerName": "templated",
            f"{volumes}.emptyDir.spark-local-dir-1.mount.path": "/scratch",
            f"{volumes}.hostPath.shared.mount.path": "/shared",
            f"{volumes}.hostPath.shared.options.path": shared,
        }
        with self.submit("pod-template", "cluster", args=(4, 2, DEADLINE, f"{CONTROL}/pod-template"), executors=2, conf=conf) as app:
            self.computes(app, 2)
            for pod in self.cluster.executors():
                container, = pod["spec"]["containers"]
                tolerations = [t["key"] for t in pod["spec"]["tolerations"]]
                if pod["metadata"]["labels"].get("from-template") != "yes" or "only-in-the-template" not in tolerations \
                        or (container["name"], container["terminationMessagePath"]) != ("templated", "/dev/the-template-s"):
                    raise Failure(f"pod {pod['metadata']['name']} is not from the template")
                executor = pod["metadata"]["labels"]["spark-exec-id"]
                environment = app.environment_of(executor)
                if (environment.get("FROM_TEMPLATE"), environment.get("SPARK_LOCAL_DIRS")) != ("yes", "/scratch"):
                    raise Failure(f"executor {executor} has the environment {environment}")
                if not pathlib.Path(f"/proc/{app.process_of(executor)}/root/shared/marker").exists():
                    raise Failure(f"executor {executor} does not see its host path")
            self.let_go_on("pod-template")
            self.succeeds(app)

    def computes(self, app, executors):
        """Waits until so many executors have finished a task."""
        def done():
            records = app.executors().values()
            return sum(1 for record in records if record["completedTasks"]) >= executors
        wait_for(f"{executors} executors that compute", done, DEADLINE, app.alive)

    def test_feature_step(self):
        """A class of the application's jar changes each executor's pod, in the driver's process; its claims are made."""
        conf = {"spark.kubernetes.executor.pod.featureSteps": "UserStep"}
        args = (4, 2, DEADLINE, f"{self.cluster.control}/feature-step")
        with self.submit("feature-step", "client", args=args, executors=2, conf=conf) as app:
            self.computes(app, 2)
            ids = set()
            for pod in self.cluster.executors():
                labels = pod["metadata"]["labels"]
                if labels.get("step-process") != str(app.process.pid) or labels.get("step-executor") != labels["spark-exec-id"]:
                    raise Failure(f"pod {pod['metadata']['name']} has the labels {labels}")
                ids.add(labels["spark-exec-id"])
            if (self.made_by_step("persistentvolumeclaims", app), self.made_by_step("secrets", app)) != (ids, set()):
                raise Failure(f"of executors {ids} only the claims, and all of them, should have been made")
            self.let_go_on("feature-step")
            self.succeeds(app)
            wait_for("the claims to be gone", lambda: not self.made_by_step("persistentvolumeclaims", app), DEADLINE)

    def made_by_step(self, kind, app):
        """The executors for which the step's resource of this kind is there."""
        prefix = f"step-{app.app_id}-"
        names = [item["metadata"]["name"] for item in self.cluster.get(kind)]
        return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}

    def test_feature_step_missing(self):
        self.refused("feature-step-missing", ["NoSuchStep", "ClassNotFoundException"],
                     {"spark.kubernetes.executor.pod.featureSteps": "NoSuchStep"})

    def test_too_many_failures(self):
        """Executors that cannot start end the driver with Spark's exit code for that."""
        conf = {"spark.executor.maxNumFailures": 2, "spark.executor.extraJavaOptions": "-javaagent:/nowhere.jar"}
        before = self.pod_creates()
        with self.submit("too-many-failures", "client", conf=conf) as app:
            wait_for("the driver's end", lambda: not app.alive(), DEADLINE)
            if app.process.returncode != 11 or "spark.executor.maxNumFailures" not in app.output():
                raise Failure(f"the driver ended with exit code {app.process.returncode}; see {app.log_path}")
        if self.pod_creates() - before < 3:
            raise Failure("the driver gave up before the third failed executor")
        self.nothing_is_left()

    def test_disabled_is_stock(self):
        """spark.stoker.enabled=false: Spark's own manager makes the pods."""
        with self.submit("disabled", "client", conf={"spark.stoker.enabled": "false"}) as app:
            wait_for("the job's end", lambda: not app.alive(), DEADLINE)
            if app.process.returncode or not app.pi():
                raise Failure(f"the job ended with {app.process.returncode}")
        agents = {p["userAgent"] for p in self.cluster.audit()["podCreates"] if p["name"].startswith("sparkpi-")}
        if not any(agent.startswith("fabric8") for agent in agents):
            raise Failure(f"pods were made by {agents}")

    def test_distributions_differ_only_as_told(self):
        """Stock and Stoker's copy differ by the files the installer names, and in no other entry."""
        stock, ours = self.options.stock_home / "jars", self.options.spark_home / "jars"
        compared = filecmp.dircmp(stock, ours)
        added = sorted(compared.right_only)
        if compared.left_only or len(added) != 2 or added[0] != "libstoker_jni.so" or not added[1].startswith("stoker-spark_"):
            raise Failure(f"added {added}, removed {compared.left_only}")
        _, changed, errors = filecmp.cmpfiles(stock, ours, compared.common_files, shallow=False)
        if errors or len(changed) != 1 or not changed[0].startswith("spark-kubernetes_"):
            raise Failure(f"changed {changed}, unreadable {errors}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spark-home", type=pathlib.Path, required=True, help="a distribution with Stoker installed")
    parser.add_argument("--stock-home", type=pathlib.Path, required=True, help="the distribution it was made from")
    parser.add_argument("--apps", type=pathlib.Path, required=True, help="the directory of apps.jar")
    parser.add_argument("--cluster-bin", type=pathlib.Path, required=True, help="what tests/cluster/build.sh printed")
    parser.add_argument("tests", nargs="*", help="names of tests; all by default")
    options = parser.parse_args()
    logs = pathlib.Path(tempfile.mkdtemp(prefix="stoker-e2e-"))
    passed, failed = 0, 0
    with open(logs / "cluster.log", "w") as log, Cluster(options.cluster_bin, options.spark_home, options.apps, log) as cluster:
        suite = Suite(cluster, options, logs)
        names = [n for n in dir(Suite) if n.startswith("test_")]
        for name in [n for n in names if not options.tests or n.removeprefix("test_") in options.tests]:
            try:
                getattr(suite, name)()
                passed += 1
                print(f"{name} ... ok", flush=True)
            except Failure as failure:
                failed += 1
                print(f"{name} ... FAILED: {failure}", flush=True)
    if failed:
        print(f"logs: {logs}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
