"""Draws the dashboards from a real run: runs the showcase, asks Prometheus what Grafana would, takes pictures in Chromium.

    tests/pictures/draw [--minutes 10] [--only NAME …]    a run, then the pictures
    tests/pictures/draw --again [--only NAME …]           the pictures of the last run once more
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "pictures"
RUN = CACHE / "run"
OUTPUT = ROOT / "grafana-dashboards" / "pictures"
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import push  # noqa: E402
from dashboards import ALL, FOLDER, Board, Times  # noqa: E402
from prometheus import Prometheus  # noqa: E402

VERSION = "3.5"
WIDTH = 1_600
CELL, TOP = 38, 64
"""Height of a grid row and of what is above the grid, as board.jsx has them."""


@dataclass
class Picture:
    """A dashboard with what is chosen in it; some of its rows, or all."""

    board: str
    chosen: dict = field(default_factory=dict)
    rows: tuple = ()


FLIGHTS = {"model": ["flights"], "window": ["5m"]}
DISTANCE = {**FLIGHTS, "version": ["1"], "feature": ["distance"]}
PICTURES = {
    "fleet": Picture("driftgauge-fleet", {"window": ["5m"]}),
    "model": Picture("driftgauge-model", FLIGHTS, ("Has it drifted?", "What moved?")),
    "model-traffic": Picture("driftgauge-model", FLIGHTS, ("Is it the data?", "Is it the traffic?", "Is it one version?")),
    "model-pods": Picture("driftgauge-model", FLIGHTS, ("Is it the pods?",)),
    "feature": Picture("driftgauge-feature", DISTANCE),
    "sidecar": Picture("driftgauge-sidecar", {}, ("Can the figures be trusted?", "Do they see everything?", "Do they keep up?")),
}
PAGES = {
    "page": (0, "/?model=flights&version=1", 900),
    "page-feature": (0, "/feature?model=flights&version=1&feature=distance", 900),
}
"""Of which sidecar, the path of its own page, and the height that shows what matters."""


def run(minutes):
    """The showcase; keeps what Prometheus has stored, and pictures of the sidecar's own page."""
    from showcase import Showcase

    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
    before = 5
    with Showcase(RUN, (VERSION,), tick="5s", quick="5s") as showcase:
        print(f"{minutes + before:g} minutes, Prometheus at {showcase.servers[VERSION].url}", flush=True)
        showcase.run(60 * minutes, before=60 * before)
        end = time.time()
        for name, (number, path, height) in PAGES.items():
            chromium(showcase.sidecars[number].url + path, RUN / f"{name}.png", 1_100, height)
    (RUN / "times.json").write_text(json.dumps([end - 60 * minutes, end]))


@contextmanager
def stored():
    """A Prometheus that has what the last run stored, and the times of that run."""
    with tempfile.TemporaryDirectory() as folder:
        prometheus = Prometheus(VERSION, Path(folder) / "prometheus", [])
        (prometheus.directory / "data").symlink_to(RUN / f"prometheus-{VERSION}" / "data")
        try:
            prometheus.start().wait_for("vector(1)", bool)
            yield prometheus, Times(*json.loads((RUN / "times.json").read_text()), points=300)
        finally:
            prometheus.close()


def asked(picture, prometheus, times):
    """All that is needed to draw a dashboard."""
    board = Board.read(FOLDER / f"{picture.board}.json", prometheus, times, picture.chosen)
    answers = [
        {"panel": panel["id"], "target": target, "result": board.ask(target)["result"]}
        for panel, target in board.targets()
    ]
    listed = [variable for variable in board.document["templating"]["list"] if variable["name"] in board.options]
    return {
        "board": board.document,
        "answers": answers,
        "times": {"from": times.start, "to": times.end, "step": times.step},
        "variables": {variable.get("label") or variable["name"]: said(board, variable) for variable in listed},
        "marks": [mark for annotation in board.annotations() for mark in marks(board, annotation)],
    }


def said(board, variable):
    chosen = board.selected(variable, board.options[variable["name"]])
    return "All" if chosen == ALL else ", ".join(chosen)


def marks(board, annotation):
    """When something happened: the time that a series says, or the first of its samples after a gap."""
    color = {"red": "#F2495C", "blue": "#5794F2", "purple": "#B877D9"}.get(annotation["iconColor"], annotation["iconColor"])
    found = set()
    for series in board.ask_annotation(annotation):
        if annotation.get("useValueForTime"):
            found |= {float(value) / 1000 for _, value in series["values"]}
        else:
            at = [at for at, _ in series["values"]]
            found |= {now for before, now in zip([0, *at], at) if now - before > 1.5 * board.times.step}
    # In a run of minutes, alerts that are hours apart elsewhere would lie one on the other.
    apart, kept = (board.times.end - board.times.start) / 40, []
    for at in sorted(found):
        if board.times.start <= at <= board.times.end and (not kept or at - kept[-1] > apart):
            kept.append(at)
    return [{"at": at, "color": color} for at in kept]


def stacked(panels, rows):
    """Panels with the rows that are wanted, all of them open, one below the other."""
    sections = []
    for panel in panels:
        if panel["type"] == "row":
            sections.append([panel, *panel.get("panels", [])])
        else:
            sections[-1].append(panel)
    placed, top = [], 0
    for section in sections:
        if rows and section[0]["title"] not in rows:
            continue
        first = section[0]["gridPos"]["y"]
        for panel in section:
            grid = panel["gridPos"]
            placed.append({**panel, "gridPos": {**grid, "y": grid["y"] - first + top}})
        top = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in placed)
    return placed, top


def draw(name, prometheus, times, folder):
    """One picture of a dashboard."""
    data = asked(PICTURES[name], prometheus, times)
    panels, bottom = stacked(data["board"]["panels"], PICTURES[name].rows)
    drawn = {**data, "board": {"title": data["board"]["title"], "panels": panels}, "width": WIDTH}
    text = json.dumps(drawn).replace("</", "<\\/")
    page = folder / f"{name}.html"
    page.write_text((HERE / "page.html").read_text().replace("DRAWN;", f"{text};"))
    height = TOP + bottom * CELL
    chromium(page.as_uri(), OUTPUT / f"{name}.png", WIDTH, height)
    shown = dump(page.as_uri())
    broken = re.findall(r'class="broken">([^<]*)', shown)
    print(f"{name}: {WIDTH}×{height}, {shown.count('No data')} × No data", *broken, sep="\n    " if broken else "")


def browser(*arguments):
    flags = ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", "--virtual-time-budget=10000")
    command = [os.environ.get("CHROMIUM", "chromium"), *flags, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def chromium(url, path, width, height):
    path.parent.mkdir(exist_ok=True)
    browser(f"--window-size={width},{height}", f"--screenshot={path}", url)


def dump(url):
    return browser("--dump-dom", url)


def smaller(path):
    """256 colours are enough, and a fifth of the size."""
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--output", path, "256", path], check=False)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--only", nargs="*", default=[*PICTURES, *PAGES])
    arguments = parser.parse_args()
    OUTPUT.mkdir(exist_ok=True)
    if not arguments.again:
        with tempfile.TemporaryDirectory() as stubs:
            push.make_stubs(stubs)
            run(arguments.minutes)
    build = CACHE / "build"
    build.mkdir(exist_ok=True)
    subprocess.run(["node", HERE / "build.mjs", CACHE / "node_modules", build], check=True)
    with stored() as (prometheus, times):
        for name in arguments.only:
            if name in PICTURES:
                draw(name, prometheus, times, build)
            else:
                shutil.copy(RUN / f"{name}.png", OUTPUT)
            smaller(OUTPUT / f"{name}.png")


if __name__ == "__main__":
    main()
