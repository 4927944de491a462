"""What the driver's pages and sinks say of the allocation."""

import csv
import json
import re
import urllib.request

from cluster import Failure, wait_for
from suite import DEADLINE

SINKS = "spark.metrics.conf.*.sink"
EXECUTORS = 2


def test_metrics_say_what_happened(suite):
    """One of two executors is deleted and replaced: both pages, the last report of a sink and the API server agree on it."""
    reports = suite.logs / "metrics"
    reports.mkdir()
    conf = {
        f"{SINKS}.prometheusServlet.class": "org.apache.spark.metrics.sink.PrometheusServlet",
        f"{SINKS}.prometheusServlet.path": "/metrics/prometheus",
        # Reports but once, at the end.
        f"{SINKS}.csv.class": "org.apache.spark.metrics.sink.CsvSink",
        f"{SINKS}.csv.directory": reports,
        f"{SINKS}.csv.period": 1,
        f"{SINKS}.csv.unit": "hours",
    }
    before = suite.pod_creates()
    args = (4, 2, DEADLINE, f"{suite.cluster.control}/metrics")
    with suite.submit("metrics", "client", args=args, executors=EXECUTORS, conf=conf) as app:
        suite.computes(app, EXECUTORS)
        victim = suite.cluster.executors()[0]["metadata"]["name"]
        suite.cluster.kubectl("delete", "pod", victim, "--wait=false")
        expected = {
            "executors.target": EXECUTORS,
            "executors.live": EXECUTORS,
            "executors.running": EXECUTORS,
            "executors.pending": 0,
            "executors.registered": EXECUTORS + 1,
            "executors.toRegisteredMs.count": EXECUTORS + 1,
            "creates.sent": EXECUTORS + 1,
            "creates.created": EXECUTORS + 1,
            "latencyMs.createPod.count": EXECUTORS + 1,
            "losses.total": 1,
            "losses.deleted": 1,
            "losses.appCaused": 0,
            "watch.open": 1,
        }
        wait_for(f"the figures {expected}", lambda: expected.items() <= from_json(app).items(), DEADLINE, app.alive)
        if suite.pod_creates() - before != EXECUTORS + 1 or set(app.executors()) != {1, 2, 3}:
            raise Failure(f"{suite.pod_creates() - before} pods were made, and Spark knows the executors {sorted(app.executors())}")
        found = from_prometheus(app)
        for name, value in expected.items():
            key = re.sub("[^a-zA-Z0-9]", "_", f"metrics.{app.app_id}.driver.stoker.{name}")
            if found.get(f"{key}_Value", found.get(f"{key}_Count")) != value:
                raise Failure(f"{name} is not {value} on the page for Prometheus: {found}")
        figures = from_json(app)
        if not 0 < figures["latencyMs.createPod.p50"] <= figures["latencyMs.createPod.max"] < figures["executors.toRunningMs.max"]:
            raise Failure(f"the times make no sense: {figures}")
        if not 0 <= figures["watch.stalenessMs"] < 90_000:
            raise Failure(f"the watch is {figures['watch.stalenessMs']} ms behind")
        app_id = app.app_id
        suite.let_go_on("metrics")
        suite.succeeds(app)
    for name, value in (("losses.total", 1), ("creates.created", EXECUTORS + 1)):
        with open(reports / f"{app_id}.driver.stoker.{name}.csv", newline="") as file:
            rows = [row["count"] for row in csv.DictReader(file)]
        if set(rows) != {str(value)}:
            raise Failure(f"the sink's last report of {name} is {rows}")


def page(app, path):
    try:
        with urllib.request.urlopen(f"http://{app.driver_host}:{app.ui_port}{path}", timeout=10) as answer:
            return answer.read().decode()
    except OSError as error:
        raise Failure(f"the driver has no page {path}: {error}") from error


def from_json(app):
    """Stoker's metrics by their names in docs/metrics.md."""
    metrics = json.loads(page(app, "/metrics/json"))
    values = {name: metric["value"] for name, metric in metrics["gauges"].items()}
    values |= {name: metric["count"] for name, metric in metrics["counters"].items()}
    prefix = f"{app.app_id}.driver.stoker."
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def from_prometheus(app):
    """All metrics of the page by name, without their labels."""
    lines = (line for line in page(app, "/metrics/prometheus").splitlines() if "_stoker_" in line)
    return {line.split("{")[0]: float(line.split()[-1]) for line in lines}
