"""Models of MLServer that are watched."""

from mlserver_sklearn import SKLearnModel

from driftgauge.mlserver import Monitored


class Watched(Monitored, SKLearnModel):
    """What `mlserver_sklearn.SKLearnModel` does, and it is observed."""
