"""Labels that come after their predictions."""

import numpy as np
import pytest
from read import idle_monitor, table, waiting

from driftgauge import Monitor, _request
from driftgauge._batches import Observation


def test_labels_have_ids_and_no_calls(pb):
    monitor = idle_monitor()
    assert monitor.record_labels("order-1", True)
    assert monitor.record_labels(["order-2", "order-3"], [False, None])
    assert monitor.record_labels(np.array([4]), {"label": np.array([True])})
    assert monitor.observe({"amount": 1.0}, latency=0.1)
    labels, call = waiting(monitor)
    assert table(labels) == {"label": (pb.ROLE_LABEL, pb.VALUE_TYPE_BOOL, [True, False, None, True])}
    assert list(labels.prediction_ids) == ["order-1", "order-2", "order-3", "4"]
    assert labels.labels and not labels.call_rows and not labels.latency_micros and not labels.outcomes
    assert len(labels.time_offset_micros) in (0, 4)
    assert not call.labels and list(call.latency_micros) == [100_000]


def test_labels_have_names_and_what_does_not_fit_goes_apart(pb):
    monitor = idle_monitor()
    assert monitor.record_labels(["1", "2"], {"arrival": [3.5, 4.0], "cancelled": [False, True]})
    assert monitor.record_labels("3", {"arrival": "unknown"})
    both, one = waiting(monitor)
    assert {name: values for name, (_, _, values) in table(both).items()} == {
        "arrival": [3.5, 4.0],
        "cancelled": [False, True],
    }
    assert table(one) == {"arrival": (pb.ROLE_LABEL, pb.VALUE_TYPE_STRING, ["unknown"])}


@pytest.mark.parametrize(
    ("ids", "labels", "rows"),
    [(["1", "2"], [True], 2), (["1", "2"], "no", 2), (["1", "2"], True, 2), (["1"], {"a": [1], "b": []}, 1)],
)
def test_labels_that_do_not_fit_their_ids_are_counted_and_raise_nothing(ids, labels, rows):
    monitor = idle_monitor()
    assert not monitor.record_labels(ids, labels)
    stats = monitor.stats()
    assert stats.dropped_by["invalid"] == stats.observed == rows and "labels cannot be read" in stats.last_error


def test_a_sample_has_the_labels_of_its_predictions():
    ids = [f"order-{n}" for n in range(400)]
    monitor = idle_monitor()
    for id in ids:
        monitor.observe({"amount": 1.0}, id=id)
    monitor.record_labels(ids, list(range(400)))
    kept = [_request.sample(Observation._make(entry), 0.25) for entry in monitor._sender.queue]
    *calls, labels = [one for one in kept if one]
    assert 60 < len(calls) < 140
    assert labels.id == [one.id for one in calls]
    assert labels.inputs["label"] == [ids.index(id) for id in labels.id]


def test_the_sidecar_watches_labels_and_counts_no_call(serve):
    sidecar = serve()
    with Monitor("fraud", "3", target=sidecar.push_address) as monitor:
        for n in range(100):
            monitor.observe({"amount": float(n)}, prediction=n > 50, id=f"order-{n}")
        assert monitor.flush(5)
        assert monitor.record_labels([f"order-{n}" for n in range(60)], [n > 40 for n in range(60)])
        assert monitor.flush(5)
        assert monitor.stats().accepted == 160 and not monitor.stats().last_error
        # Whoever knows the truth need not know which version was asked.
        with Monitor("fraud", target=sidecar.push_address) as another:
            assert another.record_labels(["order-70", "order-71"], [True, None]) and another.flush(5)
    fraud = {"model": "fraud", "version": "3"}
    page = sidecar.wait(lambda page: page.value("driftgauge_labels_total", **fraud) == 62, "62 labels")
    assert page.value("driftgauge_predictions_total", **fraud) == 100
    assert page.value("driftgauge_requests_total", **fraud) == 100
    assert page.value("driftgauge_window_rows", window="1h", **fraud) == 100
    label = {**fraud, "feature": "label", "role": "label"}
    assert page.value("driftgauge_feature_values_total", **label) == 61
    assert page.value("driftgauge_feature_missing_total", reason="null", **label) == 1
    amount = {**fraud, "feature": "amount", "role": "feature"}
    assert page.value("driftgauge_feature_values_total", **amount) == 100
    assert page.value("driftgauge_feature_missing_total", reason="absent", **amount) == 0
    assert not page.all("driftgauge_predictions_total", model="fraud", version="default")
