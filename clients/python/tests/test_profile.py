"""A profile of a DataFrame is what the program makes of the same rows."""

import json
import os
import sys

import numpy as np
import pandas as pd
import pytest
from books import closed
from sidecar import binary, run_ok

from driftgauge import ProfileError, profile_dataframe


@pytest.fixture
def frame():
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "amount": rng.lognormal(3.5, 1.0, 2_000),
            "age": np.where(rng.random(2_000) < 0.02, np.nan, rng.gamma(2.0, 200.0, 2_000)),
            "country": rng.choice(["DE", "FR"], 2_000),
            "zip": rng.integers(10_000, 10_020, 2_000),
            "order": [f"order-{n}" for n in range(2_000)],
            "prediction": rng.random(2_000) < 0.3,
        }
    )


def test_it_is_the_profile_that_the_command_makes(frame, tmp_path):
    said = profile_dataframe(
        frame,
        tmp_path / "ours.json",
        model="fraud",
        id="order",
        categorical=["zip"],
        importance={"amount": 2},
        binary=str(binary()),
    )
    assert "2000 rows" in said
    frame.to_parquet(tmp_path / "rows.parquet", index=False)
    flags = ["--model", "fraud", "--id", "order", "--categorical", "zip", "--importance", "amount=2"]
    run_ok("profile", tmp_path / "rows.parquet", "-o", tmp_path / "theirs.json", *flags)
    ours, theirs = (json.loads((tmp_path / name).read_text()) for name in ("ours.json", "theirs.json"))
    assert ours["hash"] == theirs["hash"]


def test_the_same_frame_observed_has_no_wrong_types_and_no_drift(frame, tmp_path, serve, monitor):
    """Fields, types and what is missing agree between profile and traffic."""
    path = tmp_path / "fraud.json"
    profile_dataframe(frame, path, model="fraud", id="order", categorical="zip", binary=str(binary()))
    sidecar = serve({"tick": "100ms", "windows": ["1h"], "models": {"fraud": {"profile": str(path)}}})
    one = monitor("fraud", target=sidecar.push_address)
    assert one.observe(frame.drop(columns=["prediction", "order"]), prediction=frame.prediction, id=frame.order)
    assert one.flush(5), one.stats()
    sidecar.wait_for_rows("fraud", 2_000)
    page = sidecar.wait_for_next_evaluation()
    of = {"model": "fraud", "window": "1h"}
    ratios = {
        labels["feature"]: value
        for labels, value in page.all("driftgauge_feature_drift_ratio", reference="profile", **of)
    }
    assert set(ratios) == {"amount", "age", "country", "zip", "prediction"}
    assert max(ratios.values()) < 1, ratios
    assert page.value("driftgauge_feature_null_ratio", feature="age", role="feature", **of) > 0.005
    missing = "driftgauge_feature_missing_total"
    assert page.sum(missing) == page.sum(missing, feature="age", reason="null") == frame.age.isna().sum()
    closed(one, 2_000)


def test_the_program_is_found_by_argument_environment_and_path(frame, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DRIFTGAUGE_BINARY", raising=False)
    with pytest.raises(ProfileError, match="no driftgauge on the PATH"):
        profile_dataframe(frame, tmp_path / "p.json")
    monkeypatch.setenv("DRIFTGAUGE_BINARY", str(tmp_path / "none"))
    with pytest.raises(ProfileError, match="none is no program"):
        profile_dataframe(frame, tmp_path / "p.json")
    monkeypatch.setenv("DRIFTGAUGE_BINARY", str(binary()))
    profile_dataframe(frame, tmp_path / "p.json")
    monkeypatch.delenv("DRIFTGAUGE_BINARY")
    os.symlink(binary(), tmp_path / "driftgauge")
    profile_dataframe(frame, tmp_path / "p.json")


def test_what_goes_wrong_is_said_in_a_sentence(frame, tmp_path, monkeypatch):
    program = {"binary": str(binary())}
    with pytest.raises(ProfileError, match="nosuch"):
        profile_dataframe(frame, tmp_path / "p.json", prediction="nosuch", **program)
    with pytest.raises(ProfileError, match="of a pandas DataFrame, not of a list"):
        profile_dataframe([1], tmp_path / "p.json", **program)
    with pytest.raises(ProfileError, match="more than 0.0001 s"):
        profile_dataframe(frame, tmp_path / "p.json", timeout=0.0001, **program)
    mixed = pd.DataFrame({"a": ["x", 1]})
    with pytest.raises(ProfileError, match="cannot be written as Parquet"):
        profile_dataframe(mixed, tmp_path / "p.json", **program)
    (tmp_path / "data").write_text("")
    with pytest.raises(ProfileError, match="cannot be run"):
        (tmp_path / "data").chmod(0o755)
        (tmp_path / "data").write_text("\x00")
        profile_dataframe(frame, tmp_path / "p.json", binary=str(tmp_path / "data"))


def test_without_parquet_the_rows_go_as_csv(frame, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    monkeypatch.setattr(pd.DataFrame, "to_parquet", lambda *_, **__: (_ for _ in ()).throw(ImportError("no engine")))
    assert "2000 rows" in profile_dataframe(frame, tmp_path / "p.json", binary=str(binary()))
