"""What the end-to-end cases have in common."""

from cluster import Failure, wait_for
from spark import Application

DEADLINE = 240
# How much of a driver's output is told when its case has failed.
TOLD_LINES = 60


class Suite:
    """A running cluster, and what a case does with drivers on it."""

    def __init__(self, cluster, options, logs):
        self.cluster, self.options, self.logs = cluster, options, logs
        # What the case that runs has submitted.
        self.apps = []

    def submit(self, name, mode, args=(4, 1, DEADLINE), executors=1, conf=(), main="SparkPi", spark_home=None):
        home = spark_home or self.options.spark_home
        app = Application(self.cluster, home, mode, args, self.logs / f"{name}.log", executors, conf, main)
        self.apps.append(app)
        return app

    def last_words(self):
        """The end of what the case's drivers have said."""
        lines = []
        for app in self.apps:
            said = app.output().splitlines()[-TOLD_LINES:]
            lines += [f"--- {app.log_path}, in {app.mode} mode", *said]
        return "\n".join(lines)

    def tidy(self):
        """Takes away what a failed case has left, so that the next one begins as on a new cluster."""
        self.cluster.kubectl("delete", "statefulsets,deployments,pods,configmaps,persistentvolumeclaims", "-l", "spark-app-selector")

    def let_go_on(self, gate):
        (self.cluster.control / gate).touch()

    def succeeds(self, app):
        wait_for("the job's end", lambda: not app.alive(), DEADLINE)
        if app.process.returncode:
            raise Failure(f"the job ended with exit code {app.process.returncode}; see {app.log_path}")
        self.nothing_is_left()

    def computes(self, app, executors):
        """Waits until so many executors have finished a task."""
        def done():
            records = app.executors().values()
            return sum(1 for record in records if record["completedTasks"]) >= executors
        wait_for(f"{executors} executors that compute", done, DEADLINE, app.alive)

    def nothing_is_left(self):
        wait_for("nothing to be left", lambda: not self.cluster.executors() and not self.config_maps(), DEADLINE)

    def config_maps(self):
        return self.cluster.get("configmaps", "spark-role=executor")

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
