"""Figures of single features against their own last week: made on request only, here with a day lapsed to five minutes."""

import subprocess

import pytest
import yaml

from prometheus import promtool
from sidecar import run_ok

LABELS = 'job="driftgauge",namespace="shop",model="fraud",version="3"'
MINUTES = {"before": 30, "odd": 1, "after": 3}
"""So many times 60 samples: the week of 35 minutes is nearly full when a figure becomes odd."""


def steps(usual, odd):
    before, during, after = (60 * minutes for minutes in MINUTES.values())
    return f"{usual}x{before - 1} {odd}x{during - 1} {usual}x{after}"


def counter(usual, odd):
    before, during, after = (60 * minutes for minutes in MINUTES.values())
    middle = before * usual
    end = middle + during * odd
    return f"0+{usual}x{before - 1} {middle}+{odd}x{during - 1} {end}+{usual}x{after}"


def feature(name, pod, mean, missing):
    of = f'{LABELS},pod="{pod}",instance="{pod}:9599",feature="{name}",role="feature"'
    return {
        f'driftgauge_feature_mean{{{of},window="1m"}}': mean,
        f'driftgauge_feature_window_rows{{{of},window="1m"}}': steps(600, 600),
        f"driftgauge_feature_values_total{{{of}}}": counter(10, 10),
        f'driftgauge_feature_missing_total{{{of},reason="null"}}': missing,
    }


@pytest.fixture
def rules(tmp_path):
    settings = tmp_path / "settings.yml"
    settings.write_text("windows: [1m, 5m]\n")
    run_ok("generate", "--config.file", settings, "--feature-bands", "--output", tmp_path)
    return [str(tmp_path / "deploy/prometheus" / f"driftgauge-{part}.yml") for part in ("rules", "alerts")]


def test_a_feature_that_leaves_its_own_week_is_told_and_one_that_does_not_is_not(rules, tmp_path, prometheus_version):
    series = {
        **feature("moves", "a", steps(10, 40), counter(1, 1)),
        **feature("moves", "b", steps(10, 40), counter(1, 1)),
        # Low is news of a mean, and no news of missing values.
        **feature("falls", "a", steps(10, -20), counter(3, 0)),
        **feature("lacks", "a", steps(10, 10), counter(1, 10)),
        **feature("steady", "a", steps(10, 10.5), counter(1, 1)),
    }

    runbook = "https://github.com/driftgauge/driftgauge/blob/main/deploy/runbook.md"

    def told(name, figure, deviation):
        return {
            "exp_labels": {
                "job": "driftgauge",
                "namespace": "shop",
                "model": "fraud",
                "version": "3",
                "feature": name,
                "role": "feature",
                "figure": figure,
                "severity": "warning",
            },
            "exp_annotations": {
                "summary": f"{figure} of {name} of model fraud is unusual",
                "description": f"{figure} of {name} of model fraud, version 3, is {deviation} standard deviations from its "
                "mean of the last 7 days, and was not at this time yesterday or a week ago.",
                "runbook_url": f"{runbook}#unusualfeature",
            },
        }

    # At 30m25s the history ends at 30m20s: 365 samples, 5 of them odd (4 of the rate, which looks back 5 s).
    # falls: mean 9.589, sigma 30·√(5/365·360/365) + 0.9589 = 4.446, (-20 - 9.589) / 4.446 = -6.66. moves: 6.53.
    # lacks: 1/11 → 1/2, mean 0.0954, sigma 0.0426 + 0.00954 + 0.00125 = 0.0534, 7.58.
    odd = [told("falls", "mean", "-6.7"), told("lacks", "null_ratio", "7.6"), told("moves", "mean", "6.5")]
    moments = {"29m30s": [], "30m25s": odd, "33m": []}
    test = {
        "rule_files": rules,
        "evaluation_interval": "5s",
        # Alerts after what they are about, as figures are those of the moment; promtool's own order is any.
        "group_eval_order": ["driftgauge-feature-bands", "driftgauge-feature-bands-history", "driftgauge-bands"],
        "tests": [
            {
                "interval": "1s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {"eval_time": moment, "alertname": "UnusualFeature", "exp_alerts": expected}
                    for moment, expected in moments.items()
                ],
            }
        ],
    }
    path = tmp_path / "bands.yml"
    path.write_text(yaml.safe_dump(test))
    run = subprocess.run([promtool(prometheus_version), "test", "rules", path], capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout + run.stderr
