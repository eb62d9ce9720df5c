"""The push API on a Unix socket, as containers of one pod share it."""

import os
import signal
import socket
import stat

import pytest

from conftest import FAST
from data import orders
from push import Client, batch

# Without it grpcio sends the percent-encoded path as :authority, which servers refuse.
LOCAL = [("grpc.default_authority", "localhost")]


@pytest.fixture
def path(tmp_path):
    """Socket paths have at most 107 bytes."""
    path = tmp_path / "push.sock"
    assert len(os.fsencode(path)) < 100
    return path


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_rows_come_in_over_a_socket_that_owner_and_group_may_use(serve, path, rng):
    sidecar = serve(push=f"unix:{path}")
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert mode(path) == 0o660
    with Client(f"unix:{path}", LOCAL) as client:
        assert client.observe(batch("orders", orders(rng, 30))).accepted_rows == 30
    assert sidecar.wait_for_rows("orders", 30).accounts()["accepted"] == 30


def test_the_mode_is_a_setting(serve, path):
    serve({**FAST, "push": {"socket_mode": "0600"}}, push=f"unix:{path}")
    assert mode(path) == 0o600


def test_the_socket_goes_with_the_sidecar(serve, path):
    sidecar = serve(push=f"unix:{path}")
    assert sidecar.stop() == 0
    assert not path.exists()


def test_a_socket_left_behind_is_replaced(serve, path, rng):
    sidecar = serve(push=f"unix:{path}")
    sidecar.kill()
    assert path.exists()
    sidecar.start()
    with Client(f"unix:{path}", LOCAL) as client:
        assert client.observe(batch("orders", orders(rng, 30))).accepted_rows == 30


def test_a_socket_that_somebody_listens_on_is_left_alone(serve, path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        sidecar = serve(push=f"unix:{path}", start=False).start(wait=False)
        assert sidecar.process.wait(15) not in (0, -signal.SIGKILL)
        assert str(path) in sidecar.log
        assert path.exists()


def test_a_file_that_is_no_socket_is_left_alone(serve, path):
    path.write_text("precious")
    sidecar = serve(push=f"unix:{path}", start=False).start(wait=False)
    assert sidecar.process.wait(15) != 0
    assert str(path) in sidecar.log
    assert path.read_text() == "precious"
