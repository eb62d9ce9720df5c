"""The same rows give the same numbers, whichever way they come."""

import json

import pytest

import data
from push import Client, piece
from sidecar import run_ok

START, ROWS = 24_000, 3_000
"""The shift is in the middle."""

SAME = (
    "driftgauge_predictions_total",
    "driftgauge_requests_total",
    "driftgauge_window_rows",
    "driftgauge_feature_values_total",
    "driftgauge_feature_missing_total",
    "driftgauge_feature_bin_total",
    "driftgauge_feature_window_rows",
    "driftgauge_feature_out_of_range_total",
    "driftgauge_feature_out_of_range_ratio",
    "driftgauge_feature_new_category_ratio",
    "driftgauge_feature_null_ratio",
    "driftgauge_feature_min",
    "driftgauge_feature_max",
    "driftgauge_feature_state",
    "driftgauge_feature_drift",
    "driftgauge_feature_drift_threshold",
    "driftgauge_feature_drift_ratio",
    "driftgauge_feature_drift_excess",
    "driftgauge_feature_distance",
    "driftgauge_outlier_ratio",
)
SUMMED = {"mean_shift", "wasserstein"}
"""Distances from sums of numbers that are not whole: the same but for the order of addition."""


@pytest.fixture(scope="module")
def ways(serve_module, car_loan_profile, tmp_path_factory):
    """One page for all ways, each of them a model of its own, and what compare says."""
    fields = data.car_loan_fields(data.ANALYSIS, START, START + ROWS)
    models = ["ones", "sevens", "thousands", "streamed"]
    sidecar = serve_module(
        {
            "tick": "100ms",
            "windows": ["1h"],
            "metrics": {"detail": "full"},
            "models": {model: {"profile": str(car_loan_profile)} for model in models},
        }
    )
    with Client(sidecar.push_address) as client:
        for model, size in zip(models, (1, 7, 1_000)):
            assert client.rows(model, fields, size) == ROWS
        requests = [client.request(piece("streamed", fields, start, 100)) for start in range(0, ROWS, 100)]
        answers = client.stream(requests)
        assert answers[-1].response.accepted_rows == ROWS
        assert answers[-1].last_sequence == requests[-1].sequence
    for model in models:
        page = sidecar.wait_for_rows(model, ROWS)
    rows = data.cut(data.ANALYSIS, START, START + ROWS, tmp_path_factory.mktemp("same") / "rows.csv")
    compared = json.loads(run_ok("compare", car_loan_profile, rows, "--format", "json").stdout)
    return page, models, compared


def series(page, name, model):
    """Samples of one model as printed, without its name."""
    return {
        frozenset((key, value) for key, value in labels.items() if key != "model"): value
        for labels, value in page.all(name, model=model)
    }


@pytest.mark.parametrize("name", SAME)
def test_batches_of_any_size_and_streams_give_identical_series(ways, name):
    page, models, _ = ways
    first = series(page, name, models[0])
    assert first, f"{name} is not on the page"
    for model in models[1:]:
        found = series(page, name, model)
        assert found.keys() == first.keys()
        for labels, value in found.items():
            if dict(labels).get("statistic") in SUMMED:
                assert value == pytest.approx(first[labels], rel=1e-9, abs=1e-12), (model, labels)
            else:
                assert value == first[labels], (model, labels)


def test_means_and_deviations_agree_but_for_the_order_of_addition(ways):
    page, models, _ = ways
    for name in ("driftgauge_feature_mean", "driftgauge_feature_stddev"):
        first = series(page, name, models[0])
        assert first
        for model in models[1:]:
            assert series(page, name, model) == pytest.approx(first, rel=1e-12)


def test_compare_gives_the_same_figures_to_the_last_digit(ways):
    page, models, compared = ways
    assert len(compared["features"]) == 9
    for feature in compared["features"]:
        labels = {"model": models[2], "feature": feature["feature"], "window": "1h"}
        assert page.value("driftgauge_feature_drift", **labels) == feature["drift"]
        assert page.value("driftgauge_feature_drift_threshold", **labels) == feature["drift_threshold"]
        assert page.value("driftgauge_feature_drift_ratio", **labels) == feature["drift_ratio"]
        assert page.value("driftgauge_feature_null_ratio", **labels) == feature["null_ratio"]
        assert page.value("driftgauge_feature_window_rows", **labels) == feature["rows"]
        distances = {
            sample["statistic"]: value for sample, value in page.all("driftgauge_feature_distance", **labels)
        }
        assert distances.keys() == feature["distance"].keys()
        for statistic, value in distances.items():
            expected = feature["distance"][statistic]
            assert value == (pytest.approx(expected, rel=1e-9, abs=1e-12) if statistic in SUMMED else expected)
