"""How a sidecar ends, and what is there again when it comes back."""

import signal
import threading
import time

import grpc
import pytest

from conftest import FAST
from data import orders
from push import Client, batch

MODEL = "orders"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_ends_with_0(serve, orders_settings, rng, number):
    sidecar = serve(orders_settings())
    with Client(sidecar.push_address) as client:
        client.observe(batch(MODEL, orders(rng, 1_000)))
        sidecar.signal(number)
        assert sidecar.process.wait(10) == 0
    assert sidecar.log.count("level=error") == 0, sidecar.log


def test_it_ends_in_time_under_load_and_with_open_streams(serve, orders_settings, rng):
    sidecar = serve(orders_settings())
    fields = orders(rng, 500)
    stop, answered = threading.Event(), threading.Event()
    last = []

    def flood():
        with Client(sidecar.push_address) as client:
            try:
                while not stop.is_set():
                    client.observe(batch(MODEL, fields), timeout=2)
                    answered.set()
            except grpc.RpcError as error:
                last.append(error.code())

    def endless(client):
        while not stop.is_set():
            yield client.request(batch(MODEL, fields))
            time.sleep(0.01)

    def hold():
        with Client(sidecar.push_address) as client:
            try:
                client.stream(endless(client), timeout=30)
            except grpc.RpcError as error:
                last.append(error.code())

    threads = [threading.Thread(target=target) for target in (flood, flood, hold)]
    for thread in threads:
        thread.start()
    try:
        assert answered.wait(10)
        begun = time.monotonic()
        sidecar.signal(signal.SIGTERM)
        assert sidecar.process.wait(15) == 0
        took = time.monotonic() - begun
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    print(f"ended after {took:.2f} s, clients saw {last}")
    assert took < 5
    assert "panicked" not in sidecar.log


def test_a_learned_reference_outlives_a_kill_where_there_is_a_state_directory(serve, tmp_path, rng):
    state = tmp_path / "state"
    state.mkdir()
    settings = {**FAST, "learning": {"rows": 1_000}, "state": {"directory": str(state)}}
    sidecar = serve(settings)
    with Client(sidecar.push_address) as client:
        client.rows("new", orders(rng, 1_500), 500)
    page = sidecar.wait(lambda page: page.all("driftgauge_reference_info", model="new"), "the reference is in force")
    reference = page.label("driftgauge_reference_info", "profile", model="new")
    sidecar.kill()
    sidecar.start()
    with Client(sidecar.push_address) as client:
        client.rows("new", orders(rng, 500, shift=3), 500)
    page = sidecar.wait_for_rows("new", 500)
    labels = {"model": "new", "feature": "amount", "window": "1h"}
    assert page.label("driftgauge_reference_info", "profile", model="new") == reference
    assert page.value("driftgauge_feature_drift_ratio", **labels) > 1


def test_without_a_state_directory_it_is_learned_anew(serve, rng):
    sidecar = serve({**FAST, "learning": {"rows": 1_000}})
    with Client(sidecar.push_address) as client:
        client.rows("new", orders(rng, 1_500), 500)
    sidecar.wait(lambda page: page.all("driftgauge_reference_info", model="new"), "the reference is in force")
    assert "state.directory" in sidecar.log
    sidecar.kill()
    sidecar.start()
    with Client(sidecar.push_address) as client:
        client.rows("new", orders(rng, 500), 500)
    page = sidecar.wait_for_rows("new", 500)
    assert page.label("driftgauge_feature_state", "state", model="new", feature="amount", window="1h") == "learning"


def test_a_client_that_reconnects_after_a_kill_goes_on(serve, orders_settings, rng):
    sidecar = serve(orders_settings())
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
    with Client(sidecar.push_address, options) as client:
        client.observe(batch(MODEL, orders(rng, 400)))
        sidecar.wait_for_rows(MODEL, 400)
        sidecar.kill()
        with pytest.raises(grpc.RpcError):
            client.stub.Observe(client.request(batch(MODEL, orders(rng, 10))), timeout=2)
        sidecar.start()
        assert client.observe(batch(MODEL, orders(rng, 300))).accepted_rows == 300
    page = sidecar.wait_for_rows(MODEL, 300)
    assert page.value("driftgauge_predictions_total", model=MODEL) == 300
