"""What is now becomes the reference: asked for over the port and over the admin socket, kept over restarts."""

import http.client
import json
import os
import socket
import stat

import pytest

from data import orders, write_csv
from push import Client, batch
from sidecar import driftgauge, run_ok
from waiting import wait_for

MODEL = "orders"
QUICK = {"tick": "100ms", "windows": ["3s", "1h"]}
"""A window that is full after three seconds, and one that keeps all rows of a test."""


@pytest.fixture
def settings(orders_profile):
    def make(profile=orders_profile, **more):
        return {**QUICK, "models": {MODEL: {"profile": str(profile)}}, **more}

    return make


@pytest.fixture
def admin(tmp_path):
    """Socket paths have at most 107 bytes."""
    path = tmp_path / "admin.sock"
    assert len(os.fsencode(path)) < 100
    return path


def rebaseline(*arguments):
    return driftgauge("rebaseline", "--model", MODEL, "--by", "a test", *arguments)


def rebaseline_shifted(sidecar, rng, *arguments):
    """Sends shifted rows until the short window is full and has become the reference."""
    with Client(sidecar.push_address) as client:

        def done():
            client.observe(batch(MODEL, orders(rng, 300, shift=3)))
            result = rebaseline("--window", "3s", *arguments)
            assert result.returncode == 0 or "covers" in result.stderr, result.stderr
            return result if result.returncode == 0 else None

        return wait_for(done, "the window has become the reference", seconds=30)


def ratio(page):
    return page.value("driftgauge_feature_drift_ratio", model=MODEL, feature="amount", window="1h")


def reference(page):
    labels = {"model": MODEL}
    return tuple(page.label("driftgauge_reference_info", key, **labels) for key in ("profile", "source"))


def test_over_the_port_where_it_is_allowed_and_over_a_restart(serve, settings, orders_profile, tmp_path, rng):
    allowed = settings(web={"enable_lifecycle": True}, state={"directory": str(tmp_path / "state")})
    sidecar = serve(allowed)
    url = ("--url", sidecar.url)
    for arguments, words in [
        (("--model", "nobody"), "nobody"),
        (("--model", MODEL, "--window", "7d"), "3s, 1h"),
        (("--model", MODEL, "--version", "9"), "9"),
    ]:
        refused = driftgauge("rebaseline", *arguments, *url)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert words in refused.stderr and refused.stderr.count("\n") == 1, refused.stderr

    result = rebaseline_shifted(sidecar, rng, *url)
    # It is in force when the answer comes.
    page = sidecar.page()
    new, source = reference(page)
    assert source == "rebaselined"
    old = json.loads(orders_profile.read_text())["hash"]
    assert f"profile {new} replaces {old[:8]}" in result.stdout, result.stdout
    assert "restart" not in result.stdout
    assert ratio(page) < 1
    assert {labels["profile"] for labels, _ in page.all("driftgauge_feature_bin_total")} == {new}
    assert "a test over the web port" in sidecar.log
    profile = json.loads(sidecar.get(f"/api/v1/profile?model={MODEL}").text)
    assert profile["hash"].startswith(new)
    assert profile["provenance"]["rebaseline"]["replaces"] == old

    sidecar.stop()
    # Windows go on over a restart, too, and would hold both.
    (tmp_path / "state" / "windows.snapshot").unlink()
    sidecar.start()
    assert reference(sidecar.page()) == (new, "rebaselined")
    with Client(sidecar.push_address) as client:
        client.observe(batch(MODEL, orders(rng, 1_000)))
        page = sidecar.wait_for_rows(MODEL, 1_000)
    assert ratio(page) > 1, "what was usual before is drift now"

    # Another profile in the settings wins.
    rows = write_csv(orders(rng, 5_000), tmp_path / "again.csv")
    again = tmp_path / "again.profile.json"
    run_ok("profile", rows, "-o", again, "--score=score")
    sidecar.write({**allowed, "models": {MODEL: {"profile": str(again)}}})
    sidecar.reload()
    sidecar.wait(lambda page: reference(page)[1] == "file", "the new file is in force")
    wait_for(lambda: "the profile of the settings is in force" in sidecar.log, "the log says so")

    # What cannot be read is gone without.
    sidecar.stop()
    (kept,) = (tmp_path / "state" / "rebaselined").glob("*.json")
    kept.write_text(kept.read_text()[:200])
    sidecar.write(allowed)
    sidecar.start()
    assert reference(sidecar.page()) == (old[:8], "file")
    assert kept.name in sidecar.log


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def test_over_the_admin_socket_only_its_owner_may_ask(serve, settings, admin, rng):
    sidecar = serve(settings(web={"admin_socket": str(admin)}))
    mode = admin.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    closed = rebaseline("--url", sidecar.url)
    assert closed.returncode == 1
    assert "--web.enable-lifecycle" in closed.stderr and "--web.admin-socket" in closed.stderr

    # Left behind by a process that was killed, it is replaced.
    sidecar.kill()
    assert admin.exists()
    sidecar.start()
    result = rebaseline_shifted(sidecar, rng, "--admin-socket", admin)
    assert "a restart will lose it" in result.stdout
    assert "lost at the next restart" in sidecar.log
    page = sidecar.page()
    assert reference(page)[1] == "rebaselined"
    assert ratio(page) < 1
    assert "a test over the admin socket" in sidecar.log

    connection = Unix(admin)
    for method, path, status in [
        ("GET", "/metrics", 200),
        ("POST", "/-/reload", 200),
        ("GET", "/api/v1/rebaseline", 405),
    ]:
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status, path
    connection.close()
    assert sidecar.stop() == 0
    assert not admin.exists()


def test_a_sidecar_that_is_not_there():
    for arguments, words in [
        (("--url", "http://127.0.0.1:1"), "127.0.0.1:1"),
        (("--url", "localhost:9599"), "http://HOST:PORT"),
        (("--admin-socket", "/nowhere/admin.sock"), "/nowhere/admin.sock"),
    ]:
        result = rebaseline(*arguments)
        assert (result.returncode, result.stdout) == (1, "")
        assert words in result.stderr, result.stderr
