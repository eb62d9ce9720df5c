"""Observations → the fewest batches that hold them. Runs in the background thread."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, Optional, Union

from . import _wire
from ._columns import Encoded, Mixed, encode, frame_column, little_endian, numbers_type, plain, shape
from ._wire import Batch, Column, Field

REMEMBERED_TYPES = 4_096
NAMED_SCORES = 10
SCALARS = frozenset((bool, int, float, str, type(None)))


class Observation(NamedTuple):
    """One call of a model, as `observe` keeps it; or labels of some."""

    time: float
    rows: int
    size: int
    inputs: Any
    prediction: Any
    score: Any
    id: Any
    latency: Optional[float]
    outcome: str
    trace_id: Optional[str]


class Table(list[Any]):
    """Several rows: mappings, or sequences of values."""


class Labels(dict[str, list[Any]]):
    """Columns of labels: a value for each id."""

    ndim = 2


class Unusable(ValueError):
    """An observation that no batch can hold; the sentence says why."""


class Batcher:
    """Turns observations into batches, and remembers the types of fields."""

    def __init__(self, features: Union[str, Sequence[str]], roles: Mapping[str, str]) -> None:
        self.features = features if isinstance(features, str) else tuple(map(str, features))
        self.roles = {name: _wire.ROLES[role] for name, role in roles.items()}
        self._types: OrderedDict[str, int] = OrderedDict()

    def batches(self, observations: Sequence[Observation]) -> list[Batch]:
        """Batches of all of these.

        Raises Unusable, and whatever odd values raise: then try them one at a time.
        """
        groups: OrderedDict[Hashable, list[Observation]] = OrderedDict()
        for one in observations:
            groups.setdefault(_kind(one), []).append(one)
        return [batch for group in groups.values() for batch in self._group(group)]

    def _group(self, group: list[Observation]) -> list[Batch]:
        try:
            return [self._batch(group)]
        except Mixed as error:
            alike = _alike(group)
            if len(alike) == 1:
                raise Unusable(str(error)) from error
            return [batch for part in alike for batch in self._group(part)]

    def _batch(self, group: list[Observation]) -> Batch:
        rows = sum(one.rows for one in group)
        outputs = self._outputs(group)
        batch = Batch(rows=rows, fields=())
        names = {name for name, _, _ in outputs}
        fields, columns = self._inputs(group, names, batch)
        for name, role, encoded in outputs:
            fields.append(Field(name, role, encoded.type, encoded.width))
            columns.append(encoded.column)
        batch.fields, batch.columns = tuple(fields), columns
        _calls(group, batch)
        return batch

    def _inputs(self, group: list[Observation], taken: Iterable[str], batch: Batch) -> tuple[list[Field], list[Column]]:
        inputs = [one.inputs for one in group]
        first = inputs[0]
        if isinstance(first, Labels):
            batch.labels = True
            labels = {name: [value for one in inputs for value in one[name]] for name in first}
            return self._columns(labels, taken, _wire.LABEL)
        if any(isinstance(one, Table) for one in inputs):
            inputs = [row for one in inputs for row in (one if isinstance(one, Table) else [one])]
            first = inputs[0]
        if isinstance(first, dict):
            return self._columns(_transposed(inputs), taken)
        if _is_frame(first):
            frame = first
            if len(inputs) > 1:
                import pandas

                frame = pandas.concat(inputs, ignore_index=True)
            return self._frame(frame, taken)
        if hasattr(first, "dtype"):
            width = first.shape[-1]
            kind = numbers_type(first.dtype)
            names = self._names(width)
            if kind is not None and not set(names) & set(taken):
                batch.block = b"".join(map(little_endian, inputs))
                batch.block_fields = width
                return [Field(name, self._role(name), kind) for name in names], []
            lists = [row for block in inputs for row in block.reshape(-1, width).tolist()]
        else:
            lists = inputs
            if len(set(map(len, lists))) > 1:
                raise Unusable("the rows have different numbers of values")
            names = self._names(len(first))
        return self._columns({name: list(column) for name, column in zip(names, zip(*lists))}, taken)

    def _columns(
        self, values: Mapping[Any, Sequence[Any]], taken: Iterable[str], role: int = 0
    ) -> tuple[list[Field], list[Column]]:
        fields: list[Field] = []
        columns: list[Column] = []
        for key, column in values.items():
            name = str(key)
            if name not in taken:
                self._add(name, encode(column, self._types.get(name)), fields, columns, role)
        return fields, columns

    def _frame(self, frame: Any, taken: Iterable[str]) -> tuple[list[Field], list[Column]]:
        fields: list[Field] = []
        columns: list[Column] = []
        for position, key in enumerate(frame.columns):
            name = str(key)
            if name not in taken:
                self._add(name, frame_column(frame.iloc[:, position], self._types.get(name)), fields, columns)
        return fields, columns

    def _add(
        self, name: str, encoded: Optional[Encoded], fields: list[Field], columns: list[Column], role: int = 0
    ) -> None:
        if encoded is not None:
            self._remember(name, encoded.type)
            fields.append(Field(name, role or self._role(name), encoded.type, encoded.width))
            columns.append(encoded.column)

    def _outputs(self, group: list[Observation]) -> list[tuple[str, int, Encoded]]:
        found: list[tuple[str, int, Encoded]] = []
        are_single = all(is_one_row(one.inputs) for one in group)
        for name, role in (("prediction", _wire.PREDICTION), ("score", _wire.SCORE)):
            given = [getattr(one, name) for one in group]
            if given[0] is None:  # and so are all the others of this kind
                continue
            if are_single and SCALARS.issuperset(map(type, given)):
                values = {name: given}
            else:
                values = _named_outputs(name, role, given, group)
            for key, column in values.items():
                encoded = encode(column, self._types.get(key))
                if encoded is not None:
                    self._remember(key, encoded.type)
                    found.append((key, role, encoded))
        return found

    def _names(self, width: int) -> Sequence[str]:
        if isinstance(self.features, str):
            return [f"{self.features}[{index}]" for index in range(width)]
        if len(self.features) != width:
            raise Unusable(
                f"a row has {width} values, but the monitor was told {len(self.features)} features: "
                "give Monitor(features=...) one name for each"
            )
        return self.features

    def _role(self, name: str) -> int:
        return self.roles.get(name, _wire.FEATURE)

    def _remember(self, name: str, kind: int) -> None:
        self._types[name] = kind
        if len(self._types) > REMEMBERED_TYPES:
            self._types.popitem(last=False)


def _transposed(rows: Sequence[Mapping[Any, Any]]) -> dict[Any, Sequence[Any]]:
    """Columns of rows that have names; what a row lacks is null."""
    union = dict.fromkeys(chain.from_iterable(rows))
    if all(len(row) == len(union) for row in rows):
        return {name: list(map(itemgetter(name), rows)) for name in union}
    return {name: [row.get(name) for row in rows] for name in union}


def _named_outputs(name: str, role: int, given: Sequence[Any], group: Sequence[Observation]) -> dict[str, list[Any]]:
    """Columns of answers that are mappings, sequences or arrays; what a call lacks is null."""
    values: dict[str, list[Any]] = {}
    before = 0
    for answer, one in zip(given, group):
        for key, value in (answer if isinstance(answer, dict) else {name: answer}).items():
            found_rows = per_row(str(key), value, one)
            named = _scores(str(key), found_rows) if role == _wire.SCORE else {str(key): found_rows}
            for column_name, entries in named.items():
                column = values.setdefault(column_name, [])
                column.extend([None] * (before - len(column)))
                column.extend(entries)
        before += one.rows
    for column in values.values():
        column.extend([None] * (before - len(column)))
    return values


def _calls(group: list[Observation], batch: Batch) -> None:
    times = [int(one.time * 1e6) for one in group]
    batch.base_micros = times[0]
    if all(one.rows == 1 for one in group):
        batch.offsets = [time - times[0] for time in times]
    else:
        batch.call_rows = [] if batch.labels else [one.rows for one in group]
        batch.offsets = [time - times[0] for time, one in zip(times, group) for _ in range(one.rows)]
    if group[0].latency is not None:
        batch.latencies = [min(max(int((one.latency or 0.0) * 1e6), 0), 0xFFFFFFFF) for one in group]
    if any(one.outcome != "ok" for one in group):
        batch.outcomes = [_outcome(one.outcome) for one in group]
    if any(one.trace_id for one in group):
        batch.trace_ids = [_trace_id(one.trace_id) for one in group]
    if group[0].id is not None:
        batch.ids = [id for one in group for id in ids(one)]


def _outcome(name: str) -> int:
    try:
        return _wire.OUTCOMES[name]
    except (KeyError, TypeError):
        raise Unusable(f"there is no outcome {name!r}; outcomes are {', '.join(_wire.OUTCOMES)}") from None


def _trace_id(text: Optional[str]) -> bytes:
    """Sixteen bytes in hexadecimal, as traceparent has them; anything else is none."""
    try:
        found = bytes.fromhex(text or "")
    except ValueError:
        return b""
    return found if len(found) == 16 else b""


def ids(one: Observation) -> list[str]:
    """An id for each row."""
    if one.rows == 1 and (isinstance(one.id, str) or not hasattr(one.id, "__len__")):
        return [str(one.id)]
    return [str(id) for id in _entries("id", one.id, one.rows)]


def per_row(name: str, value: Any, one: Observation) -> list[Any]:
    """A value for each row."""
    if is_one_row(one.inputs):
        return [_single(plain(value))]
    return [_single(plain(entry)) for entry in _entries(name, value, one.rows)]


def _single(value: Any) -> Any:
    """What a model answers for one row is often an array of one."""
    while isinstance(value, (tuple, list)) and len(value) == 1:
        value = value[0]
    return plain(value) if isinstance(value, list) else value


def _scores(name: str, rows: list[Any]) -> dict[str, list[Any]]:
    """Of scores of two classes that of the last, of up to ten all, of more the largest: as the sidecar
    does with calls that it forwards."""
    widths = {len(scores) for scores in rows if isinstance(scores, tuple)}
    if not widths:
        return {name: rows}
    if len(widths) > 1 or not all(scores is None or isinstance(scores, tuple) for scores in rows):
        raise Unusable(f"{name} has different numbers of entries for different rows")
    (width,) = widths
    if width == 2:
        return {name: [scores and scores[1] for scores in rows]}
    if width <= NAMED_SCORES:
        return {f"{name}[{at}]": [scores and scores[at] for scores in rows] for at in range(width)}
    return {f"{name}[max]": [scores and _largest(scores) for scores in rows]}


def _largest(scores: tuple[Any, ...]) -> Any:
    """None where one is no number: nobody knows what it would be."""
    return None if any(score != score for score in scores) else max(scores)


def _entries(name: str, value: Any, rows: int) -> list[Any]:
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        value = [value]
    if len(value) != rows:
        raise Unusable(f"{name} has {len(value)} entries for {rows} rows")
    return list(value)


def pick(one: Observation, indices: Sequence[int]) -> Observation:
    """Some rows of several."""
    inputs = _picked(one.inputs, indices)
    return one._replace(
        rows=len(indices),
        size=one.size * len(indices) // max(one.rows, 1),
        inputs=one.inputs.__class__(inputs) if isinstance(one.inputs, (Table, Labels)) else inputs,
        prediction=_picked(one.prediction, indices),
        score=_picked(one.score, indices),
        id=_picked(one.id, indices),
    )


def _picked(value: Any, indices: Sequence[int]) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: _picked(entries, indices) for key, entries in value.items()}
    if hasattr(value, "iloc"):
        return value.iloc[list(indices)]
    if hasattr(value, "dtype"):
        return value[list(indices)]
    return [value[index] for index in indices]


def is_one_row(inputs: Any) -> bool:
    """A mapping, or a flat sequence; else rows × features."""
    return not isinstance(inputs, Table) and getattr(inputs, "ndim", 1) == 1


def _is_frame(inputs: Any) -> bool:
    return hasattr(inputs, "iloc") and hasattr(inputs, "columns")


def _kind(one: Observation) -> Hashable:
    """Observations of one kind fit one batch."""
    inputs = one.inputs
    if isinstance(inputs, Labels):
        form: Hashable = ("labels", *inputs)
    elif isinstance(inputs, dict):
        form = "row"
    elif _is_frame(inputs):
        form = (tuple(map(str, inputs.columns)), tuple(map(str, inputs.dtypes)))
    elif hasattr(inputs, "dtype"):
        form = (inputs.dtype.str, inputs.shape[-1])
    else:
        first = inputs[0] if isinstance(inputs, Table) else inputs
        form = "row" if isinstance(first, dict) else len(first)
    return form, one.prediction is None, one.score is None, one.id is None, one.latency is None


def _alike(group: list[Observation]) -> list[list[Observation]]:
    """Observations with the same shapes; those that are all null go with the first."""
    parts: dict[Hashable, list[Observation]] = {}
    empty: list[Observation] = []
    for one in group:
        shapes = frozenset((name, shape) for name, shape in _shapes(one).items() if shape is not None)
        (parts.setdefault(shapes, []) if shapes else empty).append(one)
    found = list(parts.values()) or [[]]
    found[0].extend(empty)
    return found


def _shapes(one: Observation) -> dict[str, Any]:
    shapes: dict[str, Any] = {}
    if isinstance(one.inputs, Labels):
        shapes = {name: frozenset(map(shape, values)) - {None} or None for name, values in one.inputs.items()}
    elif isinstance(one.inputs, dict):
        shapes = {str(name): shape(value) for name, value in one.inputs.items()}
    elif isinstance(one.inputs, (list, tuple)) and not isinstance(one.inputs, Table):
        shapes = {str(index): shape(value) for index, value in enumerate(one.inputs)}
    for name in ("prediction", "score"):
        given = getattr(one, name)
        if given is not None and is_one_row(one.inputs):
            values = given if isinstance(given, dict) else {name: given}
            shapes.update({f"{name} {key}": shape(_single(plain(value))) for key, value in values.items()})
    return shapes
