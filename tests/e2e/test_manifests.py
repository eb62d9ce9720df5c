"""The sidecar in pods: all ways to put it there mean the same container, and the program does what its manifests ask."""

import http.server
import json
import re
import shutil
import subprocess
import threading

import pytest
import yaml

import manifests
from configmap import ConfigMap
from manifests import each_variant, needs_tools, objects, of_kind, pod_spec, sidecar_of
from sidecar import ROOT, Sidecar, binary, environment, run_ok
from waiting import free_port

(PATCH,) = manifests.read("kustomize/sidecar/sidecar.yaml")
((CONTAINER,), VOLUMES) = (PATCH["spec"]["template"]["spec"][key] for key in ("initContainers", "volumes"))

SOCKET = {
    "args": ["--push.listen-address=unix:/run/driftgauge/push.sock"],
    "volumeMounts": [{"name": "driftgauge-socket", "mountPath": "/run/driftgauge"}],
}
EVENTS = {"args": ["--http.listen-address=127.0.0.1:4598"]}
DIFFERENCES = {
    "raw native": SOCKET,
    "raw classic": SOCKET,
    "helm with a socket": SOCKET,
    "kustomize with a fetched profile": {
        "volumeMounts": [
            {"name": "driftgauge-profiles", "mountPath": "/var/lib/driftgauge-profiles", "readOnly": True}
        ]
    },
    "kserve inference service": EVENTS,
    "kserve serving runtime": EVENTS,
    "seldon": {
        "args": [
            "--forward.listen-address=127.0.0.1:4597",
            "--forward.upstream=127.0.0.1:9500",
            "--forward.http-upstream=127.0.0.1:9000",
        ]
    },
}
"""What a variant has beyond the container of the kustomize component; besides, only native sidecars restart `Always`."""


def by_name(items):
    return sorted(items, key=lambda item: item["name"])


@each_variant
def test_it_is_the_same_container_everywhere(variant):
    found, native = sidecar_of(objects(variant))
    assert native == (variant in manifests.NATIVE)
    expected = {**CONTAINER}
    if not native:
        del expected["restartPolicy"]
    more = DIFFERENCES.get(variant, {})
    expected["args"] = expected["args"] + more.get("args", [])
    expected["volumeMounts"] = by_name(expected["volumeMounts"] + more.get("volumeMounts", []))
    found["volumeMounts"] = by_name(found["volumeMounts"])
    assert found == expected


@each_variant
def test_what_it_mounts_is_there(variant):
    found = objects(variant)
    container, _ = sidecar_of(found)
    volumes = {volume["name"]: volume for volume in pod_spec(found)["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    state, settings = volumes["driftgauge-state"], volumes["driftgauge-settings"]["configMap"]
    assert state == {"name": "driftgauge-state", "emptyDir": {}}
    assert settings["optional"], "a forgotten ConfigMap would keep the model from starting"
    maps = [each["metadata"]["name"] for each in found if each["kind"] == "ConfigMap"]
    assert maps in ([], [settings["name"]])
    for mount in container["volumeMounts"]:
        assert "subPath" not in mount, "it would never be reloaded"


@each_variant
def test_a_restricted_namespace_takes_it(variant):
    """The restricted Pod Security Standard, for the containers that are ours."""
    spec = pod_spec(objects(variant))
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    for volume in spec["volumes"]:
        assert set(volume) <= {"name", "configMap", "emptyDir", "persistentVolumeClaim", "secret"}, volume
    containers = (spec.get("initContainers") or []) + spec["containers"]
    ours = [each for each in containers if each["name"].startswith("driftgauge")]
    assert ours
    for container in ours:
        security = container["securityContext"]
        assert security["runAsNonRoot"] and security["runAsUser"] > 0
        assert security["allowPrivilegeEscalation"] is False and security["readOnlyRootFilesystem"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not any("hostPort" in port for port in container.get("ports", []))


@each_variant
def test_it_cannot_take_the_model_out_of_service(variant):
    container, _ = sidecar_of(objects(variant))
    assert not {"readinessProbe", "startupProbe"} & set(container)
    assert set(container["resources"]["limits"]) == {"memory"}, "a CPU limit would slow calls down that go through it"


@each_variant
def test_a_model_that_pushes_to_the_socket_may(variant):
    found = objects(variant)
    spec = pod_spec(found)
    if "driftgauge-socket" not in {volume["name"] for volume in spec["volumes"]}:
        return
    (model,) = [each for each in spec["containers"] if each["name"] == "model"]
    assert SOCKET["volumeMounts"][0] in model["volumeMounts"]
    assert spec["securityContext"]["fsGroup"] == CONTAINER["securityContext"]["runAsGroup"]


class Contained(Sidecar):
    """The program with the arguments of a container, in folders that stand for its mounts."""

    def __init__(self, directory, container, settings):
        super().__init__(directory)
        for mount in container["volumeMounts"]:
            if mount["mountPath"] != "/etc/driftgauge":
                self.at(mount["mountPath"]).mkdir(parents=True)
        etc = self.at("/etc/driftgauge")
        etc.parent.mkdir(parents=True, exist_ok=True)
        files = {} if settings is None else {"driftgauge__yml": settings}
        self.settings = ConfigMap(etc, **files)
        self.command = [self.here(argument) for argument in container["args"]]

    def at(self, path):
        return self.directory / path.removeprefix("/")

    def here(self, argument):
        """With mounts as folders, and free ports in place of fixed ones."""
        argument = re.sub(r"(=|unix:)/", lambda found: f"{found[1]}{self.directory}/", argument)
        return re.sub(r"(listen-address=127\.0\.0\.1):\d+", lambda found: f"{found[1]}:{free_port()}", argument)

    def start(self):
        ports = {"WEB": f"127.0.0.1:{self.web_port}", "PUSH": f"127.0.0.1:{self.push_port}"}
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [binary(), *self.command],
                cwd="/",
                env=environment({f"DRIFTGAUGE_{name}_LISTEN_ADDRESS": value for name, value in ports.items()}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait_until_ready()
        return self


@pytest.fixture
def contained(tmp_path_factory):
    made = []

    def make(container, settings):
        # A socket's path has at most 107 bytes.
        made.append(Contained(tmp_path_factory.mktemp("pod"), container, settings))
        return made[-1].start()

    yield make
    for each in made:
        each.close()


def settings_of(found):
    maps = [each for each in found if each["kind"] == "ConfigMap"]
    return maps[0]["data"]["driftgauge.yml"] if maps else "models: {}\n"


SUCCESS = "driftgauge_config_last_reload_successful"


@each_variant
def test_the_program_runs_with_its_very_arguments(variant, contained, orders_profile):
    found = objects(variant)
    container, _ = sidecar_of(found)
    settings = re.sub(r"/var/lib/driftgauge-profiles/\S+", str(orders_profile), settings_of(found))
    sidecar = contained(container, settings)
    page = sidecar.page()
    assert page.value(SUCCESS) == 1, sidecar.log
    probe = container["livenessProbe"]["httpGet"]
    assert sidecar.get(probe["path"]).status == 200
    before = page.label("driftgauge_config_info", "hash")
    sidecar.settings.update(driftgauge__yml="windows: [2h]\n")
    changed = sidecar.wait(lambda page: page.label("driftgauge_config_info", "hash") != before, "the changed ConfigMap")
    assert changed.value(SUCCESS) == 1
    assert any(sidecar.at("/var/lib/driftgauge").iterdir()), "nothing was kept in the state directory"
    if SOCKET["volumeMounts"][0] in container["volumeMounts"]:
        assert sidecar.at("/run/driftgauge/push.sock").is_socket()


def test_without_its_config_map_it_starts_and_says_so(contained):
    sidecar = contained(CONTAINER, None)
    assert sidecar.page().value(SUCCESS) == 0
    sidecar.at("/etc/driftgauge/driftgauge.yml").write_text("models: {}\n")
    sidecar.wait(lambda page: page.value(SUCCESS) == 1, "the ConfigMap that came later")


def test_ports_and_probes_are_those_of_the_program():
    help = run_ok("serve", "--help").stdout
    defaults = dict(re.findall(r"--([a-z.-]+) <[A-Z_]+>\n.*?\[default: (.*?)\]\n", help, re.DOTALL))
    (port,) = CONTAINER["ports"]
    assert port == {"name": "metrics", "containerPort": int(defaults["web.listen-address"].split(":")[1])}
    assert CONTAINER["livenessProbe"]["httpGet"]["port"] == port["containerPort"]
    text = (ROOT / "deploy" / "kustomize" / "sidecar" / "kustomization.yaml").read_text()
    assert defaults["push.listen-address"] in text
    logger = of_kind(manifests.file("kserve-inference-service"), "InferenceService")["spec"]["predictor"]["logger"]
    (events,) = EVENTS["args"]
    assert logger == {"mode": "all", "url": f"http://localhost:{events.split(':')[1]}"}
    (network,) = manifests.file("network-policy")
    assert network["spec"]["ingress"][0]["ports"] == [{"port": port["containerPort"]}]


def test_seldons_agent_talks_to_the_sidecar():
    (server,) = manifests.file("seldon-server")
    agent, _ = server["spec"]["podSpec"]["containers"]
    listening = DIFFERENCES["seldon"]["args"][0].split(":")[1]
    assert {each["name"]: each["value"] for each in agent["env"]} == {
        "SELDON_SERVER_HTTP_PORT": listening,
        "SELDON_SERVER_GRPC_PORT": listening,
    }


class Storage(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/good" else 404)
        self.end_headers()
        self.wfile.write(b'{"a": "profile"}')

    def log_message(self, *_):
        pass


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing")
@pytest.mark.parametrize("path", ["good", "missing", None])
def test_a_profile_is_fetched_or_not_but_the_pod_starts(path, tmp_path):
    (patch,) = manifests.read("kustomize/fetch-profile/fetch-profile.yaml")
    fetch, _ = patch["spec"]["template"]["spec"]["initContainers"]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        port = server.server_port if path else free_port()
        # As the container runs it, but for pauses between tries.
        script = fetch["args"][0].replace("--retry 2", "--retry 0")
        assert script != fetch["args"][0]
        result = subprocess.run(
            [*fetch["command"], script],
            cwd=tmp_path,
            env=environment({"PROFILE_URL": f"http://127.0.0.1:{port}/{path}"}),
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        server.shutdown()
        server.server_close()
    assert result.returncode == 0
    found = tmp_path / "model.profile.json"
    assert found.exists() == (path == "good")
    if path == "good":
        assert json.loads(found.read_text()) == {"a": "profile"}
    else:
        assert "starts without it" in result.stderr


@needs_tools
def test_a_fetched_profile_is_there_before_the_sidecar_and_where_its_settings_say():
    found = objects("kustomize with a fetched profile")
    spec = pod_spec(found)
    assert [each["name"] for each in spec["initContainers"]] == ["driftgauge-fetch-profile", "driftgauge"]
    folder = spec["initContainers"][0]["workingDir"]
    settings = yaml.safe_load(settings_of(found))
    assert settings["models"]["flights"]["profile"] == f"{folder}/model.profile.json"


@needs_tools
def test_the_component_leaves_other_deployments_alone(tmp_path):
    (labelled,) = [each for each in manifests.kustomize() if each["kind"] == "Deployment"]
    assert labelled["metadata"]["labels"] == {"driftgauge": "sidecar"}
    folder = tmp_path / "kustomize"
    shutil.copytree(manifests.DEPLOY / "kustomize", folder)
    model = folder / "example" / "model.yaml"
    own = yaml.safe_load(model.read_text())
    del own["metadata"]["labels"]
    model.write_text(yaml.safe_dump(own))
    assert of_kind(manifests.kustomize(folder / "example"), "Deployment") == own


def test_the_policy_changes_pods_that_ask_for_it_and_lets_the_others_through():
    found = manifests.file("mutating-admission-policy")
    policy = of_kind(found, "MutatingAdmissionPolicy")
    binding = of_kind(found, "MutatingAdmissionPolicyBinding")
    assert policy["spec"]["failurePolicy"] == "Ignore"
    asks = {"matchLabels": {"driftgauge": "sidecar"}}
    assert policy["spec"]["matchConstraints"]["objectSelector"] == asks
    assert binding["spec"]["matchResources"]["namespaceSelector"] == asks
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    (condition,) = policy["spec"]["matchConditions"]
    assert condition["expression"].count(f'c.name == "{CONTAINER["name"]}"') == 2, "it would be added twice"
    assert manifests.policy_patch()["spec"]["volumes"] == VOLUMES


def test_the_page_tells_of_every_file_and_its_links_lead_somewhere():
    page = manifests.DEPLOY / "kubernetes" / "README.md"
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text().replace("\n", " "))
    for link in links:
        file, _, heading = link.partition("#")
        target = page.parent / file
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if heading else []
        assert heading in {"", *(title.lower().replace(" ", "-") for title in headings)}, link
    files = {path.name for path in page.parent.glob("*.yaml")}
    untold = files - {link.partition("#")[0] for link in links}
    assert not untold


def test_the_settings_of_the_page_can_be_used(tmp_path):
    page = (manifests.DEPLOY / "kubernetes" / "README.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    settings = tmp_path / "driftgauge.yml"
    settings.write_text(block)
    run_ok("check", settings)
