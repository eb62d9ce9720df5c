#!/usr/bin/env python3
"""Fits the formulas of deploy/sizing.md to what measure.py has recorded, and writes them and the table into the page.

    .cache/venv/bin/python benches/sizing/report.py
"""

import json
from collections import namedtuple
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

ROOT = Path(__file__).resolve().parents[2]
MEASURED = Path(__file__).with_name("measured.json")
PAGE = ROOT / "deploy" / "sizing.md"
BEGIN, END = "<!-- measured:begin, made by benches/sizing/measure.py: do not edit -->\n", "<!-- measured:end -->\n"
MIB = 1 << 20

RESIDUALS = {"processor": "cpu_seconds_a_second", "memory": "resident_bytes", "scrape": "scrape_seconds"}
"""What each formula is for."""

Point = namedtuple("Point", "fields windows tick rows_a_call calls_a_second")


def series_of_fields(point):
    """Series of numeric fields at detail `standard` with `metrics.fleet` and one reference, as the README counts them."""
    w, cells = point["windows"], point["cells"]
    return point["fields"] * (11 + 11 * w + 2 * cells + 2 + w)


def sums_of_fields(point):
    """Bytes of the sums and windows of all fields, as the README counts them."""
    return point["fields"] * (13 * point["windows"] + 2) * (8 * point["cells"] + 120)


def fitted(columns, wanted):
    """Coefficients, none negative, with the least relative deviation; and what they give."""
    matrix, wanted = np.array(columns, dtype=float).T, np.array(wanted, dtype=float)
    coefficients, _ = nnls(matrix / wanted[:, None], np.ones(len(wanted)))
    return coefficients, matrix @ coefficients


def fit(points):
    """The formulas: coefficients, and for each point what they give."""
    column = lambda of: [of(point) for point in points]
    one = column(lambda point: 1)
    processor = fitted(
        [
            one,
            column(lambda point: point["fields"] * point["windows"] / point["tick"]),
            column(lambda point: point["rows_a_second"] / point["rows_a_call"]),
            column(lambda point: point["rows_a_second"] * point["fields"]),
        ],
        column(lambda point: point["cpu_seconds_a_second"]),
    )
    memory = fitted(
        [one, column(sums_of_fields), column(lambda point: point["scrape_bytes"])],
        column(lambda point: point["resident_bytes"]),
    )
    scrape = fitted([one, column(lambda point: point["series"])], column(lambda point: point["scrape_seconds"]))
    return {"processor": processor, "memory": memory, "scrape": scrape}


def off(given, wanted):
    return f"{100 * (given / wanted - 1):+.0f} %"


def farthest(given, wanted):
    return max(abs(100 * (one / other - 1)) for one, other in zip(given, wanted))


def cores_of(run):
    return f"{run['cpu_seconds_a_second']:.4f} at {run['calls_a_second']:.0f} calls/s"


def render(document):
    """The measured part of the page."""
    points = document["points"]
    fits = fit(points)
    (base, evaluation, call, value), processor = fits["processor"]
    (resident, share, text), memory = fits["memory"]
    (page, series), scrape = fits["scrape"]
    least, median, most = document["yardstick_seconds"]
    bytes_a_series = np.median([point["scrape_bytes"] / point["series"] for point in points])
    zipped = np.median([point["scrape_gzip_bytes"] / point["series"] for point in points])
    few, many = document["forwarded"]
    proxied = (many["cpu_seconds_a_second"] - few["cpu_seconds_a_second"]) / (many["calls_a_second"] - few["calls_a_second"])
    rest = {point["windows"]: point["series"] - series_of_fields(point) for point in points}
    lines = [
        f"Measured on {document['date']}: {document['build']}; 2 virtual cores that others used too, load {document['load_average']:.1f}.",
        f"The yardstick, SHA-256 of 64 MiB, took {median * 1e3:.0f} ms of processor time ({least * 1e3:.0f} to {most * 1e3:.0f}): scale by yours.",
        "",
        "| what | formula |",
        "|---|---|",
        f"| processor, cores | {base:.4f} + {evaluation * 1e6:.1f} µs × fields × windows / tick + {call * 1e6:.0f} µs × calls/s + {value * 1e9:.1f} ns × values/s |",
        f"| behind the proxy | {proxied * 1e6:.0f} µs × calls/s instead, of gRPC calls of one row ({', '.join(cores_of(run) for run in (few, many))}) |",
        f"| and for scrapes | ({page * 1e3:.1f} ms + {series * 1e9:.0f} ns × series) / scrape interval |",
        f"| resident memory | {resident / MIB:.1f} MiB + {share:.2f} × fields × (13w + 2) × (8B + 120) bytes + {text:.2f} × bytes of a page; bursts on top, see below |",
        f"| series | fields × (13 + 12w + 2B), exactly, and {', '.join(f'{rest[w]} with w = {w}' for w in sorted(rest))} for the model, with latencies, and the sidecar itself |",
        f"| a page | {bytes_a_series:.0f} bytes × series as text, {zipped:.0f} bytes × series gzipped |",
        "",
        "| fields | w | tick | rows a call | calls/s | processor, cores | formula | memory, MiB | formula | series | a scrape, ms | formula | page, kB | gzipped |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for point, cores, resident_bytes, seconds in zip(points, processor, memory, scrape):
        calls = point["rows_a_second"] / point["rows_a_call"]
        lines.append(
            f"| {point['fields']} | {point['windows']} | {point['tick']:g} s | {point['rows_a_call']} | {calls:.0f} "
            f"| {point['cpu_seconds_a_second']:.4f} ({min(point['runs']):.4f} to {max(point['runs']):.4f}) | {off(cores, point['cpu_seconds_a_second'])} "
            f"| {point['resident_bytes'] / MIB:.1f} | {off(resident_bytes, point['resident_bytes'])} "
            f"| {point['series']:,} | {point['scrape_seconds'] * 1e3:.1f} | {off(seconds, point['scrape_seconds'])} "
            f"| {point['scrape_bytes'] / 1e3:,.0f} | {point['scrape_gzip_bytes'] / 1e3:,.0f} |"
        )
    worst = [farthest(fits[name][1], [point[wanted] for point in points]) for name, wanted in RESIDUALS.items()]
    lines += [
        "",
        "*formula* is how far the formula is off from what is to its left: at most "
        f"{worst[0]:.0f} % for processor time, {worst[1]:.0f} % for memory, {worst[2]:.0f} % for scrapes.",
    ]
    return "\n".join(lines) + "\n"


def write_page():
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(before + BEGIN + render(json.loads(MEASURED.read_text())) + END + after)


if __name__ == "__main__":
    write_page()
