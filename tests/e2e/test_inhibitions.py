"""The shipped inhibitions in real Alertmanagers: one cause gives one message, and a warning never hides a page."""

import pytest

import alertmanager
from alertmanager import Alertmanager
from sidecar import ROOT
from waiting import wait_for

ROUTES = (ROOT / "deploy" / "alertmanager" / "driftgauge-routes.yml").read_text()
MODEL = {"namespace": "shop", "job": "driftgauge", "model": "fraud", "version": "2"}
ALL_VERSIONS = {key: value for key, value in MODEL.items() if key != "version"}
OTHER = {**MODEL, "model": "churn"}
POD = {"namespace": "shop", "job": "driftgauge", "instance": "10.0.0.1:9599", "pod": "fraud-0"}


def alert(name, severity, labels, **more):
    return {"alertname": name, "severity": severity, **labels, **more}


CASES = {
    "a page hides the warning of the same field, not of another": (
        [alert("FeatureDrift", "critical", MODEL, feature="temp", window="1h")],
        [alert("FeatureDrift", "warning", MODEL, feature="temp", window="1d")],
        [
            alert("FeatureDrift", "warning", MODEL, feature="dest", window="1d"),
            alert("FeatureDrift", "warning", OTHER, feature="temp", window="1d"),
            alert("NullsRaised", "warning", MODEL, feature="temp", window="1h"),
        ],
    ),
    "who does not look cannot say that there is nothing": (
        [alert("DriftgaugeDown", "critical", ALL_VERSIONS)],
        [
            alert("TrafficGone", "critical", ALL_VERSIONS),
            alert("TrafficGone", "warning", ALL_VERSIONS),
            alert("ModelSilent", "info", MODEL),
            alert("DriftgaugeDown", "warning", {**MODEL, **POD}),
        ],
        [
            alert("TrafficGone", "critical", OTHER),
            alert("ModelSilent", "info", {**OTHER, "model": "credit"}),
            alert("ErrorBudgetBurn", "critical", MODEL),
            alert("DriftgaugeDown", "warning", {**OTHER, **POD}),
        ],
    ),
    "one sidecar of several that is down hides no page": (
        [alert("DriftgaugeDown", "warning", {**MODEL, **POD})],
        [alert("TrafficLow", "warning", MODEL), alert("DriftgaugeRowsShed", "warning", POD)],
        [
            alert("TrafficGone", "critical", MODEL),
            alert("DriftgaugeRowsShed", "warning", {**POD, "instance": "10.0.0.2:9599", "pod": "fraud-1"}),
        ],
    ),
    "no target at all": (
        [alert("DriftgaugeAbsent", "critical", {"job": "driftgauge"})],
        [alert("DriftgaugeDown", "critical", ALL_VERSIONS), alert("ModelSilent", "info", MODEL)],
        [alert("FeatureDrift", "critical", MODEL, feature="temp")],
    ),
    "a crash loop is one message": (
        [alert("DriftgaugeRestarts", "warning", {"namespace": "shop", "job": "kube-state-metrics", "pod": "fraud-0"})],
        [alert("DriftgaugeDown", "warning", {**MODEL, **POD})],
        [
            alert("DriftgaugeDown", "critical", OTHER),
            alert("DriftgaugeDown", "warning", {**MODEL, **POD, "pod": "fraud-1", "instance": "10.0.0.2:9599"}),
        ],
    ),
    "a field that has vanished is missing and has drifted, of course": (
        [alert("FeatureVanished", "critical", MODEL, feature="temp")],
        [
            alert("NullsRaised", "warning", MODEL, feature="temp"),
            alert("FeatureDrift", "critical", MODEL, feature="temp"),
            alert("FeatureConstant", "warning", MODEL, feature="temp"),
        ],
        [alert("NullsRaised", "warning", MODEL, feature="dest"), alert("ScoreDrift", "warning", MODEL, feature="score")],
    ),
    "many fields at once are one cause, and what the model says is still told": (
        [alert("ManyFeaturesDrift", "warning", MODEL)],
        [
            alert("FeatureDrift", "warning", MODEL, feature="temp"),
            alert("FeatureDrift", "warning", MODEL, feature="dest"),
            alert("JointDrift", "warning", MODEL),
        ],
        [
            alert("ScoreDrift", "warning", MODEL, feature="score"),
            alert("FeatureDrift", "critical", MODEL, feature="humid"),
            alert("FeatureDrift", "warning", {**MODEL, "version": "3"}, feature="temp"),
        ],
    ),
    "no calls": (
        [alert("TrafficGone", "critical", {k: v for k, v in MODEL.items() if k != "version"})],
        [alert("UnusualFigure", "warning", MODEL, figure="throughput"), alert("TooFewRows", "info", MODEL)],
        [alert("UnusualFigure", "warning", OTHER, figure="throughput")],
    ),
    "alerts of others are left alone": (
        [alert("NodeDown", "critical", {"namespace": "shop"})],
        [],
        [alert("NodeDown", "warning", {"namespace": "shop"}), alert("DriftgaugeDown", "warning", {**MODEL, **POD})],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_hidden_and_what_is_not(prometheus_version, tmp_path, case):
    if not alertmanager.server(prometheus_version):
        pytest.skip("this Alertmanager could not be fetched")
    causes, hidden, told = CASES[case]
    # Nobody is told in this test: messages would come after half a minute.
    server = Alertmanager(prometheus_version, tmp_path / "alertmanager", ROUTES)
    try:
        server.start()
        server.post([*causes, *hidden, *told])

        def key(labels):
            return frozenset(labels.items())

        expected = {key(labels): "active" for labels in [*causes, *told]} | {key(labels): "suppressed" for labels in hidden}

        def states():
            return {key(found["labels"]): found["status"]["state"] for found in server.alerts()}

        wait_for(lambda: states() == expected, f"{case}: {states()}", seconds=10)
    finally:
        server.close()
