"""`deploy/sizing.md`: made from what was measured, and exact where it says so: in series. Nothing here is about time."""

import json
import re
import sys

import pytest

from data import write_csv
from push import Client, Field, batch
from sidecar import ROOT, run_ok

sys.path.insert(0, str(ROOT / "benches" / "sizing"))
import measure
import report

DOCUMENT = json.loads(report.MEASURED.read_text())
PAGE = report.PAGE.read_text()


def test_the_page_is_made_from_what_was_measured():
    assert report.BEGIN + report.render(DOCUMENT) + report.END in PAGE


def test_what_was_measured_are_the_points_of_the_script():
    assert [measure.Point(*(point[name] for name in measure.Point._fields)) for point in DOCUMENT["points"]] == measure.POINTS


def test_series_are_exactly_those_of_the_formula_in_every_row():
    rest = {}
    for point in DOCUMENT["points"]:
        rest.setdefault(point["windows"], set()).add(point["series"] - report.series_of_fields(point))
    # What is not of fields depends on the windows alone.
    assert len(rest) == 2 and all(len(found) == 1 for found in rest.values()), rest


@pytest.mark.parametrize("windows", [["5m"], ["5m", "1h"], ["5m", "1h", "1d", "7d"]])
def test_a_running_sidecar_has_the_series_of_the_formula(serve, rng, tmp_path, windows):
    columns = [Field(f"x{n}", rng.normal(size=3_000)) for n in range(3)]
    profile = tmp_path / "sized.profile.json"
    run_ok("profile", write_csv(columns, tmp_path / "sized.csv"), "--model", "sized", "-o", profile)
    sidecar = serve({"tick": "200ms", "windows": windows, "models": {"sized": {"profile": str(profile)}}})
    with Client(sidecar.push_address) as client:
        client.observe(batch("sized", columns))
    sidecar.wait_for_rows("sized", 3_000)
    page = sidecar.wait_for_next_evaluation()
    for (_, _, feature), series in page.per_feature().items():
        cells = len(page.all("driftgauge_feature_bin_total", feature=feature))
        assert series == report.series_of_fields({"fields": 1, "windows": len(windows), "cells": cells}), feature


def test_the_formulas_are_those_of_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert re.search(r"\| `standard` \(default\) \| 11 \+ 11w \|", readme) and "+ 2B + 2 + w" in readme
    assert "(13w + 2) × (8B + 120) bytes a field" in readme
    assert "fields × (13 + 12w + 2B)" in PAGE and "(13w + 2) × (8B + 120)" in PAGE
