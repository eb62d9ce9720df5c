#!/usr/bin/env python3
"""Trains a classifier of late flights and writes the folder that MLServer serves it from.

    pip install -r requirements.txt
    python make_model.py served
    mlserver start served            # gRPC on port 8081, REST on 8080

The model is the one of the demo's data, made with scikit-learn alone: it learns from every other
flight of January and February whether it arrives more than 15 minutes late. It takes a data frame:
one tensor for each column.
"""

import argparse
import json
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

REFERENCE = Path(__file__).resolve().parents[1] / "flights-reference.parquet"

TYPES = {
    **dict.fromkeys(["carrier", "origin", "dest"], "BYTES"),
    **dict.fromkeys(["distance", "hour"], "INT64"),
    **dict.fromkeys(["dep_delay", "temp", "humid", "wind_speed", "precip", "pressure", "visib"], "FP32"),
}
CATEGORIES = [name for name, type_ in TYPES.items() if type_ == "BYTES"]


def train(rows):
    """Fits the model on the flights whose arrival is known."""
    rows = rows[rows["late"].notna()]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan"))
    columns = make_column_transformer((encoder, CATEGORIES), remainder="passthrough")
    # The encoded categories come first.
    classifier = HistGradientBoostingClassifier(categorical_features=range(len(CATEGORIES)), random_state=0)
    return make_pipeline(columns, classifier).fit(rows[list(TYPES)], rows["late"].astype(bool))


def write(model, directory, http_port, grpc_port, metrics_port):
    folder = directory / "flights"
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    text = {"content_type": "str"}
    inputs = [
        {"name": name, "datatype": type_, "shape": [-1, 1], "parameters": text if type_ == "BYTES" else {}}
        for name, type_ in TYPES.items()
    ]
    model_settings = {
        "name": "flights",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "inputs": inputs,
        "parameters": {"uri": "./model.joblib", "version": "1", "content_type": "pd"},
    }
    (folder / "model-settings.json").write_text(json.dumps(model_settings, indent=2))
    settings = {
        "host": "127.0.0.1",
        "http_port": http_port,
        "grpc_port": grpc_port,
        "metrics_port": metrics_port,
        "parallel_workers": 0,
    }
    (directory / "settings.json").write_text(json.dumps(settings, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="where to write the folder")
    parser.add_argument("--http-port", type=int, default=8080)
    parser.add_argument("--grpc-port", type=int, default=8081)
    parser.add_argument("--metrics-port", type=int, default=8082)
    args = parser.parse_args()
    model = train(pd.read_parquet(REFERENCE).iloc[::2])
    write(model, args.directory, args.http_port, args.grpc_port, args.metrics_port)
    print(f"mlserver start {args.directory}")
