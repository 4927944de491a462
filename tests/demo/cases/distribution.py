"""The distribution that the installer makes, and stock's own manager in it."""

import filecmp

from cluster import Failure, wait_for
from suite import DEADLINE


def test_disabled_is_stock(suite):
    """spark.stoker.enabled=false: Spark's own manager makes the pods."""
    with suite.submit("disabled", "client", conf={"spark.stoker.enabled": "false"}) as app:
        wait_for("the job's end", lambda: not app.alive(), DEADLINE)
        if app.process.returncode or not app.pi():
            raise Failure(f"the job ended with {app.process.returncode}")
    agents = {p["userAgent"] for p in suite.cluster.audit()["podCreates"] if p["name"].startswith("sparkpi-")}
    if not any(agent.startswith("fabric8") for agent in agents):
        raise Failure(f"pods were made by {agents}")


def test_distributions_differ_only_as_told(suite):
    """Stock and Stoker's copy differ by the files the installer names, and in no other entry."""
    stock, ours = suite.options.stock_home / "jars", suite.options.spark_home / "jars"
    compared = filecmp.dircmp(stock, ours)
    added = sorted(compared.right_only)
    expected = ["libstoker_jni.so", "spark-kubernetes_", "stoker-install.txt", "stoker-spark_"]
    if compared.left_only or len(added) != 4 or not all(map(str.startswith, added, expected)):
        raise Failure(f"added {added}, removed {compared.left_only}")
    _, changed, errors = filecmp.cmpfiles(stock, ours, compared.common_files, shallow=False)
    if errors or len(changed) != 1 or added[1] != f"{changed[0]}.stock" or not filecmp.cmp(stock / changed[0], ours / added[1], shallow=False):
        raise Failure(f"changed {changed}, kept {added[1]}, unreadable {errors}")
