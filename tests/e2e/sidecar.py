"""The built program: its command line, and `serve` as a running sidecar."""

import gzip
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from page import Page, assert_accounted
from waiting import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]


def binary():
    given = os.environ.get("DRIFTGAUGE_TEST_BINARY")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = (Path(given) if given else target / "debug" / "driftgauge").resolve()
    assert path.exists(), f"{path} is not built: cargo build"
    return path


def environment(extra=None):
    """The environment without settings of the machine's owner."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("DRIFTGAUGE_")}
    return {**clean, "NO_COLOR": "1", **(extra or {})}


def driftgauge(*arguments, cwd=None, env=None, timeout=60):
    """Runs a command to its end; never a panic."""
    result = subprocess.run(
        [binary(), *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert "panicked" not in result.stderr, result.stderr
    assert result.returncode >= 0, f"ended by signal {-result.returncode}: {result.stderr}"
    return result


def run_ok(*arguments, **options):
    result = driftgauge(*arguments, **options)
    assert result.returncode == 0, f"{arguments} → {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result


class Answer:
    """An HTTP answer, of whatever status."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


def fetch(url, method="GET", headers=None, timeout=10):
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            answer = Answer(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as error:
        answer = Answer(error.code, error.headers, error.read())
    if answer.headers.get("Content-Encoding") == "gzip" and answer.body:
        answer.body = gzip.decompress(answer.body)
    return answer


class Sidecar:
    """`driftgauge serve` on free ports, in a folder of its own."""

    def __init__(self, directory, settings=None, arguments=(), env=None, push=None, text=None, config_file=None):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.web_port, self.push_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.web_port}"
        self.push_address = push or f"127.0.0.1:{self.push_port}"
        self.arguments, self.env = list(arguments), env
        self.log_path = self.directory / "serve.log"
        self.process = None
        self.config = config_file
        if settings is not None:
            self.config = self.directory / "driftgauge.yaml"
            self.write(settings)
        elif text is not None:
            self.config = self.directory / "driftgauge.yaml"
            self.config.write_text(text)

    def write(self, settings):
        """Settings are written as JSON, which is YAML too."""
        self.config.write_text(json.dumps(settings, indent=2))

    def start(self, wait=True):
        command = [binary(), "serve"]
        command += ["--web.listen-address", f"127.0.0.1:{self.web_port}", "--push.listen-address", self.push_address]
        if self.config:
            command += ["--config.file", str(self.config)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *map(str, self.arguments)],
                cwd=self.directory,
                env=environment(self.env),
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
                raise RuntimeError(f"serve ended with {self.process.returncode}:\n{self.log}")
            return fetch(f"{self.url}/-/ready", timeout=2).status == 200

        wait_for(ready, f"{self.url} is ready", seconds=15, every=0.02)

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def get(self, path, **options):
        return fetch(self.url + path, **options)

    def page(self):
        answer = self.get("/metrics")
        assert answer.status == 200, answer.text
        return Page(answer.text)

    def wait(self, condition, what, seconds=20):
        """The first page on which `condition` holds."""

        def holds():
            page = self.page()
            return page if condition(page) else None

        return wait_for(holds, what, seconds)

    def wait_for_rows(self, model, rows, version="default", **options):
        """The first page whose windows have this many rows of a model, and no row waits."""

        def holds(page):
            found = [value for _, value in page.all("driftgauge_window_rows", model=model, version=version)]
            return found and max(found) == rows and page.value("driftgauge_queue_rows") == 0

        return self.wait(holds, f"{model} has {rows} rows in a window", **options)

    def wait_for_next_evaluation(self):
        """A page of an evaluation that began after now."""
        stamp = "driftgauge_last_evaluation_timestamp_seconds"
        first = self.page().value(stamp)
        second = self.wait(lambda page: page.value(stamp) > first, "the next evaluation").value(stamp)
        return self.wait(lambda page: page.value(stamp) > second, "the evaluation after it")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        self.signal(signal.SIGHUP)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def stop(self, seconds=15):
        """Checks the books, then ends the sidecar as Kubernetes does; returns the exit code."""
        assert_accounted(self.page())
        self.signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def close(self, check=True):
        """At the end of a test, however it ended."""
        try:
            if self.running() and check:
                code = self.stop()
                assert code == 0, f"SIGTERM → {code}\n{self.log}"
            if self.log_path.exists():
                assert "panicked" not in self.log, self.log
        finally:
            if self.running():
                self.kill()
