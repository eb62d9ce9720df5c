"""Tells a driftgauge sidecar what a model is asked and what it answers. Copy `Observer` into your server.

    pip install grpcio grpcio-tools numpy
    python -m grpc_tools.protoc -I proto --python_out=. --grpc_python_out=. driftgauge/ingest/v1/ingest.proto
    python demo/push.py                         # or unix:/run/driftgauge/push.sock

Run as it is, it plays a fraud model: 8,000 usual orders, then 2,000 after a change upstream.
"""

import pathlib
import sys
import time
import uuid

import grpc
import numpy as np

sys.path.insert(0, str(pathlib.Path.cwd()))  # where the stubs were written
from driftgauge.ingest.v1 import ingest_pb2 as pb
from driftgauge.ingest.v1 import ingest_pb2_grpc as rpc


class Observer:
    """Pushes batches of calls. Never raises and never waits longer than `timeout` for the sidecar."""

    def __init__(self, model, version, numbers, texts, address="127.0.0.1:4599", timeout=0.2):
        # grpcio sends the path of a Unix socket as authority, which HTTP/2 servers refuse.
        options = [("grpc.default_authority", "localhost")] if address.startswith("unix:") else []
        self.stub = rpc.IngestServiceStub(grpc.insecure_channel(address, options))
        self.model = pb.ModelRef(name=model, version=version)
        self.texts, self.timeout = len(texts), timeout
        fields = [pb.Field(name=name, type=pb.VALUE_TYPE_FLOAT32) for name in numbers]
        fields += [pb.Field(name=name, type=pb.VALUE_TYPE_STRING) for name in texts]
        fields += [pb.Field(name="score", role=pb.ROLE_SCORE, type=pb.VALUE_TYPE_FLOAT32)]
        fields += [pb.Field(name="prediction", role=pb.ROLE_PREDICTION, type=pb.VALUE_TYPE_BOOL)]
        self.schema = pb.Schema(fields=fields)
        self.client_id, self.sequence = uuid.uuid4().hex, 0  # gaps show as requests that never came

    def observe(self, numbers, texts, score, prediction, ids, latency_seconds):
        """One call a row: `numbers` is rows × features (NaN: null), `texts` a list of columns."""
        rows, width = numbers.shape
        known = np.packbits(~np.isnan(numbers).reshape(-1), bitorder="little").tobytes()
        column = lambda index, values: pb.Column(field=width + index, **values)
        batch = pb.PredictionBatch(
            model=self.model,
            schema=self.schema,
            rows=rows,
            blocks=[
                pb.Block(
                    field_count=width,
                    type=pb.VALUE_TYPE_FLOAT32,
                    data=numbers.astype("<f4").tobytes(),
                    validity=known,
                )
            ],
            columns=[column(i, {"strings": pb.StringValues(values=text)}) for i, text in enumerate(texts)]
            + [
                column(self.texts, {"fixed": score.astype("<f4").tobytes()}),
                column(self.texts + 1, {"fixed": prediction.astype("u1").tobytes()}),
            ],
            prediction_ids=ids,
            latency_micros=(latency_seconds * 1e6).astype(int),
        )
        self.sequence += 1
        request = pb.ObserveRequest(client_id=self.client_id, sequence=self.sequence, batches=[batch])
        try:
            return self.stub.Observe(request, timeout=self.timeout)
        except grpc.RpcError as error:
            print(f"{rows} rows lost: {error.code().name}: {error.details()}", file=sys.stderr)
            return None


def orders(random, rows):
    """Made-up orders: amount, age of the account in days (sometimes not known), and country."""
    amount = random.lognormal(3.5, 1.0, rows)
    age = random.gamma(2.0, 200.0, rows)
    age[random.random(rows) < 0.02] = np.nan
    return np.stack([amount, age], axis=1), random.choice(["DE", "FR", "US"], rows, p=[0.5, 0.3, 0.2])


def model(numbers):
    """A logistic regression that somebody trained."""
    return 1 / (1 + np.exp(6 - 1.2 * np.log(numbers[:, 0]) + 0.001 * np.nan_to_num(numbers[:, 1])))


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:4599"
    observer = Observer("fraud", "3", ["amount", "account_age_days"], ["country"], address)
    random = np.random.default_rng(7)
    accepted = 0
    for call in range(1000):
        numbers, country = orders(random, 10)
        if call >= 800:  # upstream now sends cents, and a new country
            numbers[:, 0] *= 100
            country[0] = "BR"
        begun = time.perf_counter()
        score = model(numbers)
        latency = np.full(10, time.perf_counter() - begun)
        ids = [f"order-{call * 10 + row}" for row in range(10)]
        answer = observer.observe(numbers, [country.tolist()], score, score > 0.5, ids, latency)
        if answer:
            accepted += answer.accepted_rows
            for rejection in answer.rejections:
                print(f"{rejection.field}: {rejection.detail}", file=sys.stderr)
    print(f"{accepted} of 10000 rows accepted")


if __name__ == "__main__":
    main()
