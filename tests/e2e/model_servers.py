"""Real model servers, and a foreign client of them: MLServer, Triton, tritonclient."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sidecar import ROOT, fetch
from waiting import free_port, wait_for

SERVERS = Path(__file__).parent / "servers"


def python_of(name):
    """The Python of an environment that `tests/run` makes; skips what needs it where it could not."""
    python = ROOT / ".cache" / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{name} is not installed: tests/run does")
    return python


class ModelServer:
    """A server on ports of its own; `start` again after `kill` has the same ports."""

    ready = "/v2/health/ready"

    def __init__(self, directory):
        self.directory = Path(directory)
        self.http_port, self.grpc_port, self.metrics_port = free_port(), free_port(), free_port()
        self.http, self.grpc = f"127.0.0.1:{self.http_port}", f"127.0.0.1:{self.grpc_port}"
        self.log_path = self.directory / "server.log"
        self.process = None

    def start(self, wait=True):
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*map(str, self.command())],
                cwd=self.directory,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if wait:
            self.wait_until_ready()
        return self

    def wait_until_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"ended with {self.process.returncode}:\n{self.log_path.read_text()}")
            return fetch(f"http://{self.http}{self.ready}", timeout=2).status == 200

        wait_for(ready, f"{type(self).__name__} is ready", seconds=60, every=0.1)

    def kill(self):
        """As when it runs out of memory."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


class MLServer(ModelServer):
    """MLServer with the scikit-learn models `iris`, `loans`, and `flights` of the demo."""

    def __init__(self, directory):
        super().__init__(directory)
        self.python = python_of("mlserver")
        kinds = {"http": self.http_port, "grpc": self.grpc_port, "metrics": self.metrics_port}
        ports = [f"--{kind}-port={port}" for kind, port in kinds.items()]
        self.run(ROOT / "demo" / "mlserver" / "make_model.py", self.models, *ports)
        self.run(SERVERS / "make_mlserver.py", self.models)

    @property
    def models(self):
        return self.directory / "models"

    def run(self, script, *arguments):
        """Runs a script where the server is installed; returns what it printed."""
        command = [self.python, script, *map(str, arguments)]
        return subprocess.run(command, check=True, timeout=100, stdout=subprocess.PIPE, text=True).stdout

    def command(self):
        return [self.python.parent / "mlserver", "start", self.models]

    def environment(self):
        # The trees of scikit-learn wait for each other, actively, where others use the processors too.
        return {"OMP_NUM_THREADS": "1"}


class Triton(ModelServer):
    """The binary of Triton, with the models in `servers/triton`."""

    def __init__(self, directory):
        super().__init__(directory)
        self.python = python_of("triton")
        said = "import sys, sysconfig; print(sysconfig.get_path('purelib'), sys.base_prefix, '%d.%d' % sys.version_info[:2])"
        packages, self.prefix, version = subprocess.check_output([self.python, "-c", said], text=True).split()
        self.packages = Path(packages)
        stub = self.program / "python_backend_stubs" / version / "triton_python_backend_stub"
        if not stub.exists():
            pytest.skip(f"this wheel of Triton knows no Python {version}")
        shutil.copytree(self.program / "backends", self.directory / "backends")
        shutil.copy(stub, self.directory / "backends" / "python")
        # Its Python looks for modules there, and not in PYTHONPATH.
        for name in ("numpy", "numpy.libs"):
            (self.directory / "backends" / "python" / name).symlink_to(self.packages / name)
        shutil.copytree(SERVERS / "triton", self.directory / "models")

    @property
    def program(self):
        return self.packages / "pytriton" / "tritonserver"

    def command(self):
        ports = {"http": self.http_port, "grpc": self.grpc_port, "metrics": self.metrics_port}
        yield self.program / "bin" / "tritonserver"
        yield f"--model-repository={self.directory}/models"
        yield f"--backend-directory={self.directory}/backends"
        for kind, port in ports.items():
            yield from [f"--{kind}-address=127.0.0.1", f"--{kind}-port={port}"]

    def environment(self):
        # The stub of the Python backend must find the library of the Python that made the environment
        # before the one of the system.
        libraries = [f"{self.prefix}/lib", f"{self.packages}/nvidia_pytriton.libs"]
        return {"LD_LIBRARY_PATH": ":".join(libraries)}


class Caller:
    """A process with tritonclient that makes calls to one address and says what it saw."""

    def __init__(self, python, grpc, http):
        command = [str(python), str(SERVERS / "client.py"), grpc, http]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, **call):
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the client ended with {self.process.wait(5)}; its errors are above"
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
