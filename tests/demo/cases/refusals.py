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


def test_not_built(suite):
    suite.refused("not-built", ["spark.kubernetes.driver.waitToReusePersistentVolumeClaim"],
                  {"spark.kubernetes.driver.waitToReusePersistentVolumeClaim": "true"})


def test_feature_step_missing(suite):
    suite.refused("feature-step-missing", ["NoSuchStep", "ClassNotFoundException"],
                  {"spark.kubernetes.executor.pod.featureSteps": "NoSuchStep"})
