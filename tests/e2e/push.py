"""An independent client of the push API: stubs made by grpcio-tools from the .proto, no code of ours."""

import importlib
import itertools
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
pb = rpc = None


def make_stubs(directory):
    """Generates the stubs; called once, before the tests are imported."""
    global pb, rpc
    proto = ROOT / "proto"
    well_known = Path(importlib.import_module("grpc_tools").__file__).parent / "_proto"
    code = protoc.main(
        [
            "protoc",
            f"-I{proto}",
            f"-I{well_known}",
            f"--python_out={directory}",
            f"--grpc_python_out={directory}",
            "driftgauge/ingest/v1/ingest.proto",
        ]
    )
    assert code == 0, "protoc failed"
    sys.path.insert(0, str(directory))
    pb = importlib.import_module("driftgauge.ingest.v1.ingest_pb2")
    rpc = importlib.import_module("driftgauge.ingest.v1.ingest_pb2_grpc")


@dataclass
class Field:
    """One column of rows: numpy numbers, or a list of strings; `present` is False where it is null."""

    name: str
    values: object
    role: str = "feature"
    present: object = None
    layout: str = "block"  # numbers: block or fixed; strings: strings or dictionary

    def __post_init__(self):
        if isinstance(self.values, np.ndarray) and self.values.dtype.kind in "OUS":
            self.values = list(self.values)
        if self.is_text:
            if self.present is None and any(value is None for value in self.values):
                self.present = np.array([value is not None for value in self.values])
            if self.layout == "block":
                self.layout = "strings"

    @property
    def is_text(self):
        return isinstance(self.values, list)

    @property
    def type(self):
        if self.is_text:
            return pb.VALUE_TYPE_STRING
        return {
            "bool": pb.VALUE_TYPE_BOOL,
            "int32": pb.VALUE_TYPE_INT32,
            "int64": pb.VALUE_TYPE_INT64,
            "uint64": pb.VALUE_TYPE_UINT64,
            "uint8": pb.VALUE_TYPE_UINT8,
            "float16": pb.VALUE_TYPE_FLOAT16,
            "float32": pb.VALUE_TYPE_FLOAT32,
            "float64": pb.VALUE_TYPE_FLOAT64,
        }[self.values.dtype.name]

    def rows(self, start, stop):
        present = None if self.present is None else self.present[start:stop]
        return Field(self.name, self.values[start:stop], self.role, present, self.layout)


ROLES = {
    "feature": "ROLE_FEATURE",
    "prediction": "ROLE_PREDICTION",
    "score": "ROLE_SCORE",
    "label": "ROLE_LABEL",
    "segment": "ROLE_SEGMENT",
}


def bits(present):
    return np.packbits(np.asarray(present, bool).reshape(-1), bitorder="little").tobytes()


def schema(fields):
    return pb.Schema(
        fields=[pb.Field(name=f.name, role=getattr(pb, ROLES[f.role]), type=f.type) for f in fields]
    )


def batch(model, fields, version="", inline=True, schema_id=0, **rest):
    """A PredictionBatch; neighbouring numbers of one type share a row-major block."""
    rows = len(fields[0].values) if fields else rest.pop("rows", 0)
    assert all(len(field.values) == rows for field in fields)
    result = pb.PredictionBatch(
        model=pb.ModelRef(name=model, version=version), rows=rows, schema_id=schema_id, **rest
    )
    if inline:
        result.schema.CopyFrom(schema(fields))
    numbered = list(enumerate(fields))
    for key, group in itertools.groupby(numbered, key=lambda f: (f[1].type, f[1].layout == "block")):
        group = list(group)
        if key[1]:
            add_block(result, [field for _, field in group], group[0][0])
        else:
            for index, field in group:
                add_column(result, field, index)
    return result


def add_block(result, fields, first):
    values = np.stack([field.values for field in fields], axis=1)
    block = result.blocks.add(
        first_field=first, field_count=len(fields), type=fields[0].type, data=little_endian(values)
    )
    if any(field.present is not None for field in fields):
        everywhere = np.ones(len(fields[0].values), bool)
        block.validity = bits(
            np.stack([everywhere if f.present is None else f.present for f in fields], axis=1)
        )


def add_column(result, field, index):
    column = result.columns.add(field=index)
    if field.present is not None:
        column.validity = bits(field.present)
    if not field.is_text:
        column.fixed = little_endian(field.values)
        return
    texts = ["" if value is None else value for value in field.values]
    if field.layout == "dictionary":
        distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
        column.dictionary.dictionary.extend(distinct)
        column.dictionary.codes.extend(distinct[text] for text in texts)
    else:
        column.strings.values.extend(texts)


def little_endian(values):
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()


class Client:
    """A channel to a sidecar with a client id and a sequence."""

    def __init__(self, address, options=()):
        self.channel = grpc.insecure_channel(
            address, options=[("grpc.max_send_message_length", -1), *options]
        )
        self.stub = rpc.IngestServiceStub(self.channel)
        self.client_id = uuid.uuid4().hex
        self.sequence = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def request(self, *batches, **rest):
        self.sequence += 1
        return pb.ObserveRequest(
            client_id=self.client_id, sequence=rest.pop("sequence", self.sequence), batches=batches, **rest
        )

    def observe(self, *batches, timeout=20, **rest):
        return self.send(self.request(*batches, **rest), timeout)

    def send(self, request, timeout=20):
        return self.stub.Observe(request, timeout=timeout, wait_for_ready=True)

    def stream(self, requests, timeout=60):
        """Sends requests on one stream; returns the answers."""
        wrapped = (pb.ObserveStreamRequest(request=request) for request in requests)
        return list(self.stub.ObserveStream(wrapped, timeout=timeout, wait_for_ready=True))

    def raw(self, message, timeout=20):
        """Sends bytes that may be no message at all."""
        call = self.channel.unary_unary("/driftgauge.ingest.v1.IngestService/Observe")
        return call(message, timeout=timeout, wait_for_ready=True)

    def rows(self, model, fields, size, **rest):
        """Sends rows in requests of `size` rows each; returns the accepted rows."""
        total = len(fields[0].values)
        return sum(
            self.observe(piece(model, fields, start, size, **rest)).accepted_rows
            for start in range(0, total, size)
        )


def piece(model, fields, start, size, **rest):
    return batch(model, [field.rows(start, start + size) for field in fields], **rest)


def refusal(call):
    """The error of a call that must be refused."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"was not refused: {answer}")


def retry_delay(error):
    """Seconds of google.rpc.RetryInfo in an error, or None."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.ToTimedelta().total_seconds()
    return None
