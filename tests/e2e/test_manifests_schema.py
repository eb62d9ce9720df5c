"""The manifests, judged by the schemas of Kubernetes 1.29, 1.33 and 1.37, of the operators and of Helm."""

import copy
import json

import pytest
import yaml

import manifests
from manifests import each_variant, helm, judged, judged_by_operators, needs_models, needs_tools, objects, of_kind

VERSIONS = ["1.29", "1.33", "1.37"]


@needs_tools
@each_variant
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_it(variant, version):
    assert judged(objects(variant), version) == []


@needs_tools
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_the_network_policy(version):
    assert judged(manifests.file("network-policy"), version) == []


@needs_tools
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_the_batch_job_of_the_examples(version):
    (job,) = manifests.read("examples/batch/cronjob.yaml")
    assert judged([job], version) == []
    template = copy.deepcopy(job)
    template["spec"]["jobTemplate"]["spec"]["podFailurePolicies"] = template["spec"]["jobTemplate"]["spec"].pop("podFailurePolicy")
    assert "podFailurePolicies" in judged([template], version)[0]


@needs_tools
def test_the_admission_policy_is_for_new_versions():
    found = manifests.file("mutating-admission-policy")
    assert judged(found, "1.37") == []
    assert judged(found, "1.33"), "its comment says 1.36 or newer"


@needs_tools
def test_kserve_takes_its_own():
    found = manifests.file("kserve-inference-service") + manifests.file("kserve-serving-runtime")
    assert judged(found, "kserve") == []


@needs_models
def test_argo_rollouts_takes_its_own():
    assert judged_by_operators(manifests.file("argo-analysis-template")) == []


@needs_tools
@pytest.mark.parametrize("variant", ["raw native", "helm classic", "kustomize", "admission policy"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_misspelt_field_is_refused(variant, version):
    for field in ("securityContext", "livenessProbe", "volumeMounts"):
        found = copy.deepcopy(objects(variant))
        container, _ = manifests.sidecar_of(found)
        container[f"{field}s"] = container.pop(field)
        (complaint,) = judged(found, version)
        assert f"{field}s" in complaint


@needs_tools
def test_misspelt_fields_of_kserve_and_unknown_kinds_are_refused():
    (service,) = manifests.file("kserve-inference-service")
    for part, field in [("predictor", "loger"), ("predictor", "initContainer")]:
        broken = copy.deepcopy(service)
        broken["spec"][part][field] = {}
        assert field in judged([broken], "kserve")[0]
    broken = copy.deepcopy(service)
    broken["spec"]["predictor"]["logger"]["urll"] = broken["spec"]["predictor"]["logger"].pop("url")
    assert "urll" in judged([broken], "kserve")[0]
    for version in ("kserve", "1.37"):
        assert judged([{**service, "kind": "InferenceServices"}], version)


@needs_models
def test_misspelt_fields_of_operators_are_refused():
    (template,) = manifests.file("argo-analysis-template")
    (monitor,) = manifests.file("pod-monitor")
    template["spec"]["metrics"][0]["intervall"] = "1m"
    monitor["spec"]["podMetricsEndpoints"][0]["relabeling"] = []
    (first, second) = judged_by_operators([template, monitor])
    assert "intervall" in first and "relabeling" in second


# -------------------------------------------------------------------------------------------- Helm


@needs_tools
@pytest.mark.parametrize("chart", ["driftgauge", "driftgauge-monitoring", "example"])
def test_helm_finds_nothing_wrong_and_packs_it(chart, tmp_path):
    chart = manifests.charts() / chart
    lint = json.loads(helm("lint", chart))
    serious = [each for each in lint["messages"] if each["error"] != "icon is recommended"]
    assert (serious, lint["errors"]) == ([], [])
    helm("package", chart, tmp_path)
    assert list(tmp_path.glob("*.tgz"))


@needs_tools
@pytest.mark.parametrize(
    "values, complaint",
    [
        ({"nativeSidecarr": True}, "nativeSidecarr"),
        ({"nativeSidecar": "yes"}, "nativeSidecar"),
        ({"args": ["log.level=debug"]}, "args"),
        ({"resources": {"limit": {"memory": "64Mi"}}}, "limit"),
        ({"image": {"repository": "x", "tag": ""}}, "tag"),
    ],
)
def test_wrong_values_of_the_sidecar_are_refused(values, complaint):
    sentence = helm("render", manifests.charts() / "example", values={"driftgauge": values}, code=1)
    assert complaint in sentence


@needs_tools
def test_wrong_values_of_the_monitoring_are_refused():
    chart = manifests.charts() / "driftgauge-monitoring"
    assert "rule" in helm("render", chart, values={"rule": {"enabled": False}}, code=1)


@needs_tools
def test_values_become_what_they_say():
    found = manifests.helm_example(
        image={"repository": "registry.internal/driftgauge", "tag": "9"},
        args=["--log.format=json"],
        profiles={"persistentVolumeClaim": {"claimName": "profiles"}},
        settings={"windows": ["1h"], "models": {"flights": {"profile": "/var/lib/driftgauge-profiles/a.json"}}},
        resources={"limits": {"memory": "128Mi"}},
    )
    container, _ = manifests.sidecar_of(found)
    assert container["image"] == "registry.internal/driftgauge:9"
    assert container["args"][-1] == "--log.format=json"
    assert container["resources"]["limits"] == {"memory": "128Mi"}
    mount = {"name": "driftgauge-profiles", "mountPath": "/var/lib/driftgauge-profiles", "readOnly": True}
    assert mount in container["volumeMounts"]
    volume = {"name": "driftgauge-profiles", "persistentVolumeClaim": {"claimName": "profiles"}}
    assert volume in manifests.pod_spec(found)["volumes"]
    settings = yaml.safe_load(of_kind(found, "ConfigMap")["data"]["driftgauge.yml"])
    assert settings["models"]["flights"]["profile"] == "/var/lib/driftgauge-profiles/a.json"
    assert judged(found, "1.33") == []


@needs_tools
@pytest.mark.parametrize(
    "values, source",
    [
        ({"existingConfigMap": "mine"}, {"configMap": {"name": "mine", "optional": True}}),
        ({"existingSecret": "mine"}, {"secret": {"secretName": "mine", "optional": True}}),
    ],
)
def test_settings_can_be_somewhere_else(values, source):
    found = manifests.helm_example(**values)
    assert [each["kind"] for each in found] == ["Deployment"]
    assert {"name": "driftgauge-settings", **source} in manifests.pod_spec(found)["volumes"]


@needs_tools
def test_the_monitoring_chart_brings_the_generated_files():
    labels = {"release": "kube-prometheus-stack"}
    found = manifests.rendered("driftgauge-monitoring", rules={"labels": labels}, podMonitor={"labels": labels})
    expected = manifests.file("grafana-dashboards") + manifests.file("pod-monitor") + manifests.file("prometheus-rule")
    for each in expected[-2:]:
        each["metadata"]["labels"].update(labels)

    def by_kind_and_name(objects):
        return sorted(objects, key=lambda each: (each["kind"], each["metadata"]["name"]))

    assert by_kind_and_name(found) == by_kind_and_name(expected)
    off = {"enabled": False}
    assert manifests.rendered("driftgauge-monitoring", rules=off, podMonitor=off, dashboards=off) == []
