"""Rules and alerts in the eyes of promtool, of both generations: they are sound, and do what their unit tests say.

The unit tests are the files of tests/prometheus, each with the rule files that it is about.
"""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from prometheus import VERSIONS, promtool, server
from sidecar import ROOT

RULES = sorted((ROOT / "deploy" / "prometheus").glob("driftgauge-*.yml"))
TESTS = sorted((ROOT / "tests" / "prometheus").glob("*.yml"))


def run(version, *arguments):
    command = [promtool(version), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def judged():
    """What both generations say of each file, two at a time: each takes seconds of computing."""
    with ThreadPoolExecutor(2) as pool:
        yield {
            (version, path): pool.submit(run, version, "test", "rules", path)
            for version in VERSIONS
            if server(version)
            for path in TESTS
        }
        pool.shutdown(cancel_futures=True)


def test_there_are_rules_alerts_and_unit_tests():
    assert {path.stem for path in RULES} == {"driftgauge-alerts", "driftgauge-rules"}
    assert len(TESTS) > 5


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_promtool_finds_nothing_to_complain_about(prometheus_version, path):
    said = run(prometheus_version, "check", "rules", "--lint=all", "--lint-fatal", path)
    assert "SUCCESS" in said


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules_do_what_their_unit_tests_say(judged, prometheus_version, path):
    judged[prometheus_version, path].result()


def test_a_wrong_figure_would_be_noticed(prometheus_version, tmp_path):
    text = (ROOT / "tests" / "prometheus" / "rules_drift.yml").read_text()
    wrong = text.replace("../../deploy", str(ROOT / "deploy")).replace("value: 760}", "value: 761}")
    (tmp_path / "wrong.yml").write_text(wrong)
    with pytest.raises(AssertionError, match="7.61E[+]02"):
        run(prometheus_version, "test", "rules", tmp_path / "wrong.yml")
