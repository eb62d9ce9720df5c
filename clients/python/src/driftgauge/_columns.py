"""Values of one field, as Python has them → bytes or strings of one type."""

import array
import sys
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, Optional

from . import _wire
from ._wire import Column

_NONE = type(None)
_TEXTS = frozenset((str, _NONE))
_BOOLS = frozenset((bool, _NONE))
_INTS = frozenset((bool, int, _NONE))
_NUMBERS = frozenset((bool, int, float, _NONE))

# Every machine that sidecars run on is little-endian; the wire is too.
_SWAP = sys.byteorder == "big"

_TYPES = {
    "bool": _wire.BOOL,
    "int8": _wire.INT8,
    "int16": _wire.INT16,
    "int32": _wire.INT32,
    "int64": _wire.INT64,
    "uint8": _wire.UINT8,
    "uint16": _wire.UINT16,
    "uint32": _wire.UINT32,
    "uint64": _wire.UINT64,
    "float16": _wire.FLOAT16,
    "float32": _wire.FLOAT32,
    "float64": _wire.FLOAT64,
}


class Mixed(ValueError):
    """Text and numbers, or vectors of different width, in one field: no column can hold them."""


class Encoded(NamedTuple):
    """A column and what its schema says of it."""

    type: int
    width: int
    column: Column


def numbers_type(dtype: Any) -> Optional[int]:
    """Type on the wire of a numpy dtype, or None."""
    return _TYPES.get(dtype.name)


def little_endian(numbers: Any) -> bytes:
    """Row-major bytes of a numpy array."""
    if numbers.dtype.byteorder == ">" or (_SWAP and numbers.dtype.byteorder == "="):
        numbers = numbers.astype(numbers.dtype.newbyteorder("<"))
    return bytes(numbers.tobytes())


def encode(values: Sequence[Any], known: Optional[int] = None) -> Optional[Encoded]:
    """A column of plain values; None is null. `known` is the type that the field had before, which
    holds where these values fit it. None when all are null and no type is known.

    Raises Mixed.
    """
    kinds = set(map(type, values))
    if not kinds <= _NUMBERS and not kinds <= _TEXTS:
        values = [plain(value) for value in values]
        kinds = set(map(type, values))
    validity = bits([value is not None for value in values]) if _NONE in kinds else b""
    if kinds == {_NONE}:
        return _nulls(len(values), known, validity)
    if kinds <= _TEXTS:
        texts = ["" if value is None else value for value in values]
        return Encoded(_wire.STRING, 0, Column(texts, validity))
    if kinds <= _NUMBERS:
        kind, data = _numbers([0 if value is None else value for value in values], kinds, known)
        return Encoded(kind, 0, Column(data, validity))
    if kinds <= {tuple, _NONE}:
        return _vectors(values, validity)
    raise Mixed(f"values of {' and '.join(sorted(kind.__name__ for kind in kinds))} in one field")


def _nulls(rows: int, known: Optional[int], validity: bytes) -> Optional[Encoded]:
    if known is None:
        return None
    if known == _wire.STRING:
        return Encoded(known, 0, Column([""] * rows, validity))
    size = {_wire.BOOL: 1}.get(known, 8)
    return Encoded(known, 0, Column(bytes(rows * size), validity))


def _numbers(values: list[Any], kinds: "set[type]", known: Optional[int]) -> tuple[int, bytes]:
    """Once a field had fractions it stays FLOAT64, so that its schema does not go back and forth."""
    if kinds <= _BOOLS and known not in (_wire.INT64, _wire.FLOAT64):
        return _wire.BOOL, bytes(values)
    if kinds <= _INTS and known != _wire.FLOAT64:
        try:
            return _wire.INT64, _packed("q", values)
        except OverflowError:
            pass
    try:
        return _wire.FLOAT64, _packed("d", values)
    except OverflowError:
        return _wire.FLOAT64, _packed("d", [_float(value) for value in values])


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _packed(code: str, values: list[Any]) -> bytes:
    packed = array.array(code, values)
    if _SWAP:
        packed.byteswap()
    return packed.tobytes()


def _vectors(values: Sequence[Any], validity: bytes) -> Encoded:
    widths = {len(value) for value in values if value is not None}
    if len(widths) != 1:
        raise Mixed(f"vectors of {' and '.join(map(str, sorted(widths)))} elements in one field")
    (width,) = widths
    if width == 0:
        raise ValueError("a vector has no elements")
    zeros = (0.0,) * width
    flat = [float(element) for value in values for element in (zeros if value is None else value)]
    return Encoded(_wire.FLOAT64, width, Column(_packed("d", flat), validity))


def plain(value: Any) -> Any:
    """A value as None, bool, int, float, str, or as a tuple: a vector."""
    kind = type(value)
    if kind in _NUMBERS or kind is str:
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if hasattr(value, "tolist"):  # scalars and arrays of numpy and its like
        value = value.tolist()
        return tuple(value) if isinstance(value, list) else plain(value)
    if isinstance(value, (bool, int, float, str)):  # a class made from one of these
        base = next(base for base in (bool, int, float, str) if isinstance(value, base))
        return base(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    if str(value) in ("<NA>", "NaT"):  # what pandas calls missing
        return None
    return str(value)


def bits(present: Sequence[bool]) -> bytes:
    """One bit each, least significant first."""
    out = bytearray((len(present) + 7) // 8)
    for index, is_present in enumerate(present):
        if is_present:
            out[index >> 3] |= 1 << (index & 7)
    return bytes(out)


def shape(value: Any) -> Any:
    """What may share a column: numbers, texts, or vectors of one width; None fits all."""
    value = plain(value)
    if value is None:
        return None
    if isinstance(value, tuple):
        return len(value)
    return "text" if isinstance(value, str) else "number"


def frame_column(series: Any, known: Optional[int]) -> Optional[Encoded]:
    """A column of a pandas DataFrame. What pandas calls missing (NaN too) is null."""
    kind = numbers_type(series.dtype)
    missing = series.isna().to_numpy()
    validity = bits((~missing).tolist()) if missing.any() else b""
    if kind is not None:
        numbers = series.to_numpy()
        if hasattr(numbers, "dtype") and numbers.dtype.name == series.dtype.name:
            return Encoded(kind, 0, Column(little_endian(numbers), validity))
    values = series.astype(object).tolist()
    return encode([None if gone else value for value, gone in zip(values, missing.tolist())], known)


Types = dict[str, int]
