"""Every alert has a case in which it fires, one in which it is silent and one in which it resolves; promtool runs them."""

from itertools import groupby
from pathlib import Path

import yaml

from sidecar import ROOT

CASES = ROOT / "tests/prometheus"
ALERTS = ROOT / "deploy/prometheus/driftgauge-alerts.yml"
UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def alerts():
    """(name, severity) of all that is shipped."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {(rule["alert"], rule["labels"]["severity"]) for group in groups for rule in group["rules"]}


def seconds(duration):
    total, number = 0, ""
    for letter in str(duration):
        if letter.isdigit():
            number += letter
        else:
            total, number = total + int(number) * UNITS[letter], ""
    return total


def histories():
    """Of each test and each alert in it: the severities that fire, in order of time."""
    for path in sorted(CASES.glob("*.yml")):
        for test in yaml.safe_load(path.read_text())["tests"]:
            checks = sorted(test.get("alert_rule_test", []), key=lambda check: check["alertname"])
            for name, moments in groupby(checks, key=lambda check: check["alertname"]):
                moments = sorted(moments, key=lambda moment: seconds(moment["eval_time"]))
                yield name, [
                    {alert["exp_labels"]["severity"] for alert in moment.get("exp_alerts") or []} for moment in moments
                ]


def cases():
    """What is shown of each alert."""
    found = {"fires": set(), "is silent": set(), "resolves": set()}
    shipped = alerts()
    for name, moments in histories():
        for severity in {severity for alert, severity in shipped if alert == name}:
            fires = [severity in firing for firing in moments]
            if True in fires:
                found["fires"].add((name, severity))
                if False in fires[fires.index(True) :]:
                    found["resolves"].add((name, severity))
            if not fires[0]:
                found["is silent"].add((name, severity))
    return found


def test_every_alert_fires_is_silent_and_resolves():
    shipped = alerts()
    assert len(shipped) > 30
    for what, shown in cases().items():
        missing = shipped - shown
        assert not missing, f"no case in which it {what}: {sorted(missing)}"


def test_no_case_is_about_an_alert_that_is_not_there():
    assert {name for name, _ in histories()} <= {name for name, _ in alerts()}


def test_every_alert_links_to_a_heading_of_the_runbook():
    lines = Path(ROOT / "deploy/runbook.md").read_text().splitlines()
    anchors = {line.lstrip("# ").lower() for line in lines if line.startswith("#")}
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            page, anchor = rule["annotations"]["runbook_url"].split("#")
            assert page.endswith("/deploy/runbook.md")
            assert anchor in anchors, rule["alert"]


def test_the_readme_has_every_alert_with_its_severities():
    said = set()
    for line in Path(ROOT / "README.md").read_text().splitlines():
        cells = line.strip("| ").split(" | ")
        if len(cells) == 3 and "deploy/runbook.md#" in cells[0]:
            names = [link.split("]")[0].strip("`") for link in cells[0].split("[")[1:]]
            said |= {(name, severity) for name in names for severity in cells[1].split(", ")}
    shipped = alerts()
    assert shipped <= said, sorted(shipped - said)
    assert {name for name, _ in said} == {name for name, _ in shipped}
