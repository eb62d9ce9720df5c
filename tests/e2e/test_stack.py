"""`tests/stack`: the shipped configuration with real servers beside the demo."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import alertmanager
import prometheus
from sidecar import ROOT, binary, environment, fetch
from waiting import wait_for

ADDRESS = re.compile(r"^(\w+) +(http://localhost:\d+)/ ", re.MULTILINE)
WORK = re.compile(r"log (\S+)/driftgauge.log")


def children(pid):
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()]


@pytest.fixture(scope="module")
def stack(prometheus_version, tmp_path_factory):
    """The process and what it has said."""
    said = tmp_path_factory.mktemp("stack") / "said"
    command = [sys.executable, ROOT / "tests" / "stack", "--free-ports", "--driftgauge", binary()]
    command += ["--prometheus", prometheus.server(prometheus_version)]
    command += ["--alertmanager", alertmanager.server(prometheus_version)]
    with said.open("wb") as file:
        process = subprocess.Popen(command, env=environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def up():
        assert process.poll() is None, said.read_text()
        return "Ctrl-C" in said.read_text()

    try:
        wait_for(up, "the stack is up", 60)
        yield process, said
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(40)


def api(stack, server, path):
    addresses = dict(ADDRESS.findall(stack[1].read_text()))
    return fetch(f"{addresses[server]}{path}").json


def test_all_targets_are_up(stack):
    def targets():
        found = api(stack, "prometheus", "/api/v1/targets")["data"]["activeTargets"]
        return found and all(target["health"] == "up" for target in found) and found

    (target,) = wait_for(targets, "all targets are up", 40)
    assert target["labels"]["job"] == "driftgauge"


def test_rules_are_evaluated_without_errors(stack):
    def rules():
        groups = api(stack, "prometheus", "/api/v1/rules")["data"]["groups"]
        evaluated = [rule for group in groups for rule in group["rules"] if rule["health"] != "unknown"]
        for rule in evaluated:
            assert rule["health"] == "ok", f"{rule['name']}: {rule.get('lastError')}"
        # Those of a day are evaluated every ten minutes.
        return {rule["name"] for rule in evaluated if rule["type"] == "alerting"}

    shipped = set(re.findall(r"- alert: (\w+)", (ROOT / "deploy/prometheus/driftgauge-alerts.yml").read_text()))
    wait_for(lambda: rules() == shipped, "every alert has been evaluated", 60, every=0.5)


def test_prometheus_has_found_alertmanager_which_has_the_shipped_routes(stack):
    (found,) = api(stack, "prometheus", "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert found["url"].startswith(dict(ADDRESS.findall(stack[1].read_text()))["alertmanager"])
    status = api(stack, "alertmanager", "/api/v2/status")
    assert "driftgauge-pager" in status["config"]["original"]


def test_sigterm_leaves_nothing_behind(stack):
    process, said = stack
    started = children(process.pid)
    work = Path(WORK.search(said.read_text())[1])
    assert len(started) == 3 and work.is_dir()
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0, said.read_text()
    for child in started:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    assert not work.exists()


def test_help_and_missing_programs():
    said = subprocess.run([ROOT / "tests" / "stack", "--help"], capture_output=True, text=True, timeout=20)
    assert said.returncode == 0 and "Ctrl-C" in said.stdout
    command = [ROOT / "tests" / "stack", "--free-ports", "--prometheus", "/nowhere/prometheus", "--driftgauge", binary()]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert said.returncode == 1
    assert said.stderr == "tests/stack: /nowhere/prometheus is not there; see tests/stack --help\n"
