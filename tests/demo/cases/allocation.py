"""How many executors there are, and of which profile."""

from cluster import Failure, wait_for
from suite import DEADLINE


def test_dynamic_allocation_with_profiles(suite):
    """Executors come with the tasks that wait, of the profile the tasks want, and go when they are idle."""
    before = suite.pod_creates()
    conf = {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.minExecutors": 1,
        "spark.dynamicAllocation.executorIdleTimeout": "3s",
        "spark.executor.instances": None,
    }
    with suite.submit("profiles", "client", args=("profiles", suite.cluster.control), conf=conf, main="Contexts") as app:
        awaits(suite, app, {"0": 3})
        suite.let_go_on("profiles-default")
        other = wait_for("the other profile", lambda: app.said(r"^the other profile is (\d+)"), DEADLINE, app.alive).group(1)
        awaits(suite, app, {"0": 1, other: 2})
        memory = {label: size for label, size in (profile_and_memory(pod) for pod in suite.cluster.executors())}
        # What the profile asks for and the overhead, which is at least 384 MiB.
        if memory != {"0": "896Mi", other: "1152Mi"}:
            raise Failure(f"the memory of profiles is {memory}")
        suite.let_go_on("profiles-other")
        wait_for("the tasks' end", lambda: app.said("^all executors are idle"), DEADLINE, app.alive)
        awaits(suite, app, {"0": 1, other: 1})
        suite.let_go_on("profiles-end")
        suite.succeeds(app)
    if suite.pod_creates() - before != 5:
        raise Failure(f"{suite.pod_creates() - before} pods were made for 5 executors")


def awaits(suite, app, wanted):
    """Waits until as many executors of each profile run, by their pods' labels, and no others are left."""
    def counts():
        found = {}
        for pod in suite.cluster.executors():
            profile, _ = profile_and_memory(pod)
            phase = pod["status"]["phase"]
            found[profile] = found.get(profile, 0) + (1 if phase == "Running" else 100)
        return found
    wait_for(f"executors by profile: {wanted}", lambda: counts() == wanted, DEADLINE, app.alive)


def profile_and_memory(pod):
    return (pod["metadata"]["labels"]["spark-exec-resourceprofile-id"],
            pod["spec"]["containers"][-1]["resources"]["limits"]["memory"])
