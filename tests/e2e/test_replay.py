"""Files as traffic through the real gRPC port, and a sidecar that is killed meanwhile."""

import json
import signal
import time

import pytest

import data
from prometheus import Prometheus
from replay import Replay
from sidecar import driftgauge, run_ok

MODEL = "car-loan"
ROLES = ["--score", "y_pred_proba", "--prediction", "y_pred", "--label", "repaid"]


@pytest.fixture
def settings(car_loan_profile):
    return {
        "tick": "100ms",
        "windows": ["1h"],
        "metrics": {"detail": "full"},
        "models": {MODEL: {"profile": str(car_loan_profile)}},
    }


@pytest.mark.parametrize("way", [[], ["--stream"], ["--batch", "7"], ["--rate", "20000"]])
def test_a_replayed_file_gives_the_numbers_of_compare(serve, settings, car_loan_profile, tmp_path, way):
    rows = data.cut(data.ANALYSIS, 24_000, 29_000, tmp_path / "rows.csv")
    sidecar = serve(settings)
    with Replay(rows, "--to", sidecar.push_address, "--model", MODEL, *ROLES, *way) as replay:
        code, sums = replay.finish()
    assert (code, sums["sent"], sums["accepted"]) == (0, 5_000, 5_000)
    page = sidecar.wait_for_rows(MODEL, 5_000)
    compared = json.loads(run_ok("compare", car_loan_profile, rows, "--format", "json").stdout)
    checked = 0
    for feature in compared["features"]:
        if feature["role"] == "label":
            continue  # a file has it, traffic has not
        labels = {"model": MODEL, "feature": feature["feature"], "window": "1h"}
        assert page.value("driftgauge_feature_drift", **labels) == feature["drift"], feature["feature"]
        assert page.value("driftgauge_feature_drift_ratio", **labels) == feature["drift_ratio"]
        assert page.value("driftgauge_feature_window_rows", **labels) == feature["rows"]
        assert page.value("driftgauge_feature_null_ratio", **labels) == feature["null_ratio"]
        checked += 1
    assert checked == 8


def test_a_rate_is_kept(serve, settings, tmp_path):
    rows = data.cut(data.ANALYSIS, 0, 2_000, tmp_path / "rows.csv")
    sidecar = serve(settings)
    begun = time.monotonic()
    with Replay(rows, "--to", sidecar.push_address, "--model", MODEL, *ROLES, "--rate", "1000") as replay:
        code, _ = replay.finish()
    assert code == 0
    assert 1.7 < time.monotonic() - begun < 5


def test_time_lapse_moves_windows_by_the_time_column(serve, tmp_path):
    """A day of flights a second, for three seconds."""
    sidecar = serve({"tick": "100ms", "clock": "event", "windows": ["6h", "1d", "7d"]})
    target = ["--to", sidecar.push_address, "--model", "flights", "--time", "time", "--latency-column", "latency_us"]
    ways = ["--score", "score", "--prediction", "prediction", "--label", "late"]
    with Replay(data.FLIGHTS_TRAFFIC, *target, *ways, "--speed", "172800", "--limit", "1500") as replay:
        code, sums = replay.finish()
    assert (code, sums["accepted"]) == (0, 1_500)
    page = sidecar.wait(
        lambda page: page.get("driftgauge_window_rows", model="flights", window="7d") == 1_500
        and page.value("driftgauge_queue_rows") == 0,
        "all rows",
    )
    windows = {labels["window"]: count for labels, count in page.all("driftgauge_window_rows", model="flights")}
    assert 0 < windows["6h"] < windows["1d"] < windows["7d"] == 1_500
    # About 465 flights a day.
    assert 300 < windows["1d"] < 600
    throughput = page.value("driftgauge_throughput_rows_per_second", model="flights", window="1d")
    assert throughput == pytest.approx(465 / 86_400, rel=0.3)
    median = page.value("driftgauge_latency_seconds", model="flights", window="7d", q="0.5")
    assert median == pytest.approx(0.00139, rel=0.1)


def test_the_client_says_what_was_lost(serve, settings, tmp_path):
    rows = data.cut(data.ANALYSIS, 0, 3_000, tmp_path / "rows.csv")
    sidecar = serve(settings)
    arguments = [rows, "--to", sidecar.push_address, "--model", MODEL, *ROLES, "--rate", "1500", "--retry", "0"]
    with Replay(*arguments) as replay:
        sidecar.wait(
            lambda page: (page.get("driftgauge_predictions_total", model=MODEL) or 0) > 500, "some rows have come"
        )
        before = sidecar.page().accounts()["accepted"]
        sidecar.kill()
        code, sums = replay.finish()
    assert code == 1
    assert sums["sent"] == 3_000
    assert sums["lost"] > 0
    assert sums["accepted"] >= before


def test_to_nobody(tmp_path):
    rows = data.cut(data.ANALYSIS, 0, 10, tmp_path / "rows.csv")
    result = driftgauge("replay", rows, "--to", "127.0.0.1:1", "--model", MODEL, "--retry", "0")
    assert result.returncode == 1
    assert "lost 10" in result.stdout, result.stdout
    for address in ("nonsense", "https://127.0.0.1:1"):
        result = driftgauge("replay", rows, "--to", address, "--model", MODEL)
        assert result.returncode == 1
        assert address in result.stderr, result.stderr
    result = driftgauge("replay", tmp_path / "nowhere.csv", "--model", MODEL)
    assert result.returncode == 1
    assert "nowhere.csv" in result.stderr


def test_interrupted_it_accounts_for_what_it_sent(serve, settings, tmp_path):
    sidecar = serve(settings)
    with Replay(data.ANALYSIS, "--to", sidecar.push_address, "--model", MODEL, *ROLES, "--rate", "500") as replay:
        sidecar.wait(lambda page: (page.get("driftgauge_predictions_total", model=MODEL) or 0) > 100, "some rows")
        replay.process.send_signal(signal.SIGINT)
        _, sums = replay.finish(10)
    assert 100 < sums["sent"] < 5_000
    assert sums["accepted"] == sums["sent"]
    sidecar.wait_for_rows(MODEL, sums["sent"])


def states(page):
    """The states in force, by role."""
    found = {}
    for labels, _ in page.all("driftgauge_feature_state", model=MODEL):
        found.setdefault(labels["role"], set()).add(labels["state"])
    return found


@pytest.fixture
def prometheus(tmp_path):
    """Prometheus 2.42 that scrapes every second."""
    started = []

    def start(sidecar):
        target = [{"targets": [f"127.0.0.1:{sidecar.web_port}"]}]
        server = Prometheus("2.42", tmp_path / "prometheus", [{"job_name": "driftgauge", "static_configs": target}])
        started.append(server.start())
        return server

    yield start
    for server in started:
        server.close()


def test_a_kill_during_replay_is_a_counter_reset_and_windows_that_refill_and_nothing_else(
    serve, settings, prometheus, tmp_path
):
    """Rows before the shift, so that whatever alarms, alarms falsely; so slow that windows can be seen to refill."""
    total, rate = 1_000, 100
    rows = data.cut(data.ANALYSIS, 0, total, tmp_path / "rows.csv")
    sidecar = serve(settings)
    server = prometheus(sidecar)
    server.wait_for('up{job="driftgauge"}', lambda up: up == 1)
    arguments = [rows, "--to", sidecar.push_address, "--model", MODEL, *ROLES, "--rate", rate, "--batch", 5]
    with Replay(*arguments) as replay:
        server.wait_for(f'driftgauge_predictions_total{{model="{MODEL}"}}', lambda rows: rows > 3 * rate)
        names = {labels["__name__"] for labels, _ in server.query('{job="driftgauge"}')}
        seen = sidecar.page()
        assert states(seen) == {"feature": {"ok"}, "prediction": {"ok"}, "score": {"ok"}, "label": {"no_data"}}
        sidecar.kill()
        killed = seen.accounts()["accepted"]
        sidecar.start()
        refilling = sidecar.wait(
            lambda page: page.all("driftgauge_feature_state", model=MODEL, state="too_few_rows"), "windows refill"
        )
        code, sums = replay.finish()
    page = sidecar.wait(lambda page: page.value("driftgauge_queue_rows") == 0, "the queue is empty")
    page = sidecar.wait_for_next_evaluation()

    assert states(page) == states(seen)

    # While they refill there is no ratio, and no window knows of rows before the kill.
    few = refilling.all("driftgauge_feature_state", model=MODEL, state="too_few_rows")
    for labels, _ in few:
        assert refilling.get("driftgauge_feature_drift_ratio", model=MODEL, feature=labels["feature"]) is None
    assert refilling.value("driftgauge_window_rows", model=MODEL, window="1h") < killed

    # Nobody's rows are unaccounted for: what the client calls accepted is in the first life or in the second.
    second = page.accounts()
    assert sums["sent"] == total
    assert (code == 0) == (sums["lost"] + sums["rejected"] == 0)
    assert sums["rejected"] == 0
    first = sums["accepted"] - (second["accepted"] - second["duplicate"])
    print(f"first life: {killed} seen, {first} accepted; second: {second}; lost {sums['lost']}")
    assert killed <= first + 5 and first <= killed + rate
    assert page.value("driftgauge_window_rows", model=MODEL, window="1h") == second["accepted"]

    # In Prometheus: one reset, no alarm, no series that was not there before.
    model = f'{{job="driftgauge",model="{MODEL}"}}'
    scraped = f"driftgauge_predictions_total{model}"
    server.wait_for(scraped, lambda rows: rows == second["accepted"])
    assert server.value(f"resets({scraped}[5m])") == 1
    assert server.value(f"max(max_over_time(driftgauge_feature_drift_ratio{model}[5m]))") < 1
    assert server.value(f"max(max_over_time(driftgauge_feature_null_ratio{model}[5m]))") == 0
    assert server.value(f"max(resets(driftgauge_feature_values_total{model}[5m]))") == 1
    assert {labels["__name__"] for labels, _ in server.query('{job="driftgauge"}')} == names
