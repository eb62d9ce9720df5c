"""The shipped dashboards keep Grafana's conventions and ours, name only what exists, and lead only where something is.

Nothing is asked of a server here but promtool; what the queries answer is another test's matter.
"""

import datetime
import functools
import itertools
import json
import re
import subprocess
from pathlib import Path

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from prometheus import promtool
from sidecar import ROOT

FOLDER = ROOT / "grafana-dashboards"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}

UNITS = """
none short sishort percent percentunit string bool bool_yes_no bool_on_off sci
bytes decbytes bits kbytes mbytes gbytes Bps binBps
ns µs ms s m h d dtdurations dthms clocks dateTimeAsIso dateTimeAsLocal dateTimeFromNow
cps ops reqps rps wps iops eps mps recps rowsps cpm opm rpm
""".split()
"""Ids that Grafana has in getValueFormats() (a part): what it does not know, it shows as a suffix."""

NOT_MULTI = {
    "window": "figures of several windows mean nothing together",
    "reference": "figures against several references mean nothing together",
}
BEGINS_WITH_THE_FIRST = {
    ("driftgauge-model", "model"): "the board is of one model; All works in an address",
    ("driftgauge-feature", "model"): "the board is of one field",
    ("driftgauge-feature", "version"): "the board is of one field",
    ("driftgauge-feature", "feature"): "the board is of one field",
}
ALL_VALUES = {"namespace": ".*"}
"""Outside Kubernetes there is no namespace; everything else always is."""

UNKNOWN_TO_THE_TYPED_MODEL = {"titleFormat", "textFormat", "tagKeys", "useValueForTime", "step"}
"""Keys of an annotation that belong to the Prometheus data source, of which the typed model knows nothing."""

BUILT_IN = {"__rate_interval", "__url_time_range", "__data", "__field"}
FOREIGN = re.compile(r"container_|kube_|DCGM_|ALERTS|up$")
"""Series of others: cAdvisor, kube-state-metrics, the DCGM exporter, Prometheus itself."""

RATE_INTERVAL, WINDOW = datetime.timedelta(seconds=59), datetime.timedelta(seconds=58)
"""Stand in for variables where a query needs a duration."""


def with_rows(panels):
    for panel in panels:
        yield panel
        yield from with_rows(panel.get("panels", []))


def panels(board):
    """All panels, those in closed rows as well, headings left out."""
    return [panel for panel in with_rows(board["panels"]) if panel["type"] != "row"]


def fields(panel):
    """Defaults and overrides as (where, {property: value})."""
    config = panel["fieldConfig"]
    yield "defaults", config["defaults"]
    for override in config["overrides"]:
        yield override["matcher"], {entry["id"]: entry["value"] for entry in override["properties"]}


def targets(board):
    return [(panel, target) for panel in panels(board) for target in panel["targets"]]


def queries(board):
    """(where, PromQL) of panels and annotations."""
    asked = [(f"{panel['title']} {target['refId']}", target["expr"]) for panel, target in targets(board)]
    return asked + [(mark["name"], mark["expr"]) for mark in board["annotations"]["list"]]


def label_queries(board):
    """(variable, series, label) of what is asked for choices."""
    found = re.compile(r"label_values\((.+), (\w+)\)")
    chosen = [variable for variable in variables(board).values() if variable["type"] == "query"]
    return [(variable["name"], *found.fullmatch(variable["query"]).groups()) for variable in chosen]


def variables(board):
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def links(board):
    """(panel, link) of data links."""
    return [(panel, link) for panel in panels(board) for _, field in fields(panel) for link in field.get("links", [])]


def standing_in(query):
    return query.replace("[$__rate_interval]", "[59s]").replace("[$window]", "[58s]")


@functools.cache
def parsed(query):
    return promql_parser.parse(standing_in(query))


def parts(query, kind):
    """All expressions of a kind within a query."""
    found = []
    promql_parser.walk(parsed(query), lambda node: found.append(node) if isinstance(node, kind) else None)
    return found


@functools.cache
def selectors(query):
    """(name, {label: value}) of all series that a query asks for."""
    return [
        (node.name, {matcher.name: matcher.value for matcher in node.matchers.matchers})
        for node in parts(query, promql_parser.VectorSelector)
    ]


def grouped_by(query):
    aggregates = parts(query, promql_parser.AggregateExpr)
    return {label for node in aggregates if node.modifier for label in node.modifier.labels}


@pytest.fixture(params=BOARDS)
def board(request):
    return BOARDS[request.param]


# ------------------------------------------------------------------------------------------ the whole board


def test_there_are_four_boards():
    assert set(BOARDS) == {f"driftgauge-{name}" for name in ("fleet", "model", "feature", "sidecar")}


def test_the_head_of_a_board(board):
    assert BOARDS[board["uid"]] is board, "the file is called after the uid"
    assert board["title"].startswith("Driftgauge / ") and board["description"].endswith(".")
    assert board["schemaVersion"] == 39, "Grafana 10 is the oldest that is supported"
    assert board["editable"] is False and board["graphTooltip"] == 1
    assert board["refresh"] == "30s" and board["timezone"] in ("browser", "utc")
    assert board["tags"] == ["driftgauge"]


def test_boards_lead_to_each_other_by_their_tag(board):
    (link,) = [link for link in board["links"] if link["type"] == "dashboards"]
    assert link["tags"] == board["tags"] and link["includeVars"] and link["keepTime"]


def test_the_runbook_is_linked(board):
    (link,) = [link for link in board["links"] if link["type"] == "link"]
    path = link["url"].split("/blob/main/")[1]
    assert (ROOT / path).is_file()


def test_every_key_is_one_that_grafana_knows(board):
    plugins.register_default_plugins()
    typed = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    assert sorted(set(lost(board, typed))) == []


def lost(before, after, path=""):
    """What is not there any more, or differs, after a round trip."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(value, after[key], f"{path}.{key}")
            elif value not in (None, [], {}, "") and not (
                ".annotations.list" in path and key in UNKNOWN_TO_THE_TYPED_MODEL
            ):
                yield f"{path}.{key}"
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{path}: {len(before)} -> {len(after)}"
        for index, (first, second) in enumerate(zip(before, after, strict=False)):
            yield from lost(first, second, f"{path}[{index}]")
    elif before != after:
        yield f"{path}: {before!r} -> {after!r}"


# ------------------------------------------------------------------------------------------ choices


def test_there_is_one_choice_of_a_data_source(board):
    (choice,) = [variable for variable in board["templating"]["list"] if variable["type"] == "datasource"]
    assert (choice["name"], choice["label"], choice["query"]) == ("datasource", "Data source", "prometheus")
    assert board["templating"]["list"][0] is choice


def test_choices_are_many_and_all_and_fresh(board):
    for name, variable in variables(board).items():
        if variable["type"] == "datasource":
            continue
        assert variable["refresh"] == 2, name
        assert variable["label"] and variable["description"], name
        if name in NOT_MULTI:
            assert not variable["multi"] and not variable["includeAll"], name
            continue
        assert variable["multi"], name
        assert variable["allValue"] == ALL_VALUES.get(name, ".+"), name
        assert variable["includeAll"] == ((board["uid"], name) not in BEGINS_WITH_THE_FIRST), name


def test_choices_narrow_those_that_follow(board):
    offered = {"datasource"}
    for name, series, label in label_queries(board):
        assert label == name
        named = set(re.findall(r"\$(\w+)", series))
        assert named <= offered, name
        offered.add(name)


def test_queries_use_only_choices_that_there_are(board):
    for where, query in queries(board):
        used = set(re.findall(r"\$\{?([a-z_]\w*)", query))
        assert used <= set(variables(board)) | BUILT_IN, where


def test_every_choice_is_used(board):
    used = set(re.findall(r"\$\{?([a-z_]\w*)", " ".join(query for _, query in queries(board))))
    assert set(variables(board)) - {"datasource"} <= used


# ------------------------------------------------------------------------------------------ panels


def test_everything_asks_the_chosen_data_source(board):
    for panel in panels(board):
        assert panel["datasource"] == DATA_SOURCE, panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == DATA_SOURCE, panel["title"]
    for variable in board["templating"]["list"]:
        assert variable["type"] == "datasource" or variable["datasource"] == DATA_SOURCE, variable["name"]
    for mark in board["annotations"]["list"]:
        assert mark["datasource"] == DATA_SOURCE, mark["name"]


def test_every_panel_has_a_title_a_description_and_queries(board):
    for panel in panels(board):
        assert panel["title"] and panel["targets"], panel["id"]
        description = panel["description"]
        assert len(description) > 15 and description.endswith(".") and "  " not in description, panel["title"]
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names), panel["title"]


def test_every_unit_is_one_of_grafana(board):
    for panel in panels(board):
        for where, field in fields(panel):
            if where == "defaults" or "unit" in field:
                assert field["unit"] in UNITS, f"{panel['title']}: {where}"
        for axis in ("yAxis", "cellValues"):
            assert panel["options"].get(axis, {}).get("unit", "none") in UNITS, panel["title"]


def test_thresholds_begin_at_nothing_and_rise(board):
    for panel in panels(board):
        for where, field in fields(panel):
            if "thresholds" in field:
                first, *rest = [step["value"] for step in field["thresholds"]["steps"]]
                assert first is None and rest == sorted(set(rest)), f"{panel['title']}: {where}"


def test_ids_are_unique(board):
    ids = [panel["id"] for panel in with_rows(board["panels"])]
    assert len(set(ids)) == len(ids)


def test_panels_lie_side_by_side_in_24_columns(board):
    def cells(panel):
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        columns, lines = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        return {(x, y) for x, y in itertools.product(columns, lines)}

    def lie_apart(listed):
        taken = {}
        for panel in listed:
            for cell in cells(panel):
                assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
                taken[cell] = panel["title"]

    lie_apart(board["panels"])
    for row in board["panels"]:
        lie_apart(row.get("panels", []))


def test_every_line_is_full(board):
    widths = {}
    for panel in with_rows(board["panels"]):
        y = panel["gridPos"]["y"]
        if panel["type"] != "row":
            widths[y] = widths.get(y, 0) + panel["gridPos"]["w"]
    assert set(widths.values()) == {24}, widths


def test_every_panel_belongs_to_a_row(board):
    assert board["panels"][0]["type"] == "row"
    for row in board["panels"]:
        assert row["type"] != "row" or row["collapsed"] == bool(row["panels"]), row["title"]


def test_lines_that_are_called_by_a_label_have_it(board):
    for panel, target in targets(board):
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            assert label in grouped_by(target["expr"]), f"{panel['title']} {target['refId']}: {label}"


def test_overrides_are_of_series_and_columns_that_there_are(board):
    for panel in panels(board):
        renamed = [
            name
            for change in panel.get("transformations", [])
            for name in change["options"].get("renameByName", {}).values()
        ]
        labels = {label for target in panel["targets"] for label in grouped_by(target["expr"])}
        there = {target["legendFormat"] for target in panel["targets"]} | set(renamed) | labels
        for override in panel["fieldConfig"]["overrides"]:
            matcher = override["matcher"]
            if matcher["id"] == "byName":
                assert matcher["options"] in there, f"{panel['title']}: {matcher['options']}"
            else:
                pattern = re.compile(matcher["options"].strip("/"))
                quiet = {re.sub(r"{{\w+}}", "none", name) for name in there}
                assert any(pattern.search(name) for name in quiet), f"{panel['title']}: {matcher['options']}"


def test_a_limit_is_the_same_wherever_it_is_drawn():
    """Panels of a drift ratio, by what they ask for, turn red above 1 and nowhere else."""
    ratio = re.compile(r"drift_ratio:fleet|drift_ratio:versions")
    for board in BOARDS.values():
        for panel in panels(board):
            asked = " ".join(target["expr"] for target in panel["targets"])
            if panel["type"] not in ("timeseries", "state-timeline") or not ratio.search(asked):
                continue
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            assert [step["value"] for step in steps] == [None, 1], panel["title"]


# ------------------------------------------------------------------------------------------ links


def test_links_lead_to_boards_and_bring_what_these_have(board):
    for panel, link in links(board):
        url = re.fullmatch(r"/d/([\w-]+)\?(.*)", link["url"])
        assert url, f"{panel['title']}: {link['url']}"
        uid, brought = url[1], url[2].split("&")
        assert uid in BOARDS and uid != board["uid"], panel["title"]
        assert "${__url_time_range}" in brought and "${datasource:queryparam}" in brought, panel["title"]
        for part in brought:
            if kept := re.fullmatch(r"\$\{(\w+):queryparam\}", part):
                assert kept[1] in variables(board), f"{panel['title']}: {part}"
                assert kept[1] in variables(BOARDS[uid]), f"{panel['title']}: {part}"
            elif part != "${__url_time_range}":
                name, value = part.split("=")
                assert name.removeprefix("var-") in variables(BOARDS[uid]), f"{panel['title']}: {part}"
                label = re.fullmatch(r"\$\{__(?:data\.fields|field\.labels)\.(\w+)\}", value)[1]
                for target in panel["targets"]:
                    assert label in grouped_by(target["expr"]), f"{panel['title']}: {label}"


def test_people_can_drill_down():
    leads = {uid: {link["url"].split("?")[0] for _, link in links(board)} for uid, board in BOARDS.items()}
    assert leads["driftgauge-fleet"] == {"/d/driftgauge-model", "/d/driftgauge-feature", "/d/driftgauge-sidecar"}
    assert leads["driftgauge-model"] == {"/d/driftgauge-feature"}


# ------------------------------------------------------------------------------------------ queries


def test_every_query_is_promql(board):
    for where, query in queries(board):
        try:
            parsed(query)
        except ValueError as error:
            pytest.fail(f"{where}: {error}")


def test_promtool_reads_every_query(tmp_path):
    rules = [
        {"record": f"r{index}", "expr": standing_in(query)}
        for index, (_, query) in enumerate(itertools.chain.from_iterable(map(queries, BOARDS.values())))
    ]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "boards", "rules": rules}]}))
    result = subprocess.run(
        [promtool(), "check", "rules", "--lint=none", path], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert f"{len(rules)} rules found" in result.stdout


def test_rates_are_over_what_grafana_chooses(board):
    """Or over the window that somebody has chosen, where the distribution in it is asked for."""
    for where, query in queries(board):
        for call in parts(query, promql_parser.Call):
            if call.func.name in ("rate", "irate", "increase"):
                duration = call.args[0].range
                allowed = {RATE_INTERVAL, WINDOW} if call.func.name == "increase" else {RATE_INTERVAL}
                assert duration in allowed, f"{where}: {call.func.name} over {duration}"


def test_rates_are_summed_over_pods(board):
    for where, query in queries(board):
        rates = [call for call in parts(query, promql_parser.Call) if call.func.name in ("rate", "irate", "increase")]
        within = [
            aggregate.expr
            for aggregate in parts(query, promql_parser.AggregateExpr)
            if isinstance(aggregate.expr, promql_parser.Call)
        ]
        assert {str(call) for call in rates} <= {str(call) for call in within}, where


def test_counters_are_asked_for_their_rate(board):
    """Except where a count since the start is meant."""
    since_the_start = {"Panics A"}
    for where, query in queries(board):
        counters = [name for name, _ in selectors(query) if name.endswith("_total")]
        inside = [node.vector_selector.name for node in parts(query, promql_parser.MatrixSelector)]
        joined = [name for name, matchers in selectors(query) if "pod" in matchers]
        outside = len(counters) - len([name for name in inside if name.endswith("_total")]) - len(joined)
        assert outside == 0 or where in since_the_start, where


def test_everybody_sees_only_what_is_chosen(board):
    for where, query in queries(board):
        for name, matchers in selectors(query):
            if FOREIGN.match(name):
                continue
            assert matchers.get("namespace") == "$namespace" and matchers.get("job") == "$job", f"{where}: {name}"
            if "model" in variables(board) and ("model:" in name or "feature" in name):
                assert matchers.get("model") == "$model", f"{where}: {name}"


def test_choices_are_of_what_is_chosen_before(board):
    for name, series, _ in label_queries(board):
        if name not in ("namespace", "job"):
            ((_, matchers),) = selectors(series)
            assert matchers.get("namespace") == "$namespace" and matchers.get("job") == "$job", name


def test_marks_are_of_alerts_reloads_and_references():
    drawn = {uid: {mark["name"] for mark in board["annotations"]["list"]} for uid, board in BOARDS.items()}
    assert all("Alerts" in names for names in drawn.values())
    assert {"Settings loaded", "New reference"} <= drawn["driftgauge-model"] & drawn["driftgauge-feature"]
    assert "Settings loaded" in drawn["driftgauge-sidecar"]


# ------------------------------------------------------------------------------------------ names


def exported():
    """Series by the table in the README, which is made from that of the program."""
    rows = re.findall(r"^\| `((?:driftgauge|process)_\w+)` \| (\w+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(rows) > 60
    for name, kind in rows:
        yield from [f"{name}_{part}" for part in ("bucket", "sum", "count")] if kind == "histogram" else [name]


def recorded():
    rules = yaml.safe_load((ROOT / "deploy/prometheus/driftgauge-rules.yml").read_text())
    return {rule["record"] for group in rules["groups"] for rule in group["rules"]}


def alerts():
    rules = yaml.safe_load((ROOT / "deploy/prometheus/driftgauge-alerts.yml").read_text())
    return {rule["alert"] for group in rules["groups"] for rule in group["rules"]}


def test_every_series_that_is_asked_for_exists(board):
    known = set(exported()) | recorded()
    asked = queries(board) + [(name, series) for name, series, _ in label_queries(board)]
    for where, query in asked:
        for name, _ in selectors(query):
            assert FOREIGN.match(name) or name in known, f"{where}: {name}"


def test_the_alerts_that_are_shown_are_all_that_there_are(board):
    shown = [
        (where, set(matchers["alertname"].split("|")))
        for where, query in queries(board)
        for name, matchers in selectors(query)
        if name == "ALERTS"
    ]
    assert shown
    for where, names in shown:
        assert names == alerts(), where


# ------------------------------------------------------------------------------------------ how Grafana gets them


def test_the_config_maps_hold_the_boards_and_are_found():
    maps = list(yaml.safe_load_all((ROOT / "deploy/kubernetes/grafana-dashboards.yaml").read_text()))
    held = {}
    for found in maps:
        assert (found["apiVersion"], found["kind"]) == ("v1", "ConfigMap")
        assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
        ((name, text),) = found["data"].items()
        held[name] = text
        applied = len(json.dumps(found))
        assert applied < 262_144, f"{name}: kubectl apply keeps a copy in an annotation"
    assert held == {path.name: path.read_text() for path in FOLDER.glob("*.json")}


def test_the_folder_of_provisioning_is_as_grafana_reads_it():
    folder = FOLDER / "provisioning"
    files = {str(path.relative_to(folder)): yaml.safe_load(path.read_text()) for path in folder.rglob("*.yml")}
    (provider,) = files["dashboards/dashboards.yml"]["providers"]
    assert provider["type"] == "file" and Path(provider["options"]["path"]).is_absolute()
    (source,) = files["datasources/datasources.yml"]["datasources"]
    assert (source["type"], source["access"]) == ("prometheus", "proxy")
    assert all(file["apiVersion"] == 1 for file in files.values())
