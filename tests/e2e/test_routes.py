"""The shipped Alertmanager configuration, judged by the amtool of both generations."""

import re

import pytest

from alertmanager import amtool
from sidecar import ROOT

ROUTES = ROOT / "deploy" / "alertmanager" / "driftgauge-routes.yml"
ALERTS = ROOT / "deploy" / "prometheus" / "driftgauge-alerts.yml"
NAMES = sorted(set(re.findall(r"- alert: (\w+)", ALERTS.read_text())))


def test_amtool_accepts_it(prometheus_version):
    said = amtool(prometheus_version, "check-config", str(ROUTES))
    assert "SUCCESS" in said
    assert "3 receivers" in said


@pytest.mark.parametrize(
    "severity, receiver", [("critical", "driftgauge-pager"), ("warning", "driftgauge-chat"), ("info", "driftgauge-email")]
)
def test_severity_decides_who_is_told(prometheus_version, severity, receiver):
    for name in (NAMES[0], NAMES[-1], "DriftgaugeDown"):
        labels = [f"alertname={name}", f"severity={severity}", "model=flights"]
        said = amtool(prometheus_version, "config", "routes", "test", f"--config.file={ROUTES}", *labels)
        assert said.strip() == receiver


def test_every_alert_has_a_way(prometheus_version):
    """A name that the route does not know would go to the receiver of everything else, whatever its severity."""
    for name in NAMES:
        said = amtool(
            prometheus_version, "config", "routes", "test", f"--config.file={ROUTES}", f"alertname={name}", "severity=critical"
        )
        assert said.strip() == "driftgauge-pager", name
    others = ["alertname=NodeDown", "severity=critical"]
    said = amtool(prometheus_version, "config", "routes", "test", f"--config.file={ROUTES}", *others)
    assert said.strip() == "driftgauge-email"


def test_inhibitions_name_alerts_that_exist():
    text = ROUTES.read_text()
    named = {name for names in re.findall(r'alertname=~"([^"]+)"', text) for name in names.split("|")}
    assert named == set(NAMES)
