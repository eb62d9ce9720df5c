"""What passes through the sidecar is on its page: rows, values, outputs, latency, errors, drift."""

import json
import time
import urllib.error
import urllib.request

import pytest

from calls import NAN, asleep, forwarding, iris, loans, orders, repeated, tensor
from model_servers import Caller
from sidecar import fetch

FORWARD = {"source": "forward"}
BOTH = {"outputs": ["predict", "predict_proba"]}


@pytest.fixture
def watch(serve):
    """A sidecar before a server, a client of it, and where it listens."""
    callers = []

    def make(server, **settings):
        settings, address = forwarding(server, **settings)
        sidecar = serve(settings)
        callers.append(Caller(server.python, address, address))
        return sidecar, callers[-1], address

    yield make
    for caller in callers:
        caller.close()


def flowers(rows, values=None, **call):
    """`iris`, with a name for its input that is not one of its outputs."""
    call = iris(rows, values=values, **call)
    call["inputs"][0]["name"] = "flower"
    return {"do": "exchange", **call}


def post(url, said):
    request = urllib.request.Request(url, json.dumps(said).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()  # Who leaves before the end has cancelled the call.
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def features(page, model, role):
    return {labels["feature"] for labels, _ in page.all("driftgauge_feature_values_total", model=model, role=role)}


def wait_for_calls(sidecar, calls):
    """The page once this many calls are decoded and their rows counted."""

    def holds(page):
        return page.value("driftgauge_decoded_calls_total", **FORWARD) == calls and page.value("driftgauge_queue_rows") == 0

    sidecar.wait(holds, f"{calls} calls are decoded")
    return sidecar.wait_for_next_evaluation()


@pytest.mark.parametrize("way", [{}, {"typed": True}, {"compression": "gzip"}], ids=["raw", "typed", "gzip"])
def test_a_tensor_in_and_classes_with_probabilities_out(watch, mlserver, way):
    sidecar, call, _ = watch(mlserver)
    began = time.monotonic()
    for _ in range(30):
        assert call(**flowers(10, **BOTH, **way))["code"] == "OK"
    took = time.monotonic() - began
    page = sidecar.wait_for_rows("iris", 300, version="v1")
    model = {"model": "iris", "version": "v1"}
    assert features(page, "iris", "feature") == {f"flower[{i}]" for i in range(4)}
    assert features(page, "iris", "prediction") == {"predict"}
    assert features(page, "iris", "score") == {f"score[{i}]" for i in range(3)}
    assert {value for _, value in page.all("driftgauge_feature_values_total", **model)} == {300}
    assert page.value("driftgauge_predictions_total", **model) == 300
    assert page.value("driftgauge_requests_total", **model) == 30
    assert page.value("driftgauge_request_rows_sum", **model) == 300
    assert page.value("driftgauge_request_duration_seconds_count", **model) == 30
    assert 30 * 1e-4 < page.value("driftgauge_request_duration_seconds_sum", **model) < took
    assert page.sum("driftgauge_request_errors_total", **model) == 0
    assert page.value("driftgauge_accepted_rows_total", **FORWARD) == 300
    assert page.value("driftgauge_seen_calls_total", **FORWARD) == 30
    assert page.value("driftgauge_decoded_calls_total", **FORWARD) == 30
    assert page.value("driftgauge_requests_in_flight", **FORWARD) == 0


def test_a_data_frame_is_a_feature_for_each_column(watch, mlserver):
    sidecar, call, _ = watch(mlserver)
    for typed in (True, False):
        assert call(do="exchange", **loans(8, **BOTH, typed=typed))["code"] == "OK"
    page = sidecar.wait_for_rows("loans", 16, version="7")
    assert features(page, "loans", "feature") == {"age", "income", "country", "owner", "score"}
    assert features(page, "loans", "prediction") == {"predict"}
    assert page.value("driftgauge_feature_values_total", model="loans", feature="country") == 16


def test_many_types_of_triton(watch, triton):
    sidecar, call, _ = watch(triton)
    for _ in range(5):
        assert call(do="exchange", **orders(20))["code"] == "OK"
    page = sidecar.wait_for_rows("multi", 100, version="1")
    assert features(page, "multi", "feature") >= {"age", "amount", "country", "owner"}
    assert features(page, "multi", "prediction") == {"class"}
    assert features(page, "multi", "score") == {"score[1]"}
    assert page.sum("driftgauge_unusable_tensors_total", **FORWARD) == 0


def test_nan_of_a_raw_tensor_is_missing_as_nan(watch, triton):
    sidecar, call, _ = watch(triton)
    sent = orders(10)
    sent["inputs"][1]["data"][:3] = [NAN] * 3
    assert call(do="exchange", **sent)["code"] == "OK"
    page = sidecar.wait_for_rows("multi", 10, version="1")
    missing = {"model": "multi", "feature": "amount"}
    assert page.value("driftgauge_feature_missing_total", **missing, reason="nan") == 3
    assert page.value("driftgauge_feature_null_ratio", **missing) == pytest.approx(0.3)


def test_null_of_json_is_missing_as_null_even_where_the_model_fails_on_it(watch, mlserver):
    sidecar, _, address = watch(mlserver)
    rows = [[5.1, 3.5, 1.4, 0.2], [6.0, None, 4.5, 1.5]]
    said = {"inputs": [{"name": "flower", "datatype": "FP64", "shape": [2, 4], "data": rows}]}
    assert post(f"http://{address}/v2/models/iris/infer", said) >= 400
    page = wait_for_calls(sidecar, 1)
    assert page.value("driftgauge_feature_missing_total", model="iris", feature="flower[1]", reason="null") == 1
    assert page.value("driftgauge_requests_total", model="iris") == 1
    assert page.sum("driftgauge_request_errors_total", model="iris") == 1
    assert page.value("driftgauge_predictions_total", model="iris") == 0


def test_rest_calls_count_like_grpc_calls(watch, mlserver):
    sidecar, call, address = watch(mlserver)
    said = {
        "inputs": [{"name": "flower", "datatype": "FP32", "shape": [3, 4], "data": [5.1, 3.5, 1.4, 0.2] * 3}],
        "outputs": [{"name": "predict"}, {"name": "predict_proba"}],
    }
    assert post(f"http://{address}/v2/models/iris/infer", said) == 200
    assert post(f"http://{address}/v2/models/iris/versions/v1/infer", said) == 200
    assert call(**flowers(4, **BOTH))["code"] == "OK"
    page = sidecar.wait_for_rows("iris", 10, version="v1")
    assert {value for _, value in page.all("driftgauge_feature_values_total", model="iris")} == {10}


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_http_of_triton_is_read(watch, triton, binary):
    sidecar, call, _ = watch(triton)
    call(do="http_infer", binary=binary, **orders(8))
    page = sidecar.wait_for_rows("multi", 8, version="1")
    assert features(page, "multi", "feature") >= {"age", "amount", "country", "owner"}
    assert features(page, "multi", "prediction") == {"class"}


def test_errors_count_by_code_and_bring_no_predictions(watch, mlserver):
    sidecar, call, address = watch(mlserver)
    assert call(**flowers(3))["code"] == "OK"
    for _ in range(4):
        assert call(**flowers(3, width=2, values=range(6)))["code"] == "INTERNAL"
    assert call(**flowers(3, version="99"))["code"] == "NOT_FOUND"
    broken = {"inputs": [{"name": "flower", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}
    status = post(f"http://{address}/v2/models/iris/infer", broken)
    page = wait_for_calls(sidecar, 7)
    errors = {
        labels["code"]: value
        for labels, value in page.all("driftgauge_request_errors_total", model="iris", version="v1")
        if value
    }
    assert errors["INTERNAL"] == 4 and errors[str(status)] == 1
    assert page.sum("driftgauge_request_errors_total", model="iris") == 6
    assert page.sum("driftgauge_requests_total", model="iris") == 7
    assert page.sum("driftgauge_predictions_total", model="iris") == 3


def test_a_model_that_the_server_does_not_know_is_none(watch, mlserver):
    sidecar, call, _ = watch(mlserver)
    for number in range(5):
        assert call(**{**flowers(1), "model": f"none-{number}"})["code"] == "NOT_FOUND"
    assert call(**flowers(1))["code"] == "OK"
    page = wait_for_calls(sidecar, 6)
    assert {labels["model"] for labels, _ in page.all("driftgauge_requests_total")} == {"iris"}
    assert page.value("driftgauge_rejected_rows_total", **FORWARD, reason="unknown_model") == 5


def test_a_call_that_the_client_gave_up_is_an_error(watch, triton):
    sidecar, call, _ = watch(triton)
    assert call(do="exchange", **asleep(0))["code"] == "OK"
    assert call(do="exchange", **asleep(1, timeout=0.2))["code"] == "DEADLINE_EXCEEDED"
    page = wait_for_calls(sidecar, 2)
    codes = {
        labels["code"] for labels, value in page.all("driftgauge_request_errors_total", model="slow") if value
    }
    assert codes and codes <= {"CANCELLED", "DEADLINE_EXCEEDED"}
    assert page.value("driftgauge_requests_in_flight", **FORWARD) == 0


def test_values_in_shared_memory_are_counted_as_not_seen(watch, triton):
    sidecar, call, _ = watch(triton)
    seconds = tensor("seconds", "FP32", [1, 1], [0.0])
    call(do="shared_memory", model="slow", input=seconds, output="slept", key="/driftgauge_metrics")
    page = wait_for_calls(sidecar, 1)
    assert page.value("driftgauge_unusable_tensors_total", **FORWARD, reason="shared_memory") == 2
    assert page.value("driftgauge_requests_total", model="slow", version="1") == 1


def test_each_request_on_a_stream_is_a_call(watch, triton):
    sidecar, call, _ = watch(triton)
    requests = [repeated(1.0, 2.0, id="a"), repeated(3.0, 4.0, id="b")]
    assert len(call(do="stream", requests=requests, finals=2)["replies"]) == 8
    page = sidecar.wait_for_rows("repeat", 4, version="1")
    model = {"model": "repeat", "version": "1"}
    assert page.value("driftgauge_requests_total", **model) == 2
    assert page.value("driftgauge_feature_values_total", **model, feature="value") == 4
    assert page.value("driftgauge_request_duration_seconds_count", **model) == 2


def test_metadata_and_health_are_no_calls(watch, mlserver):
    sidecar, call, address = watch(mlserver)
    call(do="control", method="ServerLive", message="ServerLiveRequest", fields={})
    call(do="control", method="ModelMetadata", message="ModelMetadataRequest", fields={"name": "iris"})
    assert fetch(f"http://{address}/v2/health/ready").status == 200
    assert call(**flowers(1))["code"] == "OK"
    page = wait_for_calls(sidecar, 1)
    assert page.value("driftgauge_seen_calls_total", **FORWARD) == 1


def test_inputs_that_shift_are_drift_and_nothing_else_is(watch, mlserver, rng):
    sidecar, call, _ = watch(mlserver, learning={"rows": 1000}, windows=["30s"])

    def send(rows, shift):
        # Around the mean flower, so that all classes come.
        values = rng.normal([5.8, 3.1, 3.8 + shift, 1.2], [0.8, 0.4, 1.7, 0.7], (rows, 4))
        for part in values.reshape(-1, 100, 4):
            seen = call(**flowers(100, values=part.reshape(-1).tolist(), datatype="FP64", **BOTH))
            assert seen["code"] == "OK", seen

    def ratios(page):
        found = page.all("driftgauge_feature_drift_ratio", model="iris", reference="profile")
        return {labels["feature"]: value for labels, value in found}

    send(3000, 0)
    calm = ratios(wait_for_calls(sidecar, 30))
    assert calm and max(calm.values()) < 1, calm
    send(3000, 3)
    shifted = ratios(wait_for_calls(sidecar, 60))
    assert shifted["flower[2]"] > 1 and shifted["predict"] > 1, shifted
    assert max(shifted[f"flower[{i}]"] for i in (0, 1, 3)) < 1, shifted
