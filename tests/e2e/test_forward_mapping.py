"""What settings say of a model's tensors, against traffic through the proxy; the model server answers as a test wants."""

import http.client
import json
import threading
from concurrent import futures

import grpc
import pytest

from conftest import FAST
from events import recorded
from exemplars import newest, open_metrics
from page import waiting_calls
from sidecar import run_ok
from upstreams import Answering
from waiting import free_port, wait_for

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
SCORES = [0.9, 0.1, 0.2, 0.8]


def tensor(name, shape, data, datatype="FP64"):
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def two_rows(path, body):
    """A model of three numbers with a verdict and the scores of two classes."""
    verdict, scores = tensor("verdict", [2], [0, 1], "INT64"), tensor("proba", [2, 2], SCORES)
    return {"model_name": "loans", "outputs": [verdict, scores]}


@pytest.fixture
def proxy(serve):
    """Starts a sidecar before a model server: (sidecar, call)."""
    ends = []

    def make(answer=two_rows, settings=None, upstream=None, **forward):
        if upstream is None:
            upstream = Answering(answer)
            ends.append(upstream)
            upstream = upstream.__enter__().address
        address = f"127.0.0.1:{free_port()}"
        said = {"listen_address": address, "upstream": upstream, **forward}
        sidecar = serve({**FAST, "forward": said, **(settings or {})})
        return sidecar, Client(address)

    yield make
    for end in ends:
        end.__exit__()


class Client:
    """Calls on one connection."""

    def __init__(self, address):
        self.address = address
        host, port = address.split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=10)

    def __call__(self, path, document, **headers):
        body = json.dumps(document)
        self.connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


def loans(call, rows=2, name="x", values=None, model="loans", **headers):
    values = values or [float(n) for n in range(3 * rows)]
    inputs = [tensor(name, [rows, len(values) // rows], values)]
    assert call(f"/v2/models/{model}/infer", {"inputs": inputs}, **headers) == 200


def features(sidecar, model="loans", rows=2):
    """{feature: role} once so many rows have come."""
    page = sidecar.wait(lambda page: page.sum("driftgauge_predictions_total", model=model) == rows, f"{rows} rows")
    found = page.all("driftgauge_feature_values_total", model=model)
    return {labels["feature"]: labels["role"] for labels, _ in found}


def test_without_a_word_tensors_name_their_columns(proxy):
    sidecar, call = proxy()
    loans(call)
    columns = {f"x[{n}]": "feature" for n in range(3)}
    assert features(sidecar) == {**columns, "verdict": "prediction", "score[1]": "score"}


def test_names_roles_and_classes_are_those_of_the_settings(proxy):
    model = {
        "inputs": {"x": {"names": ["age", "income", "debt"]}},
        "outputs": {"verdict": {"name": "decision"}},
        "classes": ["granted", "refused"],
        "positive_class": "granted",
    }
    sidecar, call = proxy(settings={"models": {"loans": model}})
    loans(call)
    named = {name: "feature" for name in ("age", "income", "debt")}
    assert features(sidecar) == {**named, "decision": "prediction", "score[granted]": "score"}


def test_what_is_ignored_is_not_followed(proxy):
    model = {"inputs": {"x": {"role": "ignore"}}, "outputs": {"proba": {"role": "ignore"}}}
    sidecar, call = proxy(settings={"models": {"loans": model}})
    loans(call)
    assert features(sidecar) == {"verdict": "prediction"}


def test_a_mapping_without_a_word_in_it_changes_nothing(proxy):
    sidecar, call = proxy(settings={"models": {"loans": {"inputs": {"x": {}}, "outputs": {"verdict": {}, "proba": None}}}})
    loans(call)
    columns = {f"x[{n}]": "feature" for n in range(3)}
    assert features(sidecar) == {**columns, "verdict": "prediction", "score[1]": "score"}


def test_a_model_without_a_batch_has_one_row_a_call(proxy):
    answer = {"outputs": [tensor("verdict", [1], [1], "INT64")]}
    sidecar, call = proxy(lambda *_: answer, settings={"models": {"loans": {"batch_dimension": "none"}}})
    for _ in range(3):
        assert call("/v2/models/loans/infer", {"inputs": [tensor("x", [3], [1.0, 2.0, 3.0])]}) == 200
    features(sidecar, rows=3)
    assert sidecar.page().value("driftgauge_request_rows_sum", model="loans") == 3


def test_columns_have_the_names_of_the_profile_by_position(proxy, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("age,income,debt\n" + "".join(f"{n % 50 + 18},{n * 10 + 0.5},{n % 7 + 0.25}\n" for n in range(2_000)))
    profile = tmp_path / "loans.profile.json"
    run_ok("profile", rows, "-o", profile)
    sidecar, call = proxy(settings={"models": {"loans": {"profile": str(profile)}}})
    loans(call)
    named = {name: "feature" for name in ("age", "income", "debt")}
    assert features(sidecar).items() >= named.items()
    page = sidecar.wait_for_rows("loans", 2)
    assert page.value("driftgauge_names_by_position", model="loans") == 1
    for name in named:
        assert page.value("driftgauge_feature_window_rows", model="loans", feature=name, window="1h") == 2


@pytest.mark.parametrize(
    "document",
    [
        {"dataframe_split": {"columns": ["age", "debt"], "data": [[30, 1.5], [40, 2.5]]}},
        {"dataframe_records": [{"age": 30, "debt": 1.5}, {"age": 40, "debt": 2.5}]},
        {"inputs": {"age": [30, 40], "debt": [1.5, 2.5]}},
    ],
    ids=lambda document: next(iter(document)),
)
def test_calls_that_name_no_model_have_the_name_of_the_settings(proxy, document):
    sidecar, call = proxy(lambda *_: {"predictions": [0, 1]}, model="house")
    assert call("/invocations", document) == 200
    assert features(sidecar, "house") == {"age": "feature", "debt": "feature", "predictions": "prediction"}


def test_v1_instances_are_rows(proxy):
    sidecar, call = proxy(lambda *_: {"predictions": ["yes", "no"]})
    instances = [{"age": 30, "city": "Ulm"}, {"age": 40, "city": "Hof"}]
    assert call("/v1/models/loans:predict", {"instances": instances}) == 200
    assert features(sidecar) == {"age": "feature", "city": "feature", "predictions": "prediction"}


# ------------------------------------------------------------------------------------- sampling


def test_a_tenth_of_the_calls_is_scaled_up_to_all_of_them(proxy):
    sidecar, call = proxy(settings={"models": {"loans": {"sample_rate": 0.1}}}, sample_rate=0.1)
    calls = 2_000
    for _ in range(calls):
        loans(call)

    def at_rest(page):
        return page.value("driftgauge_seen_calls_total", source="forward") == calls and waiting_calls(page, "forward") == 0

    sidecar.wait(at_rest, "all have a fate")
    page = sidecar.wait_for_rows("loans", 2 * sidecar.page().value("driftgauge_decoded_calls_total", source="forward"))
    decoded = page.value("driftgauge_decoded_calls_total", source="forward")
    # Six standard deviations of a binomial distribution.
    assert abs(decoded - 200) < 6 * 13.5
    assert page.value("driftgauge_unsampled_calls_total", source="forward") == calls - decoded
    assert page.value("driftgauge_requests_total", model="loans") == pytest.approx(10 * decoded)
    assert page.value("driftgauge_predictions_total", model="loans") == pytest.approx(20 * decoded)
    # What is a share is not scaled: counts of values are those that were seen.
    assert page.value("driftgauge_feature_values_total", model="loans", feature="verdict") == 2 * decoded


@pytest.mark.parametrize("by", ["header:x-request-id", "traceparent", "id"])
def test_two_sidecars_take_the_same_calls(proxy, by):
    settings = {"models": {"loans": {"id": by, "sample_rate": 0.3}}}
    both = [proxy(settings=settings, sample_rate=0.3) for _ in range(2)]
    for n in range(100):
        trace = f"{n * 0x9E3779B97F4A7C15 + 1:032x}"
        for _, call in both:
            # The number of rows tells calls apart.
            document = {"id": f"call-{n}", "inputs": [tensor("x", [n + 1], [0.5] * (n + 1))]}
            headers = {"X-Request-Id": f"call-{n}", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
            assert call("/v2/models/loans/infer", document, **headers) == 200

    def taken(sidecar):
        page = sidecar.wait(
            lambda page: page.value("driftgauge_seen_calls_total", source="forward") == 100
            and waiting_calls(page, "forward") == 0,
            "all have a fate",
        )
        names = ("driftgauge_decoded_calls_total", "driftgauge_received_rows_total")
        return [page.value(name, source="forward") for name in names]

    first, second = (taken(sidecar) for sidecar, _ in both)
    assert first == second
    assert 10 <= first[0] <= 50


# --------------------------------------------------------------------------------------- reload


def test_a_mapping_is_taken_over_while_calls_run(proxy):
    sidecar, call = proxy(settings={"models": {"loans": {"inputs": {"x": {"names": ["a", "b", "c"]}}}}})
    loans(call)
    assert "a" in features(sidecar)
    stop, calls = threading.Event(), []

    def run():
        own = Client(call.address)
        while not stop.is_set():
            loans(own)
            calls.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        settings = json.loads(sidecar.config.read_text())
        settings["models"]["loans"]["inputs"]["x"]["names"] = ["d", "e", "f"]
        sidecar.write(settings)
        sidecar.reload()
        wanted = {"model": "loans", "feature": "d"}
        sidecar.wait(lambda page: page.get("driftgauge_feature_values_total", **wanted), "the new name")
    finally:
        stop.set()
        thread.join(10)
    # Each row went to the old names or the new ones.
    rows = 2 * (len(calls) + 1)

    def whole(page):
        values = [page.value("driftgauge_feature_values_total", model="loans", feature=name) for name in "acdf"]
        return values[0] == values[1] and values[2] == values[3] and values[0] + values[2] == rows

    sidecar.wait(whole, f"{rows} rows under either name")
    assert page_without_loss(sidecar.page(), len(calls) + 1)


def page_without_loss(page, calls):
    lost = page.sum("driftgauge_shed_calls_total", source="forward") + page.sum("driftgauge_undecodable_calls_total")
    return page.value("driftgauge_decoded_calls_total", source="forward") == calls and lost == 0


# --------------------------------------------------------------------------------------- traces


def test_the_trace_of_an_http_1_call_is_the_exemplar_of_its_bucket(proxy):
    sidecar, call = proxy()
    loans(call, traceparent=TRACEPARENT)
    found = wait_for(lambda: newest(open_metrics(sidecar)), "an exemplar")
    assert [exemplar.labels for exemplar in found.values()] == [{"trace_id": TRACE}]


def test_a_trace_that_is_none_makes_no_exemplar(proxy):
    sidecar, call = proxy()
    for trace in ["", "00", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{'g' * 32}-0-0", "00-" + "é".encode().decode("latin-1") * 16 + "-1"]:
        loans(call, traceparent=trace)
    features(sidecar, rows=10)
    assert not newest(open_metrics(sidecar))


def test_the_trace_of_a_grpc_call_is_the_exemplar_of_its_bucket(proxy):
    method = "/inference.GRPCInferenceService/ModelInfer"
    request, response = (
        recorded(f"kserve_agent_grpc_{half}").split(b"\r\n\r\n", 1)[1][5:] for half in ("request", "response")
    )

    class Model(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(lambda *_: response) if details.method == method else None

    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Model()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        sidecar, call = proxy(upstream=f"127.0.0.1:{port}")
        with grpc.insecure_channel(call.address) as channel:
            metadata = [("traceparent", TRACEPARENT), ("binary-bin", bytes(range(256)) * 4)]
            assert channel.unary_unary(method)(request, metadata=metadata, timeout=10) == response
        found = wait_for(lambda: newest(open_metrics(sidecar)), "an exemplar")
        assert [exemplar.labels for exemplar in found.values()] == [{"trace_id": TRACE}]
        assert features(sidecar, "iris", rows=1)["predict"] == "prediction"
    finally:
        server.stop(None)
