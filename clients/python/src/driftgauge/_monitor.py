"""What a model's code holds: `Monitor`."""

import asyncio
import atexit
import functools
import inspect
import os
import time
import weakref
from collections.abc import Mapping, Sequence
from sys import getsizeof
from typing import Any, Callable, Optional, TypeVar, Union

from ._batches import Batcher, Labels, Table
from ._books import INVALID, Stats
from ._sender import Options, Sender, running
from ._words import worded

Function = TypeVar("Function", bound=Callable[..., Any])

TARGET = "127.0.0.1:4599"
EXIT_SECONDS = 1.0
TEXT_CELL_BYTES = 64

_PLAIN = frozenset((int, float, bool, type(None)))

_arrays: set[type] = set()
"""Classes that were found to be arrays of numpy, which is imported only by who uses it."""


class Monitor:
    """Tells a driftgauge sidecar what one model is asked and what it answers.

    `observe` puts a call in a queue; a thread of the background sends the queue every second. Nothing
    here raises into the model's code or makes it wait: what cannot be sent is dropped and counted in
    `stats`. It works in every process after a fork, each with its own thread and connection.

    - `model`, `version`: as the sidecar shall call it.
    - `features`: names of the values of a row, for arrays and lists; or one name, which is numbered:
      `input[0]`, `input[1]`, …
    - `roles`: roles of fields that are no features: feature, prediction, score, label or segment.
      Fields called prediction, score and label have that role.
    - `target`: `host:port` or `unix:/path`; default `$DRIFTGAUGE_TARGET`, else `127.0.0.1:4599`.
    - `flush_interval` (seconds), `flush_rows`: what waits is sent after so long, or once so many.
    - `max_rows`, `max_bytes`: most that waits, about; beyond it the newest is dropped.
    - `timeout`: seconds that one call to the sidecar may take.
    - `retain`: seconds after which rows are dropped while the sidecar is away.
    - `copy_below`: arrays and frames of fewer bytes are copied when they are observed; larger ones
      must not be changed in place for about a second.
    """

    def __init__(
        self,
        model: str,
        version: str = "",
        *,
        features: Union[str, Sequence[str]] = "input",
        roles: Optional[Mapping[str, str]] = None,
        target: Optional[str] = None,
        flush_interval: float = 1.0,
        flush_rows: int = 1024,
        max_rows: int = 65_536,
        max_bytes: int = 16 << 20,
        timeout: float = 0.5,
        retain: float = 5.0,
        copy_below: int = 64 << 10,
    ) -> None:
        if not model:
            raise ValueError("a monitor needs the name of its model")
        if flush_interval <= 0 or timeout <= 0 or flush_rows < 1:
            raise ValueError("flush_interval, timeout and flush_rows must be above 0")
        roles = {"prediction": "prediction", "score": "score", "label": "label", **(roles or {})}
        self._batching = (features, roles)
        self._options = Options(
            model=str(model),
            version=str(version),
            target=target or os.environ.get("DRIFTGAUGE_TARGET") or TARGET,
            flush_interval=flush_interval,
            flush_rows=flush_rows,
            max_rows=max_rows,
            max_bytes=max_bytes,
            timeout=timeout,
            retain=retain,
        )
        self._copy_below = copy_below
        self._sender = Sender(self._options, Batcher(*self._batching))
        _monitors.add(self)

    def observe(
        self,
        inputs: Any,
        prediction: Any = None,
        score: Any = None,
        *,
        id: Any = None,
        latency: Optional[float] = None,
        outcome: str = "ok",
        trace_id: Optional[str] = None,
    ) -> bool:
        """Takes note of one call of the model; False when it is dropped because there is no room.

        - `inputs`: one row as a mapping, a sequence or a 1-D array; or several as a 2-D array, a
          DataFrame, or a list of rows. None is null, NaN is NaN; in a DataFrame NaN is null.
        - `prediction`, `score`: the answer: a value for one row, a sequence for several, or a mapping
          of names to these. Of scores of two classes the last counts; of more, each is a field.
        - `id`: identifies the row (a sequence for several), for labels that come later. When the
          sidecar asks for a sample, the id decides, the same way everywhere.
        - `latency`: seconds. `outcome`: ok, client_error, server_error, timeout or rejected.
        - `trace_id`: the W3C trace id of the call, 32 hexadecimal digits.
        """
        sender = self._sender
        try:
            rows = 1
            kind: Any = inputs.__class__
            if kind is dict:
                size = getsizeof(inputs) + 32 * len(inputs)
                inputs = inputs.copy()
                for name, value in inputs.items():
                    if value.__class__ not in _PLAIN:
                        if value.__class__ is str:
                            size += len(value)
                        else:
                            inputs[name], more = _own(value)
                            size += more
            elif kind in _arrays:
                size = inputs.nbytes
                if inputs.ndim != 1:
                    rows = _matrix_rows(inputs)
                if inputs.dtype.hasobject:
                    size += TEXT_CELL_BYTES * inputs.size
                if size < self._copy_below:
                    inputs = inputs.copy()
                size += 128
            else:
                inputs, rows, size = _rows(inputs, self._copy_below)
            if prediction.__class__ not in _PLAIN:
                prediction, more = _own(prediction)
                size += more
            if score.__class__ not in _PLAIN:
                score, more = _own(score)
                size += more
            if id.__class__ is not str and id is not None:
                id, more = _own(id)
                size += more
            entry = (time.time(), rows, size, inputs, prediction, score, id, latency, outcome, trace_id)
            return sender.offer(rows, size, entry)
        except Exception as error:
            sender.lose(1, INVALID)
            sender.complain(f"an observation cannot be read: {worded(error)}")
            return False

    def record_labels(self, ids: Any, labels: Any) -> bool:
        """Tells the truth about predictions made earlier; False when it is dropped because there is no
        room.

        - `ids`: the ids that `observe` was given: one, or a sequence.
        - `labels`: what was true: a value for one id, a sequence for several; or a mapping of names to
          these. None is null. A name that `observe` uses for a feature or an answer is none for a label.

        They may come from any process, as late as they like. Labels count no call: they are watched as
        features are, in fields of role label, `label` unless they are named.
        """
        sender = self._sender
        rows = 1
        try:
            named = labels if isinstance(labels, Mapping) else {"label": labels}
            if isinstance(ids, (str, bytes)) or not hasattr(ids, "__len__"):
                ids = [str(ids)]
                owned = {str(name): ([value], more) for name, (value, more) in zip(named, map(_own, named.values()))}
            else:
                ids = [str(id) for id in ids]
                rows = len(ids)
                if rows == 0:
                    return True
                owned = {str(name): _own(list(values)) for name, values in named.items()}
            columns = Labels({name: values for name, (values, _) in owned.items()})
            for name, values in columns.items():
                if len(values) != rows or isinstance(named.get(name), str) and rows > 1:
                    raise ValueError(f"{name} has not a value for each of {rows} ids")
            size = sum(64 + len(id) for id in ids) + sum(64 * rows + more for _, more in owned.values())
            entry = (time.time(), rows, size, columns, None, None, ids, None, "ok", None)
            return sender.offer(rows, size, entry)
        except Exception as error:
            sender.lose(rows, INVALID)
            sender.complain(f"labels cannot be read: {worded(error)}")
            return False

    def observed(
        self,
        function: Optional[Function] = None,
        *,
        inputs: Union[str, int, Callable[..., Any], None] = None,
        prediction: Optional[Callable[[Any], Any]] = None,
        score: Optional[Callable[[Any], Any]] = None,
        id: Optional[Callable[..., Any]] = None,
        client_errors: Sequence[type] = (),
    ) -> Any:
        """Decorates a function that predicts, plain or `async`: its calls are observed, with latency
        and outcome.

        - `inputs`: the name of the argument that holds the row or rows, or a function of all
          arguments; default the first that is not `self`.
        - `prediction`, `score`: functions of what is returned; by default it is the prediction.
        - `id`: a function of all arguments.
        - `client_errors`: exceptions that are the caller's fault; TimeoutError is a timeout, all
          others are errors of the server. All are raised on.
        """

        def decorate(target: Function) -> Function:
            read = _reader(target, inputs)

            def note(args: Any, kwargs: Any, begun: float, result: Any, outcome: str) -> None:
                latency = time.perf_counter() - begun
                try:
                    answer: dict[str, Any] = {}
                    if outcome == "ok":
                        if prediction is not None or score is None:
                            answer["prediction"] = prediction(result) if prediction else result
                        if score is not None:
                            answer["score"] = score(result)
                    name = id(*args, **kwargs) if id else None
                    row = read(args, kwargs)
                except Exception as error:
                    self._sender.lose(1, INVALID)
                    self._sender.complain(f"a call of {target!r} cannot be read: {worded(error)}")
                    return
                self.observe(row, id=name, latency=latency, outcome=outcome, **answer)

            def fate(error: Exception) -> str:
                if isinstance(error, tuple(client_errors)):
                    return "client_error"
                return "timeout" if isinstance(error, (TimeoutError, asyncio.TimeoutError)) else "server_error"

            if inspect.iscoroutinefunction(target):

                @functools.wraps(target)
                async def awaited(*args: Any, **kwargs: Any) -> Any:
                    begun = time.perf_counter()
                    try:
                        result = await target(*args, **kwargs)
                    except Exception as error:
                        note(args, kwargs, begun, None, fate(error))
                        raise
                    note(args, kwargs, begun, result, "ok")
                    return result

                return awaited  # type: ignore[return-value]

            @functools.wraps(target)
            def called(*args: Any, **kwargs: Any) -> Any:
                begun = time.perf_counter()
                try:
                    result = target(*args, **kwargs)
                except Exception as error:
                    note(args, kwargs, begun, None, fate(error))
                    raise
                note(args, kwargs, begun, result, "ok")
                return result

            return called  # type: ignore[return-value]

        return decorate if function is None else decorate(function)

    def stats(self) -> Stats:
        """What became of the rows of this process."""
        return self._sender.stats()

    def flush(self, timeout: float = 1.0) -> bool:
        """Waits until the fate of every row is known; False when that takes longer."""
        return self._sender.flush(timeout)

    def close(self, deadline: float = EXIT_SECONDS) -> None:
        """Sends what waits, for at most so many seconds, and drops the rest. Runs by itself when the
        process exits."""
        self._sender.close(max(deadline, 0.0))

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin_anew(self) -> None:
        """In a child, after a fork: nothing of the parent's is touched, not even to free it."""
        _of_parents.append(self._sender)
        closed = self._sender.closed
        self._sender = Sender(self._options, Batcher(*self._batching))
        if closed:
            self._sender.shut()


_monitors: "weakref.WeakSet[Monitor]" = weakref.WeakSet()
_of_parents: list[Sender] = []


def _after_fork() -> None:
    _of_parents.extend(running)
    running.clear()
    for monitor in list(_monitors):
        monitor._begin_anew()


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    for sender in list(running):
        if sender.pid == os.getpid():
            sender.close(max(deadline - time.monotonic(), 0.0))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)


def _matrix_rows(array: Any) -> int:
    if array.ndim != 2:
        raise ValueError(f"inputs have {array.ndim} dimensions, not 1 (a row) or 2 (rows × features)")
    return int(array.shape[0])


def _rows(inputs: Any, copy_below: int) -> Any:
    """(inputs of our own, rows, bytes) of what is neither a plain dict nor an array that is known."""
    if (
        hasattr(inputs, "nbytes")
        and hasattr(getattr(inputs, "dtype", None), "hasobject")
        and not hasattr(inputs, "iloc")
    ):
        rows = 1 if inputs.ndim == 1 else _matrix_rows(inputs)
        _arrays.add(inputs.__class__)
        size = int(inputs.nbytes) + (TEXT_CELL_BYTES * inputs.size if inputs.dtype.hasobject else 0)
        return (inputs.copy() if size < copy_below else inputs), rows, size + 128
    if hasattr(inputs, "iloc"):
        if not hasattr(inputs, "columns"):  # a Series: a row with names
            return _rows(inputs.to_dict(), copy_below)
        size = 128 + TEXT_CELL_BYTES * inputs.size
        if all(kind.kind in "biufM" for kind in inputs.dtypes):
            size = 128 + 8 * inputs.size
        return (inputs.copy() if size < copy_below else inputs), len(inputs), size
    if isinstance(inputs, Mapping):
        row: dict[str, Any] = {}
        size = 128
        for name, value in inputs.items():
            row[name], more = _own(value)
            size += 96 + more
        return row, 1, size
    if isinstance(inputs, (list, tuple)):
        if inputs and isinstance(inputs[0], (list, tuple, Mapping)):
            table = Table()
            size = 0
            for entry in inputs:
                one, _, more = _rows(entry, copy_below)
                table.append(one)
                size += more
            return table, len(table), size
        values, size = _own(inputs)
        return values, 1, size
    raise TypeError(f"inputs are a {type(inputs).__name__}, not a mapping, sequence, array or DataFrame")


def _own(value: Any) -> Any:
    """(the value, copied if it could change; its bytes, about)."""
    kind = value.__class__
    if kind in _PLAIN:
        return value, 0
    if kind is str or kind is bytes:
        return value, len(value)
    if hasattr(value, "nbytes"):
        return value.copy(), int(value.nbytes)
    if isinstance(value, Mapping):
        pairs = {name: _own(entry) for name, entry in value.items()}
        return {name: entry for name, (entry, _) in pairs.items()}, sum(96 + more for _, more in pairs.values())
    if isinstance(value, (list, tuple)):
        entries = [_own(entry) for entry in value]
        return [entry for entry, _ in entries], sum(16 + more for _, more in entries)
    return value, 64


def _reader(target: Any, inputs: Union[str, int, Callable[..., Any], None]) -> Callable[[Any, Any], Any]:
    """Finds the rows among the arguments of a call."""
    if callable(inputs):
        chosen = inputs
        return lambda args, kwargs: chosen(*args, **kwargs)
    names = list(inspect.signature(target).parameters)
    if isinstance(inputs, int):
        inputs = names[inputs]
    elif inputs is None:
        inputs = next((name for name in names if name not in ("self", "cls")), None)
    if inputs not in names:
        raise TypeError(f"{target!r} has no argument {inputs!r} to observe; give observed(inputs=...)")
    name, position = inputs, names.index(inputs)
    return lambda args, kwargs: kwargs[name] if name in kwargs else args[position]
