"""Fleet truth: what the rules compute over all pods is what `compare` says of all rows, on real Prometheus servers."""

import json

import numpy as np
import pytest

import data
import fleet
from conftest import SEED
from fleet import MODEL

WINDOW = "10m"
ROWS, A, B = 3_000, 1_000, 2_000
"""Rows of the fleet; those from A to B go to the second pod, the rest to the third."""
RESTART = 1_600
"""The row before which the second pod is restarted."""
EXACT = {"rel": 1e-9, "abs": 1e-15}


class World:
    """What the tests of this module look at."""


def rows_of_a_day(rng, count, shift):
    """Orders with a drift in a number, a category and a boolean; some amounts are missing."""
    fields = data.by_name(data.orders(rng, count, shift))
    fields["amount"].present = rng.random(count) > 0.03
    fields["is_new"].values = rng.random(count) < 0.3 + shift / 5
    p = np.array([0.5 - shift / 5, 0.3, 0.15, 0.05 + shift / 5])
    fields["country"].values = [str(country) for country in rng.choice(data.COUNTRIES, count, p=p)]
    return list(fields.values())


def part(fields, start, stop):
    return [field.rows(start, stop) for field in fields]


@pytest.fixture(scope="module")
def world(prometheus_version, serve_module, orders_profile, tmp_path_factory):
    directory = tmp_path_factory.mktemp("fleet")
    rng = np.random.default_rng(SEED)
    world = World()
    settings = {"tick": "100ms", "windows": [WINDOW], "models": {MODEL: {"profile": str(orders_profile)}}}
    one, two, bank, young = (serve_module(settings) for _ in range(4))
    late = serve_module(settings, start=False)
    rules = fleet.generated(one, directory / "generated", WINDOW)
    world.prometheus = server = fleet.scraping(
        prometheus_version,
        directory / "prometheus",
        fleet.pods("shop", one=one, two=two, late=late) + fleet.pods("bank", one=bank) + fleet.pods("mill", one=young),
        fleet.on_one_grid(rules, WINDOW, directory / "rules.json"),
    )
    shop, other, unseen = rows_of_a_day(rng, ROWS, 0.3), rows_of_a_day(rng, 800, 1.0), rows_of_a_day(rng, 500, 0.0)
    world.truth = {
        "shop": fleet.compared(orders_profile, data.write_csv(shop, directory / "shop.csv")),
        "bank": fleet.compared(orders_profile, data.write_csv(other, directory / "bank.csv")),
    }

    def scraped(pod, namespace, rows):
        """The score is never missing."""
        labels = f'grid="yes",pod="{pod}",namespace="{namespace}",feature="score"'
        server.wait_for(f"driftgauge_feature_values_total{{{labels}}}", lambda found: found == rows)

    try:
        fleet.send(young, part(unseen, 0, 200))
        server.start()
        for pod, namespace, rows in (("one", "shop", 0), ("two", "shop", 0), ("one", "bank", 0), ("one", "mill", 200)):
            scraped(pod, namespace, rows)
        fleet.send(one, part(shop, 0, A))
        fleet.send(two, part(shop, A, RESTART))
        fleet.send(bank, other)
        fleet.send(young, part(unseen, 200, 500))
        scraped("two", "shop", RESTART - A)
        assert two.stop() == 0
        late.start()
        two.start()
        scraped("late", "shop", 0)
        scraped("two", "shop", 0)
        fleet.send(two, part(shop, RESTART, B))
        fleet.send(late, part(shop, B, ROWS))
        scraped("two", "shop", B - RESTART)
        scraped("late", "shop", ROWS - B)
        scraped("one", "bank", 800)
        scraped("one", "mill", 500)
        rows = 'feature:driftgauge_feature_window_rows:fleet{grid="yes",feature="score",namespace="shop"}'
        server.wait_for(rows, lambda found: found == ROWS)
        # A moment whose rules have all been evaluated.
        world.moment = server.value(f"timestamp({rows})")
        server.wait_for(f"timestamp({rows})", lambda at: at > world.moment)
        world.profile = {feature["name"]: feature for feature in json.loads(orders_profile.read_text())["features"]}
        yield world
    finally:
        server.close()


def recorded(world, name, namespace, grid="yes", **matchers):
    """A recorded series of a namespace by feature, at the one moment."""
    labels = {"namespace": namespace, "grid": grid, **matchers}
    selector = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = world.prometheus.query(f"{name}{{{selector}}}", time=world.moment)
    assert found, f"{name}{{{selector}}}"
    assert all(sample["job"] == "driftgauge" and "pod" not in sample and "instance" not in sample for sample, _ in found)
    return {sample["feature"]: value for sample, value in found}


DRIFT = {"window": WINDOW, "reference": "profile"}


@pytest.mark.parametrize("namespace", ["shop", "bank"])
@pytest.mark.parametrize(
    "name, figure",
    [
        ("feature:driftgauge_feature_drift:fleet", "drift"),
        ("feature:driftgauge_feature_drift_threshold:fleet", "drift_threshold"),
        ("feature:driftgauge_feature_drift_ratio:fleet", "drift_ratio"),
        ("feature:driftgauge_feature_drift_excess:fleet", "drift_excess"),
    ],
)
def test_drift_of_the_fleet_is_that_of_all_rows(world, namespace, name, figure):
    """One pod was restarted and one came late; each has a third of the rows."""
    truth = {feature: one[figure] for feature, one in world.truth[namespace].items()}
    assert recorded(world, name, namespace, **DRIFT) == pytest.approx(truth, **EXACT)


@pytest.mark.parametrize("statistic", ["js", "hellinger", "l1", "linf"])
def test_distances_of_the_fleet_are_those_of_all_rows(world, statistic):
    name = "feature:driftgauge_feature_distance:fleet"
    truth = {feature: one["distance"][statistic] for feature, one in world.truth["shop"].items()}
    assert recorded(world, name, "shop", statistic=statistic, **DRIFT) == pytest.approx(truth, **EXACT)


def test_all_kinds_of_features_are_among_them_and_some_have_drifted(world):
    kinds = {feature["kind"] for feature in world.profile.values()}
    assert {"numeric", "integer", "boolean", "categorical"} <= kinds
    ratios = {feature: one["drift_ratio"] for feature, one in world.truth["shop"].items()}
    assert min(ratios.values()) < 1 < max(ratios.values()), ratios


def test_missing_rows_are_counted_over_all_pods(world):
    found = recorded(world, "feature:driftgauge_feature_null_ratio:fleet", "shop", window=WINDOW)
    truth = {feature: one["null_ratio"] for feature, one in world.truth["shop"].items()}
    assert truth["amount"] > 0.01
    assert found == pytest.approx(truth, **EXACT)


def test_two_namespaces_stay_apart(world):
    rows = "feature:driftgauge_feature_window_rows:fleet"
    assert recorded(world, rows, "shop", window=WINDOW)["score"] == ROWS
    assert recorded(world, rows, "bank", window=WINDOW)["score"] == 800
    shop, bank = (world.truth[namespace]["amount"]["drift"] for namespace in ("shop", "bank"))
    assert bank > 2 * shop


def test_rows_before_the_first_scrape_of_a_pod_are_never_seen(world):
    """Counters have no value before: what they begin with may be of any time. What came since counts, and as it
    did not begin at 0, up to half a scrape interval more of the same."""
    found = recorded(world, "feature:driftgauge_feature_window_rows:fleet", "mill", window=WINDOW)
    assert 300 <= found["score"] < 400, "200 before, 300 since"


def test_the_mean_of_the_pods_is_not_the_drift_of_the_fleet(world):
    """It is larger: each pod has fewer rows, and so more noise. The restarted one knows only what came since."""
    own = world.prometheus.query(
        f'avg without (pod, instance) (driftgauge_feature_drift{{grid="",namespace="shop",window="{WINDOW}"}})',
        time=world.moment,
    )
    own = {sample["feature"]: value for sample, value in own}
    truth = recorded(world, "feature:driftgauge_feature_drift:fleet", "shop", **DRIFT)
    assert own.keys() == truth.keys()
    rows = np.array([A, B - RESTART, ROWS - B])
    for feature, mean in own.items():
        degrees = len(world.profile[feature]["cells"]["rows"]) - 1
        noise = degrees * (np.mean(1 / rows) - 1 / ROWS)
        print(f"{feature}: mean of the pods {mean:.4f}, fleet {truth[feature]:.4f}, expected noise {noise:.4f}")
        assert mean > truth[feature]
        if degrees > 10:
            assert mean > truth[feature] + noise / 4
    assert own["score"] > 1.5 * truth["score"]


def test_no_rule_has_failed(world):
    groups = world.prometheus.api("rules")["groups"]
    assert groups
    assert [(rule["name"], rule.get("lastError")) for group in groups for rule in group["rules"] if rule["health"] != "ok"] == []
