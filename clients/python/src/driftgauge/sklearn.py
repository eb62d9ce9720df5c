"""A wrapper for estimators of scikit-learn, and for whatever predicts like one.

model = driftgauge.sklearn.watch(estimator, driftgauge.Monitor("fraud", "3"))
model.predict(rows)
"""

import time
from collections.abc import Sequence
from typing import Any

from ._monitor import Monitor

METHODS = ("predict", "predict_proba", "decision_function")


def watch(estimator: Any, monitor: Monitor, methods: Sequence[str] = ("predict",)) -> Any:
    """An object that does what the estimator does, and observes the calls of `methods`.

    What `predict` returns is the prediction, what `predict_proba` and `decision_function` return the
    score. Name the one method that
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
                self._monitor.observe(self._named(rows), latency=time.perf_counter() - begun, outcome="server_error")
                raise
            latency = time.perf_counter() - begun
            if name == "predict":
                self._monitor.observe(self._named(rows), result, latency=latency)
            else:
                self._monitor.observe(self._named(rows), score=result, latency=latency)
            return result

        return called

    def _named(self, rows: Any) -> Any:
        """Sparse matrices as arrays of their own."""
        return rows.toarray() if hasattr(rows, "toarray") else rows
