#!/usr/bin/env python3
"""What `observe` costs the thread that calls it, against doing nothing, in the same run.

    python clients/python/benches/observe.py [--target 127.0.0.1:4599] [--rate 5000] [--calls 20000]

Paced, each call follows a sleep and some JSON, as in a service: it finds the processor's caches as cold
as such work leaves them, and the background thread competes for the interpreter. In bursts of 100 it is what
the code itself costs. Without a sidecar at
the target, rows are dropped in the background; what the caller pays is the same.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np

import driftgauge

BODY = json.dumps({f"f{n}": n * 0.37 for n in range(20)})


def measure(call, argument, calls, rate):
    """Seconds of each call, sorted."""
    times = []
    pause = 1 / rate
    due = time.perf_counter()
    for _ in range(calls):
        due += pause
        while True:
            left = due - time.perf_counter()
            if left <= 0:
                break
            time.sleep(left)
        json.dumps(json.loads(BODY))
        begun = time.perf_counter()
        call(argument)
        times.append(time.perf_counter() - begun)
    return sorted(times)


def bursts(call, argument, count, rate):
    """Seconds a call in each of so many bursts, sorted."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        for _ in range(100):
            call(argument)
        times.append((time.perf_counter() - begun) / 100)
        time.sleep(100 / rate)
    return sorted(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", default="127.0.0.1:4599")
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--calls", type=int, default=5_000, help="of each kind and round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    monitor = driftgauge.Monitor("bench", target=args.target)
    row = {f"f{n}": float(n) for n in range(17)} | {"country": "DE", "plan": "gold", "channel": "web"}
    array = np.arange(20, dtype="f4")
    # The same argument and one more: a call that does nothing with both.
    kinds = {
        "no-op": (lambda _: None, array),
        "ndarray row": (lambda one: monitor.observe(one, prediction=True, score=0.5, latency=0.001), array),
        "dict row": (lambda one: monitor.observe(one, prediction=True, score=0.5, latency=0.001), row),
    }
    times = {kind: [] for kind in kinds}
    for call, argument in kinds.values():
        measure(call, argument, 200, args.rate)
    for _ in range(args.rounds):
        for kind, (call, argument) in kinds.items():
            times[kind] += measure(call, argument, args.calls, args.rate)
    figures = {}
    for kind, (call, argument) in kinds.items():
        found = sorted(times[kind])
        figures[kind] = {f"p{q}": found[len(found) * q // 100] * 1e6 for q in (50, 90, 99)}
        found = bursts(call, argument, args.calls // 100 * args.rounds, args.rate)
        figures[kind]["bursts"] = found[len(found) // 2] * 1e6
    monitor.close(5)
    figures["rows"] = vars(monitor.stats())
    if args.json:
        print(json.dumps(figures))
        return
    print(f"20 values a row, {args.rate:.0f} calls/s, {args.calls * args.rounds} calls of each kind, microseconds")
    base = figures["no-op"]
    for kind in kinds:
        line = "  ".join(f"{q} {figures[kind][q]:7.2f}" for q in ("p50", "p90", "p99"))
        above = figures[kind]["p50"] - base["p50"]
        print(f"{kind:12} {line}  p50 above no-op {above:5.2f}  in bursts p50 {figures[kind]['bursts']:5.2f}")
    print("rows:", {name: count for name, count in figures["rows"].items() if count})


if __name__ == "__main__":
    main()
