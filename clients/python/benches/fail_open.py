#!/usr/bin/env python3
"""A model behind FastAPI, watched and not watched, while everything goes wrong with the sidecar.

    python clients/python/benches/fail_open.py                                   # a short look
    python clients/python/benches/fail_open.py --pairs 20 --seconds 10 --rate 500  # the measure

Two equal services run at once; each pair sends one of them `--rate` requests a second, then the
other, in turning order, so that a busy machine is as unkind to both. The sidecar is up for half of the
pairs. In the other half each part of a run has a fault, in this order:

    stopped     SIGSTOP: it accepts connections and does not answer
    killed      SIGKILL, and started again
    oom         killed by the kernel for its memory, again and again (needs a writable cgroup v1)
    full disk   no room for snapshots, nor for its log (needs the right to mount a tmpfs)
    slow start  it is there, but does not listen yet

Ends with 1 when a request failed or the books do not add up. Ratios are printed, and judged only with
`--bound`: the median over the pairs of p50 and of p99, watched : plain.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CLIENT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLIENT.parents[1] / "tests" / "e2e"))

from sidecar import Sidecar, binary, fetch
from waiting import free_port, wait_for

BODY = b'{"amount": 250.0, "country": "DE"}'
FAULTS = ("stopped", "killed", "oom", "full disk", "slow start")
KINDS = ("up", "trouble")
QUANTILES = ("p50", "p99")
MEMORY = Path("/sys/fs/cgroup/memory")


class Service:
    """The example, with or without the middleware."""

    def __init__(self, directory, target, watched):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        code = "import fastapi_app; app = fastapi_app.app"
        if not watched:
            code += "; app.user_middleware.clear()"
        folder = Path(directory) / ("watched" if watched else "plain")
        folder.mkdir()
        (folder / "service.py").write_text(code)
        paths = f"{folder}:{CLIENT / 'src'}:{CLIENT / 'examples'}"
        env = {**os.environ, "PYTHONPATH": paths, "DRIFTGAUGE_TARGET": target}
        command = [sys.executable, "-m", "uvicorn", "service:app", "--port", str(self.port), "--log-level", "warning"]
        self.process = subprocess.Popen(command, env=env, cwd=folder)

    def ready(self):
        return fetch(f"{self.url}/monitoring", timeout=2).status == 200

    def stats(self):
        return fetch(f"{self.url}/monitoring").json


async def load(port, rate, seconds):
    """([(when due, latency)], errors) of paced requests over a few kept connections; a late one
    counts from when it was due."""
    free = asyncio.Queue()
    for _ in range(8):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
    request = head.encode() + BODY
    latencies, errors = [], 0

    async def one(due):
        nonlocal errors
        reader, writer = await free.get()
        try:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            size = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
            errors += b" 200 " not in answer[:20]
        except (OSError, asyncio.IncompleteReadError, IndexError):
            errors += 1
        latencies.append((due - begun, time.perf_counter() - due))
        free.put_nowait((reader, writer))

    begun = time.perf_counter()
    tasks = []
    for index in range(int(rate * seconds)):
        due = begun + index / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait()[1].close()
    return latencies, errors


class Trouble(threading.Thread):
    """Does one fault after the other to the sidecar, each for its part of the time."""

    def __init__(self, sidecar, faults, seconds):
        super().__init__(daemon=True)
        self.sidecar, self.faults, self.part = sidecar, faults, seconds / len(faults)
        self.error = None
        self.start()

    def run(self):
        begun = time.perf_counter()
        try:
            for index, fault in enumerate(self.faults, 1):
                until = begun + index * self.part
                with getattr(self, fault.replace(" ", "_"))(until):
                    time.sleep(max(until - time.perf_counter(), 0))
        except Exception as error:
            self.error = error

    def end(self):
        self.join()
        if self.error:
            raise self.error
        if not self.sidecar.running():
            self.sidecar.start(wait=False)
        self.sidecar.wait_until_ready()

    @contextlib.contextmanager
    def stopped(self, until):
        self.sidecar.signal(signal.SIGSTOP)
        yield
        self.sidecar.signal(signal.SIGCONT)

    @contextlib.contextmanager
    def killed(self, until):
        self.sidecar.kill()
        time.sleep(max(until - self.part / 2 - time.perf_counter(), 0))
        self.sidecar.start(wait=False)
        yield

    @contextlib.contextmanager
    def oom(self, until):
        """Half a MiB holds nothing: as a container whose limit is too small comes and goes."""
        self.sidecar.kill()
        group = MEMORY / f"driftgauge-{os.getpid()}"
        group.mkdir(exist_ok=True)
        (group / "memory.limit_in_bytes").write_text(str(512 << 10))
        inside = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$0" "$@"', binary(), "serve"]
        kills = 0
        while time.perf_counter() < until - 0.2:
            ended = subprocess.run(inside, capture_output=True, timeout=10)
            assert ended.returncode == -signal.SIGKILL, f"not killed for its memory: {ended}"
            kills += 1
            time.sleep(0.3)
        assert kills, "the kernel was never asked"
        yield
        group.rmdir()
        self.sidecar.start(wait=False)

    @contextlib.contextmanager
    def full_disk(self, until):
        """Started anew, with a folder for its snapshots and a log in which there is no room."""
        self.sidecar.kill()
        disk = self.sidecar.directory / "disk"
        disk.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
        try:
            with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
                while True:
                    ballast.write(bytes(4096))
            log, self.sidecar.log_path = self.sidecar.log_path, Path("/dev/full")
            self.sidecar.arguments = ["--state.directory", str(disk), "--state.snapshot-interval", "200ms"]
            self.sidecar.start(wait=False)
            self.sidecar.log_path, self.sidecar.arguments = log, []
            yield
            # Not parsed: that would hold up the requests of the half that has more series.
            page = self.sidecar.get("/metrics").text
            assert re.search(r"^driftgauge_snapshot_failures_total [1-9]", page, re.M), "the disk was not full"
            self.sidecar.kill()
        finally:
            subprocess.run(["umount", "-l", disk], check=True)

    @contextlib.contextmanager
    def slow_start(self, until):
        if self.sidecar.running():
            self.sidecar.kill()
        self.sidecar.start(wait=False)
        self.sidecar.signal(signal.SIGSTOP)
        time.sleep(max(until - self.part / 3 - time.perf_counter(), 0))
        self.sidecar.signal(signal.SIGCONT)
        yield


def during(half, place=0, part=float("inf")):
    """The latencies of what was due in one part of a half."""
    return [late for due, late in half if due // part == place]


def quantiles(latencies):
    found = sorted(latencies)
    return {"p50": found[len(found) // 2], "p99": found[len(found) * 99 // 100]}


def ratios(pairs):
    """Median, least and greatest of watched : plain, for each quantile."""
    found = {}
    for quantile in QUANTILES:
        each = [quantiles(watched)[quantile] / quantiles(plain)[quantile] for plain, watched in pairs]
        found[quantile] = (statistics.median(each), min(each), max(each))
    return found


def report(name, pairs):
    """Prints, and returns the medians."""
    found = ratios(pairs)
    typical = statistics.median(quantiles(plain)["p50"] for plain, _ in pairs) * 1e3
    tail = statistics.median(quantiles(plain)["p99"] for plain, _ in pairs) * 1e3
    line = ", ".join(f"{q} ×{mid:.3f} ({low:.2f} to {high:.2f})" for q, (mid, low, high) in found.items())
    print(f"{name:12} {len(pairs)} pairs, plain {typical:.2f} and {tail:.2f} ms; watched: {line}", flush=True)
    return [median for median, _, _ in found.values()]


def possible():
    """The faults that can be had on this machine; says which cannot."""
    without = []
    if not os.access(MEMORY / "cgroup.procs", os.W_OK):
        without.append("oom")
    if os.geteuid() != 0:
        without.append("full disk")
    for fault in without:
        print(f"WITHOUT {fault}: no right to it here", flush=True)
    return [fault for fault in FAULTS if fault not in without]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1, help="of each kind: sidecar up, sidecar in trouble")
    parser.add_argument("--seconds", type=float, default=7.5, help="of each half of a pair")
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="of pairs; default both")
    parser.add_argument("--bound", type=float, help="ends with 1 when a median ratio is above")
    args = parser.parse_args()
    faults = possible()
    with tempfile.TemporaryDirectory() as directory:
        sidecar = Sidecar(Path(directory) / "sidecar", {"tick": "1s", "windows": ["1h"]}).start()
        services = [Service(directory, sidecar.push_address, watched) for watched in (False, True)]
        try:
            for service in services:
                wait_for(service.ready, f"{service.url} answers", seconds=60)
                asyncio.run(load(service.port, args.rate, 1))
            failed, requests, medians = 0, 0, []
            for kind in args.kinds:
                pairs = []
                for index in range(args.pairs):
                    found = {}
                    for watched in (False, True) if index % 2 else (True, False):
                        trouble = Trouble(sidecar, faults, args.seconds) if kind != "up" else None
                        latencies, errors = asyncio.run(load(services[watched].port, args.rate, args.seconds))
                        if trouble:
                            trouble.end()
                        found[watched] = latencies
                        failed += errors
                        requests += len(latencies)
                    pairs.append((found[False], found[True]))
                medians += report(kind, [[during(half) for half in pair] for pair in pairs])
                part = args.seconds / len(faults)
                for place, fault in enumerate(faults) if kind != "up" else ():
                    report(f"  {fault}", [[during(half, place, part) for half in pair] for pair in pairs])
            wait_for(lambda: services[True].stats()["pending"] == 0, "every row is settled")
            stats = services[True].stats()
            print(json.dumps(stats))
            balanced = stats["sent"] == stats["accepted"] + stats["rejected"] + stats["dropped"]
            balanced = balanced and stats["observed"] == stats["sent"] + stats["sampled_out"]
            expected = requests // 2 + int(args.rate)
            print(f"{requests} requests, {failed} errors; {stats['observed']} of {expected} calls observed")
            beyond = args.bound is not None and max(medians) > args.bound
            return int(failed > 0 or not balanced or stats["observed"] != expected or beyond)
        finally:
            for service in services:
                service.process.terminate()
                service.process.wait(15)
            sidecar.close(check=False)


if __name__ == "__main__":
    sys.exit(main())
