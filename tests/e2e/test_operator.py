"""The objects for the Prometheus Operator, judged by the schemas of its own CRDs."""

import copy

import pytest
import yaml

from manifests import judged_by_operators, needs_models
from sidecar import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
KINDS = {"prometheus-rule": "PrometheusRule", "pod-monitor": "PodMonitor", "service-monitor": "ServiceMonitor"}

def load(name):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text())


def complaints(*objects):
    return judged_by_operators(objects)


@needs_models
@pytest.mark.parametrize("name", KINDS)
def test_the_operator_takes_it(name):
    found = load(name)
    assert found["kind"] == KINDS[name]
    assert complaints(found) == []


@needs_models
def test_wrong_objects_are_refused():
    rule, monitor = load("prometheus-rule"), load("pod-monitor")
    for change in ({"for": "five"}, {"keep_firing_for": ""}, {"expr": None}):
        broken = copy.deepcopy(rule)
        broken["spec"]["groups"][-1]["rules"][-1].update(change)
        assert complaints(broken), change
    broken = copy.deepcopy(monitor)
    broken["spec"]["podMetricsEndpoints"][0]["interval"] = "15 sec"
    assert complaints(broken)
    broken = copy.deepcopy(monitor)
    del broken["spec"]["selector"]
    assert complaints(broken)
    broken = copy.deepcopy(rule)
    broken["spec"]["groups"][0]["intervall"] = "1m"
    assert complaints(broken)


def test_the_rules_are_those_of_the_rule_files():
    files = [yaml.safe_load((ROOT / "deploy" / "prometheus" / f"driftgauge-{name}.yml").read_text()) for name in ("rules", "alerts")]
    assert load("prometheus-rule")["spec"]["groups"] == files[0]["groups"] + files[1]["groups"]


@pytest.mark.parametrize("name, endpoints", [("pod-monitor", "podMetricsEndpoints"), ("service-monitor", "endpoints")])
def test_monitors_scrape_the_named_port_as_the_job_that_alerts_know(name, endpoints):
    (endpoint,) = load(name)["spec"][endpoints]
    assert endpoint["port"] == "metrics"
    assert {"targetLabel": "job", "replacement": "driftgauge"} in endpoint["relabelings"]
