"""The exemplars that an OpenMetrics page has, read by a foreign parser."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def open_metrics(sidecar):
    return sidecar.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"}).text


def newest(page):
    """{le: exemplar} of the buckets of an OpenMetrics page that have one."""
    return {
        sample.labels["le"]: sample.exemplar
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.exemplar
    }
