"""`deploy/compose`: what can be known of it without containers: its schema, its mounts, and its commands with the real programs.

Every service that driftgauge and its tests have the program of is started with the command of its container; folders of the
container are those that are mounted, ports are free ones, and names of hosts are 127.0.0.1.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

import alertmanager
import prometheus
from model_servers import python_of
from sidecar import ROOT, binary, environment, fetch, run_ok
from page import Page
from waiting import free_port, wait_for

HERE = ROOT / "deploy" / "compose"
TEXT = (HERE / "compose.yaml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]


def mounts(service):
    """Where the container has what of the repository, longest path first; volumes by their name are left out."""
    parts = [volume.split(":") for volume in SERVICES[service].get("volumes", [])]
    found = {target: (HERE / source).resolve() for source, target, *_ in parts if source.startswith(".")}
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def published():
    """The port of this machine for each port of a container that has one."""
    ports = [port.split(":") for service in SERVICES.values() for port in service.get("ports", [])]
    return {inside: (host, outside) for host, outside, inside in ports}


# --------------------------------------------------------------------------------- what is written


def test_it_is_what_the_compose_specification_allows():
    schema = json.loads((ROOT / "tests" / "data" / "compose" / "compose-spec.json").read_text())
    allows = jsonschema.Draft7Validator(schema)
    assert not [error.message for error in allows.iter_errors(yaml.safe_load(TEXT))]
    assert not allows.is_valid({"services": {"driftgauge": {"comand": ["serve"]}}})


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_and_built_is_there(service):
    assert all(path.exists() for path in mounts(service).values()), mounts(service)
    build = SERVICES[service].get("build")
    if build:
        assert (HERE / build["context"] / build["dockerfile"]).exists()


def test_cargo_finds_all_it_needs_in_what_the_image_is_built_from(tmp_path):
    assert (HERE / SERVICES["driftgauge"]["build"]["context"]).resolve() == ROOT
    everything, *wanted = (HERE / "driftgauge.Containerfile.dockerignore").read_text().split("\n")[1:-1]
    assert everything == "*" and all(pattern.startswith("!") for pattern in wanted)
    for path in (path for pattern in wanted for path in ROOT.glob(pattern[1:])):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, target)
    command = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version=1"]
    (package,) = json.loads(subprocess.check_output(command, cwd=tmp_path))["packages"]
    assert {"lib", "bin", "custom-build"} <= {kind for target in package["targets"] for kind in target["kind"]}
    missing = [target["src_path"] for target in package["targets"] if not Path(target["src_path"]).exists()]
    assert not missing
    # What is compiled in must be there, too.
    for source in (path for path in tmp_path.glob("src/**/*.rs") if path.name != "tests.rs"):
        code = source.read_text().split("#[cfg(test)]")[0]
        for name in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', code):
            assert (source.parent / name).resolve().is_relative_to(tmp_path) and (source.parent / name).exists(), (source, name)


def test_what_the_model_is_built_from_is_there():
    text = (HERE / "flights.Containerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", text, re.M) for name in line.split()]
    assert len(copied) >= 5
    assert all((ROOT / "demo" / name).exists() for name in copied), copied


def test_only_this_machine_reaches_it():
    assert published() and {host for host, _ in published().values()} == {"127.0.0.1"}
    assert all(outside == inside for inside, (_, outside) in published().items())


def test_prometheus_has_the_shipped_configuration_but_for_the_names_of_hosts():
    shipped, ours = (yaml.safe_load(path.read_text()) for path in (ROOT / "deploy/prometheus/prometheus.yml", HERE / "prometheus.yml"))
    named = re.sub(r"\b(driftgauge:9599|alertmanager:9093)\b", lambda found: f"localhost:{found[0].split(':')[1]}", json.dumps(ours))
    assert json.loads(named) == shipped
    for host, port in re.findall(r"(\w+):(\d+)", json.dumps(ours)):
        assert host in SERVICES and port in published()


def test_prometheus_takes_the_configuration(prometheus_version, tmp_path):
    for target, path in mounts("prometheus").items():
        (tmp_path / target.rsplit("/", 1)[1]).write_bytes(path.read_bytes())
    command = [prometheus.promtool(prometheus_version), "check", "config", tmp_path / "prometheus.yml"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stdout + said.stderr


def test_grafana_finds_its_data_source_and_all_boards():
    inside = mounts("grafana")
    provisioning = inside["/etc/grafana/provisioning"]
    (source,) = yaml.safe_load((provisioning / "datasources/datasources.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090" and "9090" in published() and "prometheus" in SERVICES
    (provider,) = yaml.safe_load((provisioning / "dashboards/dashboards.yml").read_text())["providers"]
    folder = provider["options"]["path"]
    boards = {path for target, path in inside.items() if target.startswith(f"{folder}/")}
    assert boards == set((ROOT / "grafana-dashboards").glob("*.json"))
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home in inside


# ------------------------------------------------------------------------------------ what is done


class Native:
    """The services without containers: each has its files in a folder of its own, and they share the volumes."""

    def __init__(self, directory):
        self.directory = directory
        self.ports = {port: free_port() for port in ["9599", "4597", "4599", "8080", "8081", "8082", "9090", "9093"]}
        self.processes = {}

    def lay_out(self, service):
        for volume in SERVICES[service].get("volumes", []):
            source, target, *_ = volume.split(":")
            here = self.directory / service / target.strip("/")
            here.parent.mkdir(parents=True, exist_ok=True)
            if not source.startswith("."):
                shared = self.directory / "volumes" / source
                shared.mkdir(parents=True, exist_ok=True)
                here.symlink_to(shared)
            elif (path := (HERE / source).resolve()) == ROOT / "demo":
                here.symlink_to(path)
            else:
                (shutil.copytree if path.is_dir() else shutil.copy)(path, here)
                for file in here.rglob("*.yml") if here.is_dir() else [here]:
                    file.write_text(self.here(service, file.read_text()))

    def here(self, service, text):
        """Paths and addresses of a container as those of this machine."""
        for volume in SERVICES[service].get("volumes", []):
            target = volume.split(":")[1]
            text = re.sub(rf"(?<![\w/.]){target}\b", f"{self.directory}/{service}{target}", text)
        known = "|".join(self.ports)
        return re.sub(rf"\b[\w.]+:({known})\b", lambda found: f"127.0.0.1:{self.ports[found[1]]}", text)

    def command(self, service):
        return [self.here(service, part) for part in SERVICES[service]["command"]]

    def start(self, service, *command):
        with self.log_path(service).open("wb") as log:
            self.processes[service] = subprocess.Popen(
                command,
                cwd=self.directory,
                env=environment({"OMP_NUM_THREADS": "1"}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def log_path(self, service):
        return self.directory / f"{service}.log"

    def url(self, port, path):
        return f"http://127.0.0.1:{self.ports[port]}{path}"

    def wait_for(self, service, port, path):
        def ready():
            said = self.log_path(service).read_text(errors="replace")
            if self.processes[service].poll() is not None:
                raise RuntimeError(f"{service} ended:\n{said}")
            return fetch(self.url(port, path), timeout=2).status == 200

        wait_for(ready, f"{service} is ready", seconds=60, every=0.1)

    def close(self):
        for process in self.processes.values():
            process.kill()
            process.wait(10)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """All services but Grafana, after the flights."""
    if not prometheus.server("3.5"):
        pytest.skip("Prometheus 3.5 could not be fetched")
    python = python_of("mlserver")
    made = Native(tmp_path_factory.mktemp("compose"))
    for service in SERVICES:
        made.lay_out(service)
    kinds = {"http": "8080", "grpc": "8081", "metrics": "8082"}
    ports = [f"--{kind}-port={made.ports[port]}" for kind, port in kinds.items()]
    make = ROOT / "demo" / "mlserver" / "make_model.py"
    subprocess.run([python, make, made.directory / "served", *ports], check=True, timeout=100)
    run_ok(*made.command("profile"))
    listening = {port: f"=127.0.0.1:{free}" for port, free in made.ports.items()}
    try:
        # The containers listen on the usual ports, these processes cannot.
        elsewhere = [f"--web.listen-address{listening['9599']}", f"--push.listen-address{listening['4599']}"]
        made.start("driftgauge", binary(), *made.command("driftgauge"), *elsewhere)
        for service, program, port in [
            ("prometheus", prometheus.server("3.5"), "9090"),
            ("alertmanager", alertmanager.server("3.5"), "9093"),
        ]:
            made.start(service, program, *made.command(service), f"--web.listen-address{listening[port]}")
        mlserver, *arguments = made.command("mlserver")
        made.start("mlserver", python.parent / mlserver, *arguments)
        made.wait_for("driftgauge", "9599", "/-/ready")
        made.wait_for("prometheus", "9090", "/-/ready")
        made.wait_for("alertmanager", "9093", "/-/ready")
        made.wait_for("mlserver", "8080", "/v2/health/ready")
        _, script, address = made.command("flights")
        subprocess.run([python, ROOT / "demo" / script, address], check=True, timeout=100)
        yield made
    finally:
        made.close()


def api(stack, port, path):
    return fetch(stack.url(port, path)).json


def test_prometheus_scrapes_the_sidecar_and_knows_the_alertmanager(stack):
    def up():
        (target,) = api(stack, "9090", "/api/v1/targets")["data"]["activeTargets"]
        return target["health"] == "up" and target

    assert wait_for(up, "the sidecar is scraped", 40)["labels"]["job"] == "driftgauge"
    (found,) = api(stack, "9090", "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert found["url"].startswith(stack.url("9093", ""))
    assert "driftgauge-pager" in api(stack, "9093", "/api/v2/status")["config"]["original"]
    shipped = set(re.findall(r"- alert: (\w+)", (ROOT / "deploy/prometheus/driftgauge-alerts.yml").read_text()))
    groups = api(stack, "9090", "/api/v1/rules")["data"]["groups"]
    assert {rule["name"] for group in groups for rule in group["rules"] if rule["type"] == "alerting"} == shipped


def test_the_flights_are_seen_against_the_profile(stack):
    def seen():
        page = Page(fetch(stack.url("9599", "/metrics")).text)
        ratio = {"model": "flights", "window": "5m", "reference": "profile"}
        rows = page.all("driftgauge_window_rows", model="flights", window="5m")
        found = {labels["feature"]: value for labels, value in page.all("driftgauge_feature_drift_ratio", **ratio)}
        return rows and rows[0][1] == 12_000 and found and (page, found)

    page, ratio = wait_for(seen, "12,000 flights are judged", 30)
    ((labels, _),) = page.all("driftgauge_reference_info")
    assert labels["source"] == "file"
    assert {"score", "prediction"} <= set(ratio)
    assert ratio["temp"] > 10 and ratio["carrier"] < 1, ratio
    assert page.sum("driftgauge_request_errors_total") == 0
