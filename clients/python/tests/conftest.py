"""The compiled .proto, to hold our bytes against; sidecars; and a monitor that is closed whatever happens.

`sidecar` and `waiting` are those of the end-to-end tests of the program.
"""

import importlib
import itertools
import os
import sys
import tempfile
from pathlib import Path

import pytest
from grpc_tools import protoc
from sidecar import ROOT, Sidecar

CLIENT = ROOT / "clients" / "python"
FAST = {"tick": "100ms", "windows": ["1h"]}


def compiled():
    """The messages of the real .proto; not under the package `driftgauge`, which is ours."""
    if "ingest_pb2" not in sys.modules:
        with tempfile.TemporaryDirectory() as directory:
            well_known = Path(importlib.import_module("grpc_tools").__file__).parent / "_proto"
            folder = ROOT / "proto" / "driftgauge" / "ingest" / "v1"
            command = ["protoc", f"-I{folder}", f"-I{well_known}", f"--python_out={directory}", "ingest.proto"]
            assert protoc.main(command) == 0, "protoc failed"
            sys.path.insert(0, directory)
            importlib.import_module("ingest_pb2")
            sys.path.remove(directory)
    return sys.modules["ingest_pb2"]


compiled()


@pytest.fixture
def pb():
    return compiled()


@pytest.fixture
def serve(tmp_path):
    """A maker of sidecars; their books are checked when the test ends."""
    made = []
    numbers = itertools.count()

    def make(settings=FAST, start=True, **options):
        sidecar = Sidecar(tmp_path / f"sidecar-{next(numbers)}", settings, **options)
        made.append(sidecar)
        return sidecar.start() if start else sidecar

    yield make
    for sidecar in made:
        sidecar.close()


@pytest.fixture
def monitor():
    """A maker of monitors."""
    import driftgauge

    made = []

    def make(model="m", version="", **options):
        one = driftgauge.Monitor(model, version, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close(0)


@pytest.fixture
def environment():
    """For processes of their own that import the client."""
    return {**os.environ, "PYTHONPATH": str(CLIENT / "src"), "PYTHONUNBUFFERED": "1"}
