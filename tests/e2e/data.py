"""Real rows: car loans (numeric, categorical, boolean; the shift begins in the middle)."""

import csv
import gzip
from functools import lru_cache
from pathlib import Path

import numpy as np

from push import Field

ROOT = Path(__file__).resolve().parents[2]
CAR_LOAN = ROOT / "tests" / "data" / "car-loan"
REFERENCE = CAR_LOAN / "reference.csv.gz"
ANALYSIS = CAR_LOAN / "analysis.csv.gz"
FLIGHTS_REFERENCE = ROOT / "demo" / "flights-reference.parquet"
FLIGHTS_TRAFFIC = ROOT / "demo" / "flights-traffic.parquet"

ROLES = {"y_pred_proba": "score", "y_pred": "prediction", "repaid": "label"}
NUMBERS = ("car_value", "debt_to_income_ratio", "loan_length", "y_pred_proba", "y_pred", "repaid")
DRIFTED = {"car_value", "salary_range", "loan_length", "repaid_loan_on_prev_car", "y_pred_proba"}
STEADY = {"debt_to_income_ratio", "size_of_downpayment", "y_pred", "repaid"}
"""What moved from row 25,000 of the analysis rows on, and what did not (`univariate.csv`)."""


@lru_cache
def lines(path):
    with gzip.open(path, "rt", newline="") as file:
        return file.read().splitlines(keepends=True)


def columns(path, start=0, stop=None):
    """Rows of a file as columns of text."""
    rows = list(csv.DictReader([lines(path)[0], *lines(path)[1:][start:stop]]))
    return {name: [row[name] for row in rows] for name in rows[0]}


def cut(path, start, stop, target, blanks=None):
    """The same rows as a CSV file; `blanks` says of some columns every how manieth value is taken out."""
    header, *rows = csv.reader([lines(path)[0], *lines(path)[1:][start:stop]])
    for name, every in (blanks or {}).items():
        for row in rows[::every]:
            row[header.index(name)] = ""
    with Path(target).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return Path(target)


def car_loan_fields(path, start=0, stop=None):
    """Rows as fields of the push API, each column in a layout of its own."""
    fields = []
    for name, texts in columns(path, start, stop).items():
        role = ROLES.get(name, "feature")
        if name == "repaid_loan_on_prev_car":
            values = np.array([text == "True" for text in texts])
        elif name in NUMBERS:
            values = np.array([float(text) for text in texts])
        else:
            layout = "dictionary" if name == "salary_range" else "strings"
            fields.append(Field(name, texts, role, layout=layout))
            continue
        fields.append(Field(name, values, role))
    return fields


COUNTRIES = ["DE", "FR", "IT", "ES"]


def orders(rng, count, shift=0.0):
    """Made-up rows of an order scorer: numeric, integer, boolean, categorical, score."""
    return [
        Field("amount", rng.normal(100 + 10 * shift, 10, count)),
        Field("items", rng.integers(0, 20, count)),
        Field("is_new", rng.random(count) < 0.3),
        Field("country", [str(c) for c in rng.choice(COUNTRIES, count, p=[0.5, 0.3, 0.15, 0.05])]),
        Field("score", rng.random(count), role="score"),
    ]


def without(fields, *names):
    return [field for field in fields if field.name not in names]


def by_name(fields):
    return {field.name: field for field in fields}


def write_csv(fields, path):
    """Fields as a CSV file; null as an empty cell."""
    columns = []
    for field in fields:
        present = [True] * len(field.values) if field.present is None else field.present
        columns.append([str(v) if p else "" for v, p in zip(field.values, present)])
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields])
        writer.writerows(zip(*columns))
    return Path(path)
