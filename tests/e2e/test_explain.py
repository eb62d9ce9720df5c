"""The engineer on call asks what moved: the explanation as JSON, the page, and the way to it."""

import html
import math

from data import orders
from push import Client, Field
from waiting import wait_for

MODEL = "orders"


def test_drift_is_explained_where_it_is_seen(serve, orders_settings, rng):
    sidecar = serve(orders_settings())
    rows = orders(rng, 3_000, shift=1.0)
    country = ["<b>XX" if i % 10 == 0 else "DE" for i in range(3_000)]
    rows = [Field("country", country) if field.name == "country" else field for field in rows]
    with Client(sidecar.push_address) as client:
        client.rows(MODEL, rows, 500)
    sidecar.wait_for_rows(MODEL, 3_000)

    explained = sidecar.get(f"/api/v1/explain?model={MODEL}&feature=amount").json
    page = sidecar.page()
    labels = {"model": MODEL, "feature": "amount", "window": "1h", "reference": "profile"}
    assert explained["ratio"] == page.value("driftgauge_feature_drift_ratio", **labels) > 1
    assert explained["drift"] == page.value("driftgauge_feature_drift", **labels)
    parts = [cell["contribution"] for cell in explained["bins"]]
    assert math.isclose(math.fsum(parts), explained["drift"], abs_tol=1e-12)
    for cell in explained["bins"]:
        reference = page.value(
            "driftgauge_reference_bin_rows", model=MODEL, feature="amount", bin=cell["bin"], range=cell["range"]
        )
        assert cell["reference_rows"] == reference
    assert explained["summary"].startswith("amount moved up: ")
    assert explained["since"] > 0

    landing = html.unescape(sidecar.get("/").text)
    assert explained["summary"] in landing
    detail = sidecar.get(f"/feature?model={MODEL}&feature=amount").text
    assert html.escape(explained["summary"]) in detail and "<svg" in detail

    new = sidecar.get(f"/api/v1/explain?model={MODEL}&feature=country").json["new_categories"]
    assert new == [{"name": "<b>XX", "at_least": 300, "at_most": 300}]
    country = sidecar.get(f"/feature?model={MODEL}&feature=country").text
    assert "&lt;b&gt;XX" in country and "<b>XX" not in country
    assert "XX" not in sidecar.get("/metrics").text, "no label is a row's value"


def test_new_categories_can_be_kept_to_oneself(serve, orders_settings, rng):
    sidecar = serve(orders_settings(web={"new_categories": False}))
    with Client(sidecar.push_address) as client:
        client.rows(MODEL, [Field("country", ["secret"] * 1_000)], 500)
    sidecar.wait_for_rows(MODEL, 1_000)
    asked = f"?model={MODEL}&feature=country"
    wait_for(lambda: sidecar.get(f"/api/v1/explain{asked}").json["rows"] == 1_000, "the rows are explained")
    for path in ("/", f"/feature{asked}", f"/api/v1/explain{asked}", "/api/v1/status"):
        assert "secret" not in sidecar.get(path).text, path
