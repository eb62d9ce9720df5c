"""A client of MLServer sees the same through the sidecar as without it: values, errors, trailers, bytes."""

import http.client
import json

import pytest

from calls import iris, loans, pair, tensor


@pytest.fixture(scope="module")
def ways(mlserver, serve_module):
    yield from pair(mlserver, serve_module)


CALLS = {
    "raw": (iris(), "OK"),
    "raw, with an id": (iris(id="call-1"), "OK"),
    "raw FP64": (iris(datatype="FP64"), "OK"),
    "raw INT64": (iris(datatype="INT64", values=range(12)), "OK"),
    "raw FP16": (iris(datatype="FP16"), "OK"),
    "typed": (iris(typed=True, id="call-2"), "OK"),
    "typed FP64": (iris(datatype="FP64", typed=True), "OK"),
    "32 rows": (iris(32), "OK"),
    "1,000 rows": (iris(1000), "OK"),
    "both outputs": (iris(outputs=["predict", "predict_proba"]), "OK"),
    "both outputs, typed": (iris(outputs=["predict", "predict_proba"], typed=True), "OK"),
    "probabilities alone": (iris(outputs=["predict_proba"]), "OK"),
    "a version": (iris(version="v1"), "OK"),
    "parameters": (iris(parameters={"tenant": "acme", "priority": 7, "dry": True}), "OK"),
    "metadata": (iris(metadata=[["x-request-id", "abc"], ["traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"]]), "OK"),
    "binary metadata": (iris(metadata=[["x-request-id", "abc"], ["x-tenant", "ä".encode().hex()]]), "OK"),
    "gzip": (iris(32, compression="gzip"), "OK"),
    "columns": (loans(), "OK"),
    "columns, 32 rows, both outputs": (loans(32, outputs=["predict", "predict_proba"]), "OK"),
    "columns, typed": (loans(4, typed=True), "OK"),
    "columns, flat": (loans(4, flat=True, typed=True), "OK"),
    "an unknown model": ({**iris(), "model": "none"}, "NOT_FOUND"),
    "an unknown version": (iris(version="9"), "NOT_FOUND"),
    "a wrong width": (iris(width=3, values=range(9)), "INTERNAL"),
    "NaN": (iris(datatype="FP64", values=[float("nan")] * 12), "INTERNAL"),
    "fewer values than the shape says": (iris(typed=True, values=[1.0, 2.0]), "INTERNAL"),
    "an unknown output": (iris(outputs=["nothing"]), None),
    "no inputs": ({"model": "iris", "inputs": []}, None),
    "a column of a wrong type": (
        {**loans(), "inputs": [tensor("age", "BYTES", [1, 1], ["thirty"], content_type="str")]},
        None,
    ),
}
"""What is sent, and with which code it ends; None: whatever MLServer thinks of it."""


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_answered_as_without_the_sidecar(ways, name):
    call, code = CALLS[name]
    seen = ways.same(do="exchange", **call)
    assert code in (seen["code"], None), seen


@pytest.mark.parametrize(
    "method, kind, fields, code",
    [
        ("ServerLive", "ServerLiveRequest", {}, "OK"),
        ("ServerReady", "ServerReadyRequest", {}, "OK"),
        ("ServerMetadata", "ServerMetadataRequest", {}, "OK"),
        ("ModelReady", "ModelReadyRequest", {"name": "iris"}, "OK"),
        ("ModelReady", "ModelReadyRequest", {"name": "none"}, None),
        ("ModelMetadata", "ModelMetadataRequest", {"name": "loans"}, "OK"),
        ("RepositoryIndex", "RepositoryIndexRequest", {}, "OK"),
        ("ModelConfig", "ModelConfigRequest", {"name": "iris"}, "UNIMPLEMENTED"),
    ],
)
def test_calls_that_are_no_inference_pass_unchanged(ways, method, kind, fields, code):
    seen = ways.same(do="control", method=method, message=kind, fields=fields)
    assert code in (seen["code"], None), seen


def test_services_that_the_sidecar_does_not_know_pass(ways):
    call = {"do": "control", "message": "ServerLiveRequest", "fields": {}}
    assert ways.same(**call, service="/grpc.health.v1.Health/", method="Check")["code"] == "UNIMPLEMENTED"
    assert ways.same(**call, service="/made.up.Service/", method="Do")["code"] == "UNIMPLEMENTED"


def test_replies_of_a_stream_come_unwrapped(ways):
    seen = ways.same(do="streamed", requests=[iris(id="a")])
    assert seen["code"] == "OK" and len(seen["replies"]) == 1


def test_tritonclient_reads_the_same_values(ways):
    call = iris(5, outputs=[{"name": "predict"}, {"name": "predict_proba"}], id="7")
    seen = ways.same(do="infer", **call)
    assert seen["outputs"]["predict"][1]["values"][:3] == [0, 1, 2]
    assert seen["said"]["model_version"] == "v1"


def rest(address, method, path, body=None, **headers):
    """Status, headers without those that change by themselves, body."""
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        kept = sorted((name.lower(), value) for name, value in answer.getheaders() if name.lower() != "date")
        return answer.status, kept, answer.read()
    finally:
        connection.close()


def body(rows, **more):
    data = [[5.1, 3.5, 1.4, 0.2]] * rows
    return {"id": "9", "inputs": [{"name": "predict", "datatype": "FP32", "shape": [rows, 4], "data": data}], **more}


JSON = {"Content-Type": "application/json"}
REST = {
    "nested": ("POST", "/v2/models/iris/infer", json.dumps(body(2)), JSON, 200),
    "version": ("POST", "/v2/models/iris/versions/v1/infer", json.dumps(body(2)), JSON, 200),
    "outputs": (
        "POST",
        "/v2/models/iris/infer",
        json.dumps(body(2, outputs=[{"name": "predict"}, {"name": "predict_proba"}])),
        JSON,
        200,
    ),
    "unknown model": ("POST", "/v2/models/none/infer", json.dumps(body(1)), JSON, 404),
    "broken": ("POST", "/v2/models/iris/infer", '{"inputs": [', JSON, 422),
    "no content type": ("POST", "/v2/models/iris/infer", json.dumps(body(1)), {}, 200),
    "ready": ("GET", "/v2/models/iris/ready", None, {}, 200),
    "metadata": ("GET", "/v2/models/iris", None, {}, 200),
    "server": ("GET", "/v2", None, {}, 200),
    "nowhere": ("GET", "/nowhere?a=b", None, {}, 404),
    "wrong method": ("DELETE", "/v2/models/iris/infer", None, {}, 405),
}


@pytest.mark.parametrize("name", REST)
def test_rest_is_answered_as_without_the_sidecar(ways, mlserver, name):
    method, path, sent, headers, status = REST[name]
    direct = rest(mlserver.http, method, path, sent, **headers)
    assert rest(ways.address, method, path, sent, **headers) == direct
    assert direct[0] == status
