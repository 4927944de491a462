#!/usr/bin/env python3
"""Runs Spark jobs on the local cluster, loses an executor of each and shows that it is replaced.

Exit code 0 only if all of it happened: every executor pod was made by Stoker (by the API server's audit log),
the executors computed, the lost one's replacement registered and finished a task before the job's end (by
Spark's REST API), and Pi came out.
"""

import argparse
import os
import pathlib
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from cluster import CONTROL, Cluster, Failure, wait_for  # noqa: E402
from spark import Application  # noqa: E402

EXECUTORS = 4
# A JVM starts in 5 to 20 s on two busy cores; the deadlines are ten times that.
DEADLINE = 240


def title(text):
    print(f"\n\033[1m{text}\033[0m", flush=True)


class Table:
    """The executors as Kubernetes and Spark see them; a line for each change, or redrawn on a terminal."""

    def __init__(self, cluster, app):
        self.cluster, self.app = cluster, app
        self.last, self.height = None, 0
        self.start = time.monotonic()

    def show(self):
        spark = self.app.executors()
        pods = {}
        for pod in self.cluster.executors(self.app.app_id):
            pods[int(pod["metadata"]["labels"]["spark-exec-id"])] = pod
        rows = []
        for executor in sorted(spark.keys() | pods.keys()):
            pod, record = pods.get(executor), spark.get(executor)
            rows.append((
                str(executor),
                pod["metadata"]["name"] if pod else "(gone)",
                pod["status"]["phase"] if pod else "-",
                pod["status"].get("podIP", "-") if pod else "-",
                "-" if not record else "active" if record["isActive"] else "lost",
                str(record["activeTasks"]) if record else "-",
                str(record["completedTasks"]) if record else "-",
            ))
        # The number of finished tasks alone is no news where every change is a new line.
        key = rows if sys.stdout.isatty() else [row[:5] for row in rows]
        if key == self.last:
            return
        self.last = key
        widths, lines = (4, 42, 10, 16, 8, 8, 8), []
        for row in [("id", "pod", "phase", "address", "spark", "running", "finished"), *rows]:
            lines.append("  " + "".join(cell.ljust(width) for cell, width in zip(row, widths)))
        if sys.stdout.isatty() and self.height:
            print(f"\033[{self.height}A\033[J", end="")
        else:
            print(f"  [{time.monotonic() - self.start:5.1f} s]")
        print("\n".join(lines), flush=True)
        self.height = len(lines)


def run(cluster, spark_home, mode, kill, log_path):
    title(f"{mode} mode: {EXECUTORS} executors, and one that {'is killed' if kill == 'process' else 'has its pod deleted'}")
    # The job goes on until what is to be seen of it has been seen.
    seen_all = f"{mode}-{kill}"
    control = CONTROL if mode == "cluster" else cluster.control
    args = (40, EXECUTORS + 1, 2 * DEADLINE, f"{control}/{seen_all}")
    with Application(cluster, spark_home, mode, args, log_path, EXECUTORS) as app:
        table = Table(cluster, app)

        def seen(what, condition):
            def poll():
                table.show()
                return condition()
            return wait_for(what, poll, DEADLINE, app.alive)

        def all_compute():
            records = app.executors()
            return len(records) >= EXECUTORS and all(r["isActive"] and r["completedTasks"] for r in records.values())

        seen(f"{EXECUTORS} executors that compute", all_compute)

        def with_running_task():
            records = app.executors()
            busy = next((e for e, r in sorted(records.items()) if r["isActive"] and r["activeTasks"]), None)
            return busy and (busy, set(records))

        victim, known = seen("an executor with a running task", with_running_task)
        if kill == "process":
            pid = app.process_of(victim)
            os.kill(pid, signal.SIGKILL)
            print(f"  >>> killed the process {pid} of executor {victim}", flush=True)
        else:
            name = next(p["metadata"]["name"] for p in cluster.executors(app.app_id)
                        if p["metadata"]["labels"]["spark-exec-id"] == str(victim))
            cluster.kubectl("delete", "pod", name, "--wait=false")
            print(f"  >>> deleted the pod {name} of executor {victim}", flush=True)
        lost_at = time.monotonic()

        def replacement():
            return next((e for e, r in app.executors().items() if e not in known and r["completedTasks"]), None)

        new = seen("a replacement that has finished a task", replacement)
        print(f"  >>> executor {new} has replaced it and finished a task after {time.monotonic() - lost_at:.1f} s", flush=True)

        def removal():
            return app.executors().get(victim, {}).get("removeReason", "").strip()

        reason = seen(f"Spark to remove executor {victim}", removal).splitlines()[0]
        print(f"  >>> Spark knows executor {victim} as lost: {reason}", flush=True)

        (cluster.control / seen_all).touch()
        wait_for("the job's end", lambda: not app.alive(), DEADLINE)
        pi = app.pi()
        if app.process.returncode or not pi or abs(pi - 3.14159) > 0.05:
            raise Failure(f"the job ended with exit code {app.process.returncode} and Pi = {pi}; see {log_path}")
        print(f"  Pi is roughly {pi}")
        wait_for("all executor pods to be gone", lambda: not cluster.executors(app.app_id), DEADLINE)
        return {"app": app.app_id, "executors": sorted({*known, new})}


def summarise(cluster, jobs):
    title("What the API server's audit log says")
    audit = cluster.audit()
    made = {}
    for pod in audit["podCreates"]:
        if "-exec-" in pod["name"] and pod["code"] < 300:
            made.setdefault(pod["userAgent"].split(" ")[0], []).append(pod["name"])
    for agent, names in sorted(made.items()):
        print(f"  {agent} made {len(names)} executor pods")
    print("  calls of stoker by verb and resource:")
    for call in audit["requests"]:
        if call["userAgent"].startswith("stoker/"):
            print(f"    {call['count']:5}  {call['verb']} {call['resource']}")
    wanted = sum(len(job["executors"]) for job in jobs)
    total = sum(len(names) for agent, names in made.items() if agent.startswith("stoker/"))
    if any(not agent.startswith("stoker/") for agent in made):
        raise Failure("executor pods were made by somebody else than Stoker")
    if total != wanted:
        raise Failure(f"Stoker made {total} executor pods, Spark had {wanted} executors")
    for call in audit["requests"]:
        # fabric8 is the client of Spark's own Scala code. It submits in cluster mode; it must not touch executors.
        if call["userAgent"].startswith("fabric8") and call["verb"] in ("list", "deletecollection") and call["resource"] == "pods":
            raise Failure(f"stock's own client called {call['verb']} {call['resource']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spark-home", type=pathlib.Path, required=True, help="a distribution with Stoker installed")
    parser.add_argument("--apps", type=pathlib.Path, required=True, help="the directory of apps.jar")
    parser.add_argument("--cluster-bin", type=pathlib.Path, required=True, help="what tests/cluster/build.sh printed")
    parser.add_argument("--runs", default="client:process,cluster:pod", help="mode:what is killed, comma-separated")
    options = parser.parse_args()
    logs = pathlib.Path(tempfile.mkdtemp(prefix="stoker-demo-"))
    ok = False
    try:
        title("Starting a local Kubernetes: etcd, API server, controller manager, scheduler, one process node")
        with open(logs / "cluster.log", "w") as log, Cluster(options.cluster_bin, options.spark_home, options.apps, log) as cluster:
            jobs = []
            for spec in options.runs.split(","):
                mode, kill = spec.split(":")
                jobs.append(run(cluster, options.spark_home, mode, kill, logs / f"{mode}-{kill}.log"))
            summarise(cluster, jobs)
        ok = True
        title("Done: Stoker made every executor, and replaced those that were lost")
        return 0
    except Failure as failure:
        print(f"\nerror: {failure}\nlogs: {logs}", file=sys.stderr)
        return 1
    finally:
        if ok:
            for file in logs.iterdir():
                file.unlink()
            logs.rmdir()


if __name__ == "__main__":
    sys.exit(main())
