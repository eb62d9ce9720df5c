"""Hostile clients and broken model servers: memory stays bounded, others go on to be served, nothing ambiguous passes."""

import http.client
import os
import socket
import struct
import threading
import time

import pytest

from conftest import FAST
from events import connected, half, post
from page import waiting_calls
from test_forward_mapping import Client, loans, two_rows
from test_forward_resilience import DATA, END_HEADERS, HEADERS, PREFACE, SETTINGS, frame, grpc_request, resident_mib
from upstreams import Answering, Scripted
from waiting import free_port, wait_for

PROMISED_MIB = 64
RST_STREAM, PING, WINDOW_UPDATE, CONTINUATION = 3, 6, 8, 9
ACK, CANCEL = 1, 8
FORWARD = {"source": "forward"}


def forwarding(upstream, http_upstream=None, **more):
    address, events = (f"127.0.0.1:{free_port()}" for _ in range(2))
    forward = {"listen_address": address, "upstream": upstream, "http_upstream": http_upstream or upstream, "drain": "1s"}
    return {**FAST, "forward": forward, "http": {"listen_address": events, "pending": 20_000}, **more}, address, events


# ---------------------------------------------------------------------------------- HTTP/1.1, raw


def answered(connection):
    """A model server that answers one request."""
    connection.read_until(b"abc")
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    connection.read_all()


def say(address, request, end=b"\r\n\r\nok", seconds=5):
    """What comes back, until `end` or the end."""
    got = b""
    with connected(address, seconds) as stream:
        stream.sendall(request)
        while not got.endswith(end):
            data = stream.recv(1 << 16)
            if not data:
                break
            got += data
    return got


HEAD = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\n"
CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"
REFUSED = {
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "a list of lengths": HEAD + b"Content-Length: 3, 3\r\n\r\nabc",
    "a length with a sign": HEAD + b"Content-Length: +3\r\n\r\nabc",
    "a length below nothing": HEAD + b"Content-Length: -3\r\n\r\nabc",
    "a space before the colon": HEAD + b"Content-Length : 3\r\n\r\nabc",
    "a folded line": HEAD + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n\r\nabc",
    "a bare carriage return": HEAD + b"X: a\rTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
    "a zero byte": HEAD + b"X: a\0b\r\nContent-Length: 3\r\n\r\nabc",
    "a header without a name": HEAD + b": v\r\nContent-Length: 3\r\n\r\nabc",
    "an encoding that is none": HEAD + b"Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc",
    "chunks that are not the last encoding": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
    "chunks in HTTP/1.0": b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
}
NORMAL = {
    "length and chunks": HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS + b"GET /smuggled HTTP/1.1\r\n",
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n" + CHUNKS + b"GET /smuggled HTTP/1.1\r\n",
    "one length twice": HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "bare line feeds": HEAD.replace(b"\r", b"") + b"Content-Length: 3\n\nabc",
}


def test_requests_that_two_servers_may_read_differently_do_not_pass_as_they_are(serve):
    with Scripted(answered) as server:
        settings, address, _ = forwarding(server.address)
        serve(settings)
        for name, request in REFUSED.items():
            assert say(address, request).startswith(b"HTTP/1.1 400 "), name
        assert not server.came, "none of them may reach the model server"
        for name, request in NORMAL.items():
            before = len(server.came)
            assert say(address, request).startswith(b"HTTP/1.1 200 "), name
            (came,) = server.came[before:]
            # One way to tell where it ends.
            lengths = came.lower().count(b"content-length") + came.lower().count(b"transfer-encoding")
            assert lengths == 1 and b"smuggled" not in came, (name, bytes(came))


@pytest.mark.parametrize("chunk", [b"zz\r\nabc", b"fffffffffffffffff\r\nabc", b"3;a\nb\r\nabc\r\n0\r\n\r\n"], ids=["no number", "too large", "line feed"])
def test_a_body_that_is_no_http_is_the_clients_fault(serve, chunk):
    with Scripted(lambda connection: connection.read_all()) as server:
        settings, address, _ = forwarding(server.address)
        sidecar = serve(settings)
        got = say(address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk, end=b'whole"}')
        assert got.startswith(b"HTTP/1.1 400 "), got
        assert "went away" not in sidecar.log


def test_a_client_that_goes_away_in_the_middle_is_not_the_model_servers_failure(serve):
    with Scripted(lambda connection: connection.read_all()) as server:
        settings, address, _ = forwarding(server.address)
        sidecar = serve(settings)
        with connected(address) as stream:
            stream.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"inputs":[')
            sidecar.wait(lambda page: page.value("driftgauge_requests_in_flight", **FORWARD) == 1, "it has begun")
        sidecar.wait(lambda page: page.value("driftgauge_requests_in_flight", **FORWARD) == 0, "it has ended")
        page = sidecar.wait(lambda page: waiting_calls(page, "forward") == 0, "it has a fate")
        assert page.sum("driftgauge_request_errors_total", code="UNAVAILABLE") == 0
        assert "went away" not in sidecar.log


UPGRADE = b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
LEAVING = {
    "a WebSocket": (UPGRADE, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
}


@pytest.mark.parametrize("how", LEAVING)
def test_a_connection_that_leaves_http_is_told_what_the_model_server_said(serve, how):
    request, answer = LEAVING[how]

    def leave(connection):
        connection.read_until(b"\r\n\r\n")
        connection.send(answer + b"hello")
        connection.read_until(b"goodbye")
        connection.send(b"goodbye")

    with Scripted(leave) as server:
        settings, address, _ = forwarding(server.address)
        serve(settings)
        with connected(address) as stream:
            stream.sendall(request)
            with stream.makefile("rb") as got:
                assert got.read(len(answer) + 5) == answer + b"hello"
                stream.sendall(b"goodbye")
                assert got.read() == b"goodbye"


# ------------------------------------------------------------------------------------ HTTP/2, raw


def unanswering(connection):
    """A model server that takes everything and answers nothing."""
    wide = struct.pack(">HI", 4, 2**31 - 1)
    connection.send(frame(SETTINGS, 0, 0, wide) + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1 - 65_535)))
    while connection.stream.recv(1 << 16):
        pass


BLOCK = grpc_request("ModelInfer")[0][len(PREFACE) + 9 + 9 :]


def head_of(stream):
    return frame(HEADERS, END_HEADERS, stream, BLOCK)


def rapid_reset():
    reset = struct.pack(">I", CANCEL)
    for stream in range(1, 100_001, 2):
        yield head_of(stream) + frame(RST_STREAM, 0, stream, reset)


def unanswered_calls():
    yield from (head_of(stream) for stream in range(1, 2_001, 2))


def endless_headers():
    yield frame(HEADERS, 0, 1, BLOCK)
    yield from (frame(CONTINUATION, 0, 1, b"\0\1x\x64" + b"y" * 100) for _ in range(50_000))


def empty_continuations():
    yield frame(HEADERS, 0, 1, BLOCK)
    yield from (frame(CONTINUATION, 0, 1, b"") for _ in range(100_000))


def pings():
    yield from (frame(PING, 0, 0, b"12345678") for _ in range(100_000))


def settings_frames():
    yield from (frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65_536)) for _ in range(100_000))


def tiny_data():
    yield head_of(1)
    yield from (frame(DATA, 0, 1, b"x") for _ in range(60_000))


def empty_data():
    yield head_of(1)
    yield from (frame(DATA, 0, 1, b"") for _ in range(100_000))


def indexed_headers():
    """Each byte asks for a header of 3,900 bytes that the first stream has named."""
    named = b"\x40\x01x\x7f" + bytes([3_900 - 127 & 0x7F | 0x80, 3_900 - 127 >> 7]) + b"v" * 3_900
    yield frame(HEADERS, END_HEADERS, 1, BLOCK + named + b"\xbe" * 20)
    yield from (frame(HEADERS, END_HEADERS, stream, BLOCK + b"\xbe" * 250) for stream in range(3, 4_003, 2))


def random_bytes():
    yield from (os.urandom(4_096) for _ in range(1_000))


FLOODS = [
    rapid_reset,
    unanswered_calls,
    endless_headers,
    empty_continuations,
    pings,
    settings_frames,
    tiny_data,
    empty_data,
    indexed_headers,
    random_bytes,
]


def attack(address, bytes_, until):
    """Floods, again after each time it is thrown out; reads what comes back, so as not to be throttled by it."""
    greeting = PREFACE + frame(SETTINGS, 0, 0, b"") + frame(SETTINGS, ACK, 0, b"")
    while time.monotonic() < until:
        try:
            with connected(address) as stream:
                reader = threading.Thread(target=read_all, args=(stream,), daemon=True)
                reader.start()
                try:
                    stream.sendall(greeting)
                    for start in range(0, len(bytes_), 1 << 16):
                        stream.sendall(bytes_[start : start + (1 << 16)])
                        if time.monotonic() > until:
                            break
                    reader.join(max(0, until - time.monotonic()))
                finally:
                    stream.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def read_all(stream):
    try:
        while stream.recv(1 << 16):
            pass
    except OSError:
        pass


@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
def test_a_flood_takes_no_memory_and_keeps_nobody_out(serve, flood):
    seconds = float(os.environ.get("DRIFTGAUGE_TEST_FLOOD_SECONDS", "2"))
    with Scripted(unanswering) as grpc_server, Answering(two_rows) as http_server:
        settings, address, _ = forwarding(grpc_server.address, http_server.address)
        sidecar = serve(settings)
        bytes_ = b"".join(flood())
        until = time.monotonic() + seconds
        attackers = [threading.Thread(target=attack, args=(address, bytes_, until)) for _ in range(3)]
        for attacker in attackers:
            attacker.start()
        well_behaved, served, most = Client(address), 0, 0
        while time.monotonic() < until:
            loans(well_behaved)
            served += 1
            most = max(most, resident_mib(sidecar.process))
        for attacker in attackers:
            attacker.join(30)
        # None failed; how many there are depends on the machine.
        assert served >= 1
        page = sidecar.wait(
            lambda page: page.value("driftgauge_requests_in_flight", **FORWARD) == 0 and waiting_calls(page, "forward") == 0,
            "at rest",
        )
        most = max(most, page.value("process_resident_memory_bytes") / 2**20)
        print(f"{flood.__name__}: {served} served, {most:.1f} MiB")
        assert page.value("driftgauge_observer_bytes") == 0
        # Calls that are reset are begun faster than they are given up: 200 MiB and more.
        if flood is not rapid_reset:
            assert most < PROMISED_MIB


# ------------------------------------------------------------------------------------------ memory


def test_memory_stays_below_what_is_promised_with_everything_at_once(serve):
    body = b'{"instances": [' + b"[]," * 1_000_000 + b"[]]}"
    with Scripted(lambda connection: connection.read_all()) as server, Answering(two_rows) as events_server:
        settings, address, events = forwarding(events_server.address, server.address)
        sidecar = serve(settings)
        idle = [connected(address) for _ in range(1_000)]
        # Of calls of 4 MiB the first half.
        halves = [connected(address) for _ in range(16)]
        for stream in halves:
            stream.sendall(HEAD + b"Content-Length: 4194304\r\n\r\n" + b"x" * 2**21)
        connection = http.client.HTTPConnection(events, timeout=10)
        for call in range(10_000):
            connection.request("POST", "/", *half("request", call, {"instances": [[0.5] * 40]}))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 202
        connection.close()
        for call in range(3):
            assert post(events, *half("request", f"bomb-{call}", body)) == 202
            assert post(events, *half("response", f"bomb-{call}", body)) == 202
        page = sidecar.wait(lambda page: page.value("driftgauge_requests_in_flight", **FORWARD) == 16, "16 calls")
        most = page.value("process_resident_memory_bytes") / 2**20
        print(f"{most:.1f} MiB")
        assert most < PROMISED_MIB
        for stream in idle + halves:
            stream.close()
        sidecar.wait(lambda page: page.value("driftgauge_requests_in_flight", **FORWARD) == 0, "all have gone")
