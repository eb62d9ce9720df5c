"""Off the grid: steady traffic over a window that is shorter than the run, with the rules as they are generated."""

import json
import time

import numpy as np
import pytest

import arithmetic
import data
import fleet
from conftest import SEED
from fleet import Sender

WINDOW = 12
STEP = 0.25
MOMENTS = 8
"""Evaluations that are looked at, a second apart."""
CLOSE = 0.03


class World:
    """What the tests of this module look at."""


def traffic(rng, count, shift):
    """What drifts, drifts clearly: the figures of what does not are noise."""
    fields = data.by_name(data.orders(rng, count, shift))
    fields["is_new"].values = rng.random(count) < 0.3 + shift / 4
    p = np.array([0.5 - shift / 4, 0.3, 0.15, 0.05 + shift / 4])
    fields["country"].values = [str(country) for country in rng.choice(data.COUNTRIES, count, p=p)]
    return [fields[name] for name in ("amount", "is_new", "country")]


@pytest.fixture(scope="module")
def world(prometheus_version, serve_module, orders_profile, tmp_path_factory):
    directory = tmp_path_factory.mktemp("steady")
    rng = np.random.default_rng(SEED)
    settings = {
        "tick": "100ms",
        "windows": [f"{WINDOW}s"],
        "models": {fleet.MODEL: {"profile": str(orders_profile)}},
    }
    pods = {pod: serve_module(settings) for pod in ("one", "two", "three")}
    rules = fleet.generated(pods["one"], directory / "generated", f"{WINDOW}s")
    server = fleet.scraping(prometheus_version, directory / "prometheus", fleet.pods("shop", **pods), rules)
    senders = [
        Sender(sidecar, traffic(rng, 400, shift), pieces=4) for sidecar, shift in zip(pods.values(), (0.4, 0.8, 1.2))
    ]
    world = World()
    world.prometheus, world.senders = server, senders
    try:
        server.start()
        server.wait_for("count(up == 1)", lambda count: count == 3)
        begun = time.monotonic()
        for step in range(int((WINDOW + 3 + MOMENTS) / STEP)):
            for sender in senders:
                sender.send()
            # The beat of the traffic, not a wait for anything.
            time.sleep(max(0, begun + (step + 1) * STEP - time.monotonic()))
        world.end = time.time()
        world.profile = {feature["name"]: feature for feature in json.loads(orders_profile.read_text())["features"]}
        yield world
    finally:
        for sender in senders:
            sender.close()
        server.close()


def evaluations(world, name, feature, **matchers):
    """What was recorded of a feature in the last evaluations: (moment, value)."""
    labels = {"feature": feature, "window": f"{WINDOW}s", **matchers}
    selector = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = world.prometheus.api("query", query=f"{name}{{{selector}}}[{MOMENTS}s]", time=world.end)["result"]
    assert len(found) == 1, f"{name}{{{selector}}} → {found}"
    assert len(found[0]["values"]) >= MOMENTS / 2
    return [(float(moment), float(value)) for moment, value in found[0]["values"]]


def cells(world, feature, moment):
    """Reference rows, and those that were sent in the window before a moment."""
    of = world.profile[feature]
    values = [value for sender in world.senders for value in sender.values(feature, moment - WINDOW, moment)]
    return np.array(of["cells"]["rows"]), arithmetic.counts(of, values)


def l1(r, c):
    return float(np.sum(np.abs(r / r.sum() - c / c.sum())))


@pytest.mark.parametrize("feature", ["amount", "is_new", "country"])
@pytest.mark.parametrize(
    "name, truth, matchers",
    [
        ("feature:driftgauge_feature_drift:fleet", arithmetic.psi, {}),
        ("feature:driftgauge_feature_drift_threshold:fleet", arithmetic.threshold, {}),
        ("feature:driftgauge_feature_distance:fleet", arithmetic.js, {"statistic": "js"}),
        ("feature:driftgauge_feature_distance:fleet", l1, {"statistic": "l1"}),
    ],
    ids=["drift", "threshold", "js", "l1"],
)
def test_the_fleet_is_that_of_the_rows_of_the_window_within_three_per_cent(world, name, truth, matchers, feature):
    found = evaluations(world, name, feature, **matchers)
    wrong = [abs(value / truth(*cells(world, feature, moment)) - 1) for moment, value in found]
    print(f"off by {np.median(wrong):.2%} in the median, {max(wrong):.2%} at most, in {len(wrong)} evaluations")
    assert max(wrong) < CLOSE


def test_pods_with_other_traffic_are_not_averaged(world):
    """The fleet has the sum of their cells, in which what differs between them evens out."""
    found = [value for _, value in evaluations(world, "feature:driftgauge_feature_drift:fleet", "amount")]
    own = f'driftgauge_feature_drift{{feature="amount",window="{WINDOW}s"}}'
    pods = [value for _, value in world.prometheus.query(own, time=world.end)]
    print(f"pods {pods}, their mean {np.mean(pods):.3f}, fleet {np.median(found):.3f}")
    assert np.mean(pods) > 1.05 * np.median(found)
