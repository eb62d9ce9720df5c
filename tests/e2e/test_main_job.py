"""The main job: profile, serve, push, scrape with real Prometheus, and the numbers are right."""

import json

import numpy as np
import pytest

import arithmetic
import data
from prometheus import VERSIONS, Prometheus, server
from push import Client
from sidecar import run_ok

MODEL = "car-loan"
START, ROWS = 25_000, 10_000
"""The first rows after the shift."""
BLANKS = {"debt_to_income_ratio": 10, "size_of_downpayment": 4}
"""Every so manieth value of these columns is taken out."""

METADATA = {
    "driftgauge_predictions_total": "counter",
    "driftgauge_feature_values_total": "counter",
    "driftgauge_feature_drift_ratio": "gauge",
    "driftgauge_feature_state": "gauge",
    "driftgauge_build_info": ("gauge", "info"),
    "driftgauge_request_duration_seconds": "histogram",
    "process_cpu_seconds_total": "counter",
}


class Job:
    """What the tests of this module look at."""


@pytest.fixture(scope="module")
def job(serve_module, car_loan_profile, tmp_path_factory):
    directory = tmp_path_factory.mktemp("main-job")
    job = Job()
    job.profile = json.loads(car_loan_profile.read_text())
    job.fields = data.car_loan_fields(data.ANALYSIS, START, START + ROWS)
    for field in job.fields:
        if field.name in BLANKS:
            field.present = np.arange(ROWS) % BLANKS[field.name] != 0

    rows = data.cut(data.ANALYSIS, START, START + ROWS, directory / "rows.csv", blanks=BLANKS)
    job.compared = json.loads(run_ok("compare", car_loan_profile, rows, "--format", "json").stdout)

    settings = {
        "tick": "100ms",
        "windows": ["1h", "1d"],
        "metrics": {"detail": "full"},
        "models": {MODEL: {"profile": str(car_loan_profile)}},
    }
    job.sidecar = serve_module(settings)
    target = {"static_configs": [{"targets": [f"127.0.0.1:{job.sidecar.web_port}"]}]}
    every_way = [
        {"job_name": "text", "scrape_protocols": ["PrometheusText0.0.4"], **target},
        {"job_name": "openmetrics", "scrape_protocols": ["OpenMetricsText1.0.0"], **target},
        {"job_name": "protobuf", "scrape_protocols": ["PrometheusProto"], **target},
    ]
    # 2.42 takes protobuf from all of its targets, or from none.
    servers = [
        Prometheus("2.42", directory / "2.42", [{"job_name": "openmetrics", **target}]),
        Prometheus(
            "2.42",
            directory / "2.42-protobuf",
            [{"job_name": "protobuf", **target}],
            flags=["--enable-feature=native-histograms"],
        ),
    ]
    if server("3.5"):
        servers.append(Prometheus("3.5", directory / "3.5", every_way))
    job.servers = {version: [] for version in VERSIONS}
    try:
        for one, version in zip(servers, ("2.42", "2.42", "3.5")):
            job.servers[version].append(one.start())
        with Client(job.sidecar.push_address) as client:
            pieces = client.rows(MODEL, job.fields, 500, latency_micros=[1500] * 500)
            assert pieces == ROWS
        job.page = job.sidecar.wait_for_rows(MODEL, ROWS)
        yield job
    finally:
        for one in servers:
            one.close()


@pytest.fixture
def scraped(job, prometheus_version):
    """Every (server, job) of one version of Prometheus, once it has the rows."""
    found = []
    for one in job.servers[prometheus_version]:
        for name in one.jobs:
            one.wait_for(
                f'driftgauge_window_rows{{job="{name}",model="{MODEL}",window="1h"}}', lambda rows: rows == ROWS
            )
            found.append((one, name))
    assert found
    return found


def test_every_feature_is_compared(job):
    names = [feature["name"] for feature in job.profile["features"]]
    assert set(names) == data.DRIFTED | data.STEADY
    assert sorted(feature["feature"] for feature in job.compared["features"]) == sorted(names)
    assert job.compared["rows"] == ROWS


def test_what_drifted_has_a_ratio_above_one_and_the_rest_below(job):
    ratios = {feature["feature"]: feature["drift_ratio"] for feature in job.compared["features"]}
    assert {name for name, ratio in ratios.items() if ratio > 1} == data.DRIFTED, ratios


def test_compare_lists_the_worst_first(job):
    ratios = [feature["drift_ratio"] for feature in job.compared["features"]]
    assert ratios == sorted(ratios, reverse=True)


def test_figures_in_prometheus_are_those_of_compare(job, scraped):
    """To the last digit, but for the order of addition: both fold the same rows into the same sums."""
    for one, name in scraped:
        for feature in job.compared["features"]:
            labels = f'job="{name}",model="{MODEL}",feature="{feature["feature"]}"'
            windowed = f'{labels},window="1d"'
            reference = f'{windowed},reference="profile"'
            expected = {
                f"driftgauge_feature_drift{{{reference}}}": feature["drift"],
                f"driftgauge_feature_drift_threshold{{{reference}}}": feature["drift_threshold"],
                f"driftgauge_feature_drift_ratio{{{reference}}}": feature["drift_ratio"],
                f"driftgauge_feature_null_ratio{{{windowed}}}": feature["null_ratio"],
                f"driftgauge_feature_window_rows{{{windowed}}}": feature["rows"],
                f"driftgauge_feature_values_total{{{labels}}}": feature["rows"],
            }
            for statistic, distance in feature["distance"].items():
                if statistic in ("mean_shift", "wasserstein"):
                    distance = pytest.approx(distance, rel=1e-9, abs=1e-12)
                expected[f'driftgauge_feature_distance{{{reference},statistic="{statistic}"}}'] = distance
            assert {expression: one.value(expression) for expression in expected} == expected


def test_figures_are_those_of_numpy_and_scipy_on_the_same_cells(job):
    profile = {feature["name"]: feature for feature in job.profile["features"]}
    compared = {feature["feature"]: feature for feature in job.compared["features"]}
    for field in job.fields:
        values = [value for value, present in zip(field.values, presence(field)) if present]
        r, c = np.array(profile[field.name]["cells"]["rows"]), arithmetic.counts(profile[field.name], texts(values))
        found = compared[field.name]
        close = {"rel": 1e-9, "abs": 1e-12}
        assert found["rows"] == len(values) == c.sum()
        assert found["null_ratio"] == pytest.approx(1 - len(values) / ROWS, **close)
        assert found["drift"] == pytest.approx(arithmetic.psi(r, c), **close)
        assert found["drift_threshold"] == pytest.approx(arithmetic.threshold(r, c), **close)
        assert found["drift_ratio"] == pytest.approx(arithmetic.psi(r, c) / arithmetic.threshold(r, c), **close)
        assert found["distance"]["js"] == pytest.approx(arithmetic.js(r, c), **close)
        assert ("ks" in found["distance"]) == ("edges" in profile[field.name]["cells"])
        if "ks" in found["distance"]:
            assert found["distance"]["ks"] == pytest.approx(arithmetic.ks(r, c), **close)


def presence(field):
    return [True] * ROWS if field.present is None else field.present


def texts(values):
    return [float(value) if isinstance(value, (bool, np.bool_)) else value for value in values]


def test_reference_cells_are_the_reference_rows_counted_once_more(job):
    columns = {field.name: field for field in data.car_loan_fields(data.REFERENCE)}
    for feature in job.profile["features"]:
        found = arithmetic.counts(feature, texts(columns[feature["name"]].values))
        assert found.tolist() == feature["cells"]["rows"], feature["name"]
        assert sum(feature["cells"]["rows"]) == 50_000


def test_counters_of_cells_are_the_rows_counted_once_more(job):
    for field in job.fields:
        feature = next(f for f in job.profile["features"] if f["name"] == field.name)
        values = [value for value, present in zip(field.values, presence(field)) if present]
        found = job.page.all("driftgauge_feature_bin_total", model=MODEL, feature=field.name)
        assert [count for _, count in sorted_cells(feature, found)] == arithmetic.counts(feature, texts(values)).tolist()
        assert {labels["profile"] for labels, _ in found} == {job.profile["hash"][:8]}


def sorted_cells(feature, found):
    """In the order of the profile: by number, then other, then new."""
    order = {"other": 1, "new": 2}
    return sorted(found, key=lambda sample: (order.get(sample[0]["bin"], 0), sample[0]["bin"]))


def test_fleet_drift_from_the_counters_in_promql_is_the_drift(job, scraped):
    """The recipe of the metric contract: sums over pods of cells, against the reference rows."""
    one, name = scraped[0]
    labels = f'job="{name}",model="{MODEL}",feature="car_value"'
    c = f"sum by (bin) (driftgauge_feature_bin_total{{{labels}}})"
    r = f"sum by (bin) (driftgauge_reference_bin_rows{{{labels}}})"
    n, m, b = f"scalar(sum({c}))", f"scalar(sum({r}))", f"scalar(count({r}))"
    p, q = f"(({c} + 0.5) / ({n} + 0.5 * {b}))", f"(({r} + 0.5) / ({m} + 0.5 * {b}))"
    used = f"(({c} > 0) or ({r} > 0))"
    expected = job.page.value("driftgauge_feature_drift", model=MODEL, feature="car_value", window="1d")
    assert one.value(f"sum((({p} - {q}) * ln({p} / {q})) and {used})") == pytest.approx(expected, rel=1e-9)


def test_traffic_is_counted(job, scraped):
    for one, name in scraped:
        labels = f'job="{name}",model="{MODEL}"'
        assert one.value(f"driftgauge_predictions_total{{{labels}}}") == ROWS
        assert one.value(f"driftgauge_requests_total{{{labels}}}") == ROWS
        assert one.value(f"sum(driftgauge_request_errors_total{{{labels}}})") == 0
        assert one.value(f'driftgauge_throughput_rows_per_second{{{labels},window="1h"}}') > 0
        quantile = one.value(f'driftgauge_latency_seconds{{{labels},window="1h",q="0.5"}}')
        assert quantile == pytest.approx(0.0015, rel=0.1)


def test_latency_is_a_histogram_that_prometheus_can_take_quantiles_of(job, prometheus_version, scraped):
    for one, name in scraped:
        if prometheus_version == "2.42" and name == "protobuf":
            continue
        bucket = f'driftgauge_request_duration_seconds_bucket{{job="{name}",model="{MODEL}"}}'
        below = one.value(f"histogram_quantile(0.5, {bucket})")
        assert 0.0005 <= below <= 0.0025
        assert one.value(f'driftgauge_request_duration_seconds_count{{job="{name}",model="{MODEL}"}}') == ROWS
        total = one.value(f'driftgauge_request_duration_seconds_sum{{job="{name}",model="{MODEL}"}}')
        assert total == pytest.approx(ROWS * 0.0015)


def test_types_and_help_in_prometheus_are_right_from_every_format(job, scraped):
    helps = {}
    for one, name in scraped:
        found = {
            entry["metric"]: entry
            for entry in one.api("targets/metadata", match_target=f'{{job="{name}"}}', limit=10_000)
        }
        for metric, kinds in METADATA.items():
            # OpenMetrics names the family, not the series.
            entry = found.get(metric) or found.get(metric.removesuffix("_total").removesuffix("_info"))
            assert entry, f"{metric} has no metadata from {name}; there are {sorted(found)}"
            assert entry["type"] in ((kinds,) if isinstance(kinds, str) else kinds), (metric, name, entry)
            assert entry["help"]
            assert helps.setdefault(metric, entry["help"]) == entry["help"]
        merged = one.api("metadata", limit=10_000)
        assert any(key.startswith("driftgauge_predictions") for key in merged)


def test_no_scrape_failed(job, scraped):
    for one, _ in scraped:
        assert [(target["health"], target["lastError"]) for target in one.targets()] == [
            ("up", "") for _ in one.targets()
        ]
        assert one.value("min(min_over_time(up[1m]))") == 1
