"""Without any setting: the first rows of a model are its reference."""

import json

import numpy as np
import pytest

from push import Client, Field, batch
from sidecar import driftgauge, run_ok

MODEL = "unknown-so-far"


def rows(rng, count, shift=0.0):
    return [
        Field("amount", rng.normal(shift, 1.0, count)),
        Field("items", rng.integers(0, 20, count)),
        Field("is_new", rng.random(count) < 0.3),
        Field("country", [str(c) for c in rng.choice(["DE", "FR", "IT"], count, p=[0.6, 0.3, 0.1])]),
        Field("score", rng.random(count).astype(np.float32), role="score"),
    ]


@pytest.fixture
def learned(serve, rng):
    """A sidecar without a settings file that has just learned; only the tick is quicker."""
    sidecar = serve(None, arguments=["--tick", "100ms"])
    with Client(sidecar.push_address) as client:
        assert client.rows(MODEL, rows(rng, 3_000), 500) == 3_000
        page = sidecar.wait_for_rows(MODEL, 3_000)
        yield sidecar, client, page


def test_learns_then_judges(learned, rng):
    sidecar, client, page = learned
    labels = {"model": MODEL, "feature": "amount", "window": "5m"}
    assert page.label("driftgauge_feature_state", "state", **labels) == "learning"
    assert page.get("driftgauge_feature_drift", **labels) is None
    assert page.get("driftgauge_feature_drift_ratio", **labels) is None
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="amount") == 3_000
    assert page.value("driftgauge_feature_null_ratio", **labels) == 0
    assert page.all("driftgauge_reference_info", model=MODEL) == []

    assert client.rows(MODEL, rows(rng, 2_000), 500) == 2_000
    page = sidecar.wait(lambda page: page.all("driftgauge_reference_info", model=MODEL), "the reference is in force")
    assert page.label("driftgauge_reference_info", "source", model=MODEL) == "learned"

    assert client.rows(MODEL, rows(rng, 4_000, shift=1.0), 500) == 4_000
    page = sidecar.wait(
        lambda page: page.get("driftgauge_feature_drift_ratio", **labels), "the drift of amount is known"
    )
    page = sidecar.wait_for_rows(MODEL, page.value("driftgauge_window_rows", model=MODEL, window="5m"))
    for feature in ("amount", "items", "is_new", "country", "score"):
        state = page.label("driftgauge_feature_state", "state", **{**labels, "feature": feature})
        assert state == "ok", feature
        ratio = page.value("driftgauge_feature_drift_ratio", **{**labels, "feature": feature})
        assert (ratio > 1) == (feature == "amount"), (feature, ratio)
    assert page.label("driftgauge_feature_drift", "role", model=MODEL, feature="score", window="5m") == "score"
    # Categories learned from traffic are values of rows: no label carries them.
    assert not any("FR" in dict(found).values() for _, found in page.samples)


def test_the_learned_profile_is_handed_out_as_an_ordinary_file(learned, rng, tmp_path):
    sidecar, client, _ = learned
    early = sidecar.get(f"/api/v1/profile?model={MODEL}")
    assert (early.status, "3000 of 5000" in early.text) == (404, True), early.text
    client.rows(MODEL, rows(rng, 2_000), 500)
    sidecar.wait(lambda page: page.all("driftgauge_reference_info", model=MODEL), "the reference is in force")

    answer = sidecar.get(f"/api/v1/profile?model={MODEL}")
    assert answer.status == 200
    profile = json.loads(answer.text)
    assert (profile["format"], profile["rows"]) == ("driftgauge-profile", 5_000)
    assert profile["provenance"]["source"] == "learned"
    (tmp_path / "learned.profile.json").write_text(answer.text)
    (tmp_path / "settings.yaml").write_text(f"models:\n  {MODEL}:\n    profile: learned.profile.json\n")
    checked = run_ok("check", "settings.yaml", cwd=tmp_path)
    assert profile["hash"][:8] in checked.stdout

    drifted = rows(rng, 2_000, shift=1.0)
    lines = ["amount,items,is_new,country,score"]
    lines += [",".join(map(str, row)) for row in zip(*(field.values for field in drifted))]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    compared = driftgauge("compare", "learned.profile.json", "rows.csv", "--format", "json", cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    ratios = {feature["feature"]: feature["drift_ratio"] for feature in json.loads(compared.stdout)["features"]}
    assert {name for name, ratio in ratios.items() if ratio > 1} == {"amount"}, ratios


def test_several_models_and_versions_are_apart(serve, rng):
    sidecar = serve()
    sent = {("a", "1"): 300, ("a", "2"): 200, ("b", ""): 100}
    with Client(sidecar.push_address) as client:
        for (model, version), count in sent.items():
            client.observe(batch(model, rows(rng, count), version=version))
    page = sidecar.wait_for_rows("b", 100)
    for (model, version), count in sent.items():
        labels = {"model": model, "version": version or "default"}
        assert page.value("driftgauge_predictions_total", **labels) == count
        assert page.value("driftgauge_feature_values_total", feature="amount", **labels) == count
