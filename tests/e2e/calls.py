"""Calls to the models in `servers/`, for the foreign client; and a sidecar between it and them."""

from dataclasses import dataclass

from conftest import FAST
from model_servers import Caller
from waiting import free_port

NAN = float("nan")


def tensor(name, datatype, shape, data, **parameters):
    said = {"parameters": parameters} if parameters else {}
    return {"name": name, "datatype": datatype, "shape": shape, "data": list(data), **said}


FLOWERS = [5.1, 3.5, 1.4, 0.2, 6.0, 2.9, 4.5, 1.5, 6.9, 3.1, 5.4, 2.1]
"""One of each class."""


def iris(rows=3, datatype="FP32", values=None, width=4, **call):
    values = (FLOWERS * rows)[: rows * width] if values is None else values
    return {"model": "iris", "inputs": [tensor("predict", datatype, [rows, width], values)], **call}


def loans(rows=2, flat=False, **call):
    shape = [rows] if flat else [rows, 1]
    columns = [
        tensor("age", "INT64", shape, range(30, 30 + rows)),
        tensor("income", "FP64", shape, [20_000.5 + 1000 * row for row in range(rows)]),
        tensor("country", "BYTES", shape, ["DE", "Île", "", "IT"][:rows] + ["FR"] * (rows - 4), content_type="str"),
        tensor("owner", "BOOL", shape, [row % 2 == 0 for row in range(rows)]),
        tensor("score", "FP32", shape, [row / rows for row in range(rows)]),
    ]
    return {"model": "loans", "inputs": columns, "parameters": {"content_type": "pd"}, **call}


def orders(rows=4, **call):
    """For Triton's `multi`."""
    columns = [
        tensor("age", "INT64", [rows, 1], range(20, 20 + rows)),
        tensor("amount", "FP64", [rows, 1], [10.5 * (row + 1) for row in range(rows)]),
        tensor("country", "BYTES", [rows, 1], ["DE", "Zürich", "", "日本"][:rows] + ["FR"] * (rows - 4)),
        tensor("owner", "BOOL", [rows, 1], [row % 2 == 0 for row in range(rows)]),
        tensor("embedding", "FP16", [rows, 8], [0.5 * (i % 7) for i in range(8 * rows)]),
    ]
    return {"model": "multi", "inputs": columns, "outputs": [], **call}


def repeated(*values, **call):
    return {"model": "repeat", "inputs": [tensor("value", "FP32", [len(values)], values)], **call}


def asleep(seconds, **call):
    return {"model": "slow", "inputs": [tensor("seconds", "FP32", [1, 1], [seconds])], "outputs": [], **call}


def forwarding(server, **more):
    """Settings of a sidecar before a model server, and where it then listens."""
    address = f"127.0.0.1:{free_port()}"
    forward = {"listen_address": address, "upstream": server.grpc, "http_upstream": server.http}
    return {**FAST, "forward": forward, **more}, address


@dataclass
class Pair:
    """The same client twice: at the model server itself, and at the sidecar before it."""

    direct: Caller
    through: Caller
    sidecar: object
    address: str

    def same(self, **call):
        """What the client saw, which must not depend on the way."""
        direct, through = self.direct(**call), self.through(**call)
        assert through == direct
        return through


def pair(server, serve):
    """Starts what a module needs to compare the two ways."""
    settings, address = forwarding(server)
    sidecar = serve(settings)
    callers = [Caller(server.python, server.grpc, server.http), Caller(server.python, address, address)]
    try:
        yield Pair(*callers, sidecar, address)
    finally:
        for caller in callers:
            caller.close()
