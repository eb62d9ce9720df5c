"""Real Alertmanagers, of the same generations as the Prometheus servers."""

import json
import os
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

from sidecar import fetch
from waiting import free_port, wait_for

VERSIONS = {"2.42": "DRIFTGAUGE_TEST_ALERTMANAGER_2", "3.5": "DRIFTGAUGE_TEST_ALERTMANAGER_3"}
"""By the version of Prometheus beside which it is."""


def server(version):
    """The program, or None where it is not there."""
    default = "/usr/bin/prometheus-alertmanager" if version == "2.42" else None
    return os.environ.get(VERSIONS[version], default)


def amtool(version, *arguments):
    """What amtool says; it must be content."""
    program = Path(server(version)).parent / "amtool"
    result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, f"amtool {arguments}\n{result.stdout}\n{result.stderr}"
    return result.stdout


class Alertmanager:
    """One server with its own storage and a configuration file."""

    def __init__(self, version, directory, configuration):
        self.binary = server(version)
        assert self.binary and Path(self.binary).exists(), f"Alertmanager for {version} is missing: tests/run installs it"
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        self.configuration = self.directory / "alertmanager.yml"
        self.configuration.write_text(configuration)
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.process = None

    def start(self):
        with (self.directory / "alertmanager.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    self.binary,
                    f"--config.file={self.configuration}",
                    f"--storage.path={self.directory}/data",
                    f"--web.listen-address={self.address}",
                    "--cluster.listen-address=",  # else it gossips on all interfaces
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(self.ready, f"{self.url} is ready\n{self.log}")
        return self

    def ready(self):
        assert self.process.poll() is None, f"Alertmanager ended:\n{self.log}"
        return fetch(f"{self.url}/-/ready", timeout=2).status == 200

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait(10)

    @property
    def log(self):
        return (self.directory / "alertmanager.log").read_text(errors="replace")

    def post(self, alerts):
        """Tells it of alerts, as Prometheus does; each is its labels."""
        body = json.dumps([{"labels": labels, "annotations": {"summary": "made up"}} for labels in alerts]).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v2/alerts", data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert reply.status == 200

    def alerts(self, **labels):
        """The alerts that it knows with these labels, inhibited ones included."""
        matchers = [("filter", f'{key}="{value}"') for key, value in labels.items()]
        return json.loads(fetch(f"{self.url}/api/v2/alerts?{urllib.parse.urlencode(matchers)}").body)
