"""Rows like those of the reference raise no alert, however many they are; rows unlike them do.

The shipped rules and alerts together, over counters as sidecars export them: rows come for ten minutes, then stay in the windows."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from prometheus import promtool, server
from sidecar import ROOT

REFERENCE_ROWS = 20_000
MINUTES = 100
NULLS = 0.01
COUNTS = [120, 300, 1_000, 10_000, 100_000]
"""From n_min of 24 cells on."""
FEW = [1, 2, 3, 5, 10, 50, 80]
"""Below n_min, also of two cells."""

KINDS = {
    "numeric": [f"{cell:03}" for cell in range(24)],
    "categorical": [*(f"{cell:03}" for cell in range(12)), "other", "new"],
    "two": ["000", "001"],
}


def shares(kind, rng):
    """How the values of a field are distributed; few of a category have never been seen before."""
    if kind == "categorical":
        tail = 0.5 ** np.arange(12)
        return np.array([*(0.96 * tail / tail.sum()), 0.035, 0.005])
    cells = len(KINDS[kind])
    return rng.dirichlet(np.full(cells, 20.0))


class Fields:
    """Input series of one test of promtool."""

    def __init__(self):
        self.series = []

    def constant(self, name, labels, value):
        self.add(name, labels, f"{value}x{MINUTES}")

    def counter(self, name, labels, value):
        """Whole numbers only: what is rounded otherwise looks like a counter that was reset."""
        rise = " ".join(str(value * minute // 10) for minute in range(10))
        self.add(name, labels, f"{rise} {value}x{MINUTES - 10}")

    def add(self, name, labels, values):
        text = ",".join(f"{key}={json.dumps(value)}" for key, value in labels.items())
        self.series.append({"series": f"{name}{{{text}}}", "values": values})

    def field(self, rng, model, kind, rows, drifted=False, outlier=False, lacking=False, new=False):
        """A field of a model, whose reference and rows are both drawn from one distribution.

        One value may be an outlier, one may be missing, one may be new."""
        of_reference = shares(kind, rng)
        first = np.arange(len(of_reference)) == 0
        of_rows = (of_reference + first) / 2 if drifted else of_reference
        reference = rng.multinomial(REFERENCE_ROWS, of_reference)
        missing = 1 if lacking else rng.binomial(rows, NULLS)
        counts = rng.multinomial(rows - missing - new, of_rows)
        counts[-1] += new
        pod = {"job": "driftgauge", "namespace": "shop", "pod": "a", "instance": "a:9599"}
        labels = {**pod, "model": model, "version": "1", "feature": kind, "role": "feature"}
        for cell, in_reference, count in zip(KINDS[kind], reference, counts, strict=True):
            bins = {**labels, "bin": cell, "profile": "0badcafe"}
            self.constant("driftgauge_reference_bin_rows", {**bins, "range": f"cell {cell}"}, in_reference)
            self.counter("driftgauge_feature_bin_total", bins, count)
        for window in ("1h", "1d"):
            profile = {**labels, "profile": "0badcafe", "window": window}
            self.constant("driftgauge_reference_minimum_effect", profile, 0.02)
        self.constant("driftgauge_reference_design_effect", {**labels, "profile": "0badcafe"}, 1)
        self.constant("driftgauge_reference_significance", {**labels, "profile": "0badcafe"}, 4.75)
        self.constant("driftgauge_reference_null_ratio", labels, rng.binomial(REFERENCE_ROWS, NULLS) / REFERENCE_ROWS)
        self.counter("driftgauge_feature_values_total", labels, rows - missing)
        self.counter("driftgauge_feature_missing_total", {**labels, "reason": "null"}, missing)
        few = rows - missing < 5 * len(of_reference) or rows - missing < 100
        state = "absent" if missing == rows else "too_few_rows" if few else "ok"
        for window in ("1h", "1d"):
            self.constant("driftgauge_feature_state", {**labels, "window": window, "state": state}, 1)
            self.constant("driftgauge_feature_window_rows", {**labels, "window": window}, rows - missing)
        outside = rng.binomial(rows, 1 / REFERENCE_ROWS) + outlier
        self.counter("driftgauge_feature_out_of_range_total", {**labels, "side": "above"}, outside)

    def model(self, model, rows):
        labels = {"job": "driftgauge", "namespace": "shop", "pod": "a", "instance": "a:9599", "model": model, "version": "1"}
        self.constant("driftgauge_reference_info", {**labels, "profile": "0badcafe", "source": "file"}, 1)
        for counter in ("predictions", "requests"):
            self.counter(f"driftgauge_{counter}_total", labels, rows)
        for window in ("1h", "1d"):
            self.constant("driftgauge_window_rows", {**labels, "window": window}, rows)


def firing(fields, directory, tool):
    """(alert, model) that promtool finds firing, of 1h and of 1d windows; TooFewRows, which waits for a day, as soon as it is pending."""
    names = [f"driftgauge-{part}.yml" for part in ("rules", "alerts")]
    moments = ["40m", "90m"]
    # What is expected is wrong on purpose where something fires, so that promtool tells what it is.
    test = {
        "rule_files": [str(ROOT / "deploy/prometheus" / name) for name in names],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": fields.series,
                "promql_expr_test": [
                    {
                        "expr": 'count without (namespace, job, version, role, profile, reference, severity) '
                        '(ALERTS{alertstate="firing", model!=""} or ALERTS{model!="", alertname="TooFewRows"})',
                        "eval_time": moment,
                        "exp_samples": [],
                    }
                    for moment in moments
                ],
            }
        ],
    }
    path = directory / "null.yml"
    path.write_text(yaml.safe_dump(test))
    run = subprocess.run([tool, "test", "rules", path], capture_output=True, text=True, timeout=600)
    output = run.stdout + run.stderr
    found = set()
    for line in output.splitlines():
        if "alertname=" in line and "expr:" not in line:
            for sample in line.split("}")[:-1]:
                labels = dict(part.split("=", 1) for part in sample[sample.index("{") + 1 :].split(", "))
                found.add((json.loads(labels["alertname"]), json.loads(labels["model"])))
    assert found or run.returncode == 0, output
    return found


@pytest.fixture
def tool(prometheus_version):
    if prometheus_version == "2.42":
        return promtool()
    return Path(server(prometheus_version)).with_name("promtool")


def test_only_rows_unlike_the_reference_raise_alerts(rng, tmp_path, tool):
    fields = Fields()
    for rows in COUNTS:
        fields.model(f"same-{rows}", rows)
        for kind in KINDS:
            fields.field(rng, f"same-{rows}", kind, rows)
    # One value that is odd, among however many.
    for rows in [*FEW, COUNTS[0]]:
        for odd in ("outlier", "lacking", "new"):
            fields.model(f"{odd}-{rows}", rows)
            for kind in KINDS if odd != "new" else ["categorical"]:
                fields.field(rng, f"{odd}-{rows}", kind, rows, **{odd: True})
    # Below n_min nothing is judged, not even drift: it is said that there is too little.
    fields.model("few", 80)
    for kind in KINDS:
        fields.field(rng, "few", kind, 80, drifted=True)
    fields.model("drifted", 1_000)
    for kind in KINDS:
        fields.field(rng, "drifted", kind, 1_000, drifted=True)
    found = firing(fields, tmp_path, tool)
    assert {(alert, model) for alert, model in found if alert != "TooFewRows"} == {
        ("FeatureDrift", "drifted"),
        ("ManyFeaturesDrift", "drifted"),
    }
    few = {"few"} | {f"{odd}-{rows}" for odd in ("outlier", "lacking", "new") for rows in FEW}
    # Of a single row that lacks the value, the field is absent.
    assert {model for alert, model in found if alert == "TooFewRows"} == few - {"lacking-1"}
