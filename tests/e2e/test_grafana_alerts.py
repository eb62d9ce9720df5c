"""Grafana-managed alerts: the typed models of Grafana's provisioning API, and the same content as for Prometheus."""

import re

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import alerting

from sidecar import ROOT

PROVISIONED = yaml.safe_load((ROOT / "deploy" / "grafana" / "alerting" / "driftgauge.yml").read_text())
SHIPPED = yaml.safe_load((ROOT / "deploy" / "prometheus" / "driftgauge-alerts.yml").read_text())
ONLY_IN_FILES = {"keepFiringFor"}
"""Keys of provisioning files (Grafana 12) that the models of the API do not have."""

RULES = [rule for group in PROVISIONED["groups"] for rule in group["rules"]]
FUNCTIONS = {"printf", "humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp", "title", "toUpper", "toLower"}
"""Functions of templates that Grafana has, too."""


def test_a_file_of_groups():
    assert PROVISIONED["apiVersion"] == 1
    for group in PROVISIONED["groups"]:
        assert set(group) == {"orgId", "name", "folder", "interval", "rules"}
        assert group["folder"] == "driftgauge"
        assert re.fullmatch(r"(\d+0s|\d+[mh])", group["interval"]), "Grafana evaluates in steps of ten seconds"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["uid"])
def test_the_typed_model_knows_every_key(rule):
    """What it does not know is lost on the way through it."""
    given = {key: value for key, value in rule.items() if key not in ONLY_IN_FILES}
    given |= {"folderUID": "driftgauge", "orgID": 1, "ruleGroup": "driftgauge"}
    for query in given["data"]:
        query = {key: value for key, value in query.items() if key != "model"}
        assert yaml.safe_load(JSONEncoder().encode(alerting.Query.from_json({**query, "model": {}}))).items() >= query.items()
    through = yaml.safe_load(JSONEncoder().encode(alerting.Rule.from_json({**given, "data": []})))
    assert through == {**given, "data": []}
    assert rule["noDataState"] in ("Alerting", "NoData", "OK")


def test_one_alert_says_that_the_data_source_does_not_answer():
    """The others keep their state, which Grafana knows since 11."""
    told = {rule["title"] for rule in RULES if rule["execErrState"] != "KeepLast"}
    assert told == {"DriftgaugeAbsent"}
    assert all(rule["execErrState"] == "Error" for rule in RULES if rule["title"] in told)


def test_every_alert_of_prometheus_is_there_with_the_same_expression_severity_and_patience():
    def key(name, expr, severity, hold, keep):
        return (name, expr.strip(), severity, hold, keep)

    shipped = [
        key(rule["alert"], rule["expr"], rule["labels"]["severity"], rule["for"], rule["keep_firing_for"])
        for group in SHIPPED["groups"]
        for rule in group["rules"]
    ]
    provisioned = [
        key(rule["title"].split()[0], rule["data"][0]["model"]["expr"], rule["labels"]["severity"], rule["for"], rule["keepFiringFor"])
        for rule in RULES
    ]
    assert provisioned == shipped


def test_conditions_are_true_of_whatever_the_query_returns():
    for rule in RULES:
        query, condition = rule["data"]
        assert rule["condition"] == condition["refId"] == condition["model"]["refId"]
        assert condition["datasourceUid"] == "__expr__"
        assert condition["model"]["expression"] == "is_number($A) || is_inf($A)"
        assert query["refId"] == query["model"]["refId"] == "A"
        assert query["model"]["instant"] is True


def test_texts_use_nothing_that_only_prometheus_has():
    for rule in RULES:
        for text in rule["annotations"].values():
            for action in re.findall(r"{{(.*?)}}", text):
                for function in re.findall(r"\|\s*(\w+)", action):
                    assert function in FUNCTIONS, f"{rule['title']}: {action}"
                for name in re.findall(r"\$(\w+)", action):
                    assert name in ("labels", "values"), f"{rule['title']}: {action}"
                assert "query" not in action, f"{rule['title']}: {action}"
