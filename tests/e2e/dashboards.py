"""Grafana's dashboards as Grafana would ask them: variables are resolved and queries run against a real Prometheus."""

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "grafana-dashboards"
ALL = "$__all"
RATE_INTERVAL = "1m"
"""`$__rate_interval` of a data source with Grafana's default scrape interval of 15 s."""

VARIABLE = re.compile(r"\$\{(?P<braced>[a-zA-Z_]\w*)(?::(?P<format>\w+))?\}|\$(?P<plain>[a-zA-Z_]\w*)|\[\[(?P<old>\w+)\]\]")
"""Not `$1`, which is Prometheus' own."""
LABEL_VALUES = re.compile(r"^label_values\((?:(?P<metric>.+),)?\s*(?P<label>\w+)\s*\)$", re.DOTALL)
QUERY_RESULT = re.compile(r"^query_result\((?P<expression>.+)\)$", re.DOTALL)


def files():
    return sorted(FOLDER.glob("*.json"))


@dataclass
class Times:
    """What a dashboard looks at: seconds since the epoch."""

    start: float
    end: float
    points: int = 200

    @property
    def step(self):
        return max(1, math.ceil((self.end - self.start) / self.points))

    @property
    def built_in(self):
        seconds = round(self.end - self.start)
        return {
            "__rate_interval": RATE_INTERVAL,
            "__interval": f"{self.step}s",
            "__interval_ms": str(1000 * self.step),
            "__range": f"{seconds}s",
            "__range_s": str(seconds),
            "__range_ms": str(1000 * seconds),
            "__from": str(round(1000 * self.start)),
            "__to": str(round(1000 * self.end)),
        }


@dataclass
class Board:
    """One dashboard, its variables resolved to `chosen` values where these are on offer."""

    document: dict
    prometheus: object
    times: Times
    chosen: dict = field(default_factory=dict)

    def __post_init__(self):
        self.values = dict(self.times.built_in)
        self.options = {}
        for variable in self.document.get("templating", {}).get("list", []):
            self.resolve(variable)

    @classmethod
    def read(cls, path, *rest, **more):
        return cls(json.loads(Path(path).read_text()), *rest, **more)

    @property
    def name(self):
        return self.document["uid"]

    @property
    def panels(self):
        """All panels, those in rows as well."""
        for panel in self.document["panels"]:
            if panel["type"] == "row":
                yield from panel.get("panels", [])
            else:
                yield panel

    def targets(self):
        """(panel, target) of everything that is asked of Prometheus."""
        for panel in self.panels:
            for target in panel.get("targets", []):
                yield panel, target

    def annotations(self):
        listed = self.document.get("annotations", {}).get("list", [])
        return [annotation for annotation in listed if not annotation.get("builtIn")]

    # ------------------------------------------------------------------------------- variables

    def resolve(self, variable):
        name, kind = variable["name"], variable["type"]
        if kind == "query":
            offered = self.ask_variable(variable)
        elif kind in ("custom", "interval"):
            offered = [text.split(" : ")[-1].strip() for text in variable["query"].split(",")]
        else:  # a data source, a constant, a text
            self.values[name] = str(variable.get("query", ""))
            return
        self.options[name] = offered
        self.values[name] = self.formatted(variable, self.selected(variable, offered))

    def selected(self, variable, offered):
        """What is chosen, else what the dashboard opens with, else the first."""
        opens_with = (variable.get("current") or {}).get("value")
        for wanted in (self.chosen.get(variable["name"]), opens_with):
            wanted = wanted if isinstance(wanted, list) or wanted is None else [wanted]
            if not wanted:
                continue
            if ALL in wanted and variable.get("includeAll"):
                return ALL
            if all(value in offered for value in wanted):
                return wanted
        if variable.get("includeAll"):
            return ALL
        return offered[:1]

    def formatted(self, variable, selected):
        """As the Prometheus data source writes it into a query."""
        several = variable.get("multi") or variable.get("includeAll")
        if selected == ALL:
            if variable.get("allValue"):
                return variable["allValue"]
            selected = self.options[variable["name"]]
        if not several:
            return selected[0] if selected else ""
        escaped = [re.sub(r"([\\^$*+?.()|{}\[\]/])", r"\\\\\1", value) for value in selected]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    def ask_variable(self, variable):
        """The values that a variable offers."""
        query = variable["query"]
        text = self.substituted(query["query"] if isinstance(query, dict) else query).strip()
        pattern = variable.get("regex") or ""
        if found := LABEL_VALUES.match(text):
            values = self.label_values(found["metric"], found["label"])
        elif found := QUERY_RESULT.match(text):
            samples = self.prometheus.query(found["expression"])
            values = [f"{written(labels)} {value:g}" for labels, value in samples]
        else:
            raise AssertionError(f"{self.name}: variable {variable['name']} asks {text!r}")
        if pattern:
            compiled = re.compile(re.sub(r"\(\?<(\w+)>", r"(?P<\1>", pattern.strip("/")))
            matches = filter(None, map(compiled.search, values))
            values = [match[1] if compiled.groups else match[0] for match in matches]
        return list(dict.fromkeys(values))

    def label_values(self, metric, label):
        parameters = {"start": self.times.start, "end": self.times.end}
        if metric:
            parameters["match[]"] = metric.strip()
        return self.prometheus.api(f"label/{label}/values", **parameters)

    def substituted(self, text, extra=None):
        values = {**self.values, **(extra or {})}

        def value(found):
            name = found["braced"] or found["plain"] or found["old"]
            return values.get(name, found[0])

        return VARIABLE.sub(value, text)

    # --------------------------------------------------------------------------------- queries

    def ask(self, target, extra=None):
        """What Prometheus answers to a target: {"resultType", "result"}."""
        expression = self.substituted(target["expr"], extra)
        left = [found[0] for found in VARIABLE.finditer(expression)]
        assert not left, f"{self.name}: nothing stands for {left} in {expression}"
        if target.get("instant"):
            return self.prometheus.api("query", query=expression, time=self.times.end)
        return self.ask_range(expression)

    def ask_range(self, expression):
        start = self.times.start - self.times.start % self.times.step
        return self.prometheus.api(
            "query_range", query=expression, start=start, end=self.times.end, step=self.times.step
        )

    def ask_annotation(self, annotation):
        """The series of an annotation; their samples are its events."""
        query = annotation.get("target", {}).get("expr") or annotation["expr"]
        return self.ask_range(self.substituted(query))["result"]


def written(labels):
    pairs = ",".join(f'{key}="{value}"' for key, value in labels.items() if key != "__name__")
    return f"{labels.get('__name__', '')}{{{pairs}}}"
