#!/usr/bin/env python3
"""Reads a metrics page in its three formats with foreign parsers and compares them.

    check_exposition.py http://host:port/metrics

Needs the packages prometheus_client and protobuf. Exits 0 when text 0.0.4, OpenMetrics and
protobuf carry the same samples with the same types and help texts, without duplicates,
timestamps or `_created`, and exemplars at most on buckets of OpenMetrics, each in its bucket; else
prints a sentence for each complaint and exits 1.

Values may move between two requests: a value is compared where the first and the last page,
both text, agree on it.
"""

import gzip
import math
import re
import sys
import urllib.request

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_om
from prometheus_client.parser import text_string_to_metric_families as parse_text

TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PROTOBUF = (
    "application/vnd.google.protobuf; "
    "proto=io.prometheus.client.MetricFamily; encoding=delimited"
)
ATTEMPTS = 3


class Page:
    """Samples by name and labels, and families by the name that their samples start with."""

    def __init__(self, label):
        self.label = label
        self.samples = {}
        self.families = {}
        self.complaints = []
        self.may_have_exemplars = False
        self.lower_bound = {}

    def complain(self, sentence):
        self.complaints.append(f"{self.label}: {sentence}")

    def family(self, name, kind, help_text):
        if name in self.families:
            self.complain(f"the family {name} comes twice.")
        if not help_text:
            self.complain(f"the family {name} has no HELP.")
        if kind not in ("counter", "gauge", "histogram"):
            self.complain(f"the family {name} has the type {kind!r}.")
        if (kind == "counter") != name.endswith("_total"):
            self.complain(f"the {kind} {name} is misnamed: counters, and only they, end in _total.")
        self.families[name] = (kind, help_text)

    def sample(self, family, name, labels, value, timestamp=None, exemplar=None):
        kind = self.families[family][0]
        suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        if name not in [family + suffix for suffix in suffixes]:
            self.complain(f"the sample {name} does not belong to the {kind} {family}.")
        if name.endswith("_created"):
            self.complain(f"the sample {name} must not be there.")
        if timestamp:
            self.complain(f"the sample {name}{labels} has a timestamp.")
        if exemplar:
            self.exemplar(name, labels, exemplar)
        if not math.isfinite(value):
            self.complain(f"the sample {name}{labels} is {value}.")
        if family.endswith("_info") and value != 1:
            self.complain(f"the info {name}{labels} is {value}, not 1.")
        labels = dict(labels)
        if "le" in labels:
            labels["le"] = repr(float(labels["le"]))
        key = (name, tuple(sorted(labels.items())))
        if key in self.samples:
            self.complain(f"the sample {key} is a duplicate.")
        self.samples[key] = value
        if "le" in labels:
            self.lower_bound[self.series(name, labels)] = float(labels["le"])

    @staticmethod
    def series(name, labels):
        return name, tuple(sorted((key, value) for key, value in labels.items() if key != "le"))

    def exemplar(self, name, labels, exemplar):
        if not self.may_have_exemplars or not name.endswith("_bucket"):
            self.complain(f"the sample {name}{labels} has an exemplar.")
            return
        if list(exemplar.labels) != ["trace_id"] or not re.fullmatch("[0-9a-f]{32}", exemplar.labels["trace_id"]):
            self.complain(f"the exemplar of {name}{labels} is no trace id: {exemplar.labels}.")
        if not exemplar.timestamp:
            self.complain(f"the exemplar of {name}{labels} has no timestamp.")
        below = self.lower_bound.get(self.series(name, labels), -math.inf)
        if not below < exemplar.value <= float(labels["le"]):
            self.complain(f"the exemplar of {name}{labels} is {exemplar.value}, which is of another bucket.")


def fetch(url, accept):
    """Content type and body; half of the requests ask for gzip."""
    headers = {"Accept": accept}
    if accept != PROTOBUF:
        headers["Accept-Encoding"] = "gzip"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        body = response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return response.headers.get("Content-Type", ""), body


def check_content_type(page, found, wanted):
    def parts(content_type):
        return {part.strip().lower() for part in content_type.split(";")}

    if not parts(wanted) <= parts(found):
        page.complain(f"the Content-Type is {found!r}, not {wanted!r}.")


def check_metadata_lines(page, body, name_of):
    """Foreign parsers forgive missing and repeated metadata: look at the lines themselves."""
    seen = {"HELP": [], "TYPE": []}
    for word, name in re.findall(r"^# (HELP|TYPE) (\S+)", body, re.MULTILINE):
        seen[word].append(name_of.get(name, name))
    for word, names in seen.items():
        for name in page.families:
            if names.count(name) != 1:
                page.complain(f"there are {names.count(name)} lines # {word} of {name}.")


def read_text(url):
    page = Page("text 0.0.4")
    content_type, body = fetch(url, TEXT)
    check_content_type(page, content_type, TEXT)
    text = body.decode("utf-8")
    for family in parse_text(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        page.family(name, family.type, family.documentation)
        for sample in family.samples:
            page.sample(name, *sample[:5])
    check_metadata_lines(page, text, {})
    if "# UNIT" in text or "# EOF" in text:
        page.complain("there is a # UNIT or # EOF, which only OpenMetrics has.")
    return page


def read_openmetrics(url):
    page = Page("OpenMetrics")
    page.may_have_exemplars = True
    content_type, body = fetch(url, OPENMETRICS)
    check_content_type(page, content_type, OPENMETRICS)
    text = body.decode("utf-8")
    name_of = {}
    for family in parse_om(text):
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        name = name_of[family.name] = family.name + suffix
        kind = "gauge" if family.type == "info" else family.type
        page.family(name, kind, family.documentation)
        for sample in family.samples:
            page.sample(name, *sample[:5])
    check_metadata_lines(page, text, name_of)
    return page


def metric_family_class():
    """io.prometheus.client.MetricFamily, as far as a scrape needs it."""
    field = descriptor_pb2.FieldDescriptorProto
    kinds = {
        "string": field.TYPE_STRING,
        "double": field.TYPE_DOUBLE,
        "uint64": field.TYPE_UINT64,
        "int64": field.TYPE_INT64,
        "int32": field.TYPE_INT32,
    }
    messages = {
        "LabelPair": [("name", 1, "string"), ("value", 2, "string")],
        "Gauge": [("value", 1, "double")],
        "Counter": [("value", 1, "double"), ("exemplar", 2, "Exemplar")],
        "Exemplar": [("label", 1, "*LabelPair"), ("value", 2, "double")],
        "Bucket": [
            ("cumulative_count", 1, "uint64"),
            ("upper_bound", 2, "double"),
            ("exemplar", 3, "Exemplar"),
        ],
        "Histogram": [
            ("sample_count", 1, "uint64"),
            ("sample_sum", 2, "double"),
            ("bucket", 3, "*Bucket"),
        ],
        "Metric": [
            ("label", 1, "*LabelPair"),
            ("gauge", 2, "Gauge"),
            ("counter", 3, "Counter"),
            ("histogram", 7, "Histogram"),
            ("timestamp_ms", 6, "int64"),
        ],
        "MetricFamily": [
            ("name", 1, "string"),
            ("help", 2, "string"),
            ("type", 3, "int32"),
            ("metric", 4, "*Metric"),
            ("unit", 5, "string"),
        ],
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="metrics.proto", package="io.prometheus.client", syntax="proto3"
    )
    for message_name, fields in messages.items():
        message = file.message_type.add(name=message_name)
        for name, number, kind in fields:
            repeated = kind.startswith("*")
            kind = kind.lstrip("*")
            added = message.field.add(name=name, number=number)
            added.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            if kind in kinds:
                added.type = kinds[kind]
            else:
                added.type = field.TYPE_MESSAGE
                added.type_name = f".io.prometheus.client.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("io.prometheus.client.MetricFamily")
    return message_factory.GetMessageClass(found)


def delimited(body):
    """Messages that each follow their length, a base-128 varint."""
    at = 0
    while at < len(body):
        length = shift = 0
        while True:
            byte = body[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield body[at : at + length]
        at += length


def read_protobuf(url):
    page = Page("protobuf")
    content_type, body = fetch(url, PROTOBUF)
    check_content_type(page, content_type, PROTOBUF)
    kinds = {0: "counter", 1: "gauge", 4: "histogram"}
    message = metric_family_class()
    for part in delimited(body):
        family = message.FromString(part)
        page.family(family.name, kinds.get(family.type, str(family.type)), family.help)
        if not family.metric:
            page.complain(f"the family {family.name} has no samples.")
        for metric in family.metric:
            labels = {pair.name: pair.value for pair in metric.label}
            if len(labels) != len(metric.label):
                page.complain(f"a sample of {family.name} has a label twice.")
            read_metric(page, family, metric, labels)
    return page


def read_metric(page, family, metric, labels):
    def add(name, value, **more):
        page.sample(family.name, name, {**labels, **more}, value, metric.timestamp_ms)

    if metric.HasField("counter"):
        add(family.name, metric.counter.value)
        if metric.counter.HasField("exemplar"):
            page.complain(f"the counter {family.name} has an exemplar.")
    elif metric.HasField("gauge"):
        add(family.name, metric.gauge.value)
    elif metric.HasField("histogram"):
        histogram = metric.histogram
        add(f"{family.name}_sum", histogram.sample_sum)
        add(f"{family.name}_count", float(histogram.sample_count))
        for bucket in histogram.bucket:
            if bucket.HasField("exemplar"):
                page.complain(f"a bucket of {family.name} has an exemplar.")
            add(f"{family.name}_bucket", float(bucket.cumulative_count), le=bucket.upper_bound)
    else:
        page.complain(f"a sample of {family.name} has no value of its type.")


def compare(first, other, last):
    """Differences between two pages, as sentences."""
    for name in first.families.keys() | other.families.keys():
        ours, theirs = first.families.get(name), other.families.get(name)
        if ours != theirs:
            yield f"the family {name} is {ours} in {first.label} but {theirs} in {other.label}."
    for key in first.samples.keys() ^ other.samples.keys():
        where = first if key in first.samples else other
        yield f"the sample {key} is only in {where.label}."
    for key in first.samples.keys() & other.samples.keys():
        value = first.samples[key]
        steady = last.samples.get(key) == value
        if steady and other.samples[key] != value:
            yield f"the sample {key} is {value} in {first.label}, {other.samples[key]} in {other.label}."


def check(url):
    first = read_text(url)
    others = [read_openmetrics(url), read_protobuf(url)]
    last = read_text(url)
    complaints = [c for page in [first, *others] for c in page.complaints]
    if not first.samples:
        complaints.append("the page has no samples.")
    said = first.samples.get(("driftgauge_series", ()))
    if said != len(first.samples):
        complaints.append(f"driftgauge_series is {said}, the page has {len(first.samples)} samples.")
    for other in others:
        complaints.extend(compare(first, other, last))
    return complaints, len(first.samples)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    url = sys.argv[1]
    try:
        # Features that come or go between two requests look like a difference: look again.
        for _ in range(ATTEMPTS):
            complaints, samples = check(url)
            if not complaints:
                print(f"{url}: {samples} samples, the same in three formats.")
                return 0
    except (OSError, EOFError, ValueError, KeyError, IndexError, DecodeError) as error:
        complaints = [f"{url} cannot be read: {type(error).__name__}: {error}"]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
