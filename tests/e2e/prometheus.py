"""Real Prometheus servers that scrape the sidecar."""

import json
import os
import time
import urllib.parse
from pathlib import Path

from server import Server
from sidecar import fetch
from waiting import wait_for

VERSIONS = {"2.42": "DRIFTGAUGE_TEST_PROMETHEUS_2", "3.5": "DRIFTGAUGE_TEST_PROMETHEUS_3"}


EVERY_SECOND = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}


def server(version):
    """The program, or None where it is not there."""
    default = "/usr/bin/prometheus" if version == "2.42" else None
    return os.environ.get(VERSIONS[version], default)


def promtool(version="2.42"):
    if version == "2.42":
        return os.environ.get("DRIFTGAUGE_TEST_PROMTOOL", "/usr/bin/promtool")
    return str(Path(server(version)).with_name("promtool"))


class Prometheus(Server):
    """One server with its own storage; `jobs` are scrape configurations, `more` further parts of its own."""

    name = "prometheus"

    def __init__(self, version, directory, jobs, flags=(), more=None):
        super().__init__(server(version), directory)
        self.flags = flags
        self.jobs = [job["job_name"] for job in jobs]
        (self.directory / "prometheus.yml").write_text(
            json.dumps({"global": EVERY_SECOND, "scrape_configs": jobs, **(more or {})})
        )

    def start(self):
        return self.run(
            f"--config.file={self.directory}/prometheus.yml",
            f"--storage.tsdb.path={self.directory}/data",
            "--log.level=warn",
            *self.flags,
        )

    def api(self, path, **parameters):
        answer = fetch(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        reply = json.loads(answer.body)
        assert reply["status"] == "success", f"{path}: {reply}"
        return reply["data"]

    def query(self, expression, **parameters):
        """An instant vector: a list of (labels, value)."""
        result = self.api("query", query=expression, **parameters)["result"]
        return [(sample["metric"], float(sample["value"][1])) for sample in result]

    def value(self, expression):
        found = self.query(expression)
        assert len(found) == 1, f"{expression} → {found}"
        return found[0][1]

    def wait_for(self, expression, condition, seconds=30):
        """Waits until the one value of an expression satisfies a condition; returns it."""

        def holds():
            self.assert_runs()
            found = self.query(expression)
            return found if found and condition(found[0][1]) else None

        return wait_for(holds, f"{expression} in Prometheus\n{self.log}", seconds, every=0.2)[0][1]

    def exemplars(self, selector):
        """What is stored beside the series of a selector: {le: [exemplar, …]}, oldest first."""
        now = time.time()
        found = self.api("query_exemplars", query=selector, start=now - 3600, end=now + 3600)
        return {series["seriesLabels"]["le"]: series["exemplars"] for series in found}

    def targets(self):
        return self.api("targets")["activeTargets"]
