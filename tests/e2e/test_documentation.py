"""What the README shows works as it stands: its Python, its settings of Prometheus, and the client in demo/push.py."""

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
    code = block("python", "import grpc, numpy as np")
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


def test_prometheus_takes_the_settings(tmp_path):
    path = tmp_path / "prometheus.yml"
    path.write_text(block("yaml", "# prometheus.yml"))
    promtool("check", "config", path)


def test_prometheus_takes_what_is_shipped():
    promtool("check", "config", ROOT / "deploy" / "prometheus" / "prometheus.yml")


def promtool(*arguments):
    command = [os.environ.get("DRIFTGAUGE_TEST_PROMTOOL", "promtool"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stdout + result.stderr
