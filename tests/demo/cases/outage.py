"""Jobs that go on while the API server is away."""

import os
import signal
import time

from cluster import Failure, wait_for
from suite import DEADLINE

EXECUTORS = 3
OUTAGE_SECONDS = 30


def test_api_server_stopped_for_30_s(suite):
    """Executors compute, register and are lost meanwhile; what is missing is made afterwards, and made once."""
    conf = {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.minExecutors": EXECUTORS,
        "spark.dynamicAllocation.maxExecutors": EXECUTORS,
        "spark.executor.instances": None,
    }
    args = (40, EXECUTORS + 2, 2 * DEADLINE, f"{suite.cluster.control}/outage")
    with suite.submit("outage", "client", args=args, conf=conf) as app:
        suite.computes(app, EXECUTORS)
        first, second, third = sorted(app.executors())
        kill(app, first)
        prefix = suite.cluster.executors()[0]["metadata"]["name"].rsplit("-", 1)[0]
        starting, last = EXECUTORS + 1, EXECUTORS + 2
        wait_for(f"the pod of executor {starting} to run", lambda: runs(suite, starting), DEADLINE, app.alive)

        with suite.cluster.outage():
            begun = time.monotonic()
            wait_for(f"executor {starting} to register and finish a task", lambda: finished(app, starting), DEADLINE, app.alive)
            before = finished(app, third)
            wait_for(f"executor {third} to go on", lambda: finished(app, third) > before, DEADLINE, app.alive)
            # Its tasks are run again once Spark knows what became of it, so this is the last that is wanted meanwhile.
            kill(app, second)
            wait_for("the outage to last", lambda: time.monotonic() - begun > OUTAGE_SECONDS, DEADLINE, app.alive)
            if last in app.executors():
                raise Failure(f"executor {last} came from nowhere")
        wait_for(f"executor {last} to finish a task", lambda: finished(app, last), DEADLINE, app.alive)
        if lost(app) != {first, second}:
            raise Failure(f"the executors {lost(app)} are lost")

        suite.let_go_on("outage")
        suite.succeeds(app)
        if not app.pi() or abs(app.pi() - 3.14159) > 0.05:
            raise Failure(f"Pi is {app.pi()}; see {app.log_path}")
        made = sorted(pod["name"] for pod in suite.cluster.audit()["podCreates"]
                      if pod["code"] < 300 and pod["name"].startswith(f"{prefix}-"))
        wanted = [f"{prefix}-{executor}" for executor in range(1, last + 1)]
        if made != wanted:
            raise Failure(f"made were {made}, not {wanted}")


def kill(app, executor):
    os.kill(app.process_of(executor), signal.SIGKILL)


def runs(suite, executor):
    return any(pod["status"]["phase"] == "Running" for pod in suite.cluster.executors()
               if pod["metadata"]["labels"]["spark-exec-id"] == str(executor))


def finished(app, executor):
    """How many tasks the executor has finished, as Spark has it."""
    return app.executors().get(executor, {}).get("completedTasks", 0)


def lost(app):
    return {executor for executor, record in app.executors().items() if not record["isActive"]}
