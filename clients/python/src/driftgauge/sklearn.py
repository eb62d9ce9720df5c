"""A wrapper for estimators of scikit-learn, and for whatever predicts like one.

model = driftgauge.sklearn.watch(estimator, driftgauge.Monitor("fraud", "3"))
model.predict(rows)
"""

import time
from collections.abc import Sequence
from typing import Any

from ._monitor import Monitor

METHODS = ("predict", "predict_proba", "decision_function")
DENSE_CELLS = 1_000_000


def watch(estimator: Any, monitor: Monitor, methods: Sequence[str] = ("predict",)) -> Any:
    """An object that does what the estimator does, and observes the calls of `methods`.

    What `predict` returns is the prediction, what `predict_proba` and `decision_function` return the
    score. Rows that are arrays have no names: give them to `Monitor(features=...)`. Name the one method that
    the service calls: two of them make two calls of each row.
    """
    unknown = set(methods) - set(METHODS)
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} cannot be watched; {', '.join(METHODS)} can")
    return Watched(estimator, monitor, tuple(methods))


class Watched:
    """All attributes are those of the estimator."""

    def __init__(self, estimator: Any, monitor: Monitor, methods: Sequence[str]) -> None:
        self._estimator, self._monitor, self._methods = estimator, monitor, methods

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_estimator", "_monitor", "_methods"):
            raise AttributeError(name)
        found = getattr(self._estimator, name)
        return self._watched(name, found) if name in self._methods else found

    def __repr__(self) -> str:
        return f"Watched({self._estimator!r})"

    def _watched(self, name: str, method: Any) -> Any:
        def called(rows: Any, *args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                result = method(rows, *args, **kwargs)
            except Exception:
                self._monitor.observe(_dense(rows), latency=time.perf_counter() - begun, outcome="server_error")
                raise
            latency = time.perf_counter() - begun
            if name == "predict":
                self._monitor.observe(_dense(rows), result, latency=latency)
            else:
                self._monitor.observe(_dense(rows), score=result, latency=latency)
            return result

        return called


def _dense(rows: Any) -> Any:
    """A sparse matrix as an array, unless that would be huge; then it is counted as invalid."""
    if hasattr(rows, "toarray") and rows.shape[0] * rows.shape[1] <= DENSE_CELLS:
        return rows.toarray()
    return rows
