"""What /metrics says, read by a foreign parser."""

import math
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families


class Page:
    """The samples of one scrape in text 0.0.4; a sample that is there twice is an error."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        self.types = {}
        for family in text_string_to_metric_families(text):
            self.types[family.name] = family.type
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.samples, f"{key} is on the page twice"
                self.samples[key] = sample.value

    def all(self, name, **labels):
        """Samples of this name that have these labels: a list of (labels, value)."""
        wanted = set(labels.items())
        return [
            (dict(found), value)
            for (sample, found), value in self.samples.items()
            if sample == name and wanted <= found
        ]

    def get(self, name, **labels):
        """The one sample of this name that has these labels, or None."""
        found = self.all(name, **labels)
        assert len(found) <= 1, f"{name}{labels} is not one sample: {found}"
        return found[0][1] if found else None

    def value(self, name, **labels):
        """The one sample of this name that has these labels."""
        value = self.get(name, **labels)
        assert value is not None, f"{name}{labels} is not on the page; of this name are: {self.all(name)[:20]}"
        return value

    def sum(self, name, **labels):
        return math.fsum(value for _, value in self.all(name, **labels))

    def label(self, name, key, **labels):
        """The value of one label of the one sample, such as the state in force."""
        found = self.all(name, **labels)
        assert len(found) == 1, f"{name}{labels} is not one sample: {found}"
        return found[0][0][key]

    def per_feature(self):
        """Number of samples of each (model, version, feature)."""
        return Counter(
            (labels["model"], labels["version"], labels["feature"])
            for _, found in self.samples
            if "feature" in (labels := dict(found))
        )

    def accounts(self):
        """received, accepted, duplicate, shed, rejected rows over all sources."""
        return {
            kind: self.sum(f"driftgauge_{kind}_rows_total")
            for kind in ("received", "accepted", "duplicate", "shed", "rejected")
        }


def waiting_calls(page, source):
    """Calls that a source has seen and that have no fate yet; at rest there is none."""
    fates = ("decoded", "undecodable", "shed", "unsampled")
    seen = page.value("driftgauge_seen_calls_total", source=source)
    return seen - sum(page.sum(f"driftgauge_{fate}_calls_total", source=source) for fate in fates)


def assert_accounted(page):
    """Every row that came in went to exactly one place, and no call that was seen to two."""
    for labels, seen in page.all("driftgauge_seen_calls_total"):
        assert 0 <= waiting_calls(page, labels["source"]) <= seen, labels
    rows = page.accounts()
    assert rows["received"] == rows["accepted"] + rows["duplicate"] + rows["shed"] + rows["rejected"], rows
    assert page.value("driftgauge_analysis_panics_total") == 0
