"""A client of Triton sees the same through the sidecar as without it, streams and shared memory too."""

import pytest

from calls import NAN, asleep, orders, pair, repeated, tensor


@pytest.fixture(scope="module")
def ways(triton, serve_module):
    yield from pair(triton, serve_module)


CALLS = {
    "many types": (orders(), "OK"),
    "64 rows": (orders(64), "OK"),
    "an id and a version": (orders(id="call-1", version="1"), "OK"),
    "gzip": (orders(64, compression="gzip"), "OK"),
    "one output": (orders(outputs=["probabilities"]), "OK"),
    "sequence": (orders(parameters={"sequence_id": 7, "sequence_start": True, "timeout": 1_000_000}), "OK"),
    "an unknown model": ({**orders(), "model": "none"}, "NOT_FOUND"),
    "too many rows": (orders(65), "INVALID_ARGUMENT"),
    "a wrong type": ({**orders(), "inputs": [tensor("age", "FP32", [1, 1], [1])]}, "INVALID_ARGUMENT"),
    "an error of the model": (asleep(-1), "INTERNAL"),
    "no unary call": (repeated(1.0), "UNIMPLEMENTED"),
    "a deadline that is over": (asleep(1, timeout=0.2), "DEADLINE_EXCEEDED"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_answered_as_without_the_sidecar(ways, name):
    call, code = CALLS[name]
    seen = ways.same(do="exchange", **call)
    assert seen["code"] == code, seen


@pytest.mark.parametrize(
    "method, kind, fields, code",
    [
        ("ServerLive", "ServerLiveRequest", {}, "OK"),
        ("ServerMetadata", "ServerMetadataRequest", {}, "OK"),
        ("ModelReady", "ModelReadyRequest", {"name": "multi"}, "OK"),
        ("ModelMetadata", "ModelMetadataRequest", {"name": "multi"}, "OK"),
        ("ModelConfig", "ModelConfigRequest", {"name": "multi"}, "OK"),
        ("RepositoryIndex", "RepositoryIndexRequest", {}, "OK"),
        ("ModelConfig", "ModelConfigRequest", {"name": "none"}, "NOT_FOUND"),
    ],
)
def test_calls_that_are_no_inference_pass_unchanged(ways, method, kind, fields, code):
    seen = ways.same(do="control", method=method, message=kind, fields=fields)
    assert seen["code"] == code, seen


@pytest.mark.parametrize("name", ["ModelStatistics", "TraceSetting"])
def test_what_the_server_says_of_itself_is_told(ways, name):
    # It says it in another order, or with other times, each time.
    call = {"do": "control", "method": name, "message": f"{name}Request", "fields": {}}
    direct, through = ways.direct(**call), ways.through(**call)
    assert len(through.pop("reply")) >= len(direct.pop("reply")) > 20
    assert through == direct


def test_tritonclient_reads_the_same_values(ways):
    seen = ways.same(do="infer", **orders(4, id="7"))
    assert seen["outputs"]["probabilities"][1]["shape"] == [4, 2]
    assert seen["outputs"]["class"][1]["values"] == ["punctual", "punctual", "late", "late"]


def test_the_classification_extension_is_answered(ways):
    seen = ways.same(do="infer", **{**orders(2), "outputs": [{"name": "probabilities", "classes": 1}]})
    assert seen["outputs"]["probabilities"][0] == "BYTES"


def test_all_replies_of_a_stream_come_and_errors_in_it(ways):
    requests = [repeated(1.0, 2.0, id="a"), repeated(5.0, id="b"), repeated(-1.0, id="c")]
    seen = ways.same(do="stream", requests=requests[:2], finals=2)["replies"]
    assert [id for id, _ in seen] == ["a"] * 4 + ["b"] * 4
    # An error ends the replies to its request.
    seen = ways.same(do="stream", requests=[requests[2], requests[0]], finals=1)["replies"]
    assert ["", "negative value"] in seen, seen


def test_a_stream_is_forwarded_to_the_byte(ways):
    seen = ways.same(do="streamed", requests=[repeated(1.0, 2.0, id="a")])
    assert seen["code"] == "OK" and len(seen["replies"]) >= 3


def test_shared_memory_stays_between_client_and_server(ways):
    seconds = tensor("seconds", "FP32", [1, 1], [0.01])
    call = {"do": "shared_memory", "model": "slow", "input": seconds, "output": "slept"}
    direct = ways.direct(**call, key="/driftgauge_direct")
    through = ways.through(**call, key="/driftgauge_through")
    assert through == direct
    assert through["values"]["values"] == pytest.approx([0.01])


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_http_is_answered_as_without_the_sidecar(ways, binary, compression):
    seen = ways.same(do="http_infer", binary=binary, compression=compression, **orders())
    assert seen["outputs"]["class"]["values"] == ["punctual", "punctual", "late", "late"]


def test_nan_passes(ways):
    call = orders(1)
    call["inputs"][1]["data"] = [NAN]
    assert ways.same(do="exchange", **call)["code"] == "OK"
