#!/usr/bin/env python3
"""Measures what a sidecar costs at several sizes, and writes deploy/sizing.md from it.

    cargo build --release && tests/run e2e -k nothing      # the second makes the Python environment
    .cache/venv/bin/python benches/sizing/measure.py --driftgauge target/release/driftgauge

Each point is a `driftgauge serve` of its own with a profile of normal values, default settings but for what the point says, and
pushes at a steady pace. Memory and series are what its own page says, and so is processor time, which is read to the nanosecond; a
busy machine makes it longer only by its caches. Takes five minutes.
"""

import argparse
import hashlib
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import numpy as np

import push
from data import write_csv
from forwarded import CALLS_A_SECOND, Forwarded
from push import Client, Field, batch
from sidecar import Sidecar, run_ok

from report import MEASURED, Point, write_page

ROWS_OF_PROFILE, WARM_ROWS, SEED = 5_000, 2_000, 7
REPEATS, SECONDS, SCRAPES = 3, 4, 10
MIB = 1 << 20

POINTS = [
    # fields, windows, tick, rows a call, calls a second
    Point(10, 3, 2, 100, 10),
    Point(50, 3, 2, 100, 10),
    Point(50, 3, 2, 100, 100),
    Point(200, 3, 2, 100, 20),
    Point(500, 3, 2, 100, 4),
    Point(50, 1, 2, 100, 100),
    Point(200, 1, 2, 100, 20),
    Point(10, 3, 2, 1, 300),
    Point(50, 3, 2, 1, 100),
    Point(50, 3, 2, 1, 300),
    Point(50, 3, 0.2, 100, 2),
    Point(200, 3, 0.2, 100, 2),
    Point(200, 1, 0.2, 100, 2),
]
WINDOWS = {1: ["1h"], 3: ["5m", "1h", "1d"]}


def yardstick():
    """Processor time of a fixed piece of work: SHA-256 of 64 MiB."""
    data = bytes(64 * MIB)
    begun = time.process_time()
    hashlib.sha256(data).digest()
    return time.process_time() - begun


def profile_of(fields, directory, rng):
    names = [f"x{number}" for number in range(fields)]
    columns = [Field(name, rng.normal(size=ROWS_OF_PROFILE)) for name in names]
    path = directory / f"{fields}.profile.json"
    run_ok("profile", write_csv(columns, directory / f"{fields}.csv"), "--model", "sized", "-o", path)
    return path


def requests_of(point, rows, rng, count):
    """Calls as the bytes that are sent: f32 in one block, as a numpy matrix goes."""
    for _ in range(count):
        fields = [Field(f"x{n}", rng.normal(size=rows).astype("float32")) for n in range(point.fields)]
        message = batch("sized", fields, latency_micros=[2_000] * rows)
        yield push.pb.ObserveRequest(batches=[message]).SerializeToString()


def paced(call, calls_a_second):
    """Makes calls at a steady pace for a while; one that is late is made at once. Returns how many."""
    begun = time.monotonic()
    calls = round(calls_a_second * SECONDS)
    for number in range(calls):
        time.sleep(max(0, begun + number / calls_a_second - time.monotonic()))
        call()
    time.sleep(max(0, begun + SECONDS - time.monotonic()))
    return calls


def runs_of(sidecar, call, calls_a_second):
    """Processor time and calls a second of several runs, least first."""
    runs = []
    for _ in range(REPEATS):
        before, begun = processor_seconds(sidecar), time.monotonic()
        calls = paced(call, calls_a_second)
        spent, took = processor_seconds(sidecar) - before, time.monotonic() - begun
        runs.append((spent / took, calls / took))
    return sorted(runs)


def processor_seconds(sidecar):
    """What `process_cpu_seconds_total` shows in hundredths, of all threads that are and were."""
    return time.clock_gettime((~sidecar.process.pid << 3) | 2)  # clock_getcpuclockid(3)


def gzipped(sidecar):
    """A page as Prometheus asks for it, as it comes over the wire."""
    request = urllib.request.Request(f"{sidecar.url}/metrics", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def cost_of_a_scrape(sidecar):
    """Seconds of processor time."""
    before = processor_seconds(sidecar)
    for _ in range(SCRAPES):
        gzipped(sidecar)
    return (processor_seconds(sidecar) - before) / SCRAPES


def measure(point, profile, directory, rng):
    settings = {
        "tick": f"{round(point.tick * 1000)}ms",
        "windows": WINDOWS[point.windows],
        "web": {"max_series": 1_000_000},
        "models": {"sized": {"profile": str(profile)}},
    }
    sidecar = Sidecar(directory / "-".join(map(str, point)), settings).start()
    try:
        with Client(sidecar.push_address) as client:
            for request in requests_of(point, 100, rng, WARM_ROWS // 100):
                client.raw(request)
            sidecar.wait_for_rows("sized", WARM_ROWS)
            sidecar.wait_for_next_evaluation()
            requests = itertools.cycle(list(requests_of(point, point.rows_a_call, rng, 8)))
            scrape = cost_of_a_scrape(sidecar)
            runs = runs_of(sidecar, lambda: client.raw(next(requests)), point.calls_a_second)
        page = sidecar.wait(lambda page: page.value("driftgauge_queue_rows") == 0, "all rows are folded in")
        shed = page.sum("driftgauge_shed_rows_total")
        assert shed == 0, f"{point}: {shed} rows were shed"
        cells = {len(page.all("driftgauge_feature_bin_total", feature=f"x{n}")) for n in range(point.fields)}
        (cells,) = cells
        cpu, calls = runs[len(runs) // 2]
        return {
            **point._asdict(),
            "cells": cells,
            "cpu_seconds_a_second": cpu,
            "rows_a_second": calls * point.rows_a_call,
            "runs": [cpu for cpu, _ in runs],
            "resident_bytes": page.value("process_resident_memory_bytes"),
            "series": int(page.value("driftgauge_series")),
            "scrape_seconds": scrape,
            "scrape_bytes": len(page.text.encode()),
            "scrape_gzip_bytes": len(gzipped(sidecar)),
        }
    finally:
        sidecar.kill()


def measure_forwarded(directory):
    with Forwarded(directory) as forwarded:
        for _ in range(200):
            forwarded.call()
        for calls_a_second in CALLS_A_SECOND:
            runs = runs_of(forwarded.sidecar, forwarded.call, calls_a_second)
            cpu, calls = runs[len(runs) // 2]
            yield {"calls_a_second": calls, "cpu_seconds_a_second": cpu, "runs": [cpu for cpu, _ in runs]}
        assert forwarded.sidecar.page().sum("driftgauge_shed_calls_total") == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driftgauge", type=Path, default=ROOT / "target" / "release" / "driftgauge", metavar="PROGRAM")
    parser.add_argument("--build", default="release build", help="what this build is, for the page")
    given = parser.parse_args()
    os.environ["DRIFTGAUGE_TEST_BINARY"] = str(given.driftgauge.resolve())
    rng = np.random.default_rng(SEED)
    measured, yardsticks = [], []
    with tempfile.TemporaryDirectory(prefix="driftgauge-sizing-") as work:
        directory = Path(work)
        push.make_stubs(directory)
        profiles = {fields: profile_of(fields, directory, rng) for fields in sorted({point.fields for point in POINTS})}
        for point in POINTS:
            yardsticks.append(yardstick())
            measured.append(measure(point, profiles[point.fields], directory, rng))
            print(json.dumps(measured[-1]), flush=True)
        forwarded = list(measure_forwarded(directory))
        print(json.dumps(forwarded))
    said = run_ok("--version").stdout.split()
    document = {
        "build": f"{given.build}, {' '.join(said)}",
        "date": time.strftime("%d %B %Y", time.gmtime()).lstrip("0"),
        "yardstick_seconds": [min(yardsticks), statistics.median(yardsticks), max(yardsticks)],
        "load_average": os.getloadavg()[0],
        "points": measured,
        "forwarded": forwarded,
    }
    MEASURED.write_text(json.dumps(document, indent=1) + "\n")
    write_page()


if __name__ == "__main__":
    main()
