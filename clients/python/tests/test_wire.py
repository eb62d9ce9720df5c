"""What we encode is what protobuf reads, and the other way round."""

import math
import random

import pytest
from google.protobuf import unknown_fields

from driftgauge import _wire

ONE_OF_EACH = _wire.Batch(
    rows=3,
    fields=(
        _wire.Field("ä", _wire.FEATURE, _wire.FLOAT32),
        _wire.Field("b", _wire.FEATURE, _wire.FLOAT32),
        _wire.Field("v", _wire.FEATURE, _wire.FLOAT64, 300),
        _wire.Field("s", _wire.SEGMENT, _wire.STRING),
        _wire.Field("prediction", _wire.PREDICTION, _wire.BOOL),
    ),
    block=bytes(range(24)),
    block_fields=2,
    columns=[
        _wire.Column(bytes(7200)),
        _wire.Column(["x", "", "y"], b"\x05"),
        _wire.Column(b"\x01\x00\x01"),
    ],
    ids=["1", "", "\ud800"],
    base_micros=1_763_850_000_123_456,
    offsets=[0, 5_000_000_000, -7],
    latencies=[0, 1, 2**32 - 1],
    outcomes=[1, 2, 5],
    weight=2.5,
    call_rows=[1, 2],
    trace_ids=[b"\x01" * 16, b"", b""],
)


def test_a_request_reads_as_it_was_written(pb):
    body = _wire.batch(_wire.model("fraud", "3"), 2**64 - 1, ONE_OF_EACH)
    data = _wire.request("client", 2**63, 7, [_wire.with_schema(body, _wire.schema(ONE_OF_EACH.fields)), body])
    request = pb.ObserveRequest.FromString(data)
    assert (request.client_id, request.sequence, request.dropped_rows) == ("client", 2**63, 7)
    inline, bare = request.batches
    assert not bare.HasField("schema")
    assert [(f.name, f.role, f.type, f.width) for f in inline.schema.fields] == [
        ("ä", pb.ROLE_FEATURE, pb.VALUE_TYPE_FLOAT32, 0),
        ("b", pb.ROLE_FEATURE, pb.VALUE_TYPE_FLOAT32, 0),
        ("v", pb.ROLE_FEATURE, pb.VALUE_TYPE_FLOAT64, 300),
        ("s", pb.ROLE_SEGMENT, pb.VALUE_TYPE_STRING, 0),
        ("prediction", pb.ROLE_PREDICTION, pb.VALUE_TYPE_BOOL, 0),
    ]
    inline.ClearField("schema")
    assert inline == bare
    assert (bare.model.name, bare.model.version, bare.schema_id, bare.rows) == ("fraud", "3", 2**64 - 1, 3)
    (block,) = bare.blocks
    assert (block.first_field, block.field_count, block.type) == (0, 2, pb.VALUE_TYPE_FLOAT32)
    assert block.data == bytes(range(24)) and not block.validity
    vector, text, flag = bare.columns
    assert (vector.field, vector.fixed) == (2, bytes(7200))
    assert (text.field, list(text.strings.values), text.validity) == (3, ["x", "", "y"], b"\x05")
    assert (flag.field, flag.fixed) == (4, b"\x01\x00\x01")
    assert list(bare.prediction_ids) == ["1", "", "?"]
    assert bare.base_time.ToMicroseconds() == 1_763_850_000_123_456
    assert list(bare.time_offset_micros) == [0, 5_000_000_000, -7]
    assert list(bare.latency_micros) == [0, 1, 2**32 - 1]
    assert list(bare.outcomes) == [pb.OUTCOME_OK, pb.OUTCOME_CLIENT_ERROR, pb.OUTCOME_REJECTED]
    assert bare.weight == 2.5 and list(bare.call_rows) == [1, 2]
    assert list(bare.trace_ids) == [b"\x01" * 16, b"", b""]
    assert not list(unknown_fields.UnknownFieldSet(bare))


def test_texts_that_repeat_become_a_dictionary(pb):
    texts = ["DE", "FR", "DE", "DE", "", "DE"] * 50
    batch = _wire.Batch(rows=300, fields=(_wire.Field("c", 1, _wire.STRING),), columns=[_wire.Column(texts)])
    column = pb.PredictionBatch.FromString(_wire.batch(b"", 0, batch)).columns[0]
    assert column.WhichOneof("values") == "dictionary"
    assert [column.dictionary.dictionary[code] for code in column.dictionary.codes] == texts


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**32, 2**63, 2**64 - 1])
def test_numbers_of_all_lengths(pb, number):
    assert pb.ObserveRequest.FromString(_wire.request("", number, number, ())).sequence == number
    answer = pb.ObserveResponse(accepted_rows=number, rejected_rows=number, duplicate_rows=number)
    read = _wire.reply(answer.SerializeToString())
    assert (read.accepted_rows, read.rejected_rows, read.duplicate_rows) == (number, number, number)


def test_outcomes_roles_and_types_have_the_numbers_of_the_proto(pb):
    for name, number in _wire.OUTCOMES.items():
        assert pb.Outcome.Value(f"OUTCOME_{name.upper()}") == number
    for name, number in _wire.ROLES.items():
        assert pb.Role.Value(f"ROLE_{name.upper()}") == number
    for name in pb.ValueType.keys():
        kind = name[len("VALUE_TYPE_") :]
        if kind not in ("UNSPECIFIED", "BFLOAT16"):
            assert getattr(_wire, kind) == pb.ValueType.Value(name)
    method = pb.DESCRIPTOR.services_by_name["IngestService"].methods_by_name["Observe"]
    assert f"/{method.containing_service.full_name}/{method.name}" == _wire.OBSERVE


def test_an_answer_reads_as_it_was_written(pb):
    answer = pb.ObserveResponse(accepted_rows=3, rejected_rows=4, need_schema=True, sample_rate=0.25, duplicate_rows=1)
    answer.retry_after.FromMilliseconds(1250)
    answer.rejections.add(code=pb.REJECTION_CODE_LIMIT, field="é", rows=2**40, detail="too much")
    answer.rejections.add()
    read = _wire.reply(answer.SerializeToString())
    assert (read.accepted_rows, read.rejected_rows, read.duplicate_rows) == (3, 4, 1)
    assert read.need_schema and read.sample_rate == 0.25 and math.isclose(read.retry_after, 1.25)
    assert read.rejections == [_wire.Rejection(5, "é", 2**40, "too much"), _wire.Rejection(0, "", 0, "")]
    assert _wire.reply(b"") == _wire.Reply()
    answer.retry_after.FromMilliseconds(-5)
    assert _wire.reply(answer.SerializeToString()).retry_after == 0


def test_unknown_fields_are_skipped_and_absent_is_not_zero(pb):
    unknown = b"\x98\x06\x07" + b"\xa2\x06\x02hi" + b"\xa9\x06" + bytes(8) + b"\xb5\x06" + bytes(4)
    read = _wire.reply(unknown + pb.ObserveResponse(accepted_rows=9).SerializeToString())
    assert read == _wire.Reply(accepted_rows=9)
    assert read.sample_rate is None
    assert _wire.reply(pb.ObserveResponse(sample_rate=0).SerializeToString()).sample_rate == 0


def test_garbage_is_a_value_error_and_nothing_else():
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    refused = 0
    for _ in range(5_000):
        try:
            _wire.reply(dice.randbytes(dice.randrange(40)))
        except ValueError:
            refused += 1
    assert refused > 1_000
