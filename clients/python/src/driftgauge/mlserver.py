"""A mixin for models of MLServer.

    class Fraud(driftgauge.mlserver.Monitored, mlserver_sklearn.SKLearnModel):
        pass

and in model-settings.json `"implementation": "my_module.Fraud"`. A model with a `predict` of its own
is wrapped by a class of its own: `class MonitoredFraud(Monitored, Fraud)`. The sidecar is at
`$DRIFTGAUGE_TARGET`, by default 127.0.0.1:4599; for another monitor, set `self.driftgauge`.
"""

import time
from typing import Any, Optional

from ._monitor import Monitor
from ._sender import logger
from ._tensors import Tensor, read


class Monitored:
    """Observes what `predict` of the next class is asked and answers."""

    driftgauge: Optional[Monitor] = None
    name: str
    version: Optional[str]

    async def predict(self, payload: Any) -> Any:
        begun = time.perf_counter()
        try:
            response = await super().predict(payload)  # type: ignore[misc]
        except Exception as error:
            status = getattr(error, "status_code", 500)
            outcome = "client_error" if 400 <= status < 500 else "server_error"
            self._observe(payload, (), time.perf_counter() - begun, outcome, None)
            raise
        latency = time.perf_counter() - begun
        self._observe(payload, response.outputs, latency, "ok", response.id or payload.id)
        return response

    def _observe(self, payload: Any, outputs: Any, latency: float, outcome: str, id: Optional[str]) -> None:
        try:
            call = read([_tensor(one) for one in payload.inputs], [_tensor(one) for one in outputs])
            if self.driftgauge is None:
                self.driftgauge = Monitor(self.name, self.version or "", features=call.features)
            self.driftgauge.observe(
                call.inputs,
                call.prediction,
                call.score,
                id=[id] if id and len(call.inputs) == 1 else None,
                latency=latency,
                outcome=outcome,
            )
        except Exception as error:
            logger.debug("model %s: a call is not observed: %s", self.name, error)


def _tensor(tensor: Any) -> Tensor:
    """As the tensor's own codec reads it: texts as a list, all else as an array."""
    from mlserver.codecs import NumpyCodec, StringCodec

    if str(getattr(tensor.datatype, "value", tensor.datatype)) == "BYTES":
        return Tensor(tensor.name, StringCodec.decode_input(tensor))
    return Tensor(tensor.name, NumpyCodec.decode_input(tensor))
