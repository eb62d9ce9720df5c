"""The sidecar between client and model server when things go wrong: the server dies, clients come and go, the sidecar ends."""

import asyncio
import os
import signal
import struct
import threading

import pytest

from calls import asleep, forwarding, orders
from model_servers import Caller, Triton
from waiting import wait_for

FORWARD = {"source": "forward"}


@pytest.fixture
def own_triton(tmp_path):
    """One that may be killed."""
    (tmp_path / "triton").mkdir()
    server = Triton(tmp_path / "triton")
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture
def call():
    callers = []

    def make(server, address):
        callers.append(Caller(server.python, address, address))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()


def test_a_server_that_is_killed_is_unavailable_until_it_is_back(own_triton, serve, call):
    settings, address = forwarding(own_triton)
    sidecar = serve(settings)
    client = call(own_triton, address)
    assert client(do="exchange", **orders(2))["code"] == "OK"
    own_triton.kill()
    for _ in range(3):
        assert client(do="exchange", **orders(2))["code"] == "UNAVAILABLE"
    own_triton.start()
    # The next call on the same channel, at once.
    assert client(do="exchange", **orders(2))["code"] == "OK"
    page = sidecar.wait(lambda page: page.get("driftgauge_predictions_total", model="multi", version="1") == 4, "4 rows")
    assert page.value("driftgauge_seen_calls_total", **FORWARD) == 5


def test_calls_that_find_no_server_are_errors_of_their_model(own_triton, serve, call):
    settings, address = forwarding(own_triton)
    sidecar = serve(settings)
    client = call(own_triton, address)
    assert client(do="exchange", **orders(2))["code"] == "OK"
    own_triton.kill()
    assert client(do="exchange", **orders(2))["code"] == "UNAVAILABLE"
    error = {"model": "multi", "version": "1", "code": "UNAVAILABLE"}
    sidecar.wait(lambda page: page.get("driftgauge_request_errors_total", **error) == 1, "an error", seconds=5)


def test_a_call_in_flight_fails_when_its_server_is_killed(own_triton, serve, call):
    settings, address = forwarding(own_triton)
    sidecar = serve(settings)
    client = call(own_triton, address)
    slow = InBackground(client, do="exchange", **asleep(30))
    sidecar.wait(lambda page: page.value("driftgauge_requests_in_flight", **FORWARD) == 1, "a call is in flight")
    own_triton.kill()
    assert slow.answer()["code"] == "UNAVAILABLE"
    sidecar.wait(lambda page: page.value("driftgauge_requests_in_flight", **FORWARD) == 0, "none is in flight")


def test_without_a_server_from_the_start_the_sidecar_waits_for_it(tmp_path, serve, call):
    (tmp_path / "triton").mkdir()
    server = Triton(tmp_path / "triton")
    settings, address = forwarding(server)
    serve(settings)
    client = call(server, address)
    assert client(do="exchange", **orders(2))["code"] == "UNAVAILABLE"
    try:
        server.start()
        assert client(do="exchange", **orders(2))["code"] == "OK"
    finally:
        server.kill()


def test_a_call_in_flight_ends_before_the_sidecar_does(triton, serve, call):
    settings, address = forwarding(triton)
    sidecar = serve(settings)
    client = call(triton, address)
    assert client(do="exchange", **asleep(0))["code"] == "OK"
    slow = InBackground(client, do="exchange", **asleep(2))
    sidecar.wait(lambda page: page.value("driftgauge_requests_in_flight", **FORWARD) == 1, "a call is in flight")
    sidecar.signal(signal.SIGTERM)
    assert slow.answer()["code"] == "OK"
    assert sidecar.process.wait(15) == 0
    assert call(triton, address)(do="exchange", **asleep(0, timeout=1))["code"] in ("UNAVAILABLE", "DEADLINE_EXCEEDED")


class InBackground:
    """A call whose answer is asked for later."""

    def __init__(self, caller, **call):
        self.seen = None
        self.thread = threading.Thread(target=self.make, args=(caller, call))
        self.thread.start()

    def make(self, caller, call):
        self.seen = caller(**call)

    def answer(self):
        self.thread.join(20)
        assert self.seen is not None, "no answer"
        return self.seen


# ----------------------------------------------------------------------- ten thousand connections

CONNECTIONS, AT_ONCE = 10_000, 500
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value):
    """A header without compression (RFC 7541, 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def grpc_request(method):
    """All that a client sends for one unary call with an empty message."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": f"/inference.GRPCInferenceService/{method}",
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    block = b"".join(literal(name, value) for name, value in headers.items())
    head = PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, END_HEADERS, 1, block)
    return head, frame(DATA, END_STREAM, 1, b"\0" * 5)


async def over_grpc(reader, writer):
    writer.write(b"".join(grpc_request("ServerLive")))
    replied = False
    while True:
        head = await reader.readexactly(9)
        payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
        kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
        if kind == SETTINGS and not flags & ACK:
            writer.write(frame(SETTINGS, ACK, 0, b""))
        replied |= kind == DATA and payload == b"\0\0\0\0\2\x08\x01"
        if stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM:
            return replied


async def over_http(reader, writer):
    writer.write(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return (await reader.read()).startswith(b"HTTP/1.1 200 ")


async def given_up(reader, writer):
    """Goes away in the middle of a request."""
    head, _ = grpc_request("ModelInfer")
    writer.write(head)
    await writer.drain()
    return True


KINDS = [over_grpc, over_http, over_grpc, over_http, given_up]


async def connect(kind, address, room):
    host, port = address.split(":")
    async with room, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            return await kind(reader, writer)
        finally:
            writer.close()


async def many_connections(address, count):
    room = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(connect(KINDS[n % len(KINDS)], address, room) for n in range(count)))


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def threads(process):
    return len(os.listdir(f"/proc/{process.pid}/task"))


def resident_mib(process):
    with open(f"/proc/{process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def test_ten_thousand_short_connections_leave_nothing_behind(triton, serve, call):
    settings, address = forwarding(triton)
    sidecar = serve(settings)
    client = call(triton, address)
    # The first half shows what so many at once take; the second must not add to it.
    assert all(asyncio.run(many_connections(address, CONNECTIONS // 2)))
    memory, running = resident_mib(sidecar.process), threads(sidecar.process)
    assert all(asyncio.run(many_connections(address, CONNECTIONS // 2)))
    # A few are kept open.
    wait_for(lambda: descriptors(sidecar.process) < 60, "descriptors are given back")
    sidecar.wait(lambda page: page.value("driftgauge_requests_in_flight", **FORWARD) == 0, "none is in flight")
    assert threads(sidecar.process) <= running
    assert resident_mib(sidecar.process) < memory + 6
    assert client(do="exchange", **orders(2))["code"] == "OK"
