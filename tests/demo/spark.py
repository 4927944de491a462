"""A Spark application: submitting it, and its REST API."""

import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request
import uuid

from cluster import Failure

# The label of driver pods that tells submissions apart.
SUBMISSION = "stoker.io/submission"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Application:
    """A running `spark-submit`."""

    def __init__(self, cluster, spark_home, mode, app_args, log_path, executors=4, conf=(), main="SparkPi"):
        self.cluster = cluster
        self.mode = mode
        self.ui_port = free_port()
        self.log_path = log_path
        self.app_id = None
        self.submission = uuid.uuid4().hex
        self.driver_host = "127.0.0.1"
        self.last_executors = {}
        settings = {
            "spark.kubernetes.namespace": cluster.env["NAMESPACE"],
            "spark.kubernetes.container.image": "stoker-demo",
            "spark.executor.instances": executors,
            "spark.executor.cores": 1,
            "spark.executor.memory": "512m",
            "spark.kubernetes.executor.request.cores": "100m",
            "spark.kubernetes.node.selector.stoker.io/node-kind": "process",
            "spark.ui.port": self.ui_port,
            # Lost tasks are the point here: the job has to survive them.
            "spark.task.maxFailures": 8,
        }
        ca = {"spark.kubernetes.authenticate.caCertFile": cluster.env["CA_FILE"]}
        if mode == "client":
            settings |= ca | {
                "spark.kubernetes.authenticate.oauthTokenFile": cluster.env["TOKEN_FILE"],
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
            }
            jar = str(cluster_apps(cluster))
        else:
            settings |= {
                "spark.kubernetes.authenticate.driver.serviceAccountName": "spark",
                # There is no cluster DNS, so kubernetes.default.svc does not resolve.
                "spark.kubernetes.driver.master": cluster.env["API_SERVER"],
                "spark.kubernetes.driver.request.cores": "100m",
                "spark.kubernetes.submission.waitAppCompletion": "true",
                "spark.driver.memory": "512m",
                f"spark.kubernetes.driver.label.{SUBMISSION}": self.submission,
            }
            jar = "local:///opt/apps/apps.jar"
        settings |= dict(conf)
        # Should the tests be killed, so is it.
        command = ["setpriv", "--pdeathsig", "TERM",
                   str(spark_home / "bin" / "spark-submit"), "--master", dict(conf).get("spark.master", cluster.env["MASTER"]), "--deploy-mode", mode,
                   "--name", f"pi-{mode}", "--class", main]
        for key, value in settings.items():
            if value is not None and key != "spark.master":
                command += ["--conf", f"{key}={value}"]
        command += [jar, *map(str, app_args)]
        environment = {k: v for k, v in os.environ.items() if k not in ("KUBECONFIG", "SPARK_CONF_DIR")}
        # In cluster mode the submitter is a person with a kubeconfig; the driver has its service account.
        # In client mode nothing but the settings above may lead to the cluster.
        environment["KUBECONFIG"] = cluster.env["KUBECONFIG"] if mode == "cluster" else os.devnull
        self.log = open(log_path, "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, env=environment | {"SPARK_HOME": str(spark_home)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def alive(self):
        return self.process.poll() is None

    def output(self):
        """What the application printed: here in client mode, in the driver's container in cluster mode."""
        if self.mode == "client":
            return self.log_path.read_text(errors="replace")
        driver = self.driver_pod()
        return self.cluster.logs(driver["metadata"]["name"], "spark-kubernetes-driver") if driver else ""

    def driver_pod(self):
        """The driver pod of this submission, if it is there: the pods of earlier ones stay."""
        return next(iter(self.cluster.get("pods", f"{SUBMISSION}={self.submission}")), None)

    def rest(self, path):
        if self.mode == "cluster" and self.driver_host == "127.0.0.1":
            driver = self.driver_pod()
            if not driver or driver["status"]["phase"] != "Running" or not driver["status"].get("podIP"):
                return None
            self.driver_host = driver["status"]["podIP"]
        try:
            with urllib.request.urlopen(f"http://{self.driver_host}:{self.ui_port}/api/v1/{path}", timeout=10) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def executors(self):
        """Spark's own view: executor id → REST record, without the driver; empty while there is no UI, and what it last said
        where it does not answer: a busy machine makes no executor go."""
        if not self.app_id:
            applications = self.rest("applications")
            if not applications:
                return {}
            self.app_id = applications[0]["id"]
        listed = self.rest(f"applications/{self.app_id}/allexecutors")
        if listed is not None:
            self.last_executors = {int(e["id"]): e for e in listed if e["id"] != "driver"}
        return self.last_executors

    def process_of(self, executor_id):
        """The process id of an executor's JVM on the process node."""
        return self.process_with("--executor-id", executor_id)

    def process_with(self, option, value):
        """The process id of the executor's JVM that was started with this option."""
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/cmdline", "rb") as file:
                        words = file.read().decode(errors="replace").split("\0")
                except OSError:
                    continue
                if words[0].endswith("java") and self.app_id in words and option in words \
                        and words[words.index(option) + 1] == str(value):
                    return int(entry)
        raise Failure(f"found no process of the executor with {option} {value}")

    def environment_of(self, executor_id):
        """The environment of an executor's JVM on the process node."""
        with open(f"/proc/{self.process_of(executor_id)}/environ", "rb") as file:
            return dict(entry.split("=", 1) for entry in file.read().decode(errors="replace").split("\0") if "=" in entry)

    def said(self, pattern):
        """What the application's output has of this pattern, or None."""
        return re.search(pattern, self.output(), re.MULTILINE)

    def pi(self):
        found = self.said(r"Pi is roughly (\S+)")
        return found and float(found.group(1))


def cluster_apps(cluster):
    return json.loads(cluster.images.read_text())["stoker-demo"]["binds"]["/opt/apps"] + "/apps.jar"
