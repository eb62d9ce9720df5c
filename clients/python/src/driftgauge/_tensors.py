"""Tensors of the Open Inference Protocol → what `observe` takes, as the sidecar reads them when it
forwards calls: one matrix is features by number, several columns are features by name."""

from typing import Any, NamedTuple


class Tensor(NamedTuple):
    """A named numpy array, or a list of texts."""

    name: str
    values: Any


class Call(NamedTuple):
    """The arguments of `observe`, and what a matrix's columns are called."""

    inputs: Any
    prediction: Any
    score: Any
    features: str


def read(inputs: list[Tensor], outputs: list[Tensor]) -> Call:
    """Raises ValueError where there are no rows in it."""
    if not inputs:
        raise ValueError("the request has no tensors")
    first = inputs[0]
    if len(inputs) == 1 and getattr(first.values, "ndim", 1) == 2:
        rows = len(first.values)
        found: Any = first.values
    else:
        columns = [_column(tensor) for tensor in inputs]
        rows = len(columns[0])
        if any(len(column) != rows for column in columns):
            raise ValueError("the tensors have different numbers of rows")
        names = [tensor.name for tensor in inputs]
        found = [dict(zip(names, values)) for values in zip(*columns)]
    predictions: dict[str, Any] = {}
    scores: dict[str, Any] = {}
    for tensor in outputs:
        if len(tensor.values) == rows:
            (scores if _is_score(tensor) else predictions)[tensor.name] = tensor.values
    return Call(found, _one_or_all(predictions), _one_or_all(scores), first.name)


def _column(tensor: Tensor) -> list[Any]:
    values = tensor.values
    if getattr(values, "ndim", 1) == 2 and values.shape[1] == 1:
        values = values[:, 0]
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _is_score(tensor: Tensor) -> bool:
    """Fractions; texts, truth values and whole numbers are predictions."""
    return hasattr(tensor.values, "dtype") and bool(tensor.values.dtype.kind == "f")


def _one_or_all(tensors: dict[str, Any]) -> Any:
    if len(tensors) < 2:
        return next(iter(tensors.values()), None)
    return tensors
