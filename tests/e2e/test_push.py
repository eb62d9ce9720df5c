"""What the push API refuses, and that whatever comes in ends up in exactly one counter."""

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from conftest import FAST
from data import orders
from push import Client, Field, batch, pb, refusal, retry_delay

MODEL = "orders"


@pytest.fixture
def pushed(serve, orders_settings):
    """Starts a sidecar and gives it with a client."""
    clients = []

    def start(address_options=(), **more):
        sidecar = serve(orders_settings(**more))
        clients.append(Client(sidecar.push_address, address_options))
        return sidecar, clients[-1]

    yield start
    for client in clients:
        client.channel.close()


def undecodable(page):
    found = page.all("driftgauge_undecodable_calls_total", source="push")
    return {labels["reason"]: count for labels, count in found if count}


def rejected(page):
    found = page.all("driftgauge_rejected_rows_total", source="push")
    return {labels["reason"]: count for labels, count in found if count}


def codes(answer):
    return {(pb.RejectionCode.Name(r.code), r.field): r.rows for r in answer.rejections}


def test_bytes_that_are_no_message_are_refused_and_the_field_is_named(pushed, rng):
    sidecar, client = pushed()
    # Field 4 (batches) with a field 4 (rows) that claims to be a text.
    error = refusal(lambda: client.raw(b"\x22\x03\x22\x01\x00"))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "rows" in error.details(), error.details()
    for garbage in (b"\xff" * 40, b"\x22\x7f", b"\x0a\x03\xff\xfe\xfd"):
        assert refusal(lambda: client.raw(garbage)).code() == grpc.StatusCode.INVALID_ARGUMENT
    # It goes on as if nothing had been.
    assert client.observe(batch(MODEL, orders(rng, 10))).accepted_rows == 10
    page = sidecar.wait_for_rows(MODEL, 10)
    assert undecodable(page) == {"protobuf": 4}
    assert page.accounts()["received"] == 10


def test_a_message_above_the_limit_is_refused(pushed, rng):
    sidecar, client = pushed(limits={"message_bytes": "64KiB"})
    error = refusal(lambda: client.observe(batch(MODEL, orders(rng, 5_000))))
    assert error.code() == grpc.StatusCode.OUT_OF_RANGE
    assert "65536" in error.details(), error.details()
    assert client.observe(batch(MODEL, orders(rng, 10))).accepted_rows == 10
    assert undecodable(sidecar.wait_for_rows(MODEL, 10)) == {"message_too_large": 1}


def test_a_batch_of_too_many_rows_does_not_cost_the_others(pushed, rng):
    sidecar, client = pushed(limits={"batch_rows": 100})
    error = refusal(lambda: client.observe(batch(MODEL, orders(rng, 101))))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "101" in error.details() and "100" in error.details(), error.details()
    answer = client.observe(batch(MODEL, orders(rng, 150)), batch(MODEL, orders(rng, 100)))
    assert (answer.accepted_rows, answer.rejected_rows) == (100, 150)
    assert codes(answer) == {("REJECTION_CODE_LIMIT", ""): 150}
    page = sidecar.wait_for_rows(MODEL, 100)
    assert rejected(page) == {"limit_rows": 251}


def test_a_schema_of_too_many_fields_is_refused(pushed, rng):
    sidecar, client = pushed(limits={"fields": 5})
    fields = [*orders(rng, 10), Field("sixth", np.zeros(10))]
    error = refusal(lambda: client.observe(batch(MODEL, fields)))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "6" in error.details() and "5" in error.details(), error.details()
    client.observe(batch(MODEL, fields[:5]))
    assert rejected(sidecar.wait_for_rows(MODEL, 10)) == {"limit_fields": 10}


def test_a_batch_without_a_model_is_refused(pushed, rng):
    sidecar, client = pushed()
    error = refusal(lambda: client.observe(batch("", orders(rng, 10))))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "model" in error.details(), error.details()
    assert rejected(sidecar.wait(rejected, "it is counted")) == {"no_model": 10}


def test_models_and_versions_beyond_the_limit_are_refused(pushed, rng):
    """Those that settings name come in beside it."""
    sidecar, client = pushed(limits={"models": 1, "versions": 2})
    for version in ("1", "2"):
        assert client.observe(batch("second", orders(rng, 10), version=version)).accepted_rows == 10
    sidecar.wait_for_rows("second", 10, version="2")
    client.observe(batch(MODEL, orders(rng, 10)))
    sidecar.wait_for_rows(MODEL, 10)
    third_version = batch("second", orders(rng, 7), version="3")
    third_model = batch("third", orders(rng, 8))
    answer = client.observe(third_version, third_model, batch(MODEL, orders(rng, 5)))
    assert (answer.accepted_rows, answer.rejected_rows) == (5, 15)
    page = sidecar.wait_for_rows(MODEL, 15)
    assert rejected(page) == {"too_many_models": 8, "too_many_versions": 7}
    assert not page.all("driftgauge_predictions_total", model="third")


def test_a_bad_column_does_not_cost_the_others(pushed, rng):
    sidecar, client = pushed()
    message = batch(MODEL, orders(rng, 200))
    (country,) = [column for column in message.columns if column.strings.values]
    del country.strings.values[150:]
    answer = client.observe(message)
    assert (answer.accepted_rows, answer.rejected_rows) == (200, 0)
    assert codes(answer) == {("REJECTION_CODE_LENGTH_MISMATCH", "country"): 200}
    page = sidecar.wait_for_rows(MODEL, 200)
    for feature in ("amount", "items", "is_new", "score"):
        assert page.value("driftgauge_feature_values_total", model=MODEL, feature=feature) == 200
    labels = {"model": MODEL, "feature": "country"}
    assert page.value("driftgauge_feature_values_total", **labels) == 0
    assert page.value("driftgauge_feature_missing_total", reason="invalid", **labels) == 200
    assert "country" in answer.rejections[0].detail or "150" in answer.rejections[0].detail


def test_a_block_of_another_type_than_the_schema_is_named(pushed, rng):
    sidecar, client = pushed()
    fields = orders(rng, 50)
    message = batch(MODEL, fields)
    message.schema.fields[0].type = pb.VALUE_TYPE_FLOAT32
    answer = client.observe(message)
    assert answer.accepted_rows == 50
    assert codes(answer) == {("REJECTION_CODE_TYPE_MISMATCH", "amount"): 50}
    page = sidecar.wait_for_rows(MODEL, 50)
    assert page.value("driftgauge_feature_missing_total", model=MODEL, feature="amount", reason="invalid") == 50
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="items") == 50


def test_a_full_queue_refuses_at_once_and_says_when_to_try_again(pushed, rng):
    """Requests that fill the whole queue, sent faster than it is emptied."""
    sidecar, client = pushed(limits={"batch_rows": 2_000}, queue={"rows": 2_000})
    fields = orders(rng, 2_000)
    schema_id = 77
    client.observe(batch(MODEL, fields, schema_id=schema_id))
    message = batch(MODEL, fields, schema_id=schema_id, inline=False)
    calls = [client.stub.Observe.future(client.request(message), timeout=20) for _ in range(300)]
    errors = [call.exception() for call in calls]
    refused = [error for error in errors if error is not None]
    assert refused, "the queue never was full"
    for error in refused:
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
        assert "queue" in error.details()
        assert 0 < retry_delay(error) < 10
        assert int(dict(error.trailing_metadata())["grpc-retry-pushback-ms"]) == 1_000 * retry_delay(error)
    accepted = 2_000 * (301 - len(refused))
    page = sidecar.wait_for_rows(MODEL, accepted)
    shed = page.sum("driftgauge_shed_rows_total", source="push")
    assert shed == 2_000 * len(refused)
    assert page.value("driftgauge_predictions_total", model=MODEL) == accepted
    # A refused request was not remembered: sent again it counts.
    number = errors.index(refused[0]) + 2
    assert client.observe(message, sequence=number).duplicate_rows == 0
    sidecar.wait_for_rows(MODEL, accepted + 2_000)


def test_a_full_queue_does_not_end_a_stream(pushed, rng):
    sidecar, client = pushed(limits={"batch_rows": 2_000}, queue={"rows": 2_000})
    fields = orders(rng, 2_000)
    client.observe(batch(MODEL, fields, schema_id=5))
    message = batch(MODEL, fields, schema_id=5, inline=False)
    answers = client.stream([client.request(message) for _ in range(300)])
    last = answers[-1]
    assert last.last_sequence == client.sequence
    shed = 600_000 - last.response.accepted_rows - last.response.rejected_rows
    assert shed > 0, "the queue never was full"
    assert last.response.rejected_rows == 0
    assert any(answer.response.HasField("retry_after") for answer in answers)
    page = sidecar.wait_for_rows(MODEL, last.response.accepted_rows + 2_000)
    assert page.sum("driftgauge_shed_rows_total", source="push") == shed


def test_a_request_larger_than_the_queue_is_never_retried(pushed, rng):
    sidecar, client = pushed(limits={"batch_rows": 1_000}, queue={"rows": 1_000})
    error = refusal(lambda: client.observe(*[batch(MODEL, orders(rng, 600)) for _ in range(2)]))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert retry_delay(error) is None
    assert rejected(sidecar.wait(rejected, "it is counted")) == {"limit_queue": 1_200}


def test_a_retry_is_counted_once(pushed, rng):
    sidecar, client = pushed()
    request = client.request(batch(MODEL, orders(rng, 40)))
    first = client.send(request)
    again = client.send(request)
    assert (first.accepted_rows, first.duplicate_rows) == (40, 0)
    assert (again.accepted_rows, again.duplicate_rows) == (40, 40)
    # The same number of another client is no retry.
    with Client(sidecar.push_address) as other:
        assert other.observe(batch(MODEL, orders(rng, 30)), sequence=request.sequence).duplicate_rows == 0
    page = sidecar.wait_for_rows(MODEL, 70)
    assert page.accounts() == {"received": 110, "accepted": 70, "duplicate": 40, "shed": 0, "rejected": 0}


def test_numbers_that_never_came_and_rows_that_clients_dropped_show(pushed, rng):
    sidecar, client = pushed()
    for sequence, dropped in ((1, 0), (2, 7), (6, 17)):
        client.observe(batch(MODEL, orders(rng, 10)), sequence=sequence, dropped_rows=dropped)
    page = sidecar.wait_for_rows(MODEL, 30)
    assert page.value("driftgauge_client_missing_requests", source="push") == 3
    assert page.value("driftgauge_client_dropped_rows_total", source="push") == 17
    # One of them was only late.
    client.observe(batch(MODEL, orders(rng, 10)), sequence=4, dropped_rows=17)
    page = sidecar.wait_for_rows(MODEL, 40)
    assert page.value("driftgauge_client_missing_requests", source="push") == 2
    assert page.value("driftgauge_client_dropped_rows_total", source="push") == 17


def test_an_unknown_schema_is_asked_for_then_remembered(pushed, rng):
    sidecar, client = pushed()
    fields = orders(rng, 20)
    answer = client.observe(batch(MODEL, fields, schema_id=9, inline=False))
    assert (answer.need_schema, answer.accepted_rows, answer.rejected_rows) == (True, 0, 20)
    answer = client.observe(batch(MODEL, fields, schema_id=9), sequence=client.sequence)
    assert (answer.need_schema, answer.accepted_rows) == (False, 20)
    answer = client.observe(batch(MODEL, fields, schema_id=9, inline=False))
    assert (answer.need_schema, answer.accepted_rows) == (False, 20)
    # Another client may mean another schema by the same number.
    with Client(sidecar.push_address) as other:
        assert other.observe(batch(MODEL, fields, schema_id=9, inline=False)).need_schema
    page = sidecar.wait_for_rows(MODEL, 40)
    assert rejected(page) == {"unknown_schema": 40}
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="country") == 40


def test_strings_and_dictionaries_mean_the_same(pushed):
    sidecar, client = pushed()
    texts = (["DE"] * 60 + [None] + ["IT"] * 39) * 2
    client.observe(batch(MODEL, [Field("country", texts, layout="strings")], version="strings"))
    client.observe(batch(MODEL, [Field("country", texts, layout="dictionary")], version="dictionary"))
    page = sidecar.wait_for_rows(MODEL, 200, version="dictionary")
    for name in ("driftgauge_feature_bin_total", "driftgauge_feature_drift", "driftgauge_feature_missing_total"):
        of = {
            version: {
                frozenset((k, v) for k, v in labels.items() if k != "version"): value
                for labels, value in page.all(name, model=MODEL, version=version, feature="country")
            }
            for version in ("strings", "dictionary")
        }
        assert of["strings"] and of["strings"] == of["dictionary"], name
    assert page.value(
        "driftgauge_feature_missing_total", model=MODEL, version="strings", feature="country", reason="null"
    ) == 2


def test_a_dictionary_code_out_of_range_is_a_bad_value(pushed):
    sidecar, client = pushed()
    message = batch(MODEL, [Field("country", ["DE"] * 10, layout="dictionary")])
    message.columns[0].dictionary.codes[3] = 99
    answer = client.observe(message)
    assert answer.accepted_rows == 10
    assert {code for code, _ in codes(answer)} == {"REJECTION_CODE_BAD_VALUE"}
    page = sidecar.wait_for_rows(MODEL, 10)
    labels = {"model": MODEL, "feature": "country"}
    invalid = page.value("driftgauge_feature_missing_total", reason="invalid", **labels)
    assert invalid + page.value("driftgauge_feature_values_total", **labels) == 10
    assert invalid >= 1


def test_a_name_given_twice_in_a_schema_is_named(pushed, rng):
    sidecar, client = pushed()
    fields = orders(rng, 10)
    message = batch(MODEL, fields)
    message.schema.fields[1].name = "amount"
    answer = client.observe(message)
    assert answer.accepted_rows == 10
    assert codes(answer) == {("REJECTION_CODE_BAD_SCHEMA", "field[1]"): 10}
    assert '"amount"' in answer.rejections[0].detail
    assert sidecar.wait_for_rows(MODEL, 10).value("driftgauge_feature_values_total", model=MODEL, feature="score") == 10


def test_a_bad_message_does_not_end_a_stream(pushed, rng):
    sidecar, client = pushed()
    good = pb.ObserveStreamRequest(request=client.request(batch(MODEL, orders(rng, 25))))
    stream = client.channel.stream_stream(
        "/driftgauge.ingest.v1.IngestService/ObserveStream",
        request_serializer=lambda message: message,
        response_deserializer=pb.ObserveStreamResponse.FromString,
    )
    second = pb.ObserveStreamRequest(request=client.request(batch(MODEL, orders(rng, 5))))
    messages = [good.SerializeToString(), b"\xff" * 20, second.SerializeToString()]
    answers = list(stream(iter(messages), timeout=20))
    assert answers[-1].response.accepted_rows == 30
    assert undecodable(sidecar.wait_for_rows(MODEL, 30)) == {"protobuf": 1}


def test_long_names_are_cut_and_stay_apart(pushed, rng):
    sidecar, client = pushed()
    one, two = "m" * 300, "m" * 299 + "n"
    client.observe(batch(one, orders(rng, 10)), batch(two, orders(rng, 20)))
    page = sidecar.wait(
        lambda page: len(page.all("driftgauge_predictions_total")) >= 2
        and page.value("driftgauge_queue_rows") == 0
        and page,
        "both models",
    )
    rows = {
        labels["model"]: count
        for labels, count in page.all("driftgauge_predictions_total")
        if labels["model"].startswith("mm")
    }
    assert sorted(rows.values()) == [10, 20]
    assert all(len(name.encode()) <= 128 for name in rows)


def test_health_is_served(pushed):
    sidecar, client = pushed()
    health = health_pb2_grpc.HealthStub(client.channel)
    for service in ("", "driftgauge.ingest.v1.IngestService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10, wait_for_ready=True)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    error = refusal(lambda: health.Check(health_pb2.HealthCheckRequest(service="another"), timeout=10))
    assert error.code() == grpc.StatusCode.NOT_FOUND


def test_all_counters_of_the_door_exist_from_the_start(serve):
    page = serve(FAST).page()
    for kind in ("received", "accepted", "duplicate"):
        assert page.value(f"driftgauge_{kind}_rows_total", source="push") == 0
    assert {labels["reason"] for labels, _ in page.all("driftgauge_shed_rows_total", source="push")} == {
        "queue_rows",
        "queue_bytes",
    }
    assert len(page.all("driftgauge_rejected_rows_total", source="push")) >= 5
    assert len(page.all("driftgauge_undecodable_calls_total", source="push")) >= 3


def test_vectors_are_accepted_and_counted(pushed, rng):
    sidecar, client = pushed()
    message = batch(MODEL, orders(rng, 60))
    message.schema.fields.add(name="embedding", type=pb.VALUE_TYPE_FLOAT32, width=8)
    column = message.columns.add(field=5, fixed=rng.random((60, 8)).astype("<f4").tobytes())
    column.validity = np.packbits(np.arange(60) >= 10, bitorder="little").tobytes()
    assert client.observe(message).rejections == []
    page = sidecar.wait_for_rows(MODEL, 60)
    labels = {"model": MODEL, "feature": "embedding"}
    assert page.value("driftgauge_feature_values_total", **labels) == 50
    assert page.value("driftgauge_feature_missing_total", reason="null", **labels) == 10
    assert page.get("driftgauge_feature_drift", window="1h", **labels) is None


def test_bfloat16_is_the_upper_half_of_float32(pushed):
    sidecar, client = pushed()
    values = np.tile(np.arange(16, dtype="<f4"), 10)
    message = batch(MODEL, [Field("items", values, layout="fixed")])
    message.schema.fields[0].type = pb.VALUE_TYPE_BFLOAT16
    message.columns[0].fixed = values.view("<u2")[1::2].tobytes()
    assert client.observe(message).rejections == []
    page = sidecar.wait_for_rows(MODEL, 160)
    assert page.value("driftgauge_feature_mean", model=MODEL, feature="items", window="1h") == 7.5
