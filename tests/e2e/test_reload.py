"""Settings and profiles change while the sidecar runs, and a bad file changes nothing."""

import json

import pytest

from configmap import ConfigMap
from conftest import FAST
from data import orders, write_csv
from push import Client, batch
from sidecar import run_ok

MODEL = "orders"
SUCCESS = "driftgauge_config_last_reload_successful"
STAMP = "driftgauge_config_last_reload_success_timestamp_seconds"


def minimum_effect(page):
    found = page.all("driftgauge_reference_minimum_effect", model=MODEL, feature="amount")
    return found[0][1] if found else None


def config_hash(page):
    return page.label("driftgauge_config_info", "hash")


@pytest.fixture
def sidecar(serve, orders_settings, rng):
    """A sidecar that has seen rows."""
    sidecar = serve(orders_settings())
    with Client(sidecar.push_address) as client:
        client.observe(batch(MODEL, orders(rng, 1_000)))
    sidecar.wait_for_rows(MODEL, 1_000)
    return sidecar


def test_sighup_brings_new_settings_into_force_and_counters_survive(sidecar, orders_settings, rng):
    before = sidecar.page()
    assert (before.value(SUCCESS), minimum_effect(before)) == (1, 0.02)
    sidecar.write(orders_settings(drift={"minimum_effect": 0.5}, metrics={"detail": "full"}))
    sidecar.reload()
    page = sidecar.wait(lambda page: minimum_effect(page) == 0.5, "the new minimum effect")
    assert page.value(SUCCESS) == 1
    assert page.value(STAMP) > before.value(STAMP)
    assert config_hash(page) != config_hash(before)
    threshold = {"model": MODEL, "feature": "amount", "window": "1h"}
    assert page.value("driftgauge_feature_drift_threshold", **threshold) > 0.5
    assert page.all("driftgauge_feature_max", model=MODEL)
    # Nothing that was counted is lost, nor what the window holds.
    for name in ("driftgauge_predictions_total", "driftgauge_feature_values_total", "driftgauge_window_rows"):
        assert page.all(name, model=MODEL) == before.all(name, model=MODEL), name
    assert page.all("driftgauge_feature_bin_total") == before.all("driftgauge_feature_bin_total")
    with Client(sidecar.push_address) as client:
        client.observe(batch(MODEL, orders(rng, 500)))
    assert sidecar.wait_for_rows(MODEL, 1_500).value("driftgauge_predictions_total", model=MODEL) == 1_500


@pytest.mark.parametrize(
    "broken, complaint",
    [
        ("tick: 100ms\nwindoes: [1h]\n", "windoes"),
        ("tick: soon\n", "tick"),
        ("windows: [1h\ntick: 1s\n", "driftgauge.yaml:2:"),
        ("models:\n  orders:\n    profile: nowhere.profile.json\n", "nowhere.profile.json"),
        ("tick: 10s\nwindows: [1s]\n", "12 ticks"),
    ],
)
def test_a_bad_file_leaves_the_last_good_settings_in_force(sidecar, orders_settings, broken, complaint):
    before = sidecar.page()
    good = sidecar.config.read_text()
    sidecar.config.write_text(broken)
    sidecar.reload()
    page = sidecar.wait(lambda page: page.value(SUCCESS) == 0, "the failure shows")
    assert complaint in sidecar.log
    assert page.value(STAMP) == before.value(STAMP)
    assert config_hash(page) == config_hash(before)
    assert minimum_effect(page) == 0.02
    assert page.value("driftgauge_predictions_total", model=MODEL) == 1_000
    assert sidecar.get("/-/ready").status == 200
    # Mended, it is taken.
    sidecar.config.write_text(good.replace('"1h"', '"2h"'))
    sidecar.reload()
    page = sidecar.wait(
        lambda page: page.all("driftgauge_window_rows", model=MODEL, window="2h"), "the mended file is in force"
    )
    assert page.value(SUCCESS) == 1
    assert page.value("driftgauge_predictions_total", model=MODEL) == 1_000


def test_a_configmap_swap_is_noticed_without_a_signal(serve, orders_profile, tmp_path, rng):
    def settings(effect):
        models = {MODEL: {"profile": "orders.profile.json"}}
        return json.dumps({**FAST, "drift": {"minimum_effect": effect}, "models": models})

    profile = orders_profile.read_text()
    files = ConfigMap(tmp_path / "mounted", driftgauge__yaml=settings(0.02), orders__profile__json=profile)
    sidecar = serve(None, config_file=files.folder / "driftgauge.yaml")
    with Client(sidecar.push_address) as client:
        client.observe(batch(MODEL, orders(rng, 300)))
    before = sidecar.wait_for_rows(MODEL, 300)
    assert minimum_effect(before) == 0.02
    # Twice: a watch on the file itself would survive the first swap only.
    for effect in (0.1, 0.2):
        files.update(driftgauge__yaml=settings(effect), orders__profile__json=profile)
        page = sidecar.wait(lambda page: minimum_effect(page) == effect, f"minimum effect {effect}")
        assert page.value("driftgauge_predictions_total", model=MODEL) == 300
        assert page.value(SUCCESS) == 1


def test_a_new_profile_is_a_new_reference(sidecar, orders_settings, orders_profile, tmp_path, rng):
    """Its counters of cells start anew under its own hash; everything else goes on."""
    before = sidecar.page()
    rows = write_csv(orders(rng, 5_000, shift=2), tmp_path / "shifted.csv")
    new = tmp_path / "shifted.profile.json"
    run_ok("profile", rows, "-o", new, "--score=score")
    old_hash, new_hash = (json.loads(path.read_text())["hash"][:8] for path in (orders_profile, new))
    sidecar.write(orders_settings(models={MODEL: {"profile": str(new)}}))
    sidecar.reload()
    page = sidecar.wait(
        lambda page: page.label("driftgauge_reference_info", "profile", model=MODEL) == new_hash, "the new reference"
    )
    assert before.label("driftgauge_reference_info", "profile", model=MODEL) == old_hash
    assert {labels["profile"] for labels, _ in page.all("driftgauge_feature_bin_total")} == {new_hash}
    assert page.value("driftgauge_predictions_total", model=MODEL) == 1_000
    assert page.value("driftgauge_feature_values_total", model=MODEL, feature="amount") == 1_000
    with Client(sidecar.push_address) as client:
        client.observe(batch(MODEL, orders(rng, 1_000)))
    page = sidecar.wait(
        lambda page: page.get("driftgauge_feature_drift_ratio", model=MODEL, feature="amount"), "drift is judged anew"
    )
    assert page.value("driftgauge_feature_drift_ratio", model=MODEL, feature="amount") > 1


def test_a_profile_that_breaks_leaves_the_old_one_in_force(serve, orders_profile, tmp_path, rng):
    profile = tmp_path / "orders.profile.json"
    profile.write_text(orders_profile.read_text())
    sidecar = serve({**FAST, "models": {MODEL: {"profile": str(profile)}}})
    before = sidecar.page().label("driftgauge_reference_info", "profile", model=MODEL)
    profile.write_text(orders_profile.read_text().replace('"rows": 20000', '"rows": 20001', 1))
    page = sidecar.wait(lambda page: page.value(SUCCESS) == 0, "the failure shows without a signal")
    assert "hash" in sidecar.log
    assert page.label("driftgauge_reference_info", "profile", model=MODEL) == before


def test_reload_over_http_only_where_it_is_allowed(serve, orders_settings):
    closed = serve(orders_settings())
    assert closed.get("/-/reload", method="POST").status == 403
    open_ = serve(orders_settings(web={"enable_lifecycle": True}))
    assert open_.get("/-/reload", method="POST").status == 200
    open_.config.write_text("tick: never\n")
    answer = open_.get("/-/reload", method="POST")
    assert answer.status == 500
    assert "tick" in answer.text
    assert open_.get("/-/reload").status == 405


def test_a_bad_file_at_the_start_is_gone_without_unless_strict(serve):
    sidecar = serve(None, text="windoes: [1h]\n")
    assert sidecar.page().value(SUCCESS) == 0
    assert "windoes" in sidecar.log
    assert sidecar.get("/-/ready").status == 200
    strict = serve(None, text="windoes: [1h]\n", arguments=["--config.strict"], start=False)
    strict.start(wait=False)
    assert strict.process.wait(15) != 0
    assert "windoes" in strict.log


def test_settings_come_from_flag_then_environment_then_file(serve):
    sidecar = serve(
        {**FAST, "learning": {"rows": 700}, "web": {"max_series": 5_000}},
        env={"DRIFTGAUGE_WEB_MAX_SERIES": "6000", "DRIFTGAUGE_LEARNING_ROWS": "800"},
        arguments=["--web.max-series", "7000"],
    )
    assert sidecar.page().value("driftgauge_series_limit") == 7_000
    from_environment = serve({**FAST, "web": {"max_series": 5_000}}, env={"DRIFTGAUGE_WEB_MAX_SERIES": "6000"})
    assert from_environment.page().value("driftgauge_series_limit") == 6_000
    from_file = serve({**FAST, "web": {"max_series": 5_000}})
    assert from_file.page().value("driftgauge_series_limit") == 5_000
