"""What can go wrong with data, each visible in its own series in the first evaluation after it came."""

import math

import numpy as np
import pytest

from data import by_name, orders, without
from push import Client, Field, batch, pb

MODEL = "orders"
ROWS = 2_000


@pytest.fixture
def watch(serve, orders_settings):
    """Starts a sidecar with the profile of the orders; returns it with a client."""
    clients = []

    def start(**more):
        sidecar = serve(orders_settings(**more))
        clients.append(Client(sidecar.push_address))
        return sidecar, clients[-1]

    yield start
    for client in clients:
        client.channel.close()


def at(feature, window="1h"):
    return {"model": MODEL, "feature": feature, "window": window}


def state(page, feature, window="1h"):
    return page.label("driftgauge_feature_state", "state", **at(feature, window))


def ratio(page, feature, window="1h"):
    return page.get("driftgauge_feature_drift_ratio", **at(feature, window))


def missing(page, feature):
    found = page.all("driftgauge_feature_missing_total", model=MODEL, feature=feature)
    return {labels["reason"]: count for labels, count in found if count}


def test_unchanged_data_is_ok_everywhere(watch, rng):
    sidecar, client = watch()
    client.rows(MODEL, orders(rng, ROWS), 500)
    page = sidecar.wait_for_rows(MODEL, ROWS)
    for feature in ("amount", "items", "is_new", "country", "score"):
        assert state(page, feature) == "ok"
        assert ratio(page, feature) < 1
        assert missing(page, feature) == {}
        assert page.value("driftgauge_feature_null_ratio", **at(feature)) == 0


def test_a_feature_that_goes_half_null(watch, rng):
    sidecar, client = watch()
    fields = orders(rng, ROWS)
    by_name(fields)["amount"].present = np.arange(ROWS) % 2 == 0
    client.rows(MODEL, fields, 500)
    page = sidecar.wait_for_rows(MODEL, ROWS)
    assert page.value("driftgauge_feature_null_ratio", **at("amount")) == 0.5
    assert page.value("driftgauge_reference_null_ratio", model=MODEL, feature="amount") == 0
    assert missing(page, "amount") == {"null": ROWS / 2}
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="amount") == ROWS / 2
    # The values that are there are as before: missing is not drift.
    assert (state(page, "amount"), ratio(page, "amount") < 1) == ("ok", True)
    assert missing(page, "items") == {}


def test_a_constant_feature(watch, rng):
    sidecar, client = watch()
    fields = orders(rng, ROWS)
    by_name(fields)["amount"].values = np.full(ROWS, 100.25)
    client.rows(MODEL, fields, 500)
    page = sidecar.wait_for_rows(MODEL, ROWS)
    assert state(page, "amount") == "constant"
    assert ratio(page, "amount") > 1
    assert page.value("driftgauge_feature_stddev", **at("amount")) == 0
    assert page.value("driftgauge_feature_mean", **at("amount")) == 100.25
    assert state(page, "items") == "ok"


def test_a_feature_that_disappears(watch, rng):
    sidecar, client = watch()
    client.rows(MODEL, without(orders(rng, ROWS), "amount"), 500)
    page = sidecar.wait_for_rows(MODEL, ROWS)
    assert state(page, "amount") == "absent"
    assert missing(page, "amount") == {"absent": ROWS}
    assert page.value("driftgauge_feature_null_ratio", **at("amount")) == 1
    assert ratio(page, "amount") is None
    assert page.get("driftgauge_feature_drift", **at("amount")) is None
    assert page.get("driftgauge_feature_mean", **at("amount")) is None
    assert state(page, "items") == "ok"


def test_a_new_feature(watch, rng):
    sidecar, client = watch()
    fields = [*orders(rng, ROWS), Field("weight_kg", rng.random(ROWS))]
    client.rows(MODEL, fields, 500)
    page = sidecar.wait_for_rows(MODEL, ROWS)
    assert state(page, "weight_kg") == "unknown"
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="weight_kg") == ROWS
    assert page.value("driftgauge_feature_null_ratio", **at("weight_kg")) == 0
    assert page.get("driftgauge_feature_drift", **at("weight_kg")) is None
    assert state(page, "amount") == "ok"


def test_a_model_that_stops(watch, rng):
    sidecar, client = watch(windows=["2s", "1h"])
    before = sidecar.page().get("driftgauge_last_row_timestamp_seconds", model=MODEL)
    assert before is None
    client.observe(batch(MODEL, orders(rng, ROWS)))
    running = sidecar.wait(
        lambda page: page.get("driftgauge_window_rows", model=MODEL, window="2s") == ROWS, "rows in 2s"
    )
    assert state(running, "amount", "2s") == "ok"
    last_row = running.value("driftgauge_last_row_timestamp_seconds", model=MODEL)

    page = sidecar.wait(lambda page: state(page, "amount", "2s") == "no_data", "2s is empty", seconds=10)
    for feature in ("amount", "items", "is_new", "country", "score"):
        assert state(page, feature, "2s") == "no_data"
        assert ratio(page, feature, "2s") is None
        assert page.get("driftgauge_feature_null_ratio", **at(feature, "2s")) is None
        assert page.get("driftgauge_feature_mean", **at(feature, "2s")) is None
        assert page.value("driftgauge_feature_window_rows", **at(feature, "2s")) == 0
        assert state(page, feature, "1h") == "ok"
    assert page.value("driftgauge_window_rows", model=MODEL, window="2s") == 0
    assert page.value("driftgauge_throughput_rows_per_second", model=MODEL, window="2s") == 0
    assert page.value("driftgauge_last_row_timestamp_seconds", model=MODEL) == last_row
    assert page.value("driftgauge_last_evaluation_timestamp_seconds") - last_row > 1.5
    assert page.value("driftgauge_predictions_total", model=MODEL) == ROWS


def test_reasons_why_a_value_is_missing_are_apart(watch, rng):
    sidecar, client = watch()
    count = 700
    fields = orders(rng, count)
    amount = by_name(fields)["amount"]
    amount.values[:10] = np.nan
    amount.values[10:30] = np.inf
    amount.values[30:60] = -np.inf
    amount.present = np.arange(count) >= 100
    amount.present[:60] = True  # 60 … 99 are null
    client.observe(batch(MODEL, fields))
    client.observe(batch(MODEL, without(orders(rng, 50), "amount")))
    wrong = orders(rng, 60)
    by_name(wrong)["amount"].values = [str(value) for value in by_name(wrong)["amount"].values]
    by_name(wrong)["amount"].layout = "strings"
    answer = client.observe(batch(MODEL, wrong))
    assert answer.accepted_rows == 60

    page = sidecar.wait_for_rows(MODEL, count + 110)
    # A text is never parsed, even if it looks like a number.
    assert missing(page, "amount") == {"nan": 10, "inf": 50, "null": 40, "absent": 50, "invalid": 60}
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="amount") == 600
    assert page.value("driftgauge_feature_null_ratio", **at("amount")) == 210 / 810
    assert missing(page, "items") == {}
    # Neither NaN nor infinity has reached a moment.
    assert 95 < page.value("driftgauge_feature_mean", **at("amount")) < 105
    assert page.sum("driftgauge_feature_bin_total", model=MODEL, feature="amount") == 600


@pytest.mark.parametrize("outlier", [1e6, 1e200])
@pytest.mark.parametrize("shift", [0, 1])
def test_one_outlier_neither_hides_a_shift_nor_raises_an_alarm(watch, rng, outlier, shift):
    sidecar, client = watch(metrics={"detail": "full"})
    fields = orders(rng, 5_000, shift=shift)
    by_name(fields)["amount"].values[1234] = outlier
    client.rows(MODEL, fields, 1_000)
    page = sidecar.wait_for_rows(MODEL, 5_000)
    assert (ratio(page, "amount") > 1) == (shift == 1), ratio(page, "amount")
    above = page.value("driftgauge_feature_out_of_range_total", model=MODEL, feature="amount", side="above")
    values = by_name(fields)["amount"].values
    assert above >= 1
    assert page.value("driftgauge_feature_max", **at("amount")) >= values[values < 1e6].max()
    far = page.value("driftgauge_feature_far_values_total", model=MODEL, feature="amount")
    assert far == (1 if outlier == 1e200 else 0)
    expected = values[values != outlier] if far else values
    assert page.value("driftgauge_feature_mean", **at("amount")) == pytest.approx(expected.mean(), rel=1e-9)


@pytest.mark.parametrize("outlier", [1e6, 1e200, math.inf, math.nan])
def test_no_outlier_spoils_a_later_mean(watch, rng, outlier):
    sidecar, client = watch(windows=["2s", "1h"])
    fields = orders(rng, 500)
    by_name(fields)["amount"].values[7] = outlier
    client.observe(batch(MODEL, fields))
    sidecar.wait_for_rows(MODEL, 500)
    sidecar.wait(lambda page: state(page, "amount", "2s") == "no_data", "the outlier has left the window")
    later = orders(rng, 500)
    client.observe(batch(MODEL, later))
    page = sidecar.wait(
        lambda page: page.get("driftgauge_window_rows", model=MODEL, window="2s") == 500, "the later rows"
    )
    values = by_name(later)["amount"].values
    assert page.value("driftgauge_feature_mean", **at("amount", "2s")) == pytest.approx(values.mean(), rel=1e-12)
    assert page.value("driftgauge_feature_stddev", **at("amount", "2s")) == pytest.approx(values.std(), rel=1e-9)


@pytest.mark.parametrize("count", [100, 200])
def test_one_unseen_category_raises_no_alarm_but_shows(watch, count):
    """100 is n_min of a field with so few cells."""
    sidecar, client = watch()
    share = {"DE": 0.5, "FR": 0.3, "IT": 0.15, "ES": 0.05}
    texts = [country for country in share for _ in range(round(count * share[country]))]
    texts[0] = "ATLANTIS"
    client.observe(batch(MODEL, [Field("country", texts)]))
    page = sidecar.wait_for_rows(MODEL, count)
    assert state(page, "country") == "ok"
    assert 0 < ratio(page, "country") < 1
    assert page.value("driftgauge_feature_new_category_ratio", **at("country")) == 1 / count
    assert page.value("driftgauge_feature_bin_total", model=MODEL, feature="country", bin="new") == 1
    assert "ATLANTIS" not in page.text


def test_many_unseen_categories_do_raise_an_alarm(watch):
    sidecar, client = watch()
    client.observe(batch(MODEL, [Field("country", ["XX"] * 100 + ["DE"] * 100)]))
    page = sidecar.wait_for_rows(MODEL, 200)
    assert ratio(page, "country") > 1
    assert page.value("driftgauge_feature_new_category_ratio", **at("country")) == 0.5


def test_below_the_minimum_of_rows_there_is_no_ratio(watch):
    sidecar, client = watch()
    client.observe(batch(MODEL, [Field("country", ["XX"] * 99)]))
    page = sidecar.wait_for_rows(MODEL, 99)
    assert (state(page, "country"), ratio(page, "country")) == ("too_few_rows", None)
    client.observe(batch(MODEL, [Field("country", ["XX"])]))
    page = sidecar.wait_for_rows(MODEL, 100)
    assert state(page, "country") in ("ok", "constant")
    assert ratio(page, "country") > 1


def test_values_out_of_range_are_counted_on_their_side(watch, rng):
    sidecar, client = watch()
    fields = orders(rng, 1_000)
    by_name(fields)["items"].values[:30] = -5
    by_name(fields)["items"].values[30:50] = 99
    client.observe(batch(MODEL, fields))
    page = sidecar.wait_for_rows(MODEL, 1_000)
    sides = {"model": MODEL, "feature": "items"}
    assert page.value("driftgauge_feature_out_of_range_total", side="below", **sides) == 30
    assert page.value("driftgauge_feature_out_of_range_total", side="above", **sides) == 20
    assert page.value("driftgauge_feature_out_of_range_ratio", **at("items")) == 0.05


def test_failed_calls_are_counted_by_code_and_their_outputs_are_not_tallied(watch, rng):
    sidecar, client = watch()
    outcomes = {
        pb.OUTCOME_OK: 60,
        pb.OUTCOME_CLIENT_ERROR: 10,
        pb.OUTCOME_SERVER_ERROR: 9,
        pb.OUTCOME_TIMEOUT: 8,
        pb.OUTCOME_REJECTED: 7,
        pb.OUTCOME_UNSPECIFIED: 6,
    }
    each = [outcome for outcome, count in outcomes.items() for _ in range(count)]
    client.observe(batch(MODEL, orders(rng, 100), outcomes=each, latency_micros=[2_000] * 90 + [70_000] * 10))
    page = sidecar.wait_for_rows(MODEL, 100)
    codes = {labels["code"]: count for labels, count in page.all("driftgauge_request_errors_total", model=MODEL)}
    assert {code: count for code, count in codes.items() if count} == {
        "INVALID_ARGUMENT": 10,
        "INTERNAL": 9,
        "DEADLINE_EXCEEDED": 8,
        "RESOURCE_EXHAUSTED": 7,
    }
    assert {"NOT_FOUND", "FAILED_PRECONDITION", "UNAVAILABLE", "UNKNOWN", "CANCELLED"} < codes.keys()
    assert page.value("driftgauge_requests_total", model=MODEL) == 100
    assert page.value("driftgauge_predictions_total", model=MODEL) == 66
    assert page.value("driftgauge_error_ratio", model=MODEL, window="1h") == 0.34
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="amount") == 100
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="score") == 66
    assert missing(page, "score") == {}
    assert page.value("driftgauge_request_duration_seconds_count", model=MODEL) == 100
    latency = {labels["q"]: value for labels, value in page.all("driftgauge_latency_seconds", model=MODEL)}
    assert latency["0.5"] == pytest.approx(0.002, rel=0.1)
    assert latency["0.99"] == pytest.approx(0.07, rel=0.1)


def test_a_call_of_many_rows_is_one_request(watch, rng):
    sidecar, client = watch()
    client.observe(batch(MODEL, orders(rng, 100), call_rows=[70, 20, 10], latency_micros=[1, 2, 3]))
    page = sidecar.wait_for_rows(MODEL, 100)
    assert page.value("driftgauge_requests_total", model=MODEL) == 3
    assert page.value("driftgauge_predictions_total", model=MODEL) == 100
    assert page.value("driftgauge_request_rows_sum", model=MODEL) == 100
    assert page.value("driftgauge_request_rows_count", model=MODEL) == 3


def test_sampled_rows_scale_traffic_but_not_windows(watch, rng):
    sidecar, client = watch()
    client.observe(batch(MODEL, orders(rng, 300), weight=4))
    page = sidecar.wait_for_rows(MODEL, 300)
    assert page.value("driftgauge_predictions_total", model=MODEL) == 1_200
    assert page.value("driftgauge_requests_total", model=MODEL) == 1_200
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="amount") == 300
    assert page.value("driftgauge_feature_window_rows", **at("amount")) == 300


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "int64", "uint8", "uint64"])
@pytest.mark.parametrize("layout", ["block", "fixed"])
def test_every_number_type_means_the_same(watch, dtype, layout):
    sidecar, client = watch()
    values = np.arange(160).astype(dtype)
    client.observe(batch(MODEL, [Field("items", values % 20, layout=layout)]))
    page = sidecar.wait_for_rows(MODEL, 160)
    assert page.value("driftgauge_feature_mean", **at("items")) == 9.5
    assert page.sum("driftgauge_feature_out_of_range_total", model=MODEL, feature="items") == 0
    assert missing(page, "items") == {}
