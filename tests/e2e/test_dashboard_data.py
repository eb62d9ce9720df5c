"""Every query of the shipped dashboards returns data from a run in which everything happens.

What joins a pod's own resources (cAdvisor, kube-state-metrics, DCGM exporter) is asked of example pages, as these exporters document them.
"""

import re
import time
from pathlib import Path

import pytest

import dashboards
from dashboards import ALL, Board, Times
from prometheus import VERSIONS, server
from showcase import Showcase

SECONDS = 40
CHOSEN = [
    {"model": ["flights"], "version": ["1"], "feature": ["distance"]},
    {"model": ["flights"], "version": ALL, "feature": ["dest"]},
    {"model": ["loans"], "version": ALL, "feature": ["amount"], "namespace": ["models"]},
]
"""Each board is asked with these; what one of them finds is there."""

FOREIGN = re.compile(r"\b(?:container|kube|DCGM)_\w+")
OWN = re.compile(r"\b(?:driftgauge|process)_\w+|\b\w+:driftgauge_\w+:\w+")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run, after its end but with everything still up, and the times of it."""
    began = time.time()
    versions = tuple(version for version in VERSIONS if server(version))
    with Showcase(tmp_path_factory.mktemp("showcase"), versions) as showcase:
        showcase.run(SECONDS)
        for prometheus in showcase.servers.values():
            prometheus.wait_for("sum(ALERTS{alertstate='firing'})", bool)
        yield showcase, Times(began, time.time(), points=20)


@pytest.fixture(params=VERSIONS)
def shown(run, request):
    """One of the servers that saw it, and its times."""
    showcase, times = run
    if request.param not in showcase.servers:
        pytest.skip(f"Prometheus {request.param} could not be fetched")
    return showcase.servers[request.param], times


def boards(shown, path):
    prometheus, times = shown
    return [Board.read(path, prometheus, times, chosen) for chosen in CHOSEN]


@pytest.fixture(params=dashboards.files(), ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


def test_every_variable_offers_values(shown, path):
    for board in boards(shown, path):
        empty = [name for name, offered in board.options.items() if not offered]
        assert not empty, f"{board.name} with {board.chosen}"


def test_every_panel_has_data(shown, path):
    asked = boards(shown, path)
    empty = []
    for panel, target in asked[0].targets():
        if not any(board.ask(target)["result"] for board in asked):
            empty.append((panel["title"], target["refId"], asked[0].substituted(target["expr"])[:300]))
    assert not empty, "\n".join(map(str, empty))


def test_every_annotation_has_events(shown, path):
    asked = boards(shown, path)
    for annotation in asked[0].annotations():
        assert any(board.ask_annotation(annotation) for board in asked), annotation["name"]


def test_every_metric_that_is_named_was_there(shown, path):
    """So that nothing is shown only because the other half of an `or` has data."""
    prometheus, _ = shown
    board = boards(shown, path)[0]
    queries = " ".join(target["expr"] for _, target in board.targets())
    named = {name for pattern in (OWN, FOREIGN) for name in pattern.findall(queries)}
    there = set(prometheus.api("label/__name__/values"))
    assert named, "no metric is named"
    missing = sorted(named - there)
    assert not missing
