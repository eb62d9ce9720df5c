"""What goes wrong between the two, one fault at a time; whatever it is, the numbers add up."""

import threading
import time

import grpc
import pytest
from books import assert_balanced, closed
from fake import Fake
from waiting import wait_for

from driftgauge._request import is_kept

Status = grpc.StatusCode


def test_what_is_observed_arrives_once_and_in_order(monitor):
    with Fake() as sidecar:
        one = monitor(target=sidecar.target)
        for n in range(5_000):
            assert one.observe({"a": n})
        stats = closed(one, 5_000)
    assert (stats.accepted, sidecar.rows, stats.last_error) == (5_000, 5_000, "")
    numbers = [int.from_bytes(batch.columns[0].fixed[:8], "little") for batch in sidecar.batches]
    assert numbers == sorted(numbers)
    assert [request.sequence for request in sidecar.requests] == list(range(1, len(sidecar.requests) + 1))
    assert max(batch.rows for batch in sidecar.batches) <= 1_024


def test_the_schema_goes_once_and_again_when_it_is_asked_for(monitor, pb):
    need = pb.ObserveResponse(rejected_rows=1, need_schema=True)
    with Fake(None, None, need) as sidecar:
        one = monitor(target=sidecar.target)
        for n in range(4):
            one.observe({"a": n})
            assert one.flush(5)
        stats = closed(one, 4)
    assert [batch.HasField("schema") for batch in sidecar.batches] == [True, False, False, True, False]
    assert [request.sequence for request in sidecar.requests] == [1, 2, 3, 3, 4]
    assert stats.accepted == sidecar.rows == 4


def test_after_a_failure_the_schema_goes_along_unasked(monitor):
    """Another process may answer: that saves a call."""
    with Fake(None, Status.UNAVAILABLE) as sidecar:
        one = monitor(target=sidecar.target)
        for n in range(3):
            one.observe({"a": n})
            assert one.flush(5)
        closed(one, 3)
    assert [batch.HasField("schema") for batch in sidecar.batches] == [True, False, True, False]


def test_a_sidecar_that_always_asks_for_the_schema_ends_nothing(monitor, pb):
    need = pb.ObserveResponse(rejected_rows=1, need_schema=True)
    with Fake(need, need, need, need) as sidecar:
        one = monitor(target=sidecar.target)
        one.observe({"a": 1})
        one.observe({"b": 1}, latency=1.0)
        assert one.flush(5)
        assert closed(one, 2).rejected == 2


@pytest.mark.parametrize(
    "fault", [Status.UNAVAILABLE, Status.INTERNAL, Status.UNKNOWN, Status.RESOURCE_EXHAUSTED, b"\xff"]
)
def test_a_fault_is_tried_again_under_the_same_number(monitor, fault):
    with Fake(fault, fault) as sidecar:
        one = monitor(target=sidecar.target)
        one.observe({"a": 1})
        assert one.flush(5)
        stats = closed(one, 1)
    assert (stats.accepted, stats.dropped, sidecar.rows) == (1, 0, 1)
    assert [request.sequence for request in sidecar.requests] == [1, 1, 1]
    assert stats.last_error


def test_an_answer_that_is_too_late_is_no_second_count(monitor):
    """The sidecar took the rows, then was slow: the retry is a duplicate, and counts once."""
    with Fake() as sidecar:
        sidecar.script.append(sidecar.taken_and_silent)
        one = monitor(target=sidecar.target, timeout=0.2)
        one.observe({"a": 1})
        assert one.flush(5)
        stats = closed(one, 1)
    assert len(sidecar.requests) == 2 and sidecar.taken == {1: 1}
    assert (stats.accepted, stats.unknown) == (1, 0)


def test_rows_that_may_have_arrived_are_unknown_and_not_lost_for_certain(monitor):
    with Fake() as sidecar:
        sidecar.script += [sidecar.taken_and_silent] * 7
        one = monitor(target=sidecar.target, timeout=0.1, retain=0.3)
        one.observe({"a": 1})
        wait_for(lambda: one.stats().dropped == 1, "it is given up", every=0.01)
        assert one.stats().unknown == 1, one.stats()
        sidecar.script.clear()
        sidecar.released.set()
        one.observe({"a": 2})
        assert one.flush(5), one.stats()
        stats = closed(one, 2)
    assert stats.accepted <= sidecar.rows <= stats.accepted + stats.unknown
    assert (stats.accepted, stats.dropped, stats.failed, stats.unknown) == (1, 1, 1, 1)
    assert sidecar.requests[-1].dropped_rows == 0, "the sidecar has it: it did not fail to come"


def test_what_is_refused_for_good_is_rejected_and_not_tried_again(monitor):
    with Fake(Status.INVALID_ARGUMENT, Status.OUT_OF_RANGE) as sidecar:
        one = monitor(target=sidecar.target)
        one.observe({"a": 1})
        assert one.flush(5)
        one.observe([[1.0]] * 3)
        assert one.flush(5)
        stats = closed(one, 4)
    assert (stats.rejected, stats.dropped, len(sidecar.requests)) == (4, 0, 2)


def test_rows_that_the_sidecar_rejects_are_told_apart(monitor, pb):
    answer = pb.ObserveResponse(accepted_rows=7, rejected_rows=3)
    answer.rejections.add(code=pb.REJECTION_CODE_LIMIT, field="amount", rows=3, detail="too many of them")
    with Fake(answer) as sidecar:
        one = monitor(target=sidecar.target)
        one.observe([[1.0]] * 10)
        stats = closed(one, 10)
    assert (stats.accepted, stats.rejected) == (7, 3)
    assert "amount" in stats.last_error and "too many of them" in stats.last_error


def test_an_answer_that_does_not_add_up_does_not_upset_the_books(monitor, pb):
    with Fake(pb.ObserveResponse(accepted_rows=99), pb.ObserveResponse()) as sidecar:
        one = monitor(target=sidecar.target)
        for _ in range(2):
            one.observe({"a": 1})
            assert one.flush(5)
        stats = closed(one, 2)
    assert (stats.accepted, stats.rejected) == (1, 1)


def test_losses_are_told_to_the_sidecar(monitor):
    with Fake() as sidecar:
        one = monitor(target=sidecar.target, max_rows=10)
        one.observe([[1.0]] * 11)
        one.observe(None)
        one.observe({"a": 1})
        assert one.flush(5)
        assert sidecar.requests[-1].dropped_rows == 12
        one.observe([[1.0]] * 11)
        closed(one, 24)
    assert sidecar.requests[-1].dropped_rows == 23, "also when nothing follows"
    assert not sidecar.requests[-1].batches and sidecar.requests[-1].sequence == 0


def test_while_the_sidecar_is_away_old_rows_go_and_new_ones_stay(monitor):
    one = monitor(target="127.0.0.1:1", retain=0.4)
    for n in range(50):
        one.observe({"a": n})
    wait_for(lambda: one.stats().dropped == 50, "the old rows are gone", every=0.01)
    one.observe({"a": 1})
    stats = one.stats()
    assert_balanced(stats, 51)
    assert stats.pending == 1 and stats.unknown == 0
    assert stats.dropped_by["failed"] + stats.dropped_by["outdated"] == 50


def test_after_an_outage_rows_are_not_risked_in_asking_whether_it_is_over(monitor):
    with Fake() as sidecar:
        sidecar.script += [Status.UNKNOWN] * 100
        one = monitor(target=sidecar.target, retain=0.3)
        one.observe({"a": 1})
        wait_for(lambda: one.stats().unknown == 1, "it is given up", every=0.01)
        sidecar.script.clear()
        one.observe({"a": 2})
        assert one.flush(5)
        assert closed(one, 2).accepted == 1
    asked = [request for request in sidecar.requests if not request.batches]
    assert len(asked) == 1 and sidecar.requests[-1].batches


def test_a_sample_is_drawn_by_id_and_weighs_what_it_stands_for(monitor, pb):
    ids = [f"order-{n}" for n in range(2_000)]
    with Fake(pb.ObserveResponse(accepted_rows=1, sample_rate=0.25)) as sidecar:
        sidecar.script += [lambda request, context: respond(sidecar, request, sample_rate=0.25)] * 50
        one = monitor(target=sidecar.target)
        one.observe({"a": 1}, id="first")
        assert one.flush(5)
        one.observe([[1.0]] * 1_000, id=ids[:1_000], prediction=list(range(1_000)))
        for name in ids[1_000:]:
            one.observe({"a": 1}, id=name)
        assert one.flush(5)
        stats = closed(one, 2_001)
    kept = [name for batch in sidecar.batches[1:] for name in batch.prediction_ids]
    assert kept == [name for name in ids if is_kept(name, 0.25)]
    assert 400 < len(kept) < 600
    assert {batch.weight for batch in sidecar.batches[1:]} == {4.0} and sidecar.batches[0].weight == 0
    assert stats.sampled_out == 2_000 - len(kept) and stats.accepted == 1 + len(kept)


def respond(sidecar, request, **more):
    answer = sidecar.take(request)
    for name, value in more.items():
        setattr(answer, name, value)
    return answer


def test_without_ids_a_sample_has_about_its_share(monitor, pb):
    with Fake(pb.ObserveResponse(accepted_rows=1, sample_rate=0.5)) as sidecar:
        sidecar.script += [lambda request, context: respond(sidecar, request, sample_rate=0.5)] * 50
        one = monitor(target=sidecar.target)
        one.observe({"a": 1})
        assert one.flush(5)
        one.observe([[1.0]] * 1_000)
        one.observe([1.0], score=[0.1, 0.9])
        stats = closed(one, 1_002)
    assert 350 < stats.accepted < 650


def test_samples_of_higher_rates_hold_those_of_lower_ones():
    ids = list(map(str, range(2_000)))
    samples = [{name for name in ids if is_kept(name, rate)} for rate in (0.1, 0.3, 0.9)]
    assert samples[0] < samples[1] < samples[2] and 100 < len(samples[0]) < 300


def test_the_sidecar_may_ask_for_a_pause(monitor, pb):
    answer = pb.ObserveResponse(accepted_rows=1)
    answer.retry_after.FromMilliseconds(300)
    with Fake(answer) as sidecar:
        one = monitor(target=sidecar.target)
        one.observe({"a": 1})
        assert one.flush(5)
        begun = time.monotonic()
        one.observe({"a": 1})
        assert one.flush(5)
        assert time.monotonic() - begun > 0.2
        assert closed(one, 2).accepted == 2


def test_large_arrays_go_in_parts(monitor):
    import numpy as np

    rows = np.arange(1_000_000, dtype="f8").reshape(50_000, 20)
    with Fake() as sidecar:
        one = monitor(target=sidecar.target)
        assert one.observe(rows, prediction=rows[:, 0], id=range(50_000))
        assert one.flush(20)
        stats = closed(one, 50_000)
    assert stats.accepted == sidecar.rows == 50_000
    assert max(request.ByteSize() for request in sidecar.requests) < 2 << 20
    data = b"".join(block.data for batch in sidecar.batches for block in batch.blocks)
    assert np.array_equal(np.frombuffer(data).reshape(-1, 20), rows)


def test_close_keeps_its_deadline_and_says_what_was_left(monitor):
    with Fake() as sidecar:
        sidecar.script += [sidecar.taken_and_silent] * 7
        one = monitor(target=sidecar.target, flush_rows=10)
        for _ in range(10):
            one.observe({"a": 1})
        wait_for(lambda: sidecar.requests, "the request is on its way", every=0.01)
        for _ in range(5):
            one.observe({"a": 1})
        begun = time.monotonic()
        stats = closed(one, 15, deadline=0.3)
        assert time.monotonic() - begun < 3, "not the 5 s that the answers take"
    assert (stats.unknown, stats.dropped_by["closed"]) == (10, 5)


def test_sixteen_threads_lose_and_double_nothing(monitor):
    with Fake() as sidecar:
        one = monitor(target=sidecar.target, max_rows=2_000)
        refused = [0] * 16

        def work(index):
            for n in range(1_500):
                refused[index] += not one.observe({"thread": index, "n": n}, id=f"{index} {n}")

        threads = [threading.Thread(target=work, args=(index,)) for index in range(16)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert_balanced(one.stats())
        stats = closed(one, 16 * 1_500, deadline=10)
    assert stats.dropped == stats.dropped_by["queue_full"] == sum(refused)
    ids = [name for batch in sidecar.batches for name in batch.prediction_ids]
    assert len(ids) == len(set(ids)) == stats.accepted == 16 * 1_500 - sum(refused)


@pytest.mark.parametrize("rate", [None, 0.5])
def test_what_cannot_be_divided_is_counted_and_ends_nothing(monitor, pb, rate):
    """Large arrays with something that is not one a row; with a sample, ids that are not."""
    import numpy as np

    rows = np.zeros((50_000, 20))
    with Fake(pb.ObserveResponse(accepted_rows=1, sample_rate=rate)) as sidecar:
        one = monitor(target=sidecar.target)
        one.observe({"a": 1})
        assert one.flush(5)
        one.observe(rows, prediction=[1])
        one.observe(np.zeros((2, 2)), id=["a", "b", "c"])
        one.observe({"a": 1}, id="one")
        assert one.flush(5), one.stats()
        stats = closed(one, 50_004)
    assert stats.dropped_by["invalid"] == 50_002 and stats.accepted + stats.sampled_out == 2


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Hostile:
    def __str__(self):
        raise Unspeakable

    __float__ = __iter__ = __len__ = __str__


def test_an_error_that_cannot_be_worded_is_counted_all_the_same(monitor):
    with Fake() as sidecar:
        one = monitor(target=sidecar.target)
        one.observe({"a": Hostile()})
        one.observe({"a": 1})
        assert not one.record_labels(Hostile(), True)
        assert one.flush(5)
        stats = closed(one, 3)
    assert stats.accepted + stats.dropped_by["invalid"] == 3


def test_an_id_that_cannot_be_sampled_loses_no_other_part(monitor, pb):
    """Large arrays are divided before they are sampled."""
    import numpy as np

    with Fake(pb.ObserveResponse(accepted_rows=1, sample_rate=0.5)) as sidecar:
        one = monitor(target=sidecar.target)
        one.observe({"a": 1})
        assert one.flush(5)
        one.observe(np.zeros((20_000, 20)), id={"a": [1]})
        assert one.flush(5), one.stats()
        closed(one, 20_001)


def test_labels_fill_the_queue_by_their_bytes(monitor):
    one = monitor(target="127.0.0.1:1")
    taken = [one.record_labels(str(n), "x" * (1 << 20)) for n in range(40)]
    assert 10 < sum(taken) < 20
    assert one.record_labels([], []) and one.stats().observed == 40


def test_large_rows_do_not_wait_for_a_flush_a_mebibyte(monitor):
    """Sixteen MiB may wait: 24 MiB within the first second are none too many for a sidecar that answers."""
    import numpy as np

    with Fake() as sidecar:
        one = monitor(target=sidecar.target)
        for _ in range(150):
            one.observe(np.zeros(20_000))
            time.sleep(0.005)
        assert one.flush(5)
        assert closed(one, 150).accepted == 150


def test_pauses_between_tries_grow(monitor):
    with Fake() as sidecar:
        sidecar.script += [Status.UNAVAILABLE] * 1_000
        one = monitor(target=sidecar.target, retain=3.0, flush_interval=0.05)
        one.observe({"a": 1})
        wait_for(lambda: one.stats().dropped == 1, "it is given up", every=0.02)
    assert 3 <= len(sidecar.requests) <= 6, "0.2, 0.4, 0.8, 1, 1 s apart"


def test_a_thread_that_cannot_start_is_tried_again(monitor, monkeypatch):
    with Fake() as sidecar:
        one = monitor(target=sidecar.target)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no room")))
            assert one.observe({"a": 1})
        assert one.stats().last_error == "no room"
        assert one.observe({"a": 1})
        assert one.flush(5)
        assert closed(one, 2).accepted == 2
