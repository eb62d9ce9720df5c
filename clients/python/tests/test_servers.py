"""Real servers around the client: uvicorn, gunicorn with and without --preload; none of them a row short."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CLIENT
from servers import Server
from waiting import wait_for

BIN = Path(sys.executable).parent
EXAMPLES = CLIENT / "examples"
ORDERS = [{"amount": 100.0 + n, "country": "DE" if n % 3 else "FR"} for n in range(200)]


def over(environment, sidecar, **more):
    paths = f"{CLIENT / 'src'}:{EXAMPLES}:{CLIENT / 'tests'}"
    return {**environment, "PYTHONPATH": paths, "DRIFTGAUGE_TARGET": sidecar.push_address, **more}


def test_the_example_is_watched(serve, environment, tmp_path):
    sidecar = serve()
    command = [str(BIN / "uvicorn"), "fastapi_app:app", "--port", "{port}", "--log-level", "warning"]
    with Server(tmp_path, command, over(environment, sidecar)) as server:
        answers = server.calls("/predict", ORDERS)
        assert {status for status, _ in answers} == {200}
        assert server.call("/predict", {"amount": "much"})[0] == 422
        assert server.call("/predict", {"amount": -1.0, "country": "DE"})[0] == 500
        server.call("/monitoring")
        assert server.stop() in (0, -15)
        log = server.log.read_text()
    page = sidecar.wait_for_rows("fraud", 202, version="3")
    assert page.accounts()["accepted"] == 202, "the last ones were sent when it ended"
    page = sidecar.wait_for_next_evaluation()
    of = {"model": "fraud", "version": "3", "window": "1h"}
    roles = {labels["feature"]: labels["role"] for labels, _ in page.all("driftgauge_feature_null_ratio", **of)}
    assert roles == {"amount": "feature", "country": "feature", "prediction": "prediction", "score": "score"}
    assert "INVALID_ARGUMENT" in page.text and "INTERNAL" in page.text
    assert "model fraud:" not in log, log


def pids(server):
    """Of the workers that answer eight calls at once."""
    return {answer["pid"] for _, answer in server.calls("/", [None] * 8)}


@pytest.mark.parametrize("more", [[], ["--preload"]], ids=["prefork", "preload"])
def test_gunicorn(serve, environment, tmp_path, more):
    """With --preload the parent observes before it forks, so that its thread and connection are there."""
    sidecar = serve()
    command = [str(BIN / "gunicorn"), "wsgi_app:app", "--bind", "127.0.0.1:{port}", "--workers", "3", *more]
    env = over(environment, sidecar, OBSERVE_BEFORE_FORK="1" if more else "")
    with Server(tmp_path, command, env, ready="/") as server:
        # One that is there first would answer all, while the others still import.
        awake = set()
        wait_for(lambda: awake.update(pids(server)) or len(awake) > 1, "more than one worker answers")
        answers = server.calls("/predict", ORDERS)
        assert {status for status, _ in answers} == {200}
        workers = {answer["pid"] for _, answer in answers}
        assert server.stop() == 0
    before = 10 if more else 0
    page = sidecar.wait_for_rows("wsgi", len(ORDERS) + before)
    assert page.accounts()["accepted"] == len(ORDERS) + before
    assert len(workers) > 1, "more than one worker answered"


def test_gunicorn_when_nobody_listens(environment, tmp_path, serve):
    sidecar = serve(start=False)
    command = [str(BIN / "gunicorn"), "wsgi_app:app", "--bind", "127.0.0.1:{port}", "--workers", "2", "--preload"]
    with Server(tmp_path, command, over(environment, sidecar, OBSERVE_BEFORE_FORK="1"), ready="/") as server:
        assert {status for status, _ in server.calls("/predict", ORDERS)} == {200}
        assert server.stop() == 0


def test_a_service_fails_open(environment):
    """Short; what it prints is only worth reading from a longer run on a quiet machine."""
    done = subprocess.run(
        [sys.executable, str(CLIENT / "benches" / "fail_open.py")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
