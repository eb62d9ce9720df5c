"""Events of loggers against the running sidecar: what they tell is on the page, and none is lost without a number."""

import http.client
import json
import signal
import threading
import time

import pytest

from events import SOURCE, connected, half, mesh, post, recorded, send_as_it_is, taking_events
from exemplars import newest, open_metrics
from page import waiting_calls
from waiting import wait_for

KSERVE = [f"kserve_agent_{protocol}_{kind}" for protocol in ("v1", "v2", "grpc") for kind in ("request", "response")]
SELDON = ["seldon_executor_request", "seldon_executor_response"]

MIXED = ["age", "income", "country", "owner", "score"]
FLOWER = [f"predict-input[{n}]" for n in range(4)]

NUMBERS = {"inputs": [{"name": "x", "shape": [2], "datatype": "FP64", "data": [1.5, 2.5]}]}
ANSWER = {"outputs": [{"name": "y", "shape": [2], "datatype": "INT64", "data": [0, 1]}]}


def seen(page):
    return page.value("driftgauge_seen_calls_total", **SOURCE)


def at_rest(sidecar, calls, unpaired=0):
    """The first page with so many calls and events without their half, none of which still waits."""

    def holds(page):
        lost = page.sum("driftgauge_unpaired_events_total")
        return seen(page) == calls and lost == unpaired and waiting_calls(page, "events") == 0

    return sidecar.wait(holds, f"{calls} calls, {unpaired} halves")


def rows(sidecar, model, version, count):
    return sidecar.wait(
        lambda page: page.get("driftgauge_predictions_total", model=model, version=version) == count,
        f"{count} rows of {model} {version}",
    )


def features(page, model, version):
    """{feature: (role, values)}."""
    found = page.all("driftgauge_feature_values_total", model=model, version=version)
    return {labels["feature"]: (labels["role"], value) for labels, value in found}


@pytest.mark.parametrize("first", ["request", "response"])
def test_recorded_calls_of_all_loggers_are_seen_in_either_order(serve, first):
    settings, address = taking_events()
    sidecar = serve(settings)
    names = sorted(KSERVE + SELDON, key=lambda name: not name.endswith(first))
    assert {send_as_it_is(address, recorded(name)) for name in names} == {202}
    other = {"request": "response", "response": "request"}[first]
    # ModelMesh takes all but 200 for a failure.
    assert [send_as_it_is(address, mesh(kind)) for kind in (first, other)] == [200, 200]

    at_rest(sidecar, calls=5)
    page = rows(sidecar, "iris", "v1", 2)
    features_of = {name: ("feature", 2) for name in FLOWER}
    # KServe's gRPC call and that of ModelMesh.
    assert features(page, "iris", "v1") == {**features_of, "predict": ("prediction", 2)}
    mixed = {name: ("feature", 2) for name in MIXED}
    mixed |= {"predict": ("prediction", 2), "score[1]": ("score", 2)}
    for model in ("sklearn-iris", "classifier"):
        assert features(rows(sidecar, model, "v2", 2), model, "v2") == mixed
    page = rows(sidecar, "sklearn-iris", "default", 2)
    columns = {f"input[{n}]": ("feature", 2) for n in range(4)}
    assert features(page, "sklearn-iris", "default") == {**columns, "predictions": ("prediction", 2)}
    took = "driftgauge_request_duration_seconds_sum"
    assert page.value(took, model="sklearn-iris", version="default") == pytest.approx(0.0085)
    assert page.value(took, model="sklearn-iris", version="v2") == pytest.approx(0.0185)
    # Events that say only when they were sent have no latency.
    assert not page.all(took, model="classifier") and not page.all(took, model="iris")
    assert page.accounts()["accepted"] == 8
    assert page.sum("driftgauge_request_errors_total") == 0


@pytest.mark.parametrize("metadata", ["with", "without"])
def test_a_request_alone_is_looked_at_when_its_time_is_over(serve, metadata):
    settings, address = taking_events(http={"pairing": "1s"})
    sidecar = serve(settings)
    assert send_as_it_is(address, recorded(f"kserve_agent_v2_binary_request_{metadata}_metadata")) == 202
    assert seen(sidecar.page()) == 0, "it waits"
    at_rest(sidecar, calls=1, unpaired=1)
    page = rows(sidecar, "sklearn-iris", "default", 2)
    assert page.value("driftgauge_unpaired_events_total", half="request") == 1
    assert features(page, "sklearn-iris", "default") == {f"input[{n}]": ("feature", 2) for n in range(4)}


def test_a_response_alone_is_counted_and_no_call(serve):
    settings, address = taking_events(http={"pairing": "1s"})
    sidecar = serve(settings)
    assert send_as_it_is(address, recorded("kserve_agent_v1_response")) == 202
    page = at_rest(sidecar, calls=0, unpaired=1)
    assert page.value("driftgauge_unpaired_events_total", half="response") == 1
    assert not page.all("driftgauge_requests_total")


def test_halves_in_different_modes_are_one_call(serve):
    settings, address = taking_events()
    sidecar = serve(settings)
    for name in ("structured_mode_request", "kserve_agent_v1_response"):
        assert send_as_it_is(address, recorded(name)) == 202
    at_rest(sidecar, calls=1)
    page = rows(sidecar, "sklearn-iris", "default", 2)
    assert features(page, "sklearn-iris", "default")["predictions"] == ("prediction", 2)


def test_the_trace_of_a_call_is_the_exemplar_of_its_bucket(serve):
    settings, address = taking_events()
    sidecar = serve(settings)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metadata = json.dumps({"Traceparent": [f"00-{trace}-00f067aa0ba902b7-01"]})
    said = {"metadata": metadata, "recordedtime": "2026-11-22T03:00:00Z"}
    post(address, *half("request", 1, NUMBERS, time="2026-11-22T03:00:00Z", **said))
    post(address, *half("response", 1, ANSWER, time="2026-11-22T03:00:00.080Z", **said))
    rows(sidecar, "made-up", "default", 2)
    exemplars = wait_for(lambda: newest(open_metrics(sidecar)), "an exemplar")
    assert [(le, found.labels, found.value) for le, found in exemplars.items()] == [("0.1", {"trace_id": trace}, 0.08)]


def test_two_sidecars_take_the_same_calls(serve):
    model = {"sample_rate": 0.3, "id": "header:ce-id"}
    both = [taking_events(models={"made-up": model}) for _ in range(2)]
    sidecars = [serve(settings) for settings, _ in both]
    for call in range(100):
        # The number of rows tells calls apart.
        many = {"inputs": [{"name": "x", "shape": [call + 1], "datatype": "FP64", "data": [0.5] * (call + 1)}]}
        for _, address in both:
            post(address, *half("request", call, many))
            post(address, *half("response", call, {"outputs": []}))
    pages = [at_rest(sidecar, calls=100) for sidecar in sidecars]
    taken, others = [
        (page.value("driftgauge_decoded_calls_total", **SOURCE), page.value("driftgauge_accepted_rows_total", **SOURCE))
        for page in pages
    ]
    assert taken == others
    assert 10 <= taken[0] <= 50


# -------------------------------------------------------------------------------------- hostile


DEEP = 100_000
HOSTILE = {
    "nothing": b"",
    "no JSON": b"\xff\xfe\0\1",
    "half a document": b'{"inputs": [{"name": "x", "shape": [2], "datatype": "FP64", "data": [1.5',
    "deep": b'{"inputs": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep instances": b'{"instances": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "a shape beyond all memory": b'{"inputs": [{"name": "x", "shape": [9223372036854775807, 9], "datatype": "FP64", "data": []}]}',
    "a negative shape": b'{"inputs": [{"name": "x", "shape": [-1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}]}',
    "a number beyond all numbers": b'{"instances": [[1e999999999]]}',
    "many empty tensors": b'{"inputs": [' + b"{}," * 20_000 + b"{}]}",
    "many empty rows": b'{"instances": [' + b"[]," * 50_000 + b"[]]}",
    "many columns": b'{"instances": [[' + b"1," * 50_000 + b"1]]}",
    "one name twice": b'{"instances": [[1]], "instances": [[2]]}',
    "half a pair of surrogates": b'{"instances": [{"\\ud800": "\\udfff"}]}',
    "a frame that promises more": b"\0\xff\xff\xff\xff" + b"x" * 100,
    "a frame without sense": b"\0\0\0\0\x08" + b"\xff" * 8,
    "a compressed frame that is not": b"\1\0\0\0\x08" + b"\xff" * 8,
    "gzip that ends early": bytes.fromhex("1f8b0800000000000003") + b"\xab\x56",
    "NaN and infinity": b'{"instances": [[NaN, Infinity, -Infinity]]}',
}


def test_hostile_bodies_are_taken_and_counted(serve):
    settings, address = taking_events(http={"pairing": "1s"})
    sidecar = serve(settings)
    for call, body in enumerate(HOSTILE.values()):
        assert post(address, *half("request", f"both-{call}", body)) == 202
        assert post(address, *half("response", f"both-{call}", body)) == 202
        assert post(address, *half("request", f"alone-{call}", body)) == 202
    # A body of nothing asked for health or metadata; it is no call.
    page = at_rest(sidecar, calls=2 * (len(HOSTILE) - 1), unpaired=len(HOSTILE))
    assert page.sum("driftgauge_undecodable_calls_total", **SOURCE) >= len(HOSTILE)
    assert page.value("driftgauge_undecodable_calls_total", **SOURCE, reason="panic") == 0

    post(address, *half("request", "good", NUMBERS, model="well-behaved"))
    post(address, *half("response", "good", ANSWER, model="well-behaved"))
    rows(sidecar, "well-behaved", "default", 2)


@pytest.mark.parametrize("kind", ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json", "text/plain"])
def test_hostile_documents_are_taken_and_counted(serve, kind):
    settings, address = taking_events()
    sidecar = serve(settings)
    for body in HOSTILE.values():
        assert post(address, body, {"Content-Type": kind}) in (200, 202)
    page = at_rest(sidecar, calls=len(HOSTILE))
    assert page.sum("driftgauge_undecodable_calls_total", **SOURCE) == len(HOSTILE)
    assert page.value("driftgauge_undecodable_calls_total", **SOURCE, reason="panic") == 0


def test_a_body_larger_than_messages_may_be_is_refused_and_counted(serve):
    settings, address = taking_events(limits={"message_bytes": "100KiB"})
    sidecar = serve(settings)
    assert post(address, *half("request", 1, b"x" * 200_000)) == 413
    page = at_rest(sidecar, calls=1)
    assert page.value("driftgauge_shed_calls_total", **SOURCE, reason="too_large") == 1


def test_events_are_taken_while_there_is_no_room_for_them(serve):
    forward = {"call_bytes": "4KiB", "buffer_bytes": "64KiB"}
    settings, address = taking_events(http={"pairing": "2s", "pending": 10}, forward=forward)
    sidecar = serve(settings)
    answers = []

    def flood(name):
        host, port = address.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        for call in range(100):
            body = json.dumps({"instances": [[0.5] * 1_000]}).encode()
            data, headers = half("request", f"{name}-{call}", body)
            connection.request("POST", "/", data, headers)
            answer = connection.getresponse()
            answer.read()
            answers.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=flood, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [202] * 800

    def balanced(page):
        shed = page.sum("driftgauge_shed_calls_total", **SOURCE)
        unpaired = page.value("driftgauge_unpaired_events_total", half="request")
        return shed + unpaired == 800 and waiting_calls(page, "events") == 0

    page = sidecar.wait(balanced, "all 800 have a fate")
    assert seen(page) == 800
    assert page.value("driftgauge_observer_bytes") == 0


# ---------------------------------------------------------------------------------- shutting down


def test_halves_that_wait_do_not_hold_the_end_up(serve):
    settings, address = taking_events(http={"pairing": "1h"})
    sidecar = serve(settings)
    for call in range(500):
        post(address, *half("request", call, NUMBERS))
    begun = time.monotonic()
    sidecar.signal(signal.SIGTERM)
    assert sidecar.process.wait(15) == 0
    assert time.monotonic() - begun < 5
    assert "level=error" not in sidecar.log, sidecar.log


def test_a_post_that_never_ends_does_not_hold_the_end_up(serve):
    settings, address = taking_events()
    sidecar = serve(settings)
    with connected(address) as stream:
        stream.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nCe-Type: x\r\nContent-Length: 100\r\n\r\nhalf")
        assert post(address, *half("request", 1, NUMBERS)) == 202
        begun = time.monotonic()
        sidecar.signal(signal.SIGTERM)
        assert sidecar.process.wait(15) == 0
        assert time.monotonic() - begun < 6
