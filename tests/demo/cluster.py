"""The local cluster as the demo and the end-to-end tests use it."""

import contextlib
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request


ENTRYPOINT = pathlib.Path(__file__).resolve().parents[1] / "cluster" / "image" / "entrypoint.sh"

CONTROL = "/opt/control"


class Failure(Exception):
    """Something did not happen that had to."""


def wait_for(what, condition, seconds, alive=lambda: True):
    """Polls until the condition gives something true; fails after `seconds` or when `alive` is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if not alive():
            value = condition()
            if value:
                return value
            raise Failure(f"ended before {what}")
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s for {what}")
        time.sleep(0.2)


class Cluster:
    """A control plane with one process node, in a directory of its own."""

    def __init__(self, bin_dir, spark_home, apps, log):
        self.bin = pathlib.Path(bin_dir)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="stoker-cluster-"))
        self.log = log
        # Files by which a test tells a running application something; drivers in pods see them in CONTROL.
        self.control = self.dir / "control"
        self.control.mkdir()
        # What stands for a container image on the process node: host directories at container paths.
        image = {
            "stoker-demo": {
                "binds": {"/opt/spark": str(spark_home), "/opt/apps": str(apps), "/opt/entrypoint.sh": str(ENTRYPOINT),
                          CONTROL: str(self.control)},
                "entrypoint": ["/opt/entrypoint.sh"],
                "workingDir": "/opt/spark/work-dir",
                "env": {"SPARK_HOME": "/opt/spark"},
            }
        }
        self.images = self.dir / "images.json"
        self.images.write_text(json.dumps(image))
        self.process = None
        self.env = {}
        self.tls = None

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.bin / "stoker-cluster", "up", "--dir", self.dir, "--process-nodes", "1", "--kwok-nodes", "0",
             "--images", self.images, "--die-with-parent"],
            stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={k: v for k, v in os.environ.items() if k != "KUBECONFIG"})
        for line in self.process.stdout:
            if line.strip() == "ready":
                break
        else:
            raise Failure(f"the local cluster did not start; see {self.log.name}")
        for line in (self.dir / "env").read_text().splitlines():
            key, _, value = line.partition("=")
            self.env[key] = value
        self.tls = ssl.create_default_context(cafile=self.env["CA_FILE"])
        self.tls.load_cert_chain(self.dir / "pki" / "admin.crt", self.dir / "pki" / "admin.key")
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    @contextlib.contextmanager
    def outage(self):
        """The API server is not there, as if it had crashed; all else goes on."""
        self.api_server("stop")
        try:
            yield
        finally:
            self.api_server("start")

    def api_server(self, what):
        subprocess.run([self.bin / "stoker-cluster", "apiserver", what, "--dir", self.dir], check=True)

    def kubectl(self, *args, check=True):
        done = subprocess.run([self.env["KUBECTL"], "--kubeconfig", self.dir / "kubeconfig", "-n", self.env["NAMESPACE"], *args],
                              capture_output=True, text=True)
        if check and done.returncode:
            raise Failure(f"kubectl {' '.join(map(str, args))}: {done.stderr.strip()}")
        return done.stdout

    def get(self, kind, selector=""):
        """The objects of a kind, straight from the API server: starting kubectl for each look takes a good part of a core."""
        group = "apis/apps/v1" if kind in ("deployments", "statefulsets") else "api/v1"
        url = f"{self.env['API_SERVER']}/{group}/namespaces/{self.env['NAMESPACE']}/{kind}"
        try:
            with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode({'labelSelector': selector})}", context=self.tls) as answer:
                return json.load(answer)["items"]
        except OSError as error:
            raise Failure(f"cannot list {kind}: {error}") from error

    def executors(self, app_id=None):
        selector = "spark-role=executor" + (f",spark-app-selector={app_id}" if app_id else "")
        return self.get("pods", selector)

    def logs(self, pod, container):
        """The log file of a container, which the process node keeps after the pod is gone."""
        found = sorted((self.dir / "pods-logs").glob(f"{self.env['NAMESPACE']}_{pod}_*/{container}.log"))
        return found[-1].read_text(errors="replace") if found else ""

    def audit(self):
        """Who called what, from the API server's audit log."""
        out = subprocess.run([self.bin / "stoker-cluster", "summary", "--audit", self.env["AUDIT_LOG"]],
                             capture_output=True, text=True, check=True).stdout
        return json.loads(out)
