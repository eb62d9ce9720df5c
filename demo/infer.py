#!/usr/bin/env python3
"""Asks a model server which flights will be late, with NVIDIA's tritonclient: knows nothing of driftgauge.

    python infer.py 127.0.0.1:4597             # flights of January and February, then of July

The model is the one of mlserver/make_model.py. Point it at the model server or at the sidecar before
it: the answers are the same.
"""

import argparse
from pathlib import Path

import pandas as pd
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput

DATA = Path(__file__).resolve().parent
TYPES = {
    **dict.fromkeys(["carrier", "origin", "dest"], ("BYTES", object)),
    **dict.fromkeys(["distance", "hour"], ("INT64", "int64")),
    **dict.fromkeys(["dep_delay", "temp", "humid", "wind_speed", "precip", "pressure", "visib"], ("FP32", "float32")),
}
OUTPUTS = [InferRequestedOutput("predict"), InferRequestedOutput("predict_proba")]


def column(rows, name):
    """One tensor [N, 1]; a number that is missing is NaN."""
    datatype, kind = TYPES[name]
    tensor = InferInput(name, [len(rows), 1], datatype)
    return tensor.set_data_from_numpy(rows[[name]].to_numpy(dtype=kind))


def send(client, rows, size):
    """Asks about `size` flights in each call; returns how many will be late."""
    late = 0
    for start in range(0, len(rows), size):
        part = rows.iloc[start : start + size]
        answer = client.infer("flights", [column(part, name) for name in TYPES], outputs=OUTPUTS)
        late += int(answer.as_numpy("predict").sum())
    return late


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="127.0.0.1:4597")
    parser.add_argument("--month", type=int, default=7, help="the month after the winter")
    parser.add_argument("--rows", type=int, default=6000, help="flights of each")
    parser.add_argument("--size", type=int, default=100, help="flights in a call")
    args = parser.parse_args()
    winter = pd.read_parquet(DATA / "flights-reference.parquet").iloc[1::2]  # not trained on these
    year = pd.read_parquet(DATA / "flights-traffic.parquet")
    month = year[year["time"].dt.month == args.month]
    with InferenceServerClient(args.address) as client:
        for name, rows in [("January and February", winter), (f"month {args.month}", month)]:
            rows = rows.sample(args.rows, random_state=0)
            print(f"{name}: {len(rows)} flights, {send(client, rows, args.size)} will be late")
