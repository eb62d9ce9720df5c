"""The demo of forwarding: a real model is watched without a line of code, by the commands of the README."""

import re

import pytest

from model_servers import SERVERS
from sidecar import ROOT
from waiting import free_port

DEMO = ROOT / "demo"
TEXT = (ROOT / "README.md").read_text()
FEATURES = 12


@pytest.fixture(scope="module")
def page(mlserver, serve_module):
    """What the sidecar shows after the flights, started with flags alone as in the README."""
    address = f"127.0.0.1:{free_port()}"
    flags = ["--forward.listen-address", address, "--forward.upstream", mlserver.grpc]
    sidecar = serve_module(settings=None, arguments=flags)
    said = mlserver.run(DEMO / "infer.py", address)
    assert said in TEXT, said
    sidecar.wait_for_rows("flights", 12_000, version="1")
    return sidecar.wait_for_next_evaluation()


def test_the_flags_are_those_of_the_text():
    assert re.search(r"driftgauge serve --forward\.listen-address \S+ --forward\.upstream \S+", TEXT)


def test_the_packages_of_the_text_are_those_that_are_tested():
    tested = set((SERVERS / "mlserver-requirements.txt").read_text().split())
    asked = (DEMO / "mlserver" / "requirements.txt").read_text().replace("[grpc]", "").split()
    assert asked and set(asked) <= tested


def test_all_features_the_prediction_and_the_score_are_there(page):
    roles = {}
    for labels, value in page.all("driftgauge_feature_values_total", model="flights", version="1"):
        roles.setdefault(labels["role"], []).append(labels["feature"])
    assert len(roles["feature"]) == FEATURES
    assert roles["prediction"] == ["predict"]
    assert roles["score"] == ["score[1]"]


def test_the_summer_is_drift_of_the_weather_and_not_of_the_routes(page):
    # The profile is learned from the winter.
    ratio = {
        labels["feature"]: value
        for labels, value in page.all("driftgauge_feature_drift_ratio", window="5m", reference="profile")
    }
    assert ratio["temp"] > 10, ratio
    assert max(ratio, key=ratio.get) == "temp", ratio
    assert ratio["carrier"] < 2 and ratio["origin"] < 2, ratio


def test_missing_values_latency_and_throughput_are_there(page):
    model = {"model": "flights", "version": "1"}
    assert page.value("driftgauge_feature_missing_total", feature="pressure", reason="nan", **model) > 500
    assert page.value("driftgauge_request_duration_seconds_count", **model) == 120
    assert 0.001 < page.value("driftgauge_latency_seconds", window="5m", q="0.5", **model) < 1
    assert page.value("driftgauge_predictions_total", **model) == 12_000
    assert page.sum("driftgauge_request_errors_total", **model) == 0
