"""Every way to put the sidecar beside a model, rendered: files as they are, kustomize, Helm, the admission policy."""

import copy
import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from sidecar import ROOT

DEPLOY = ROOT / "deploy"
TOOLS = os.environ.get("DRIFTGAUGE_TEST_KUBERNETES")
MODELS = os.environ.get("DRIFTGAUGE_TEST_KUBERNETES_MODELS")
SCRIPTS = Path(__file__).parent / "kubernetes"

needs_tools = pytest.mark.skipif(not TOOLS, reason="kubectl, Helm and the schemas of Kubernetes could not be fetched")
needs_models = pytest.mark.skipif(not MODELS, reason="the models of the operators' objects could not be fetched")


def run(command, given=None, code=0):
    result = subprocess.run([*map(str, command)], input=given, capture_output=True, text=True, timeout=60)
    assert result.returncode == code, f"{command} → {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout if code == 0 else result.stderr


def documents(text):
    return [found for found in yaml.safe_load_all(text) if found]


@cache
def read(name):
    return documents((DEPLOY / name).read_text())


def of_kind(objects, kind):
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def file(name):
    """Objects of a file of deploy/kubernetes, to do with as one likes."""
    return copy.deepcopy(read(f"kubernetes/{name}.yaml"))


def kustomize(folder=DEPLOY / "kustomize" / "example"):
    return documents(run([Path(TOOLS) / "kubectl", "kustomize", folder]))


def kustomize_without_profile():
    """The example with the one component."""
    with TemporaryDirectory() as folder:
        shutil.copytree(DEPLOY / "kustomize", folder, dirs_exist_ok=True)
        own = Path(folder) / "example" / "kustomization.yaml"
        own.write_text(own.read_text().replace("- ../fetch-profile\n", ""))
        return kustomize(own.parent)


def helm(command, chart, *more, values=None, code=0):
    return run([Path(TOOLS) / "python", SCRIPTS / "helm.py", command, chart, *more], json.dumps(values or {}), code)


CHARTS = TemporaryDirectory()


@cache
def charts():
    """A copy of the charts, in which the example has its dependency."""
    folder = Path(CHARTS.name)
    shutil.copytree(DEPLOY / "helm", folder, dirs_exist_ok=True)
    helm("dependencies", folder / "example")
    return folder


def rendered(chart, **values):
    files = json.loads(helm("render", charts() / chart, values=values))
    return [found for text in files.values() for found in documents(text)]


def helm_example(**values):
    return rendered("example", driftgauge=values)


def policy_patch():
    """What the admission policy applies to a pod. Its expression, without the names of types, is YAML; each must stand
    where it belongs."""
    policy = of_kind(file("mutating-admission-policy"), "MutatingAdmissionPolicy")
    (mutation,) = policy["spec"]["mutations"]
    expression = mutation["applyConfiguration"]["expression"]
    marked = re.sub(r"(Object[\w.]*)\{", r"{'': \1, ", expression)
    return without_types(yaml.safe_load(marked), "Object")


def without_types(value, where):
    if isinstance(value, list):
        return [without_types(item, where) for item in value]
    if isinstance(value, dict):
        of = value.pop("", None)
        assert of in (where, None), f"{of} at {where}"
        return {name: without_types(inner, f"{where}.{name}") for name, inner in value.items()}
    return value


def policy():
    """A pod as it becomes."""
    patch = policy_patch()["spec"]
    model = {"name": "model", "image": "registry.example/model:1"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "flights"}}
    return [{**pod, "spec": {"containers": [model], **patch}}]


def seldon():
    (server,) = file("seldon-server")
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "seldon"}, "spec": server["spec"]["podSpec"]}]


def inference_service():
    (service,) = file("kserve-inference-service")
    predictor = service["spec"]["predictor"]
    spec = {name: predictor[name] for name in ("initContainers", "volumes")}
    model = {"name": "kserve-container", "image": "registry.example/model:1"}
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kserve"}, "spec": {"containers": [model], **spec}}]


def serving_runtime():
    (runtime,) = file("kserve-serving-runtime")
    spec = {name: runtime["spec"][name] for name in ("containers", "volumes")}
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "runtime"}, "spec": spec}]


VARIANTS = {
    "raw native": lambda: file("sidecar-native"),
    "raw classic": lambda: file("sidecar-classic"),
    "kustomize": kustomize_without_profile,
    "kustomize with a fetched profile": kustomize,
    "helm native": helm_example,
    "helm classic": lambda: helm_example(nativeSidecar=False),
    "helm with a socket": lambda: helm_example(socket=True),
    "admission policy": policy,
    "kserve inference service": inference_service,
    "kserve serving runtime": serving_runtime,
    "seldon": seldon,
}
WITH_TOOLS = [name for name in VARIANTS if name.startswith(("kustomize", "helm"))]
NATIVE = [name for name in VARIANTS if "classic" not in name and name not in ("kserve serving runtime", "seldon")]

each_variant = pytest.mark.parametrize(
    "variant", [pytest.param(name, marks=needs_tools if name in WITH_TOOLS else ()) for name in VARIANTS]
)


def objects(variant):
    return VARIANTS[variant]()


def pod_spec(found):
    """The one pod, or template of pods, among these objects."""
    (pod,) = [each for each in found if each["kind"] in ("Pod", "Deployment")]
    return pod["spec"] if pod["kind"] == "Pod" else pod["spec"]["template"]["spec"]


def sidecar_of(found):
    """The one container called driftgauge, and whether it is native."""
    spec = pod_spec(found)
    lists = (spec.get("initContainers") or [], spec["containers"])
    ((container, native),) = [
        (each, where is lists[0]) for where in lists for each in where if each["name"] == "driftgauge"
    ]
    return container, native


def judged(found, version):
    """Complaints of the schemas of a version of Kubernetes, or of KServe."""
    script = [Path(TOOLS) / "python", SCRIPTS / "judge.py", version]
    return json.loads(run(script, json.dumps(found)))


def judged_by_operators(found):
    """Complaints of the schemas of the Prometheus Operator and Argo Rollouts."""
    return json.loads(run(["node", SCRIPTS / "objects.mjs", MODELS], json.dumps(found)))
