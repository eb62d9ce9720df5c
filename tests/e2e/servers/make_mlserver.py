"""Trains two small scikit-learn models and adds them to a folder that `mlserver start` serves.

    python make_mlserver.py DIR

- `iris`: a classifier of three classes on one [N, 4] tensor, version `v1`.
- `loans`: a pipeline on a data frame, one tensor for each column, version `7`.
"""

import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def iris():
    inputs, classes = load_iris(return_X_y=True)
    return LogisticRegression(max_iter=500).fit(inputs, classes)


def loans():
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "age": rng.integers(18, 80, 500),
            "income": rng.lognormal(10, 1, 500),
            "country": rng.choice(["DE", "FR", "IT"], 500),
            "owner": rng.random(500) < 0.4,
            "score": rng.random(500).astype("float32"),
        }
    )
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((encoder, ["country"]), remainder="passthrough")
    return make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(rows, rows.age > 40)


def add(directory, name, model, version, **settings):
    folder = directory / name
    folder.mkdir(parents=True)
    joblib.dump(model, folder / "model.joblib")
    said = {
        "name": name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "version": version},
        **settings,
    }
    (folder / "model-settings.json").write_text(json.dumps(said))


if __name__ == "__main__":
    add(Path(sys.argv[1]), "iris", iris(), "v1")
    add(Path(sys.argv[1]), "loans", loans(), "7")
