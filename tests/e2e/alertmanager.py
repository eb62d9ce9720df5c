"""Real Alertmanagers, of the same generations as the Prometheus servers."""

import json
import os
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

from server import Server
from sidecar import fetch
from waiting import wait_for

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


class Alertmanager(Server):
    """One server with its own storage and a configuration file."""

    name = "alertmanager"

    def __init__(self, version, directory, configuration):
        super().__init__(server(version), directory)
        self.configuration = self.directory / "alertmanager.yml"
        self.configuration.write_text(configuration)

    def start(self):
        self.run(
            f"--config.file={self.configuration}",
            f"--storage.path={self.directory}/data",
            "--cluster.listen-address=",  # else it gossips on all interfaces
        )
        wait_for(self.ready, f"{self.url} is ready\n{self.log}")
        return self

    def ready(self):
        self.assert_runs()
        return fetch(f"{self.url}/-/ready", timeout=2).status == 200

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
