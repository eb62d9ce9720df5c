"""The examples of `deploy/examples`: what their README says to run is run, and shows what it says."""

import os
import re
import shutil
import subprocess
import sys

import pyarrow.parquet as parquet
import pytest
import yaml

import push
from model_servers import ModelServer, python_of
from sidecar import ROOT, binary, driftgauge, environment
from waiting import free_port

HERE = ROOT / "deploy" / "examples"
README = (HERE / "README.md").read_text()
SAMPLE = re.compile(r"^(driftgauge_\w+)\{(.*)\} (\S+)$", re.M)

QUICK = ["--tick", "200ms"]
"""Else a figure takes five seconds to come."""


def section(title):
    """The text of a section of the README."""
    (found,) = [part for part in README.split("\n## ") if part.startswith(f"{title}\n")]
    return found


def assert_page_shows(page, text):
    """What a section greps of the page is what it prints, as far as the figures go to a hundredth."""
    (pattern,) = re.findall(r"/metrics \| grep -E '([^']+)'", text)
    printed = {(name, labels): float(value) for name, labels, value in SAMPLE.findall(text)}
    shown = {
        (name, labels): float(value)
        for line in page.text.splitlines()
        if re.search(pattern, line)
        for name, labels, value in SAMPLE.findall(line)
    }
    assert printed and shown == pytest.approx(printed, rel=0.01)


def commands(text, program):
    """What a section runs of a program, without what it does with it afterwards."""
    return [line.removesuffix(" &") for line in re.findall(rf"^\$ ({program}.*)$", text, re.M)]


def arguments_of_serve(text):
    (command,) = commands(text, "driftgauge serve")
    return command.split()[2:]


@pytest.fixture
def shell(tmp_path):
    """Runs a command of the README in the top folder, with driftgauge on the path, and what it writes in a folder of the test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "driftgauge").symlink_to(binary())
    path = f"{folder}:{os.environ['PATH']}"

    def run(command, **variables):
        command = command.replace("flights.profile.json", str(tmp_path / "flights.profile.json"))
        env = environment({"PATH": path, **variables})
        return subprocess.run(command, shell=True, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100)

    return run


# ------------------------------------------------------------------------------------------ KServe


class KServe(ModelServer):
    """KServe's own Python server with the model of the example."""

    def command(self):
        yield python_of("kserve")
        yield HERE / "kserve" / "serve.py"
        yield from ["--http_port", str(self.http_port), "--enable_grpc", "false"]

    def environment(self):
        return {}


@pytest.fixture
def kserve(tmp_path):
    server = KServe(tmp_path)
    try:
        yield server.start()
    finally:
        server.kill()


def test_events_of_a_model_of_kserve_show_the_change_upstream(serve, kserve):
    text = section("KServe with logger events")
    address = f"127.0.0.1:{free_port()}"
    flag, _ = arguments_of_serve(text)
    sidecar = serve(arguments=[flag, address, *QUICK], settings=None)
    command = [sys.executable, HERE / "kserve" / "orders.py", f"http://{kserve.http}", f"http://{address}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert said.stdout in text, said.stdout
    sidecar.wait_for_rows("fraud", 10_000)
    page = sidecar.wait_for_next_evaluation()
    assert_page_shows(page, text)
    assert page.sum("driftgauge_unpaired_events_total") == 0
    assert page.value("driftgauge_request_duration_seconds_count", model="fraud") == 100


def test_the_packages_of_kserve_are_those_that_are_tested():
    tested = (ROOT / "tests" / "e2e" / "servers" / "kserve-requirements.txt").read_text().split()
    (asked,) = set(re.findall(r"kserve==\S+", README + (HERE / "kserve" / "serve.py").read_text()))
    assert asked in tested


# ------------------------------------------------------------------------------------------- batch


def test_the_gate_lets_pass_what_is_as_it_was_and_holds_up_drift(shell):
    text = section("A batch job with a gate")
    (profile,) = commands(text, "driftgauge profile")
    passes, drifts = commands(text, "deploy/examples/batch/gate.sh")
    made = shell(profile)
    assert made.returncode == 0, made.stderr

    said = shell(passes)
    assert (said.returncode, said.stdout.splitlines()[-1]) == (0, "scored")

    said = shell(drifts)
    assert said.returncode == 2
    table, refusal = re.search(r"\$ deploy/\S+gate.sh \S+ demo/flights-traffic.parquet echo scored\n(.*?)\n…\n(.*?)\n", text, re.S).groups()
    assert said.stdout.startswith(f"{table}\n"), said.stdout
    assert refusal in said.stderr.splitlines()
    assert "scored" not in said.stdout.splitlines()

    lenient = shell(drifts, MINIMUM_EFFECT="9")
    assert "DRIFT" not in lenient.stdout
    # How the fields hang together is no matter of PSI.
    assert lenient.returncode == 2 and "dependence: how temp and visib go together has drifted" in lenient.stdout


def test_the_gate_does_not_pass_what_cannot_be_compared(shell):
    said = shell("deploy/examples/batch/gate.sh flights.profile.json demo/flights-traffic.parquet echo scored")
    assert said.returncode == 1
    assert "could not be compared: not run: echo scored" in said.stderr
    assert said.stdout == ""
    assert shell("deploy/examples/batch/gate.sh").returncode == 1


def test_a_batch_is_replayed_as_the_text_says(serve, shell):
    text = section("A batch job with a gate")
    sidecar = serve(arguments=[*arguments_of_serve(text), *QUICK], settings=None)
    (replay,) = commands(text, "driftgauge replay")
    said = shell(f"{replay} --to {sidecar.push_address}")
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-1] in text
    sidecar.wait_for_rows("flights", 5_000)


def objects(name):
    return list(yaml.safe_load_all((HERE / "batch" / name).read_text()))


def test_the_containers_of_the_job_do_what_they_are_for(serve, tmp_path):
    """Their arguments, with folders of the test for their volumes, on one night like the reference and one that is not."""
    (job,) = objects("cronjob.yaml")
    template = job["spec"]["jobTemplate"]["spec"]
    pod = template["template"]["spec"]
    gate, score, tell = [*pod["initContainers"], *pod["containers"]]
    volumes = {mount["mountPath"] for mount in gate["volumeMounts"]}
    assert volumes == {"/data", "/profile"}
    for folder in volumes:
        (tmp_path / folder.strip("/")).mkdir()

    def run(container):
        arguments = [re.sub(r"^/(?=data|profile)", f"{tmp_path}/", argument) for argument in container["args"]]
        return driftgauge(*[re.sub("^--to=.*", f"--to={sidecar.push_address}", argument) for argument in arguments])

    reference, batch = ROOT / "demo" / "flights-reference.parquet", tmp_path / "data" / "batch.parquet"
    profile = tmp_path / "profile" / "flights.profile.json"
    driftgauge("profile", reference, "--model=flights", "--label=late", "--ignore=latency_us", "-o", profile)
    deployment, settings, service = objects("driftgauge.yaml")
    text = settings["data"]["driftgauge.yml"].replace("/profile/", f"{tmp_path}/profile/")
    sidecar = serve(settings=None, text=text, arguments=QUICK)

    shutil.copy(reference, batch)
    assert run(gate).returncode == 0
    assert score["args"] == ["/data/batch.parquet", "/data/scored.parquet"]
    parquet.write_table(parquet.read_table(batch).slice(0, 2_000), tmp_path / "data" / "scored.parquet")
    said = run(tell)
    assert said.returncode == 0, said.stderr
    page = sidecar.wait_for_rows("flights", 2_000)
    assert {labels["window"] for labels, _ in page.all("driftgauge_window_rows")} == {"1d", "7d"}

    shutil.copy(ROOT / "demo" / "flights-traffic.parquet", batch)
    (rule,) = template["podFailurePolicy"]["rules"]
    drifted = rule["onExitCodes"]
    assert (drifted["containerName"], rule["action"]) == (gate["name"], "FailJob")
    assert run(gate).returncode in drifted["values"]

    (address,) = [argument.removeprefix("--to=") for argument in tell["args"] if argument.startswith("--to=")]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert address == f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    assert f"--push.listen-address=0.0.0.0:{ports['push']}" in container["args"] and ports["push"] == 4599
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


# ------------------------------------------------------------------------------------------ canary


def test_the_fault_of_the_canary_is_told_from_the_change_of_the_world(serve, tmp_path):
    text = section("A canary beside its champion")
    flag, path = arguments_of_serve(text)
    assert flag == "--config.file"
    sidecar = serve(settings=None, text=(ROOT / path).read_text(), arguments=QUICK)
    push.make_stubs(tmp_path)
    command = [sys.executable, HERE / "canary" / "canary.py", sidecar.push_address]
    said = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert said.stdout in text and not said.stderr
    sidecar.wait_for_rows("fraud", 15_000, version="3")
    page = sidecar.wait_for_next_evaluation()
    assert_page_shows(page, text)

    def drifted(**labels):
        found = page.all("driftgauge_feature_drift_ratio", window="5m", **labels)
        return {labels["feature"] for labels, ratio in found if ratio > 1}

    assert drifted(version="3", reference="profile") == {"country"}
    assert drifted(version="4", reference="version:3") == {"amount", "score", "prediction"}
    assert drifted(version="4", reference="profile") == {"amount", "country", "score", "prediction"}
