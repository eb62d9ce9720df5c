"""Model servers as processes of their own."""

import contextlib
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from waiting import free_port, wait_for


class Server:
    """A process that answers HTTP on a free port."""

    def __init__(self, directory, command, env, ready="/docs"):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "server.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [part.format(port=self.port) for part in command],
                cwd=directory,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.ready = ready

    def __enter__(self):
        wait_for(self.is_ready, f"{self.url}{self.ready} answers", seconds=60)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"ended with {self.process.returncode}:\n{self.log.read_text()}")
        return self.call(self.ready)[0] == 200

    def call(self, path, body=None, **headers):
        """(status, parsed answer) of a GET, or of a POST with a body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data=data, headers={"content-type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                text = reply.read()
                return reply.status, json.loads(text) if text[:1] in b"{[" else text
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def calls(self, path, bodies, threads=8):
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda body: self.call(path, body), bodies))

    def stop(self):
        """As Kubernetes does."""
        self.process.terminate()
        return self.process.wait(15)

    def __exit__(self, *_):
        """First as Kubernetes does: workers of BentoML outlive a parent that is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
