"""The page itself: formats, content negotiation, HTTP manners, and what it costs in series."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from data import orders
from prometheus import promtool
from push import Client, Field

MODEL = "orders"
ROWS = 1_500
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@pytest.fixture(scope="module")
def sidecar(serve_module, orders_profile):
    """A sidecar with a profiled model, one that learns, and names that need escaping."""
    profiled = {"profile": str(orders_profile)}
    sidecar = serve_module(
        {
            "tick": "100ms",
            "windows": ["1m", "1h", "1d"],
            "metrics": {"detail": "full"},
            "models": {MODEL: profiled, "cheap": {**profiled, "metrics": {"detail": "lean"}}},
        }
    )
    rng = np.random.default_rng(1)
    with Client(sidecar.push_address) as client:
        for model in (MODEL, "cheap"):
            client.rows(model, orders(rng, ROWS), 500, latency_micros=[900] * 500)
        strange = Field('a "quoted" \\ name\nof two lines', rng.random(ROWS))
        client.rows("learns", [strange], ROWS)
    sidecar.wait_for_rows("learns", ROWS)
    return sidecar


def test_three_formats_carry_the_same_samples_and_types(sidecar):
    script = Path(__file__).parent / "check_exposition.py"
    result = subprocess.run(
        [sys.executable, script, f"{sidecar.url}/metrics"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_promtool_finds_nothing_to_complain_about(sidecar):
    page = sidecar.get("/metrics").body
    result = subprocess.run([promtool(), "check", "metrics"], input=page, capture_output=True, timeout=60)
    print("promtool check metrics: exit code", result.returncode)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_a_page_with_a_fault_would_be_noticed_by_promtool():
    page = b"# TYPE requests_total gauge\nrequests_total 1\n"
    result = subprocess.run([promtool(), "check", "metrics"], input=page, capture_output=True, timeout=60)
    assert result.returncode != 0


@pytest.mark.parametrize(
    "accept, content_type",
    [
        (None, TEXT),
        ("*/*", TEXT),
        ("image/png", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4;q=0.8", TEXT),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ),
    ],
)
def test_the_content_type_is_what_was_asked_for(sidecar, accept, content_type):
    answer = sidecar.get("/metrics", headers={"Accept": accept} if accept else {})
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    ends = answer.body.endswith(b"# EOF\n")
    assert ends == ("openmetrics" in content_type)


def test_pages_are_compressed_on_request_only(sidecar):
    plain = sidecar.get("/metrics")
    assert plain.headers.get("Content-Encoding") is None
    packed = sidecar.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < len(plain.body) / 5
    assert b"driftgauge_build_info" in packed.body


def test_head_has_the_headers_and_no_body(sidecar):
    for path in ("/metrics", "/", "/-/healthy", "/-/ready"):
        answer = sidecar.get(path, method="HEAD")
        assert (answer.status, answer.body) == (200, b""), path
        assert int(answer.headers["Content-Length"]) > 0


def test_other_methods_are_405_and_other_paths_404(sidecar):
    for method in ("POST", "PUT", "DELETE"):
        answer = sidecar.get("/metrics", method=method)
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD"
    assert sidecar.get("/nothing").status == 404
    assert sidecar.get("/metrics/").status == 404
    assert sidecar.get("/api/v1/profile?model=nobody").status == 404
    assert sidecar.get("/api/v1/profile").status == 400


def test_the_landing_page_links_to_the_metrics(sidecar):
    answer = sidecar.get("/")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert 'href="/metrics"' in answer.text or 'href="metrics"' in answer.text
    assert MODEL in answer.text


@pytest.mark.parametrize("detail, most", [("lean", 15), ("standard", 45)])
@pytest.mark.parametrize("fleet", [True, False])
def test_each_level_keeps_to_its_budget(serve, orders_profile, detail, most, fleet, rng):
    """Three windows and one reference, as the metric contract counts; lean has no fleet series."""
    sidecar = serve(
        {
            "tick": "100ms",
            "windows": ["1m", "1h", "1d"],
            "metrics": {"detail": detail, "fleet": fleet},
            "models": {MODEL: {"profile": str(orders_profile)}},
        }
    )
    with Client(sidecar.push_address) as client:
        client.rows(MODEL, orders(rng, ROWS), 500)
    page = sidecar.wait_for_rows(MODEL, ROWS)
    counted = page.per_feature()
    assert len(counted) == 5
    for (_, _, feature), series in counted.items():
        cells = len(page.all("driftgauge_feature_bin_total", feature=feature))
        assert (cells > 0) == (fleet and detail == "standard")
        allowed = most + (2 * cells + 5 if cells else 0)
        assert most / 2 < series <= allowed, (feature, series, allowed)
        assert page.all("driftgauge_feature_drift_ratio", feature=feature)
    assert page.value("driftgauge_series") == len(page.samples)


def test_the_hard_limit_of_series_holds(serve, rng):
    sidecar = serve({"tick": "100ms", "windows": ["1h"], "web": {"max_series": 400}, "learning": {"rows": 500}})
    fields = [Field(f"f{number:03}", rng.random(600)) for number in range(100)]
    with Client(sidecar.push_address) as client:
        client.rows("wide", fields, 100)
    sidecar.wait_for_rows("wide", 600)
    page = sidecar.wait(lambda page: page.all("driftgauge_reference_info", model="wide"), "the reference is in force")
    assert len(page.samples) <= 400
    assert page.value("driftgauge_series_limit") == 400
    dropped = {labels["reason"]: count for labels, count in page.all("driftgauge_series_dropped")}
    assert dropped["fleet"] > 0 and dropped["detail"] > 0 and dropped["feature"] > 0, dropped
    assert "web.max_series" in sidecar.log


def test_scrapes_at_the_same_time_are_all_answered(sidecar):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: sidecar.get("/metrics").status, range(64)))
    assert answers == [200] * 64
