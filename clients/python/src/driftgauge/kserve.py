"""A mixin for models of KServe's Python server, before `kserve.Model` among the bases.

    class Fraud(driftgauge.kserve.Monitored, kserve.Model):
        def predict(self, payload, headers=None): ...

Both protocols are read: `{"instances": [...]}` → `{"predictions": [...]}`, and tensors. The sidecar is
at `$DRIFTGAUGE_TARGET`, by default 127.0.0.1:4599; for a version or another monitor, set
`self.driftgauge = driftgauge.Monitor("fraud", "3")`.
"""

import time
from typing import Any, Optional

from ._monitor import Monitor
from ._sender import logger
from ._tensors import Call, Tensor, read


class Monitored:
    """Observes what a call of the model is asked and answers."""

    driftgauge: Optional[Monitor] = None
    name: str

    async def __call__(self, body: Any, *args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        try:
            answer = await super().__call__(body, *args, **kwargs)  # type: ignore[misc]
        except Exception as error:
            status = getattr(error, "status_code", 400 if type(error).__name__ == "InvalidInput" else 500)
            outcome = "client_error" if 400 <= int(status) < 500 else "server_error"
            self._observe(body, None, time.perf_counter() - begun, outcome)
            raise
        # Since 0.12 the headers of the answer come beside it.
        self._observe(body, answer[0] if isinstance(answer, tuple) else answer, time.perf_counter() - begun, "ok")
        return answer

    def _observe(self, body: Any, answer: Any, latency: float, outcome: str) -> None:
        try:
            call = _call(body, answer)
            if self.driftgauge is None:
                self.driftgauge = Monitor(self.name, features=call.features)
            name = getattr(body, "id", None)
            self.driftgauge.observe(
                call.inputs,
                call.prediction,
                call.score,
                id=[name] if name and len(call.inputs) == 1 else None,
                latency=latency,
                outcome=outcome,
            )
        except Exception as error:
            logger.debug("model %s: a call is not observed: %s", self.name, error)


def _call(body: Any, answer: Any) -> Call:
    if not isinstance(body, dict):
        return read([_tensor(one) for one in body.inputs], [_tensor(one) for one in getattr(answer, "outputs", ())])
    rows = [row if isinstance(row, (dict, list)) else [row] for row in body["instances"]]
    predictions = answer.get("predictions") if isinstance(answer, dict) else None
    if predictions is not None and len(predictions) != len(rows):
        predictions = None
    return Call(rows, predictions, None, "input")


def _tensor(tensor: Any) -> Tensor:
    values = tensor.as_numpy()
    if values.dtype.kind in "OS":
        flat = values.reshape(-1).tolist()
        values = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in flat]
    return Tensor(tensor.name, values)
