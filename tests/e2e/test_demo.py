"""The command of the README: real flights in time-lapse move drift, nulls, latency and throughput."""

import subprocess

import pytest

import data
from page import assert_accounted
from sidecar import Sidecar, binary, environment

MODEL = "flights"
SECONDS = 15


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo on free ports; pages of it while it runs, one for each evaluation seen, and what it said."""
    directory = tmp_path_factory.mktemp("demo")
    sidecar = Sidecar(directory)
    command = [binary(), "demo", "--data", data.FLIGHTS_TRAFFIC.parent, "--seconds", str(SECONDS)]
    command += ["--web.listen-address", f"127.0.0.1:{sidecar.web_port}", "--push.listen-address", sidecar.push_address]
    with sidecar.log_path.open("wb") as log:
        sidecar.process = subprocess.Popen(
            command, cwd=directory, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        sidecar.wait_until_ready()
        pages = []
        while not pages or "All flights are sent" not in sidecar.log:
            rows = pages[-1].sum("driftgauge_predictions_total", model=MODEL) if pages else -1
            pages.append(
                sidecar.wait(
                    lambda page: page.sum("driftgauge_predictions_total", model=MODEL) > rows
                    or "All flights are sent" in sidecar.log,
                    "flights come in",
                )
            )
        pages.append(sidecar.page())
        assert_accounted(pages[-1])
        sidecar.signal(2)
        assert sidecar.process.wait(15) == 0
        yield pages, sidecar.log
    finally:
        sidecar.close(check=False)


def course(pages, name, **labels):
    """The values that one series had, where it was there."""
    values = (page.get(name, model=MODEL, **labels) for page in pages)
    return [value for value in values if value is not None]


def test_all_flights_come_in_and_none_is_lost(demo):
    pages, said = demo
    assert pages[-1].value("driftgauge_predictions_total", model=MODEL) == 142_411
    assert pages[-1].accounts() == {
        "received": 142_411,
        "accepted": 142_411,
        "duplicate": 0,
        "shed": 0,
        "rejected": 0,
    }
    assert "/metrics" in said
    assert "panicked" not in said


def test_windows_are_days_and_weeks_of_the_flights(demo):
    pages, _ = demo
    assert {labels["window"] for labels, _ in pages[-1].all("driftgauge_window_rows", model=MODEL)} == {"1d", "7d", "28d"}
    # About 465 flights a day.
    assert 6_000 < course(pages, "driftgauge_window_rows", window="28d")[-1] < 15_000


def test_drift_comes_and_goes_with_the_seasons(demo):
    """From April to October it is warmer than in the reference, January and February; in December it is not."""
    pages, _ = demo
    temperature = course(pages, "driftgauge_feature_drift_ratio", feature="temp", window="28d", reference="profile")
    assert len(temperature) > 5
    assert max(temperature) > 5
    assert temperature[-1] < max(temperature) / 2
    distance = course(pages, "driftgauge_feature_drift_ratio", feature="distance", window="28d", reference="profile")
    assert max(distance) < max(temperature) / 10


def test_nulls_latency_and_throughput_move(demo):
    pages, _ = demo
    # The weather ends on 30 December.
    weather = course(pages, "driftgauge_feature_null_ratio", feature="temp", window="1d")
    assert weather[0] < 0.05 and weather[-1] > 0.5
    pressure = course(pages, "driftgauge_feature_null_ratio", feature="pressure", window="7d")
    assert len(set(pressure)) > 5 and max(pressure) > 0.1
    median = course(pages, "driftgauge_latency_seconds", window="7d", q="0.5")
    assert all(value == pytest.approx(0.00139, rel=0.15) for value in median)
    assert len(set(course(pages, "driftgauge_latency_seconds", window="1d", q="0.99"))) > 1
    throughput = course(pages, "driftgauge_throughput_rows_per_second", window="1d")
    assert len(set(throughput)) > 5
    assert throughput[len(throughput) // 2] == pytest.approx(465 / 86_400, rel=0.5)


def test_the_score_is_watched_like_a_feature(demo):
    pages, _ = demo
    score = course(pages, "driftgauge_feature_drift", feature="score", window="28d", reference="profile")
    assert len(set(score)) > 5
    roles = {labels["role"] for labels, _ in pages[-1].all("driftgauge_feature_state", model=MODEL)}
    assert {"feature", "score", "prediction"} <= roles


def test_a_table_is_kept_in_the_terminal(demo):
    _, said = demo
    assert "temp" in said
    assert "drift" in said
