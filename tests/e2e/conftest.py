"""Stubs of the push API before anything is imported; fixtures: sidecars that are checked and stopped after each test."""

import itertools
import os
import tempfile

import numpy as np
import pytest

import data
import push
from model_servers import MLServer, Triton
from prometheus import Prometheus, server
from sidecar import Sidecar, binary, run_ok

SEED = int(os.environ.get("DRIFTGAUGE_TEST_SEED", "20130508"))

FAST = {"tick": "100ms", "windows": ["1h"]}
"""One window that keeps all rows of a test, evaluated ten times a second."""


def pytest_report_header():
    return f"seed: {SEED} (DRIFTGAUGE_TEST_SEED)"


STUBS = pytest.StashKey[tempfile.TemporaryDirectory]()


def pytest_sessionstart():
    binary()


def pytest_configure(config):
    config.stash[STUBS] = tempfile.TemporaryDirectory()
    push.make_stubs(config.stash[STUBS].name)


def pytest_unconfigure(config):
    config.stash[STUBS].cleanup()


@pytest.fixture
def rng(request):
    """Random numbers that depend on the seed and the test, not on the order of tests."""
    seed = [SEED, *request.node.name.encode()]
    print("seed", SEED)
    return np.random.default_rng(seed)


def serving(directory):
    """A maker of sidecars and what ends them."""
    made = []
    numbers = itertools.count()

    def make(settings=FAST, start=True, **options):
        sidecar = Sidecar(directory / f"sidecar-{next(numbers)}", settings, **options)
        made.append(sidecar)
        return sidecar.start() if start else sidecar

    return make, made


@pytest.fixture
def serve(tmp_path):
    """Starts sidecars; afterwards their books must balance, and SIGTERM must end them with 0."""
    make, made = serving(tmp_path)
    yield make
    failures = []
    for sidecar in made:
        try:
            sidecar.close()
        except Exception as error:  # all of them must be closed
            failures.append(error)
    if failures:
        raise failures[0]


@pytest.fixture(scope="module")
def serve_module(tmp_path_factory):
    """The same, for the tests of one module."""
    make, made = serving(tmp_path_factory.mktemp("serve"))
    yield make
    for sidecar in made:
        sidecar.close()


@pytest.fixture(scope="session")
def mlserver(tmp_path_factory):
    server = MLServer(tmp_path_factory.mktemp("mlserver"))
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def triton(tmp_path_factory):
    server = Triton(tmp_path_factory.mktemp("triton"))
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def car_loan_profile(tmp_path_factory):
    """The profile of the car-loan reference rows."""
    path = tmp_path_factory.mktemp("profile") / "car-loan.profile.json"
    roles = [f"--{role}={name}" for name, role in data.ROLES.items()]
    run_ok("profile", data.REFERENCE, "-o", path, *roles)
    return path


@pytest.fixture(scope="session")
def orders_profile(tmp_path_factory):
    """The profile of 20,000 made-up orders."""
    directory = tmp_path_factory.mktemp("profile")
    rows = data.write_csv(data.orders(np.random.default_rng(SEED), 20_000), directory / "orders.csv")
    path = directory / "orders.profile.json"
    run_ok("profile", rows, "-o", path, "--score=score")
    return path


@pytest.fixture
def orders_settings(orders_profile):
    """Settings that watch `orders` with its profile; keywords are more settings."""

    def make(**more):
        return {**FAST, "models": {"orders": {"profile": str(orders_profile)}}, **more}

    return make


@pytest.fixture(params=["2.42", "3.5"], scope="module")
def prometheus_version(request):
    if request.param != "2.42" and not server(request.param):
        pytest.skip(f"Prometheus {request.param} could not be fetched")
    return request.param
