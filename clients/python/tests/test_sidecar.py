"""Against the program itself: what is observed is on /metrics, and what is lost is in the books."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from books import assert_balanced, closed
from waiting import wait_for

from driftgauge import Monitor


def accepted(sidecar):
    return sidecar.page().accounts()["accepted"]


def reporting(sidecar, name):
    return sidecar.page().sum(f"driftgauge_{name}")


def test_values_answers_latencies_and_errors_arrive(serve, monitor):
    sidecar = serve()
    one = monitor("fraud", "3", target=sidecar.push_address)
    for n in range(100):
        row = {"amount": 1.0 * n if n % 10 else None, "country": "DE" if n % 4 else "FR", "new": n % 2 == 0}
        assert one.observe(row, prediction=n % 2 == 0, score=n / 100, id=f"order-{n}", latency=0.01)
    one.observe({"amount": 1.0}, outcome="timeout", latency=2.0)
    assert one.flush(5)
    page = sidecar.wait_for_rows("fraud", 101, version="3")
    assert page.accounts()["accepted"] == one.stats().accepted == 101
    of = {"model": "fraud", "version": "3", "window": "1h"}
    names = {labels["feature"]: labels["role"] for labels, _ in page.all("driftgauge_feature_null_ratio", **of)}
    assert names == {
        "amount": "feature",
        "country": "feature",
        "new": "feature",
        "prediction": "prediction",
        "score": "score",
    }
    page = sidecar.wait_for_next_evaluation()
    assert page.value("driftgauge_feature_null_ratio", feature="amount", role="feature", **of) == pytest.approx(
        10 / 101
    )
    assert "DEADLINE_EXCEEDED" in page.text
    closed(one, 101)


def test_a_matrix_arrives_value_by_value(serve, monitor):
    sidecar = serve()
    one = monitor("matrix", target=sidecar.push_address, features=["x", "y"])
    assert one.observe(np.tile(np.array([[2.0, np.nan]], "f4"), (500, 1)), prediction=np.ones(500, "i8"))
    assert one.flush(5)
    sidecar.wait_for_rows("matrix", 500)
    page = sidecar.wait_for_next_evaluation()
    assert page.sum("driftgauge_feature_missing_total", feature="y", reason="nan") == 500
    assert page.sum("driftgauge_feature_missing_total") == 500
    assert page.sum("driftgauge_feature_values_total", feature="x") == 500


def test_over_a_unix_socket(serve, monitor, tmp_path):
    sidecar = serve(push=f"unix:{tmp_path}/push.sock")
    one = monitor(target=sidecar.push_address)
    one.observe({"a": 1})
    assert closed(one, 1, deadline=5).accepted == 1 == accepted(sidecar)


def test_proxies_of_the_environment_are_not_asked(serve, monkeypatch, monitor):
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    sidecar = serve()
    one = monitor(target=sidecar.push_address)
    one.observe({"a": 1})
    assert closed(one, 1, deadline=5).accepted == 1


def test_the_target_comes_from_the_environment(serve, monkeypatch, monitor):
    sidecar = serve()
    monkeypatch.setenv("DRIFTGAUGE_TARGET", sidecar.push_address)
    one = monitor()
    one.observe({"a": 1})
    assert closed(one, 1, deadline=5).accepted == 1


def test_rows_that_the_sidecar_has_no_room_for_are_counted_on_both_sides(serve, monitor):
    sidecar = serve({"tick": "100ms", "limits": {"models": 1}})
    kept, refused = monitor("a", target=sidecar.push_address), monitor("b", target=sidecar.push_address)
    kept.observe({"x": 1})
    assert kept.flush(5)
    refused.observe({"x": 1})
    assert refused.flush(5)
    assert closed(refused, 1).rejected == 1 == sidecar.page().accounts()["rejected"]
    closed(kept, 1)


def test_a_sidecar_that_comes_late_loses_little(serve, monitor):
    sidecar = serve(start=False)
    one = monitor(target=sidecar.push_address)
    for n in range(100):
        one.observe({"a": n})
    wait_for(lambda: one.stats().last_error, "the first try", every=0.01)
    sidecar.start()
    assert one.flush(10)
    assert closed(one, 100).accepted == 100 == accepted(sidecar)


def test_losses_are_on_the_page_of_the_sidecar(serve, monitor):
    sidecar = serve()
    one = monitor(target=sidecar.push_address, max_rows=10)
    one.observe([[1.0]] * 30)
    one.observe({"a": 1})
    stats = closed(one, 31)
    assert reporting(sidecar, "client_dropped_rows_total") == stats.dropped == 30


class Caller:
    """Observes about a thousand rows a second until it is told to stop."""

    def __init__(self, monitor):
        self.monitor, self.rows, self.slowest, self.going = monitor, 0, 0.0, True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.going:
            begun = time.perf_counter()
            self.monitor.observe({"a": self.rows}, id=str(self.rows))
            self.slowest = max(self.slowest, time.perf_counter() - begun)
            self.rows += 1
            time.sleep(0.001)

    def stop(self):
        self.going = False
        self.thread.join()
        return self.rows


def test_a_sidecar_that_stands_still_holds_nobody_up(serve, monitor):
    """Stopped for longer than rows are kept, then it goes on."""
    sidecar = serve()
    one = monitor(target=sidecar.push_address, retain=0.8, timeout=0.2)
    caller = Caller(one)
    wait_for(lambda: one.stats().accepted > 50, "rows arrive", every=0.01)
    sidecar.signal(signal.SIGSTOP)
    wait_for(lambda: one.stats().dropped_by["outdated"] > 100, "old rows are dropped", every=0.01)
    assert_balanced(one.stats())
    sidecar.signal(signal.SIGCONT)
    before = one.stats().accepted
    wait_for(lambda: one.stats().accepted > before + 100, "rows arrive again", every=0.01)
    stats = closed(one, caller.stop())
    print(f"slowest observe {caller.slowest * 1e3:.1f} ms;", stats)
    page = sidecar.wait(lambda page: page.value("driftgauge_queue_rows") == 0, "nothing waits")
    taken = page.accounts()["accepted"]
    assert stats.accepted <= taken <= stats.accepted + stats.unknown
    assert stats.unknown <= 1_024 + 100, "one request is risked, not all that follow"
    assert page.sum("driftgauge_client_dropped_rows_total") == stats.dropped - stats.unknown


def test_a_short_stop_loses_and_doubles_nothing(serve, monitor):
    """Calls time out and are sent again; the sidecar has seen some of them, and says so."""
    sidecar = serve()
    one = monitor(target=sidecar.push_address, retain=20, timeout=0.2)
    caller = Caller(one)
    wait_for(lambda: one.stats().accepted > 50, "rows arrive", every=0.01)
    sidecar.signal(signal.SIGSTOP)
    wait_for(lambda: one.stats().pending > 800, "rows wait", every=0.01)
    sidecar.signal(signal.SIGCONT)
    rows = caller.stop()
    assert one.flush(20)
    stats = closed(one, rows)
    accounts = sidecar.page().accounts()
    assert (stats.accepted, stats.dropped) == (rows, 0)
    assert accounts["accepted"] == rows, accounts


def test_a_sidecar_that_is_killed_and_comes_back(serve, monitor):
    sidecar = serve()
    one = monitor(target=sidecar.push_address, retain=0.8)
    caller = Caller(one)
    wait_for(lambda: one.stats().accepted > 50, "rows arrive", every=0.01)
    sidecar.kill()
    wait_for(lambda: one.stats().dropped_by["outdated"] > 100, "old rows are dropped", every=0.01)
    before = one.stats().accepted
    sidecar.start()
    wait_for(lambda: one.stats().accepted > before + 100, "rows arrive again", every=0.01)
    stats = closed(one, caller.stop())
    assert one.stats() == stats
    taken = accepted(sidecar)
    assert stats.accepted - before <= taken <= stats.accepted - before + stats.unknown


SHORT = """
import driftgauge

def main():
    monitor = driftgauge.Monitor("short")
    for n in range(300):
        monitor.observe({"a": n})

main()
"""


def test_what_a_process_observes_last_is_sent_when_it_exits(serve, environment):
    sidecar = serve()
    target = {"DRIFTGAUGE_TARGET": sidecar.push_address}
    subprocess.run([sys.executable, "-c", SHORT], check=True, timeout=20, env={**environment, **target})
    assert accepted(sidecar) == 300


def test_a_process_exits_soon_though_nobody_listens(environment):
    begun = time.monotonic()
    target = {"DRIFTGAUGE_TARGET": "127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", SHORT],
        check=True,
        timeout=20,
        env={**environment, **target},
        capture_output=True,
        text=True,
    )
    assert time.monotonic() - begun < 8
    assert "Traceback" not in done.stderr and "UNAVAILABLE" in done.stderr


def test_after_a_fork_each_process_has_books_and_a_connection_of_its_own(serve, monitor):
    sidecar = serve()
    one = monitor(target=sidecar.push_address)
    one.observe({"a": 1})
    assert one.flush(5), one.stats()
    children = []
    for _ in range(3):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                fresh = one.stats()
                assert fresh.observed == 0, fresh
                for n in range(50):
                    assert one.observe({"a": n})
                one.close(5)
                stats = one.stats()
                assert_balanced(stats, 50)
                os.write(writing, str(stats.accepted).encode())
                code = 0
            finally:
                os._exit(code)
        children.append((child, reading, writing))
    for n in range(50):
        assert one.observe({"a": n})
    for child, reading, writing in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert os.read(reading, 100) == b"50"
        os.close(reading)
        os.close(writing)
    stats = closed(one, 51)
    assert stats.accepted == 51 and accepted(sidecar) == 51 + 150


FORKED = """
import os, time
import driftgauge

monitor = driftgauge.Monitor("forked")
monitor.observe({"a": 1})
assert monitor.flush(5)
child = os.fork()
if child == 0:
    begun = time.monotonic()
    taken = [monitor.observe({"a": n}) for n in range(50)]
    monitor.close(1)
    os._exit(0 if all(taken) and time.monotonic() - begun < 5 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child was held up"
monitor.observe({"a": 2})
assert monitor.flush(5), monitor.stats()
assert monitor.stats().accepted == 2
"""


@pytest.mark.parametrize("support", ["0", "1"])
def test_grpc_without_fork_support_loses_rows_of_the_child_and_holds_nobody_up(serve, environment, support):
    """Who forbids grpc to care for forks, and sends before one, has no working grpc in the child."""
    sidecar = serve()
    more = {"DRIFTGAUGE_TARGET": sidecar.push_address, "GRPC_ENABLE_FORK_SUPPORT": support}
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=30, env={**environment, **more})
    assert accepted(sidecar) == (2 if support == "0" else 52)


def test_a_monitor_made_and_forgotten_costs_no_thread():
    before = threading.active_count()
    Monitor("m")
    assert threading.active_count() == before
