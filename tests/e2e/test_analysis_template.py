"""The AnalysisTemplate of Argo Rollouts: what its query finds in a real Prometheus, and what its conditions make of that."""

import re

import manifests
from data import orders
from prometheus import Prometheus
from push import Client, batch
from waiting import wait_for

(TEMPLATE,) = manifests.file("argo-analysis-template")
(METRIC,) = TEMPLATE["spec"]["metrics"]


def query(**given):
    arguments = {each["name"]: given.get(each["name"], each.get("value")) for each in TEMPLATE["spec"]["args"]}
    text = METRIC["provider"]["prometheus"]["query"]
    return re.sub(r"\{\{args\.(\w+)\}\}", lambda found: arguments[found[1]], text)


def verdict(values):
    """Argo Rollouts evaluates these with expr, which writes `and` as `&&`; a measurement that is neither is inconclusive."""
    holds = {
        name: eval(METRIC[name].replace("&&", "and"), {"result": values, "len": len})  # noqa: S307
        for name in ("successCondition", "failureCondition")
    }
    assert not all(holds.values())
    return "success" if holds["successCondition"] else "failure" if holds["failureCondition"] else "inconclusive"


def test_it_goes_on_without_drift_stops_with_drift_and_waits_without_rows(serve, orders_settings, rng, tmp_path):
    sidecar = serve(orders_settings())
    job = {"job_name": "driftgauge", "static_configs": [{"targets": [f"127.0.0.1:{sidecar.web_port}"]}]}
    server = Prometheus("2.42", tmp_path / "prometheus", [job])

    def measure(model="orders", version="default"):
        # As Argo Rollouts reads a vector: its values alone.
        return verdict([value for _, value in server.query(query(model=model, version=version, window="1h"))])

    def seen(rows):
        counted = 'driftgauge_window_rows{model="orders",window="1h"}'
        return wait_for(lambda: [value for _, value in server.query(counted)] == [rows], f"{rows} rows", 30, every=0.2)

    try:
        server.start()
        with Client(sidecar.push_address) as client:
            client.observe(batch("orders", orders(rng, 900)))
            seen(900)
            assert server.query('driftgauge_model_drift_ratio{kind="worst_feature"}'), "there is a ratio already"
            assert measure() == "inconclusive", "fewer rows than args.rows"
            client.observe(batch("orders", orders(rng, 1_100)))
            seen(2_000)
            wait_for(lambda: measure() == "success", "a success", 10, every=0.2)
            client.observe(batch("orders", orders(rng, 3_000, shift=1.0)))
            seen(5_000)
            wait_for(lambda: measure() == "failure", "a failure", 10, every=0.2)
        assert measure(version="7") == measure(model="another") == "inconclusive"
    finally:
        server.close()
