"""What the README shows works as it stands: its Python, its rules, and the client in demo/push.py."""

import json
import os
import subprocess
import sys

import pytest

import push
from sidecar import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language):
    """The fenced blocks of a language."""
    return [part.split("\n```")[0] + "\n" for part in README.split(f"\n```{language}\n")[1:]]


def block(language, first_line):
    (found,) = [text for text in blocks(language) if text.startswith(first_line + "\n")]
    return found


@pytest.fixture
def stubs(tmp_path):
    """The folder that the README's command for stubs writes to."""
    push.make_stubs(tmp_path)
    return tmp_path


def python(*arguments, cwd):
    command = [sys.executable, *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(cwd)}
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result


def test_the_ten_lines_of_python_push_a_thousand_rows(serve, stubs):
    sidecar = serve()
    (code,) = blocks("python")
    assert len(code.splitlines()) <= 11
    script = stubs / "ten_lines.py"
    script.write_text(code.replace("127.0.0.1:4599", sidecar.push_address))
    assert python(script, cwd=stubs).stdout.split() == ["accepted_rows:", "1000"]
    sidecar.wait_for_rows("fraud", 1000)


@pytest.mark.parametrize("address", ["tcp", "unix"])
def test_the_client_to_copy_from_shows_the_change_upstream(serve, stubs, tmp_path, address):
    sidecar = serve(push=f"unix:{tmp_path / 'push.sock'}" if address == "unix" else None)
    result = python(ROOT / "demo" / "push.py", sidecar.push_address, cwd=stubs)
    assert (result.stdout, result.stderr) == ("10000 of 10000 rows accepted\n", "")
    page = sidecar.wait_for_rows("fraud", 10_000, version="3")
    ratio = {
        feature: page.value("driftgauge_feature_drift_ratio", feature=feature)
        for feature in ["amount", "account_age_days", "country", "score", "prediction"]
    }
    drifted = {feature for feature, value in ratio.items() if value > 1}
    assert drifted == {"amount", "country", "score", "prediction"}, ratio
    assert page.value("driftgauge_feature_missing_total", feature="account_age_days", reason="null") > 0
    assert page.value("driftgauge_feature_new_category_ratio", feature="country") == 0.04
    assert page.value("driftgauge_request_duration_seconds_count", model="fraud") == 10_000


def test_the_client_to_copy_from_goes_on_without_a_sidecar(stubs):
    result = python(ROOT / "demo" / "push.py", "127.0.0.1:1", cwd=stubs)
    assert result.stdout == "0 of 10000 rows accepted\n"
    assert "10 rows lost: UNAVAILABLE" in result.stderr


@pytest.mark.parametrize("what", ["config", "rules"])
def test_prometheus_takes_the_settings_and_the_rules(tmp_path, what):
    name = {"config": "prometheus.yml", "rules": "rules.yml"}[what]
    path = tmp_path / name
    path.write_text(block("yaml", f"# {name}"))
    promtool("check", what, path)


def promtool(*arguments):
    command = [os.environ.get("DRIFTGAUGE_TEST_PROMTOOL", "promtool"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stdout + result.stderr


def series(sick):
    """What a sidecar serves for 30 minutes; `sick` names the alert that it gives reason for."""
    model = 'job="driftgauge",instance="pod:9599",model="fraud",version="3"'
    feature = f'{model},feature="amount",role="feature"'
    drift = f'{feature},window="1h",reference="profile"'
    constant = {
        f"driftgauge_feature_drift_ratio{{{drift}}}": 2 if sick == "FeatureDrift" else 0.9,
        f"driftgauge_feature_drift_excess{{{drift}}}": 0.5,
        f'driftgauge_feature_null_ratio{{{feature},window="1h"}}': 0.3 if sick == "FeatureMissing" else 0.02,
        f"driftgauge_reference_null_ratio{{{feature}}}": 0.02,
        f'driftgauge_window_rows{{{model},window="1h"}}': 5000,
        'up{job="driftgauge",instance="pod:9599"}': 1,
        'driftgauge_config_last_reload_successful{job="driftgauge",instance="pod:9599"}': 1,
    }
    growth = {
        f"driftgauge_last_row_timestamp_seconds{{{model}}}": 0 if sick == "ModelSilent" else 60,
        'driftgauge_shed_rows_total{job="driftgauge",instance="pod:9599",source="push",reason="queue_rows"}': (
            7 if sick == "DriftgaugeBlind" else 0
        ),
    }
    return [{"series": name, "values": f"{value}+0x30"} for name, value in constant.items()] + [
        {"series": name, "values": f"0+{step}x30"} for name, step in growth.items()
    ]


ALERTS = ["FeatureDrift", "FeatureMissing", "ModelSilent", "DriftgaugeBlind"]


@pytest.mark.parametrize("sick", [*ALERTS, None])
def test_each_rule_fires_for_its_own_reason_alone(tmp_path, sick):
    rules = tmp_path / "rules.yml"
    rules.write_text(block("yaml", "# rules.yml"))
    assert rules.read_text().count("- alert:") == len(ALERTS)
    # How many alerts fire, each by its name; promtool reads JSON as the YAML that it is.
    expected = [{"labels": "{}", "value": 1}] if sick else []
    count = 'count(ALERTS{alertstate="firing"})'
    this = f'count(ALERTS{{alertstate="firing",alertname="{sick}"}})'
    expressions = [{"expr": expr, "eval_time": "30m", "exp_samples": expected} for expr in (count, this)]
    case = {"interval": "1m", "input_series": series(sick), "promql_expr_test": expressions}
    tests = tmp_path / "tests.yml"
    tests.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [case]}))
    promtool("test", "rules", tests)
