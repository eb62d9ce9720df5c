"""The messages of `driftgauge.ingest.v1` as bytes, written by hand.

Generated code would pin a version of protobuf, and two of those cannot live in one process: model
servers bring their own. Only what the client sends and reads is here; `tests/test_wire.py` holds it
against the compiled .proto.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Optional, Union

OBSERVE = "/driftgauge.ingest.v1.IngestService/Observe"

FEATURE, PREDICTION, SCORE, LABEL, SEGMENT = 1, 2, 3, 4, 6
ROLES = {"feature": FEATURE, "prediction": PREDICTION, "score": SCORE, "label": LABEL, "segment": SEGMENT}

BOOL, INT32, INT64, UINT64, FLOAT16, FLOAT32, FLOAT64, STRING = 1, 2, 3, 4, 5, 7, 8, 9
UINT8, INT8, INT16, UINT16, UINT32 = 10, 11, 12, 13, 14

OUTCOMES = {"ok": 1, "client_error": 2, "server_error": 3, "timeout": 4, "rejected": 5}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def varint(number: int) -> bytes:
    """A number from 0 to 2⁶⁴ - 1."""
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(tag: int, value: int) -> bytes:
    return varint(tag << 3) + varint(value) if value else b""


def _data(tag: int, data: bytes) -> bytes:
    """A field of bytes, text or message; empty ones are there too."""
    return varint(tag << 3 | _BYTES) + varint(len(data)) + data


def _data_if(tag: int, data: bytes) -> bytes:
    return _data(tag, data) if data else b""


def _text(tag: int, text: str) -> bytes:
    return _data_if(tag, utf8(text))


def _double(tag: int, value: float) -> bytes:
    return varint(tag << 3 | _FIXED64) + struct.pack("<d", value)


def _packed(tag: int, numbers: Iterable[int]) -> bytes:
    """Varints one after the other; of all that is written here there are most of these."""
    out = bytearray()
    append = out.append
    for number in numbers:
        while number > 0x7F:
            append(number & 0x7F | 0x80)
            number >>= 7
        append(number)
    return _data_if(tag, bytes(out))


def _each(tag: int, items: Iterable[bytes]) -> bytes:
    key = varint(tag << 3 | _BYTES)
    return b"".join([key + varint(len(item)) + item for item in items])


def utf8(text: str) -> bytes:
    """Lone surrogates, which JSON can bring, are no UTF-8: they become `?`."""
    return text.encode("utf-8", "replace")


@dataclass(frozen=True)
class Field:
    """One field of a schema."""

    name: str
    role: int
    type: int
    width: int = 0


@dataclass
class Column:
    """Values of one field: fixed-width little-endian bytes, or strings."""

    values: Union[bytes, list[str]]
    validity: bytes = b""


@dataclass
class Batch:
    """Rows of one model. Each list is empty or has an entry a row; or a call, where `call_rows` says so."""

    rows: int
    fields: tuple[Field, ...]
    columns: list[Column] = field(default_factory=list)
    """One a field, after those that the block holds."""
    block: bytes = b""
    """Row-major values of the first `block_fields` fields, which have one type."""
    block_fields: int = 0
    ids: Sequence[str] = ()
    base_micros: int = 0
    offsets: Sequence[int] = ()
    latencies: Sequence[int] = ()
    outcomes: Sequence[int] = ()
    weight: float = 0.0
    call_rows: Sequence[int] = ()
    trace_ids: Sequence[bytes] = ()
    labels: bool = False
    """Whether the rows are labels of predictions made earlier."""


def schema(fields: Iterable[Field]) -> bytes:
    """A `Schema`."""
    return _each(1, (_text(1, f.name) + _number(2, f.role) + _number(3, f.type) + _number(4, f.width) for f in fields))


def batch(model: bytes, schema_id: int, batch: Batch) -> bytes:
    """A `PredictionBatch` without its schema, which may be appended: `with_schema`."""
    parts = [_data(1, model), varint(2 << 3 | _FIXED64), struct.pack("<Q", schema_id), _number(4, batch.rows)]
    if batch.block_fields:
        kind = batch.fields[0].type
        parts.append(_data(5, _number(2, batch.block_fields) + _number(3, kind) + _data_if(4, batch.block)))
    for index, column in enumerate(batch.columns, batch.block_fields):
        parts.append(_data(6, _number(1, index) + _values(column.values) + _data_if(5, column.validity)))
    parts.append(_each(7, map(utf8, batch.ids)))
    if batch.base_micros:
        seconds, micros = divmod(batch.base_micros, 1_000_000)
        parts.append(_data(8, _number(1, seconds) + _number(2, micros * 1000)))
        if any(batch.offsets):
            parts.append(_packed(9, ((n << 1) ^ (n >> 63) for n in batch.offsets)))
    parts += (_packed(10, batch.latencies), _packed(11, batch.outcomes), _packed(13, batch.call_rows))
    parts.append(_each(14, batch.trace_ids))
    if batch.weight:
        parts.append(_double(12, batch.weight))
    parts.append(_number(15, batch.labels))
    return b"".join(parts)


def _values(values: Union[bytes, list[str]]) -> bytes:
    if isinstance(values, bytes):
        return _data(2, values)
    distinct = dict.fromkeys(values)
    if len(distinct) * 2 > len(values):
        return _data(3, _each(1, map(utf8, values)))
    codes = {text: code for code, text in enumerate(distinct)}
    return _data(4, _each(1, map(utf8, distinct)) + _packed(2, [codes[text] for text in values]))


def with_schema(batch: bytes, schema: bytes) -> bytes:
    """Fields may come in any order."""
    return batch + _data(3, schema)


def model(name: str, version: str) -> bytes:
    """A `ModelRef`."""
    return _text(1, name) + _text(2, version)


def request(client_id: str, sequence: int, dropped_rows: int, batches: Iterable[bytes]) -> bytes:
    """An `ObserveRequest`."""
    return _text(1, client_id) + _number(2, sequence) + _number(3, dropped_rows) + _each(4, batches)


@dataclass(frozen=True)
class Rejection:
    """Something that the sidecar did not take, and why."""

    code: int
    field: str
    rows: int
    detail: str


@dataclass
class Reply:
    """What became of a request."""

    accepted_rows: int = 0
    rejected_rows: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    need_schema: bool = False
    sample_rate: Optional[float] = None
    retry_after: float = 0.0
    duplicate_rows: int = 0


def reply(data: bytes) -> Reply:
    """Reads an `ObserveResponse`; unknown fields are skipped.

    Raises ValueError when it is none.
    """
    result = Reply()
    for tag, value in _fields(data):
        if isinstance(value, bytes):
            if tag == 3:
                result.rejections.append(_rejection(value))
            elif tag == 5 and len(value) == 8:
                (result.sample_rate,) = struct.unpack("<d", value)
            elif tag == 6:
                result.retry_after = _seconds(value)
        elif tag == 1:
            result.accepted_rows = value
        elif tag == 2:
            result.rejected_rows = value
        elif tag == 4:
            result.need_schema = bool(value)
        elif tag == 7:
            result.duplicate_rows = value
    return result


def _rejection(data: bytes) -> Rejection:
    code, name, rows, detail = 0, "", 0, ""
    for tag, value in _fields(data):
        if isinstance(value, bytes):
            if tag == 2:
                name = value.decode("utf-8", "replace")
            elif tag == 4:
                detail = value.decode("utf-8", "replace")
        elif tag == 1:
            code = value
        elif tag == 3:
            rows = value
    return Rejection(code, name, rows, detail)


def _seconds(data: bytes) -> float:
    """A `Duration`; a negative one is no time to wait."""
    total = 0.0
    for tag, value in _fields(data):
        if isinstance(value, int):
            signed = value - (1 << 64) if value >> 63 else value
            total += signed * (1e-9 if tag == 2 else 1.0)
    return max(total, 0.0)


def _fields(data: bytes) -> Iterator[tuple[int, Union[int, bytes]]]:
    """(tag, value) of each field: varints as numbers, all else as bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = _read_varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            number, at = _read_varint(data, at)
            yield key >> 3, number
            continue
        if kind == _BYTES:
            size, at = _read_varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"the answer has a field of wire type {kind}: is the target a driftgauge sidecar?")
        if size > end - at:
            raise ValueError("the answer ends within a field: is the target a driftgauge sidecar?")
        yield key >> 3, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise ValueError("the answer ends within a number: is the target a driftgauge sidecar?")
