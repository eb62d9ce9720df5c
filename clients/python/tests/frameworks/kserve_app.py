"""A model on KServe's own server."""

import argparse

import kserve
import numpy as np
from kserve.utils.utils import get_predict_response

import driftgauge.kserve


class Sums(driftgauge.kserve.Monitored, kserve.Model):
    """Says whether a row sums up to more than 10."""

    def __init__(self):
        super().__init__("sums")
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        if isinstance(payload, dict):
            rows = np.array(payload["instances"])
            return {"predictions": (rows.sum(axis=1) > 10).tolist()}
        rows = payload.inputs[0].as_numpy()
        return get_predict_response(payload, rows.sum(axis=1) > 10, self.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
    kserve.ModelServer(workers=1, enable_grpc=False).start([Sums()])
