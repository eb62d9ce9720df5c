"""The background half of a monitor: a queue, the thread that empties it, and the books.

There is one for each monitor and process. `offer` is the only thing that runs on the threads of the
model: it takes no lock and does no I/O. The books are in order because every row is counted once, on
the way out of the queue, under a lock that only the background thread and `stats` take.
"""

import logging
import os
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Optional

from . import _wire
from ._batches import Batcher, Observation
from ._books import CLOSED, FAILED, INVALID, OUTDATED, QUEUE_FULL, UNKNOWN, Books, Stats
from ._connection import Connection, Failure
from ._request import Piece, Request, Schemas, pieces, sample, split
from ._words import worded

logger = logging.getLogger("driftgauge")

REQUEST_BYTES = 1 << 20
ENCODED_ROWS, BREATH = 128, 0.0005
"""Rows that are encoded in one go, half a millisecond of the interpreter; and seconds for the model between."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 1.0
LOG_EVERY = 60.0
LOST_ENTRIES = 4_096
AWAKE = 1 << 62
GRACE = 0.5
"""Seconds that the thread may be late on a busy machine; it keeps the deadline itself."""


@dataclass(frozen=True)
class Options:
    """What a sender has to know."""

    model: str
    version: str
    target: str
    flush_interval: float
    flush_rows: int
    max_rows: int
    max_bytes: int
    timeout: float
    retain: float


class Sender:
    """Takes rows from the model's threads and sends them from its own."""

    def __init__(self, options: Options, batcher: Batcher) -> None:
        self.options = options
        self.pid = os.getpid()
        self.queue: deque[tuple[Any, ...]] = deque()
        self.lost: deque[tuple[int, str]] = deque()
        self.rows = self.bytes = 0
        """What waits, about: set by the sender whenever it has looked, raised by callers in between."""
        self.max_rows, self.max_bytes = options.max_rows, options.max_bytes
        self.nudge_at = 0
        """Rows that wait, from which on the thread is woken; it is woken by time, too."""
        self.closed = False
        self.thread: Optional[threading.Thread] = None

        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        self._wake = threading.Lock()
        self._wake.acquire()
        self._deadline: Optional[float] = None
        self._has_ended = False
        self._backlog: deque[Observation] = deque()
        self._backlog_rows = self._backlog_bytes = 0
        self._books = Books()
        self._last_error, self._is_untold = "", False
        self._logged = -LOG_EVERY

        self._batcher = batcher
        self._schemas = Schemas()
        self._model = _wire.model(options.model, options.version)
        self._client_id = uuid.uuid4().hex
        self._sequence = 0
        self._current: Optional[Request] = None
        self._connection = Connection(options.target)
        self._failures = 0
        self._told_dropped = 0
        self._is_down = False
        """Whether rows were given up since the last answer: then only empty requests ask."""
        self._not_before = 0.0
        self._sample_rate = 1.0

    # ------------------------------------------------------------------------ on the model's threads

    def offer(self, rows: int, size: int, entry: tuple[Any, ...]) -> bool:
        """Appends an observation, or counts it as lost where there is no room."""
        rows_then, bytes_then = self.rows + rows, self.bytes + size
        if rows_then > self.max_rows or bytes_then > self.max_bytes:
            self.lose(rows, CLOSED if self.closed else QUEUE_FULL)
            return False
        self.queue.append(entry)
        self.rows, self.bytes = rows_then, bytes_then
        if rows_then >= self.nudge_at or (bytes_then >= REQUEST_BYTES and self.nudge_at != AWAKE):
            self._nudge()
        return True

    def shut(self) -> None:
        """From now on there is no room."""
        self.closed = True
        self.max_rows = self.max_bytes = -1

    def lose(self, rows: int, reason: str) -> None:
        """Counts rows that never were in the queue."""
        self.lost.append((rows, reason))
        if self.thread is None:
            self._start()
        if len(self.lost) > LOST_ENTRIES and self._lock.acquire(False):
            try:
                self._take_in()
            finally:
                self._lock.release()

    def _nudge(self) -> None:
        """Wakes the thread; starts it, if there is none in this process."""
        if self.thread is None:
            self._start()
            return
        self.nudge_at = AWAKE
        try:
            self._wake.release()
        except RuntimeError:
            pass  # it is awake already

    def _start(self) -> None:
        with self._lock:
            if self.thread is None and not self.closed:
                thread = threading.Thread(target=self._run, name="driftgauge", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # no room for another thread: the next row tries again
                    self.complain(str(error))
                    return
                self.thread = thread
                running.add(self)

    # ------------------------------------------------------------------------------- for everybody

    def stats(self) -> Stats:
        with self._lock:
            self._take_in()
            return self._books.stats(self._last_error)

    def flush(self, timeout: float) -> bool:
        """Waits until nothing is pending; False when that takes longer."""
        deadline = time.monotonic() + timeout
        while True:
            if self.thread is not None:
                self._nudge()
            if self.stats().pending == 0:
                return True
            with self._lock:
                if time.monotonic() >= deadline:
                    return False
                self._settled.wait(min(0.02, max(deadline - time.monotonic(), 0.001)))

    def close(self, deadline: float) -> None:
        """Sends what waits, for at most so many seconds, and ends the thread; the rest is dropped."""
        self.shut()
        with self._lock:
            if self._deadline is None:
                self._deadline = time.monotonic() + deadline
        self._nudge()
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join(deadline + GRACE)
        elif self.thread is None:
            self._give_up_all()

    # ----------------------------------------------------------------------- on the thread of its own

    def _run(self) -> None:
        while True:
            self.nudge_at = self.options.flush_rows
            self._wake.acquire(timeout=self._pause())
            self.nudge_at = AWAKE
            is_last = self._is_closing()  # all that came before is in this delivery
            try:
                self._deliver()
            except Exception as error:  # a defect of ours must not end the thread, nor be silent
                self.complain(worded(error))
                self._give_up(INVALID)
            self._log()
            if is_last and (self._is_idle() or self._time_left() <= 0):
                break
        self._give_up_all()
        running.discard(self)
        self._connection.close()

    def _pause(self) -> float:
        if not self._is_closing():
            return self.options.flush_interval
        return min(max(self._not_before - time.monotonic(), 0.0), max(self._time_left(), 0.0), 0.05)

    def _is_closing(self) -> bool:
        return self._deadline is not None

    def _is_idle(self) -> bool:
        return self._current is None and not self._backlog and not self.queue

    def _time_left(self) -> float:
        return float("inf") if self._deadline is None else self._deadline - time.monotonic()

    def _deliver(self) -> None:
        """Sends what waits, unless the sidecar is away. What comes meanwhile has its turn at the next
        flush, unless it fills a request: else a busy model would be answered by a request a row."""
        is_begun = False
        while True:
            with self._lock:
                self._take_in()
                if self._failures:
                    self._drop_outdated()
            if time.monotonic() < self._not_before or self._time_left() <= 0:
                return
            if self._is_down and (not self._backlog or not self._probe()):
                return
            if self._current is None:
                is_full = self._backlog_rows >= self.options.flush_rows or self._backlog_bytes >= REQUEST_BYTES
                if is_begun and not is_full:
                    break
                self._current = self._next_request()
                is_begun = True
            if self._current is not None:
                self._try()
            elif not self._backlog:
                break
        is_untold = self._books.lost_here() != self._told_dropped
        if is_untold and not self._backlog and not self._failures:
            self._probe()

    def _take_in(self) -> None:
        """Out of the queue, into the books. The lock is held."""
        queue, lost, books = self.queue, self.lost, self._books
        while True:
            try:
                one = Observation._make(queue.popleft())
            except IndexError:
                break
            books.observed += one.rows
            if self._has_ended:  # it came while the last look was taken
                books.dropped[CLOSED] += one.rows
            else:
                self._put(one)
        while True:
            try:
                rows, reason = lost.popleft()
            except IndexError:
                break
            books.observed += rows
            books.dropped[reason] += rows
        self.rows, self.bytes = self._backlog_rows, self._backlog_bytes

    def _put(self, one: Observation, first: bool = False) -> None:
        """The lock is held."""
        (self._backlog.appendleft if first else self._backlog.append)(one)
        self._backlog_rows += one.rows
        self._backlog_bytes += one.size

    def _pop(self) -> Observation:
        """The lock is held."""
        one = self._backlog.popleft()
        self._backlog_rows -= one.rows
        self._backlog_bytes -= one.size
        return one

    def _drop_outdated(self) -> None:
        """While the sidecar is away, news is worth more than history. The lock is held."""
        horizon = time.time() - self.options.retain
        current = self._current
        if current is not None and current.oldest < horizon:
            self._settle_current(UNKNOWN if current.maybe_taken else FAILED)
            self._is_down = True
        while self._backlog and self._backlog[0].time < horizon:
            self._books.dropped[OUTDATED] += self._pop().rows

    def _next_request(self) -> Optional[Request]:
        """The oldest rows, about as many as one flush has."""
        found: list[Piece] = []
        oldest: Optional[float] = None
        taken = rows = size = 0
        while taken < self.options.flush_rows and size < REQUEST_BYTES:
            if taken and not self._is_closing():
                time.sleep(BREATH)
            observations, came, weighs = self._take_some()
            if not came and not observations:
                break
            taken += came
            size += weighs
            if not observations:
                continue
            if oldest is None:
                oldest = observations[0].time
            rows += sum(one.rows for one in observations)
            good, unusable = pieces(self._batcher, self._model, observations, 1 / self._sample_rate)
            found += good
            for one, sentence in unusable:
                rows -= one.rows
                with self._lock:
                    self._books.dropped[INVALID] += one.rows
                self.complain(sentence)
        if not found or oldest is None:
            return None
        self._sequence += 1
        return Request(self._sequence, rows, oldest, found)

    def _take_some(self) -> tuple[list[Observation], int, int]:
        """The oldest rows, as many as are encoded in one go; how many rows and bytes these were before
        they were sampled."""
        found: list[Observation] = []
        rows = size = 0
        with self._lock:
            while self._backlog and rows < ENCODED_ROWS and size < REQUEST_BYTES:
                one = self._pop()
                try:
                    one, *others = split(one, max(one.rows * REQUEST_BYTES // max(one.size, 1), 1))
                    for other in reversed(others):
                        self._put(other, first=True)
                    kept = sample(one, self._sample_rate)
                except Exception as error:  # what is given for each row does not fit the rows
                    rows += one.rows
                    self._books.dropped[INVALID] += one.rows
                    self.complain(f"an observation cannot be divided: {worded(error)}")
                    continue
                rows += one.rows
                size += one.size
                self._books.sampled_out += one.rows - (kept.rows if kept else 0)
                if kept:
                    found.append(kept)
        return found, rows, size

    def _probe(self) -> bool:
        """Asks with nothing in hand, so that rows are not lost in asking."""
        if self._send(0, ()) is None:
            return False
        self._is_down = False
        return True

    def _try(self) -> None:
        request = self._current
        assert request is not None
        reply = self._send(request.sequence, self._schemas.encode(request))
        if reply is None:
            return
        if reply.need_schema and not request.inline:
            request.inline = True
            return
        self._schemas.sent(request)
        with self._lock:
            # Every row is one or the other, whatever the sidecar's arithmetic.
            accepted = min(reply.accepted_rows, request.rows)
            self._books.accepted += accepted
            self._books.rejected += request.rows - accepted
            self._current = None
            self._settled.notify_all()
        for rejection in reply.rejections:
            subject = f"field {rejection.field!r}: " if rejection.field else ""
            self.complain(f"the sidecar rejects {rejection.rows} values or rows: {subject}{rejection.detail}")

    def _send(self, sequence: int, batches: Iterable[bytes]) -> Optional[_wire.Reply]:
        """The answer; None when there was none, or none that leaves anything to do."""
        with self._lock:
            dropped = self._books.lost_here()
        message = _wire.request(self._client_id, sequence, dropped, batches)
        answer = self._connection.call(message, min(self.options.timeout, max(self._time_left(), 0.01)))
        if isinstance(answer, Failure):
            self._failed(answer)
            return None
        self._failures, self._told_dropped = 0, dropped
        self._not_before = time.monotonic() + min(answer.retry_after, LONGEST_PAUSE) if answer.retry_after else 0.0
        rate = answer.sample_rate
        self._sample_rate = rate if rate is not None and 0.0 < rate < 1.0 else 1.0
        return answer

    def _failed(self, failure: Failure) -> None:
        self.complain(failure.sentence)
        request = self._current
        if failure.is_refusal and request is not None:
            with self._lock:
                self._books.rejected += request.rows
                self._current = None
                self._settled.notify_all()
            self._failures = 0
            return
        if request is not None:
            request.maybe_taken |= failure.maybe_taken
        # Another process may answer next.
        self._schemas.forget()
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE) * random.uniform(0.8, 1.2)
        self._failures = min(self._failures + 1, 16)
        self._not_before = time.monotonic() + max(pause, min(failure.wanted_pause, LONGEST_PAUSE))

    def _settle_current(self, reason: str) -> None:
        """The lock is held."""
        if self._current is not None:
            self._books.dropped[reason] += self._current.rows
            self._current = None
            self._settled.notify_all()

    def _give_up(self, reason: str) -> None:
        with self._lock:
            self._settle_current(reason)

    def _give_up_all(self) -> None:
        with self._lock:
            self._take_in()
            current = self._current
            if current is not None:
                self._settle_current(UNKNOWN if current.maybe_taken else FAILED)
            while self._backlog:
                self._books.dropped[CLOSED] += self._pop().rows
            self._has_ended = True
            self._settled.notify_all()

    def complain(self, sentence: str) -> None:
        """Remembers what went wrong; the background thread tells it to the log, once a minute at most."""
        self._last_error, self._is_untold = sentence, True

    def _log(self) -> None:
        now = time.monotonic()
        if self._is_untold and now - self._logged >= LOG_EVERY:
            self._logged, self._is_untold = now, False
            logger.warning("model %s: %s", self.options.model, self._last_error)


running: set[Sender] = set()
"""Those of this process with a thread, also when their monitor is forgotten: at exit they are closed."""
