"""The PodMonitor, in real service discovery: every sidecar is one target, whatever else is in its pod."""

import copy
import re

import pytest
import yaml

import manifests
import prometheus
from kubernetes_api import PodsApi, running
from prometheus import Prometheus
from sidecar import ROOT
from waiting import free_port, wait_for

MONITOR = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "pod-monitor.yaml").read_text())


def scrape_job(monitor, api):
    """What the Prometheus Operator makes of a PodMonitor, as far as ours goes."""
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert monitor["spec"]["selector"] == {}, "labels of pods would have to be looked at, too"
    name = f"podMonitor/monitoring/{monitor['metadata']['name']}/0"

    def snake(rule):
        return {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key): value for key, value in rule.items()}

    operators = [
        {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "(Failed|Succeeded)", "action": "drop"},
        {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": endpoint["port"], "action": "keep"},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_pod_container_name"], "target_label": "container"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        {"target_label": "job", "replacement": f"monitoring/{monitor['metadata']['name']}"},
        {"target_label": "endpoint", "replacement": endpoint["port"]},
    ]
    return {
        "job_name": name,
        "scrape_interval": "1s",
        "kubernetes_sd_configs": [{"role": "pod", "api_server": api.url}],
        "relabel_configs": operators + [snake(rule) for rule in endpoint["relabelings"]],
    }


def listening(container, port):
    """A container with its one port on a free one of this machine."""
    container = copy.deepcopy(container)
    (found,) = container["ports"]
    found["containerPort"] = port
    return container


def pods(sidecars):
    """A pod of each variant with a sidecar of its own, and one with the model alone. Each model has a port `metrics`, too."""
    ports = [{"name": "metrics", "containerPort": free_port()}, {"name": "http", "containerPort": free_port()}]
    made = [running("without", {"containers": [{"name": "model", "ports": ports}]})]
    for variant, sidecar in sidecars.items():
        spec = copy.deepcopy(manifests.pod_spec(manifests.objects(variant)))
        for container in (spec.get("initContainers") or []) + spec["containers"]:
            if container["name"] == "driftgauge":
                container.update(listening(container, sidecar.web_port))
            else:
                container["ports"] = ports
        made.append(running(variant.replace(" ", "-"), spec))
    return made


@pytest.mark.parametrize(
    "variants",
    [
        ["raw native", "raw classic", "admission policy", "kserve inference service"],
        pytest.param(["kustomize with a fetched profile", "helm native", "helm classic"], marks=manifests.needs_tools),
    ],
    ids=["files", "rendered"],
)
def test_each_sidecar_is_one_target_with_the_job_that_alerts_know(variants, serve, tmp_path):
    if not prometheus.server("3.5"):
        pytest.skip("Prometheus 3 could not be fetched, and Debian's 2.42 is built without Kubernetes")
    sidecars = {variant: serve() for variant in variants}
    api = PodsApi(pods(sidecars))
    server = Prometheus("3.5", tmp_path / "prometheus", [scrape_job(MONITOR, api)])
    try:
        server.start()
        enough = len(sidecars)
        up = wait_for(lambda: len(found := server.query("up")) >= enough and found, "targets are scraped", 30, every=0.2)
        expected = {
            (name.replace(" ", "-"), "driftgauge", "driftgauge", "shop", f"127.0.0.1:{sidecar.web_port}", 1.0)
            for name, sidecar in sidecars.items()
        }
        keys = ("pod", "container", "job", "namespace", "instance")
        assert {(*(labels[key] for key in keys), value) for labels, value in up} == expected
        assert len(server.targets()) == enough
    finally:
        server.close()
        api.close()
