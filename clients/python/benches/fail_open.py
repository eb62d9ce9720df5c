#!/usr/bin/env python3
"""A model behind FastAPI, watched and not watched, while the sidecar stands still, dies and comes back.

    python clients/python/benches/fail_open.py                         # a short look
    python clients/python/benches/fail_open.py --pairs 20 --seconds 5  # the measure

Two equal services run at once; each pair sends one of them `--rate` requests a second, then the
other, in turning order, so that a busy machine is as unkind to both. In the second half of the pairs
the sidecar is away: stopped (SIGSTOP) for a third of each, killed for a third, and back again.

Ends with 1 when a request failed or the books do not add up. Ratios are printed and not judged.
"""

import argparse
import asyncio
import json
import os
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

from sidecar import Sidecar, fetch
from waiting import free_port, wait_for

BODY = b'{"amount": 250.0, "country": "DE"}'


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
    """(latencies, errors) of paced requests over a few kept connections; a late one counts from when
    it was due."""
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
        latencies.append(time.perf_counter() - due)
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
    return sorted(latencies), errors


class Trouble(threading.Thread):
    """Stops the sidecar, lets it go on, kills it, starts it again."""

    def __init__(self, sidecar, seconds):
        super().__init__(daemon=True)
        self.sidecar, self.part = sidecar, seconds / 3
        self.start()

    def run(self):
        self.sidecar.signal(signal.SIGSTOP)
        time.sleep(self.part)
        self.sidecar.signal(signal.SIGCONT)
        self.sidecar.kill()
        time.sleep(self.part)
        self.sidecar.start()


def measure(service, args):
    latencies, errors = asyncio.run(load(service.port, args.rate, args.seconds))
    p50, p99 = (latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
    return {"p50": p50, "p99": p99, "errors": errors, "requests": len(latencies)}


def report(name, pairs):
    ratios = {q: [watched[q] / plain[q] for plain, watched in pairs] for q in ("p50", "p99")}
    spread = {q: (statistics.median(found), min(found), max(found)) for q, found in ratios.items()}
    typical = statistics.median(plain["p50"] for plain, _ in pairs) * 1e3
    line = ", ".join(f"{q} ×{mid:.3f} ({low:.2f} to {high:.2f})" for q, (mid, low, high) in spread.items())
    print(f"{name}: {len(pairs)} pairs, plain p50 {typical:.2f} ms; watched: {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2, help="of each kind: sidecar up, sidecar in trouble")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each half of a pair")
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        sidecar = Sidecar(Path(directory) / "sidecar", {"tick": "1s", "windows": ["1h"]}).start()
        services = [Service(directory, sidecar.push_address, watched) for watched in (False, True)]
        try:
            for service in services:
                wait_for(service.ready, f"{service.url} answers", seconds=60)
                asyncio.run(load(service.port, args.rate, 1))
            failed, requests, kinds = 0, 0, {"sidecar up": [], "sidecar stopped and killed": []}
            for kind, pairs in kinds.items():
                for index in range(args.pairs):
                    found = {}
                    for watched in (False, True) if index % 2 else (True, False):
                        trouble = Trouble(sidecar, args.seconds) if kind != "sidecar up" else None
                        found[watched] = measure(services[watched], args)
                        if trouble:
                            trouble.join()
                        failed += found[watched]["errors"]
                        requests += found[watched]["requests"]
                    pairs.append((found[False], found[True]))
                report(kind, pairs)
            wait_for(lambda: services[True].stats()["pending"] == 0, "every row is settled")
            stats = services[True].stats()
            print(json.dumps(stats))
            balanced = stats["sent"] == stats["accepted"] + stats["rejected"] + stats["dropped"]
            balanced = balanced and stats["observed"] == stats["sent"] + stats["sampled_out"]
            expected = requests // 2 + int(args.rate)
            print(f"{requests} requests, {failed} errors; {stats['observed']} of {expected} calls observed")
            return int(failed > 0 or not balanced or stats["observed"] != expected)
        finally:
            for service in services:
                service.process.terminate()
                service.process.wait(15)
            sidecar.close(check=False)


if __name__ == "__main__":
    sys.exit(main())
