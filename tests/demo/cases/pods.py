"""What executors' pods are made of."""

import pathlib

from cluster import CONTROL, Failure, wait_for
from suite import DEADLINE

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


def test_pod_template_and_volumes(suite):
    """The template that spark-submit mounts into the driver pod, and volumes, are in the executors' pods and processes."""
    template = suite.logs / "template.yaml"
    template.write_text(POD_TEMPLATE)
    shared = suite.cluster.dir / "shared"
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
    with suite.submit("pod-template", "cluster", args=(4, 2, DEADLINE, f"{CONTROL}/pod-template"), executors=2, conf=conf) as app:
        suite.computes(app, 2)
        for pod in suite.cluster.executors():
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
        suite.let_go_on("pod-template")
        suite.succeeds(app)


def test_feature_step(suite):
    """A class of the application's jar changes each executor's pod, in the driver's process; its claims are made."""
    conf = {"spark.kubernetes.executor.pod.featureSteps": "UserStep"}
    args = (4, 2, DEADLINE, f"{suite.cluster.control}/feature-step")
    with suite.submit("feature-step", "client", args=args, executors=2, conf=conf) as app:
        suite.computes(app, 2)
        ids = set()
        for pod in suite.cluster.executors():
            labels = pod["metadata"]["labels"]
            if labels.get("step-process") != str(app.process.pid) or labels.get("step-executor") != labels["spark-exec-id"]:
                raise Failure(f"pod {pod['metadata']['name']} has the labels {labels}")
            ids.add(labels["spark-exec-id"])
        if (made_by_step(suite, "persistentvolumeclaims", app), made_by_step(suite, "secrets", app)) != (ids, set()):
            raise Failure(f"of executors {ids} only the claims, and all of them, should have been made")
        suite.let_go_on("feature-step")
        suite.succeeds(app)
        wait_for("the claims to be gone", lambda: not made_by_step(suite, "persistentvolumeclaims", app), DEADLINE)


def made_by_step(suite, kind, app):
    """The executors for which the step's resource of this kind is there."""
    prefix = f"step-{app.app_id}-"
    names = [item["metadata"]["name"] for item in suite.cluster.get(kind)]
    return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
