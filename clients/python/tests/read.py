"""Reads batches with protobuf, as the sidecar does."""

import numpy as np
from conftest import compiled

from driftgauge import Monitor, _request, _wire

DTYPES = {
    "BOOL": "?",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FLOAT16": "<f2",
    "FLOAT32": "<f4",
    "FLOAT64": "<f8",
}


def encoded(*observations, **options):
    """The batches of observations: inputs, or (inputs, the other arguments)."""
    return in_turn(observations, **options)


def in_turn(*rounds, unusable=None, **options):
    """The batches of observations that are sent one round after the other."""
    monitor = idle_monitor(**options)
    batches = []
    for observations in rounds:
        for one in observations:
            is_pair = isinstance(one, tuple) and len(one) == 2 and isinstance(one[1], dict)
            inputs, more = one if is_pair else (one, {})
            assert monitor.observe(inputs, **more), monitor.stats()
        batches += waiting(monitor, unusable)
    return batches


def idle_monitor(**options):
    """A monitor that sends nothing by itself."""
    monitor = Monitor("m", max_bytes=1 << 30, **options)
    monitor._sender._start = lambda: None
    return monitor


def waiting(monitor, unusable=None):
    """The batches of what waits."""
    sender = monitor._sender
    with sender._lock:
        sender._take_in()
        found = [sender._pop() for _ in range(len(sender._backlog))]
    pieces, bad = _request.pieces(sender._batcher, _wire.model("m", ""), found, 1.0)
    assert unusable is not None or not bad, bad
    if unusable is not None:
        unusable.extend(bad)
    whole = [_wire.with_schema(piece.batch, piece.schema) for piece in pieces]
    return [compiled().PredictionBatch.FromString(bytes) for bytes in whole]


def table(batch):
    """{field: (role, type, values)}; null is None."""
    columns = {}
    for block in batch.blocks:
        numbers = np.frombuffer(block.data, dtype(block.type)).reshape(batch.rows, block.field_count)
        for index in range(block.field_count):
            columns[block.first_field + index] = numbers[:, index].tolist()
    for column in batch.columns:
        field = batch.schema.fields[column.field]
        kind = column.WhichOneof("values")
        if kind == "fixed":
            values = np.frombuffer(column.fixed, dtype(field.type)).tolist()
            if field.width:
                values = [tuple(values[at : at + field.width]) for at in range(0, len(values), field.width)]
        elif kind == "strings":
            values = list(column.strings.values)
        else:
            values = [column.dictionary.dictionary[code] for code in column.dictionary.codes]
        present = np.unpackbits(np.frombuffer(column.validity, "u1"), bitorder="little").tolist()
        if present:
            values = [value if here else None for value, here in zip(values, present)]
        assert len(values) == batch.rows
        columns[column.field] = values
    assert sorted(columns) == list(range(len(batch.schema.fields)))
    return {f.name: (f.role, f.type, columns[i]) for i, f in enumerate(batch.schema.fields)}


def dtype(kind):
    return DTYPES[compiled().ValueType.Name(kind)[len("VALUE_TYPE_") :]]
