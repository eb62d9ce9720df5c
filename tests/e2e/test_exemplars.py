"""From a bucket of the latency to a call in it: trace ids that clients send, in a real Prometheus."""

import time

import pytest

from exemplars import newest, open_metrics
from prometheus import Prometheus
from push import Client, Field, batch
from waiting import wait_for

MODEL = "traced"
BUCKET = "driftgauge_request_duration_seconds_bucket"
SLOW, FAST, UNTRACED = 80_000, 700, 3_000_000
"""Latencies in microseconds."""


def send(client, rng, calls):
    """Calls of one row each; of each its latency and its trace id."""
    latencies, traces = zip(*calls)
    client.observe(
        batch(MODEL, [Field("x", rng.random(len(calls)))], latency_micros=latencies, trace_ids=traces)
    )


def test_a_foreign_parser_reads_the_newest_trace_of_each_bucket(serve, rng):
    sidecar = serve()
    first, second, third = (rng.bytes(16) for _ in range(3))
    before = time.time()
    with Client(sidecar.push_address) as client:
        send(client, rng, [(FAST, first), (SLOW, second), (UNTRACED, b"")])
        send(client, rng, [(FAST, third), (FAST, b"")])
    sidecar.wait_for_rows(MODEL, 5)
    found = newest(open_metrics(sidecar))
    assert {le: exemplar.labels for le, exemplar in found.items()} == {
        "0.001": {"trace_id": third.hex()},
        "0.1": {"trace_id": second.hex()},
    }
    assert [found["0.001"].value, found["0.1"].value] == [FAST / 1e6, SLOW / 1e6]
    for exemplar in found.values():
        assert before - 1 <= float(exemplar.timestamp) <= time.time() + 1
    assert "trace_id" not in sidecar.get("/metrics").text


def test_without_traces_there_are_no_exemplars(serve, rng):
    sidecar = serve()
    with Client(sidecar.push_address) as client:
        send(client, rng, [(FAST, b""), (SLOW, bytes(16))])
    sidecar.wait_for_rows(MODEL, 2)
    assert " # {" not in open_metrics(sidecar)


@pytest.fixture
def prometheus(prometheus_version, serve, tmp_path):
    """A sidecar and a Prometheus that scrapes it as it would by default, but for exemplars."""
    sidecar = serve()
    target = {"static_configs": [{"targets": [f"127.0.0.1:{sidecar.web_port}"]}]}
    server = Prometheus(
        prometheus_version,
        tmp_path / "prometheus",
        [{"job_name": "driftgauge", **target}],
        flags=["--enable-feature=exemplar-storage"],
    )
    try:
        yield sidecar, server.start()
    finally:
        server.close()


def test_prometheus_answers_with_the_trace_of_a_slow_call(prometheus, rng):
    sidecar, server = prometheus
    fast, slow, slower = (rng.bytes(16).hex() for _ in range(3))

    def stored(le, count):
        """The exemplars of a bucket, once there are so many."""

        def holds():
            found = server.exemplars(f'{BUCKET}{{model="{MODEL}"}}').get(le, [])
            return found if len(found) >= count else None

        return wait_for(holds, f"{count} exemplars of {le} in Prometheus\n{server.log}", 30, every=0.2)

    with Client(sidecar.push_address) as client:
        send(client, rng, [(FAST, bytes.fromhex(fast)), (SLOW, bytes.fromhex(slow))])
        assert [exemplar["labels"] for exemplar in stored("0.1", 1)] == [{"trace_id": slow}]
        send(client, rng, [(SLOW + 1, bytes.fromhex(slower))])
        found = stored("0.1", 2)
    assert [exemplar["labels"]["trace_id"] for exemplar in found] == [slow, slower]
    assert [float(exemplar["value"]) for exemplar in found] == [SLOW / 1e6, (SLOW + 1) / 1e6]
    assert all(abs(exemplar["timestamp"] - time.time()) < 60 for exemplar in found)
    assert [exemplar["labels"]["trace_id"] for exemplar in stored("0.001", 1)] == [fast]
    assert set(server.exemplars(f'{BUCKET}{{model="{MODEL}"}}')) == {"0.001", "0.1"}
    assert "xemplar" not in server.log
