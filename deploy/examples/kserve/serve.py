"""A model in KServe's own Python server: how much an order looks like fraud. Knows nothing of driftgauge.

    pip install kserve==0.21.0
    python serve.py --http_port 8080 --enable_grpc false
"""

import argparse
import math

from kserve import Model, ModelServer, model_server

COUNTRIES = {"DE": 0.0, "FR": 0.2, "US": 0.4}


class Fraud(Model):
    """A logistic regression that somebody trained."""

    def load(self):
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        return {"predictions": [score(**order) for order in payload["instances"]]}


def score(amount, account_age_days, country):
    risk = 1.2 * math.log(amount) - 6 - 0.001 * (account_age_days or 0) + COUNTRIES.get(country, 1.0)
    return 1 / (1 + math.exp(-risk))


if __name__ == "__main__":
    args = argparse.ArgumentParser(parents=[model_server.parser]).parse_args()
    model = Fraud("fraud")
    model.load()
    ModelServer(http_port=args.http_port, enable_grpc=args.enable_grpc).start([model])
