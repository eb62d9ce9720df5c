"""A real server as a process of its own: a folder, a free port, a log, and an end."""

import subprocess
from pathlib import Path

from waiting import free_port


class Server:
    """One of them; `name` is what it and its log are called."""

    name = "server"

    def __init__(self, binary, directory):
        assert binary and Path(binary).exists(), f"{self.name} ({binary}) is missing: tests/run installs it"
        self.binary = binary
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.process = None

    def run(self, *flags):
        with (self.directory / f"{self.name}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, f"--web.listen-address={self.address}", *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def assert_runs(self):
        assert self.process.poll() is None, f"{self.name} ended:\n{self.log}"

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait(10)

    @property
    def log(self):
        return (self.directory / f"{self.name}.log").read_text(errors="replace")
