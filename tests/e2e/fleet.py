"""A fleet: pods with a sidecar each, and a real Prometheus with the generated rules."""

import json
import time

import numpy as np
import yaml

from prometheus import Prometheus
from push import Client
from sidecar import run_ok

MODEL = "orders"
SCRAPED = [
    "driftgauge_feature_bin_total",
    "driftgauge_feature_values_total",
    "driftgauge_feature_missing_total",
    "driftgauge_reference_info",
    "driftgauge_reference_bin_rows",
    "driftgauge_reference_design_effect",
    "driftgauge_reference_minimum_effect",
    "driftgauge_reference_significance",
    "driftgauge_reference_two_sided_significance",
    "driftgauge_reference_null_ratio",
]
"""What the rules of drift and rates read."""


def generated(sidecar, directory, fleet_from):
    """The rules file for the settings of a sidecar."""
    run_ok("generate", "--config.file", sidecar.config, "--output", directory, "--fleet-from", fleet_from)
    return directory / "deploy" / "prometheus" / "driftgauge-rules.yml"


def on_one_grid(rules, window, target):
    """The same rules in one group, after all that they read was copied to the group's own moments.

    Prometheus scrapes each target at an offset of its own, so there is no moment at which all of them have been
    scraped just now. The copies, with the label `grid`, are a fleet that is scraped as one; that of the scrapes
    themselves is beside it.
    """
    groups = yaml.safe_load(rules.read_text())["groups"]
    wanted = [group for group in groups if group["name"] in ("driftgauge-reference", f"driftgauge-fleet-{window}")]
    assert len(wanted) == 2
    copies = [{"record": name, "expr": f'{name}{{grid=""}}', "labels": {"grid": "yes"}} for name in SCRAPED]
    moved = copies + [rule for group in wanted for rule in group["rules"]]
    target.write_text(json.dumps({"groups": [{"name": "grid", "interval": "1s", "rules": moved}]}))
    return target


def pods(namespace, **sidecars):
    """Targets of a job: pods of a namespace."""
    return [
        {"targets": [f"127.0.0.1:{sidecar.web_port}"], "labels": {"namespace": namespace, "pod": pod}}
        for pod, sidecar in sidecars.items()
    ]


def scraping(version, directory, targets, rules):
    job = {"job_name": "driftgauge", "static_configs": targets}
    return Prometheus(version, directory, [job], more={"rule_files": [str(rules)]})


def send(sidecar, fields, size=100):
    with Client(sidecar.push_address) as client:
        assert client.rows(MODEL, fields, size) == len(fields[0].values)


def compared(profile, rows):
    """What `compare` says of each feature of the rows of a file."""
    return {one["feature"]: one for one in json.loads(run_ok("compare", profile, rows, "--format", "json").stdout)["features"]}


class Sender:
    """Sends the same block of rows to a sidecar again and again, a piece at a time, and notes when."""

    def __init__(self, sidecar, block, pieces):
        self.client = Client(sidecar.push_address)
        self.block, self.size, self.at = block, len(block[0].values) // pieces, 0
        self.sent = []

    def send(self):
        begin = self.at % len(self.block[0].values)
        piece = [field.rows(begin, begin + self.size) for field in self.block]
        self.client.rows(MODEL, piece, self.size)
        self.sent.append((time.time(), piece))
        self.at += self.size

    def close(self):
        self.client.channel.close()

    def values(self, feature, begin, end):
        """Values of a feature that were sent between two moments."""
        fields = [field for at, piece in self.sent if begin < at <= end for field in piece if field.name == feature]
        return [value for field in fields for value in present(field)]


def present(field):
    """Values that are not null, as the cells of a profile know them."""
    there = [True] * len(field.values) if field.present is None else field.present
    values = [value for value, is_there in zip(field.values, there) if is_there]
    return [float(value) if isinstance(value, np.bool_) else value for value in values]
