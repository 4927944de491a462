"""Drivers that cannot have executors say why, and make nothing."""

import pathlib

from spark import free_port


def test_no_image(suite):
    suite.refused("no-image", ["spark.kubernetes.container.image"], {"spark.kubernetes.container.image": None})


def test_forbidden(suite):
    token = suite.cluster.env["NOACCESS_TOKEN_FILE"]
    suite.refused("forbidden", ["forbidden"], {"spark.kubernetes.authenticate.oauthTokenFile": token})


def test_unreachable(suite):
    suite.refused("unreachable", ["127.0.0.1", "spark.stoker.startTimeout"],
                  {"spark.master": f"k8s://https://127.0.0.1:{free_port()}", "spark.stoker.startTimeout": "3s"})


def test_bad_ca(suite):
    other = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "other-ca.crt"
    suite.refused("bad-ca", ["certificate"], {"spark.kubernetes.authenticate.caCertFile": str(other)})


def test_feature_step_missing(suite):
    suite.refused("feature-step-missing", ["NoSuchStep", "ClassNotFoundException"],
                  {"spark.kubernetes.executor.pod.featureSteps": "NoSuchStep"})


def test_namespace_forbidden(suite):
    suite.refused("namespace-forbidden", ["forbidden", "kube-system"], {"spark.kubernetes.namespace": "kube-system"})


def test_namespace_missing(suite):
    """Who may do everything everywhere is told that there is no such namespace."""
    suite.cluster.kubectl("create", "serviceaccount", "admin")
    suite.cluster.kubectl("create", "clusterrolebinding", "e2e-admin", "--clusterrole=cluster-admin",
                          f"--serviceaccount={suite.cluster.env['NAMESPACE']}:admin")
    token = suite.logs / "admin.token"
    token.write_text(suite.cluster.kubectl("create", "token", "admin"))
    suite.refused("namespace-missing", ['namespaces "nowhere" not found'],
                  {"spark.kubernetes.namespace": "nowhere", "spark.kubernetes.authenticate.oauthTokenFile": token})


def test_unknown_pull_policy(suite):
    key = "spark.kubernetes.container.image.pullPolicy"
    suite.refused("pull-policy", [key, "Sometimes", "IfNotPresent"], {key: "Sometimes"})
