"""Tells a driftgauge sidecar what a model is asked and what it answers.

    monitor = driftgauge.Monitor("fraud", version="3")
    monitor.observe({"amount": 12.5, "country": "DE"}, prediction=False, score=0.07, id="order-1")

`Monitor` is all there is to know; `driftgauge.asgi`, `.sklearn`, `.mlserver`, `.kserve` and
`.bentoml` fit it to frameworks, and `profile_dataframe` makes the reference.
"""

from pkgutil import extend_path

from ._books import Stats
from ._monitor import Monitor
from ._profile import ProfileError, profile_dataframe

__all__ = ["Monitor", "ProfileError", "Stats", "profile_dataframe"]
__version__ = "0.1.0"

# Stubs that somebody has generated from the .proto are `driftgauge.ingest.v1`, in another folder.
__path__ = extend_path(__path__, __name__)
