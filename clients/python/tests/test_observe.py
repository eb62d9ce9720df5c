"""What a model's thread does: one append. It never raises, and never waits."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from books import assert_balanced, closed
from conftest import CLIENT
from fake import Fake

from driftgauge import Monitor
from driftgauge._sender import Sender

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def idle(monitor, monkeypatch):
    """Monitors whose thread never runs."""
    monkeypatch.setattr(Sender, "_start", lambda self: None)
    return monitor


def test_a_full_queue_refuses_the_newest_and_counts(idle):
    monitor = idle(max_rows=100)
    assert [monitor.observe({"a": n}) for n in range(150)] == [True] * 100 + [False] * 50
    assert not monitor.observe(np.zeros((2, 2)))
    stats = monitor.stats()
    assert_balanced(stats, 152)
    assert (stats.pending, stats.dropped_by["queue_full"]) == (100, 52)


@pytest.mark.parametrize(
    "inputs",
    [
        np.zeros(1_000),
        {"text": "x" * 8_000},
        {"vector": [0.0] * 1_000},
        [[0.0] * 500] * 2,
        pd.DataFrame(np.zeros((10, 100))),
        pd.DataFrame({"text": ["x" * 60] * 100}),
        pd.Series(dict.fromkeys(map(str, range(100)), 1.0)),
        np.full((1, 100), "text", dtype=object),
    ],
)
def test_bytes_are_bounded_too(idle, inputs):
    monitor = idle(max_bytes=100_000)
    taken = 0
    while monitor.observe(inputs):
        taken += 1
        assert taken < 1_000
    assert 3 <= taken
    assert monitor.stats().dropped_by["queue_full"] > 0


def test_books_of_endless_refusals_stay_small(idle):
    monitor = idle(max_rows=1)
    for _ in range(50_000):
        monitor.observe({"a": 1})
    assert len(monitor._sender.lost) <= 4_097
    assert monitor.stats().dropped == 49_999


class Hostile:
    """Nothing about it can be asked."""

    def __getattr__(self, name):
        raise RuntimeError(name)


class Unspeakable:
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "inputs",
    [None, 7, "text", object(), pytest.param(Hostile(), id="hostile"), np.zeros((2, 2, 2)), np.float64(1), iter(())],
)
def test_what_is_no_row_is_counted_and_raises_nothing(idle, inputs):
    monitor = idle()
    assert monitor.observe(inputs) is False
    stats = monitor.stats()
    assert stats.dropped_by["invalid"] == 1 and "cannot be read" in stats.last_error


@pytest.mark.parametrize(
    "row",
    [
        {"a": Unspeakable()},
        {1: 2, None: 3},
        {},
        [],
        np.zeros((0, 3)),
        pd.DataFrame({"a": []}),
        np.zeros((3, 0)),
        {"a": {"b": 1}},
    ],
)
def test_odd_rows_end_in_the_books(monitor, row):
    with Fake() as sidecar:
        one = monitor(target=sidecar.target)
        one.observe(row)
        one.observe({"a": 1})
        stats = closed(one)
    assert stats.accepted >= 1 and stats.accepted == sidecar.rows


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.ones(3),
        lambda: np.ones((2, 3)),
        lambda: [1.0, 1.0, 1.0],
        lambda: [[1.0] * 3, [1.0] * 3],
        lambda: pd.DataFrame(np.ones((2, 3))),
    ],
)
def test_what_is_changed_afterwards_is_sent_as_it_was(idle, make):
    monitor = idle()
    inputs = make()
    prediction = np.ones(len(np.atleast_2d(np.asarray(inputs))))
    row = {"v": [1.0], "w": np.ones(2)}
    monitor.observe(inputs, prediction=prediction)
    monitor.observe(row)
    if isinstance(inputs, list):
        for entry in inputs:
            if isinstance(entry, list):
                entry[:] = [9.0] * 3
        inputs[0] = 9.0
    elif isinstance(inputs, pd.DataFrame):
        inputs.iloc[:, :] = 9.0
    else:
        inputs[...] = 9.0
    prediction[:] = 9.0
    row["v"][0] = row["w"][0] = row["x"] = 9.0
    kept = [entry for entry in monitor._sender.queue]
    assert not (np.asarray(kept[0][3]) == 9.0).any() and not (kept[0][4] == 9.0).any()
    assert kept[1][3]["v"] == [1.0] and kept[1][3]["w"][0] == 1.0 and "x" not in kept[1][3]


def test_large_arrays_are_not_copied(idle):
    monitor = idle()
    small, large = np.zeros((10, 10)), np.zeros((1_000, 10))
    monitor.observe(small)
    monitor.observe(large)
    assert monitor._sender.queue[0][3] is not small and monitor._sender.queue[1][3] is large


CALLS_OF_A_ROW = {
    "observe",
    "offer",
    "getsizeof",
    "len",
    "copy",
    "items",
    "time",
    "append",
    "hasattr",
    "getattr",
}


def test_observe_takes_no_lock_and_does_no_input_or_output(idle):
    """By looking at all that it calls, for a row as a mapping and as an array."""
    monitor = idle()
    called = set()

    def note(frame, event, argument):
        if event == "call":
            called.add(frame.f_code.co_name)
        elif event == "c_call":
            called.add(argument.__name__)

    row, array = {"a": 1.0, "b": "x", "c": None}, np.ones(20)
    monitor.observe(array)
    monitor._sender.nudge_at = 1 << 62  # as after the first row, when the thread is there
    sys.setprofile(note)
    try:
        monitor.observe(row, prediction=True, score=0.5, id="x", latency=0.1)
        monitor.observe(array, prediction=True, score=0.5, id="x", latency=0.1)
    finally:
        sys.setprofile(None)
    assert called - {"setprofile"} <= CALLS_OF_A_ROW, called


def test_observe_stays_short():
    """Bytecodes, not time: what a row costs grows with nothing but its fields."""
    steps = 0

    def count(frame, event, argument):
        nonlocal steps
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            steps += 1
        return count

    monitor = Monitor("m", target=NOWHERE)
    monitor._sender._start = lambda: None
    row = {f"f{n}": float(n) for n in range(20)}
    found = {}
    for name, inputs in (("row", row), ("array", np.ones(20))):
        monitor.observe(inputs)
        steps = 0
        sys.settrace(count)
        monitor.observe(inputs, prediction=True, score=0.5, id="x", latency=0.1)
        sys.settrace(None)
        found[name] = steps
    print("bytecodes:", found)
    assert 50 < found["array"] < 250 and 50 < found["row"] < 600


def test_grpc_is_imported_by_the_thread_and_not_before():
    code = "import sys, driftgauge; driftgauge.Monitor('m'); assert not {'grpc', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


@pytest.mark.parametrize("options", [{"flush_interval": 0}, {"timeout": -1}, {"flush_rows": 0}])
def test_options_that_cannot_be_say_so(options):
    with pytest.raises(ValueError, match="above 0"):
        Monitor("m", **options)
    with pytest.raises(ValueError, match="name"):
        Monitor("")


def test_nothing_is_taken_after_close(monitor):
    with Fake() as sidecar:
        one = monitor(target=sidecar.target)
        assert one.observe({"a": 1})
        one.close(10)
        assert not one.observe({"a": 1})
        stats = closed(one, observed=2)
    assert (stats.accepted, stats.dropped_by["closed"]) == (1, 1)


def test_a_row_that_comes_while_the_last_look_is_taken_is_counted(monitor):
    """The caller has seen an open monitor, and appends after the thread has ended."""
    with Fake() as sidecar:
        one = monitor(target=sidecar.target)
        one.observe({"a": 1})
        one.close(10)
        one._sender.max_rows = one._sender.max_bytes = 1 << 30
        assert one.observe({"a": 1})
        stats = one.stats()
    assert_balanced(stats, 2)
    assert (stats.accepted, stats.pending, stats.dropped_by["closed"]) == (1, 0, 1)


def test_what_it_costs_is_printed():
    """The measure runs; what it says is for people."""
    script = CLIENT / "benches" / "observe.py"
    command = [sys.executable, str(script), "--target", NOWHERE, "--calls", "500", "--rounds", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert all(kind in done.stdout for kind in ("no-op", "ndarray row", "dict row"))
